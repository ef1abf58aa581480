/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hostcmp [-x KIND]... save FILE
 * hostcmp diff FILE [SECONDS]
 *
 * Keep the state of this host, or compare it with a kept one, waiting up to
 * SECONDS (10) for it to be the same again. Exit status: 0 same, 1 differs, 2
 * trouble. -x leaves out domains, store, processes, devices, files or memory.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hoststate.h"
#include "toolstack/base/scope.h"

static const char *const kinds[] = {
	"domains", "store", "processes", "devices", "files", "memory",
};

static int save(const char *path, unsigned int what, struct err *err)
{
	scoped(hoststate) struct hoststate state = HOSTSTATE_INIT;
	scoped(file) FILE *f = fopen(path, "ae");
	int rc;

	/* the file itself is part of the state */
	if (!f)
		return fail_sys(err, errno, "cannot write '%s'", path);
	rc = hoststate_take(&state, what, err);
	return rc < 0 ? rc : hoststate_save(&state, path, err);
}

static int diff(const char *path, int timeout_ms, unsigned int *differences,
		struct err *err)
{
	scoped(hoststate) struct hoststate before = HOSTSTATE_INIT;
	int rc = hoststate_load(&before, path, err);

	if (rc < 0)
		return rc;
	return hoststate_settle(&before, timeout_ms, stdout, differences, err);
}

static int usage(void)
{
	fprintf(stderr, "usage: hostcmp [-x KIND]... save FILE\n"
			"       hostcmp diff FILE [SECONDS]\n");
	return 2;
}

int main(int argc, char **argv)
{
	unsigned int what = HOST_ALL, differences = 0;
	struct err err = ERR_INIT;
	int opt, rc;

	while ((opt = getopt(argc, argv, "x:")) != -1) {
		size_t i = 0;

		if (opt != 'x')
			return usage();
		while (i < ARRAY_SIZE(kinds) && strcmp(kinds[i], optarg))
			i++;
		if (i == ARRAY_SIZE(kinds))
			return usage();
		what &= ~(1U << i);
	}
	argv += optind;
	argc -= optind;
	if (argc == 2 && !strcmp(argv[0], "save"))
		rc = save(argv[1], what, &err);
	else if (argc >= 2 && argc <= 3 && !strcmp(argv[0], "diff"))
		rc = diff(argv[1], argc == 3 ? atoi(argv[2]) * 1000 : 10000,
			  &differences, &err);
	else
		return usage();
	if (rc < 0) {
		fprintf(stderr, "hostcmp: %s\n", err.msg);
		return 2;
	}
	return differences ? 1 : 0;
}
