/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diskborrow.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "device.h"
#include "diskplan.h"
#include "xen/store.h"

/* The pid keeps two creates apart. */
#define HOME "/local/domain/0"
#define NODES "xlite-bootloader-"

static int run(const struct disk_borrow *b, const char *action, struct err *err)
{
	struct script_call call = {
		.script = b->script, .action = action, .backend = b->nodes, .type = "vbd",
	};

	return script_run(b->xen, &call, DEVICE_SCRIPT_MS, err);
}

/* What scripts ask for (docs/misc/block-scripts.txt, block-common.sh). */
static int write_nodes(const struct disk_borrow *b, const struct disk *disk, struct err *err)
{
	const struct { const char *name, *value; } nodes[] = {
		{ "frontend-id", "0" }, { "params", disk->target }, { "dev", disk->vdev },
		{ "type", "phy" }, { "mode", "r" }, { "online", "1" },
		{ "device-type", disk->cdrom ? "cdrom" : "disk" }, { "script", b->script },
	};

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		scoped(free) char *path = str_format("%s/%s", b->nodes, nodes[i].name);
		int rc = path ? store_write(b->xen, NULL, path, nodes[i].value, err) :
			fail_nomem(err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The kernel's name of a device ("7:0", hexadecimal, of the script): not all write its path. */
static int find_made(struct disk_borrow *b, struct err *err)
{
	scoped(free) char *node = str_format("%s/physical-device", b->nodes), *made = NULL;
	char sys[64], link[PATH_MAX];
	const char *name;
	unsigned int maj, min;
	ssize_t n;
	int rc = node ? store_read(b->xen, NULL, node, &made, err) : fail_nomem(err);

	if (rc < 0)
		return rc == -ENOENT ? fail(err, ENOENT, "script '%s' does not say what it made "
					    "(physical-device)", b->script) : rc;
	if (sscanf(made, "%x:%x", &maj, &min) != 2)
		return fail(err, EPROTO, "script '%s' made '%.20s', which is no device", b->script,
			    made);
	snprintf(sys, sizeof(sys), "/sys/dev/block/%u:%u", maj, min);
	n = readlink(sys, link, sizeof(link) - 1);
	if (n < 0)
		return fail_sys(err, errno, "script '%s' made device %u:%u", b->script, maj, min);
	link[n] = '\0';
	name = strrchr(link, '/');
	if (snprintf(b->path, sizeof(b->path), "/dev/%s", name ? name + 1 : link) >=
	    (int)sizeof(b->path))
		return fail(err, ENAMETOOLONG, "script '%s' made device '%s'", b->script, link);
	/* "cciss!c0d0" */
	for (char *p = b->path; (p = strchr(p, '!')); )
		*p = '/';
	return 0;
}

static bool made_something(const struct disk_borrow *b)
{
	scoped(free) char *node = str_format("%s/physical-device", b->nodes), *made = NULL;
	struct err unused;

	return node && store_read(b->xen, NULL, node, &made, &unused) == 0;
}

int disk_borrow(struct xen *xen, const struct disk *disk, struct disk_borrow *out,
		struct err *err)
{
	scoped(disk_borrow) struct disk_borrow b = DISK_BORROW_INIT;
	uint32_t devid;
	int rc = script_path(disk->script, b.script, sizeof(b.script), err);

	if (rc < 0)
		return rc;
	if (disk_devnum(disk->vdev, &devid) < 0)
		return fail(err, EINVAL, "unknown vdev");
	snprintf(b.nodes, sizeof(b.nodes), HOME "/" NODES "%d-%" PRIu32, getpid(), devid);
	b.xen = xen;
	/* Of a process of the same number that was killed; or ours, of a vdev that is given twice. */
	if (made_something(&b)) {
		b.xen = NULL;
		return fail(err, EEXIST, "what script '%s' made for %s before is still there "
			    "(xlite cleanup takes it away)", b.script, disk->vdev);
	}
	rc = store_rm(xen, NULL, b.nodes, err);
	if (rc == 0)
		rc = write_nodes(&b, disk, err);
	if (rc == 0)
		rc = run(&b, "add", err);
	if (rc == 0)
		rc = find_made(&b, err);
	if (rc < 0)
		return rc;
	*out = b;
	b.xen = NULL;
	return 0;
}

/* What the script did not take away stays written down, for cleanup. */
static int give_back(const struct disk_borrow *b, struct err *err)
{
	struct err failed;
	int rc = run(b, "remove", err);

	if (rc < 0 && made_something(b))
		return fail_in(err, "what it made is still there (xlite cleanup tries again)");
	if (store_rm(b->xen, NULL, b->nodes, &failed) < 0 && rc == 0) {
		*err = failed;
		rc = -failed.code;
	}
	return rc;
}

void scoped_disk_borrow(struct disk_borrow *b)
{
	struct err failed;

	if (!b->xen)
		return;
	if (give_back(b, &failed) < 0)
		log_warn("bootloader: %s", failed.msg);
	b->xen = NULL;
}

/* name: of a folder in HOME. */
static int cleanup_one(struct xen *xen, const char *name, void (*report)(const char *target),
		       struct err *err)
{
	scoped(free) char *script_node = str_format(HOME "/%s/script", name), *script = NULL;
	scoped(free) char *target_node = str_format(HOME "/%s/params", name), *target = NULL;
	struct disk_borrow b = { .xen = xen };
	int pid, rc;

	if (!str_starts(name, NODES) || sscanf(name + strlen(NODES), "%d-", &pid) != 1 ||
	    pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
		return 0;
	if (!script_node || !target_node)
		return fail_nomem(err);
	snprintf(b.nodes, sizeof(b.nodes), HOME "/%s", name);
	rc = store_read(xen, NULL, target_node, &target, err);
	if (rc == 0)
		rc = store_read(xen, NULL, script_node, &script, err);
	/* The script is the last that is written: it ran on when all was removed beside it. */
	if (rc == -ENOENT && made_something(&b))
		return fail(err, EBUSY, "'%s': a script has made a device there after it was cleaned "
			    "up: take that away by hand, then the nodes", b.nodes);
	/* Killed before it ran. */
	if (rc == -ENOENT)
		return store_rm(xen, NULL, b.nodes, err);
	if (rc < 0)
		return rc;
	snprintf(b.script, sizeof(b.script), "%s", script);
	rc = give_back(&b, err);
	if (rc == 0)
		report(target);
	return rc;
}

int disk_borrow_cleanup(struct xen *xen, void (*report)(const char *target), struct err *err)
{
	struct err first = ERR_INIT;
	unsigned int nr = 0;
	char **names;
	int rc = store_list(xen, NULL, HOME, &names, &nr, err);

	if (rc < 0)
		return rc;
	for (unsigned int i = 0; i < nr; i++) {
		if (cleanup_one(xen, names[i], report, err) < 0 && !first.code)
			first = *err;
	}
	store_list_free(names);
	if (first.code)
		*err = first;
	return -first.code;
}
