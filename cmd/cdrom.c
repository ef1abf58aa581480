/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cd-insert, cd-eject: the medium in an HVM guest's drive. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/wait.h"
#include "command.h"
#include "config/disk.h"
#include "devices.h"
#include "domain/cdrom.h"

/* Through the parser of disk specs, as xl: target= takes the file's name as it is. */
static int parse(const char *vdev, const char *file, struct disk *disk, struct err *err)
{
	scoped(free) char *spec = str_format("vdev=%s,access=r,devtype=cdrom,target=%s", vdev, file);

	if (!spec)
		return fail_nomem(err);
	if (strchr(vdev, ','))
		return fail(err, EINVAL, "'%s' is no virtual device", vdev);
	return disk_parse(spec, NULL, disk, err);
}

/* file "": none. */
static int change(struct cmd *cmd, const char *file, struct err *err)
{
	scoped(disk) struct disk disk = DISK_INIT;
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = parse(cmd->words[1], file, &disk, err);
	if (rc < 0)
		return rc;
	if (*file && access(file, F_OK) < 0)
		return cmd_fail(cmd, err, ENOENT, "Cannot stat file: %s", file);
	if (cmd->dryrun)
		return cmd_print_disk(&disk, err);
	rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = domain_change_cdrom(&cmd->xen, domid, &disk, err);
	return cmd_done(cmd, "device", domid, cmd->words[1], rc);
}

static int run_insert(struct cmd *cmd, struct err *err)
{
	return change(cmd, cmd->words[2], err);
}

static int run_eject(struct cmd *cmd, struct err *err)
{
	return change(cmd, "", err);
}

const struct command cmd_cd_insert = {
	.name = "cd-insert", .args = "<Domain> <VirtualDevice> <path>",
	.help = "Insert a cdrom into a guest's cd drive", .needs = NEED_XEN | NEED_STORE,
	.min = 3, .max = 3, .dryrun = true, .modifies = true, .run = run_insert,
};

const struct command cmd_cd_eject = {
	.name = "cd-eject", .args = "<Domain> <VirtualDevice>",
	.help = "Eject a cdrom from a guest's cd drive", .needs = NEED_XEN | NEED_STORE,
	.min = 2, .max = 2, .dryrun = true, .modifies = true, .run = run_eject,
};
