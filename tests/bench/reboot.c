/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A restart: from "exit 1", a reboot, on the tiny guest's console to the next one's "ready". */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "toolstack/base/scope.h"

#define LOG "/var/log/xen/console/guest-bench.log"

enum { RESTART_S = 60 };

/* When the guest's console has said so for the nr-th time; microseconds. */
static long wait_ready(unsigned int nr)
{
	static const char words[] = "tiny: ready";
	static char text[65536];

	for (long end = now_us() + RESTART_S * 1000000L; now_us() < end; usleep(1000)) {
		scoped(fd) int fd = open(LOG, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		unsigned int found = 0;

		for (char *at = text; n > 0 && (at = memmem(at, (size_t)(text + n - at), words,
							    strlen(words))); at++)
			found++;
		if (found == nr)
			return now_us();
	}
	die("the tiny guest does not start");
}

void reboot_once(int who, const char *tool, const char *config, struct set *set,
		 unsigned int round)
{
	char text[4096], domid[32], path[64];
	scoped(fd) int tty = -1;
	long start;

	unlink(LOG);
	RUN(text, tool, "create", "-q", config);
	wait_ready(1);
	RUN(domid, "xl", "domid", "bench");
	snprintf(path, sizeof(path), "/local/domain/%d/console/tty", atoi(domid));
	RUN(text, "xenstore-read", path);
	text[strcspn(text, "\n")] = '\0';
	tty = open(text, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	start = now_us();
	if (write(tty, "exit 1\n", 7) != 7)
		die(text);
	set->us[REBOOT][who][round] = wait_ready(2) - start;
	RUN(text, tool, "destroy", "bench");
}
