/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a live HVM guest's machine can be made to do: wake up, take another processor, be saved. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/wait.h"
#include "device.h"
#include "qemu.h"
#include "qmp.h"

int devices_wake(struct xen *xen, uint32_t domid, struct err *err)
{
	int64_t deadline = wait_deadline(DEVICE_WAIT_MS);
	scoped(qmp) struct qmp qmp = QMP_INIT;
	int rc = qemu_talk(xen, domid, deadline, &qmp, err);

	return rc < 0 ? rc : qmp_run(&qmp, "system_wakeup", NULL, deadline, NULL, err);
}

/* A row of query-hotpluggable-cpus; what is plugged in has a path. */
static bool is_plugged(const json_t *cpu)
{
	return json_object_get(cpu, "qom-path");
}

/* With -smp N,maxcpus=M each vcpu is a socket, and its number the vcpu's. */
static json_int_t number_of(const json_t *cpu)
{
	return json_integer_value(json_object_get(json_object_get(cpu, "props"), "socket-id"));
}

static int plug(struct qmp *qmp, json_t *cpu, int64_t deadline, struct err *err)
{
	json_t *type = json_object_get(cpu, "type");
	scoped(json) json_t *args = json_copy(json_object_get(cpu, "props"));
	scoped(json) json_t *id = json_sprintf("cpu-%d", (int)number_of(cpu));	/* libxl's */

	if (!json_is_string(type) || !json_is_object(json_object_get(cpu, "props")))
		return fail(err, EPROTO, "query-hotpluggable-cpus: QEMU does not say what a vcpu "
			    "is");
	if (!args || json_object_set(args, "driver", type) < 0 ||
	    json_object_set(args, "id", id) < 0)
		return fail_nomem(err);
	return qmp_run(qmp, "device_add", args, deadline, NULL, err);
}

int devices_plug_vcpus(struct xen *xen, uint32_t domid, unsigned int nr, struct err *err)
{
	int64_t deadline = wait_deadline(DEVICE_WAIT_MS);
	scoped(json) json_t *answer = NULL;
	scoped(qmp) struct qmp qmp = QMP_INIT;
	unsigned int plugged = 0;
	json_t *cpu;
	size_t i;
	int rc = qemu_talk(xen, domid, deadline, &qmp, err);

	if (rc == 0)
		rc = qmp_run(&qmp, "query-hotpluggable-cpus", NULL, deadline, &answer, err);
	if (rc < 0)
		return rc;
	if (!json_is_array(answer))
		return fail(err, EPROTO, "query-hotpluggable-cpus: QEMU does not answer with a list");
	json_array_foreach(answer, i, cpu)
		plugged += is_plugged(cpu);
	if (nr < plugged)
		return fail(err, EOPNOTSUPP, "domain %u is an HVM guest with %u vcpus plugged in: none "
			    "can be taken away while it runs", domid, plugged);
	json_array_foreach(answer, i, cpu) {
		if (rc == 0 && !is_plugged(cpu) && number_of(cpu) < (json_int_t)nr)
			rc = plug(&qmp, cpu, deadline, err);
	}
	return rc;
}

/* Written by QEMU, which may be in a place where it cannot open files, and wants the very mode. */
static int give_file(struct qmp *qmp, int state, int64_t deadline, char name[QMP_FILE_LEN],
		     struct err *err)
{
	scoped(fd) int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", state);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_sys(err, errno, "cannot write the device model's state");
	return qmp_give_fd(qmp, fd, deadline, name, err);
}

int devices_save_model(struct xen *xen, uint32_t domid, int *state, struct err *err)
{
	int64_t deadline = wait_deadline(DEVICE_WAIT_MS);
	scoped(fd) int fd = memfd_create("qemu-state", MFD_CLOEXEC);
	scoped(json) json_t *args = NULL;
	scoped(qmp) struct qmp qmp = QMP_INIT;
	char name[40];
	int rc;

	if (fd < 0)
		return fail_sys(err, errno, "cannot keep the device model's state");
	rc = qemu_talk(xen, domid, deadline, &qmp, err);
	if (rc == 0)
		rc = give_file(&qmp, fd, deadline, name, err);
	if (rc == 0)
		rc = qmp_run(&qmp, "stop", NULL, deadline, NULL, err);
	if (rc < 0)
		return rc;
	args = json_pack("{s:s, s:b}", "filename", name, "live", 0);
	rc = args ? qmp_run(&qmp, "xen-save-devices-state", args, deadline, NULL, err) :
		fail_nomem(err);
	if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
		rc = fail_sys(err, errno, "cannot read the device model's state");
	if (rc < 0)
		return rc;
	*state = fd;
	fd = -1;
	return 0;
}
