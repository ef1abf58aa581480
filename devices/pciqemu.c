/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An HVM guest's PCI devices: QEMU's xen-pci-passthrough, plugged in and out by QMP. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/wait.h"
#include "pcidev.h"
#include "qemu.h"
#include "qmp.h"

/*
 * Looked at again and again: QEMU has an event for it, but not if the guest let go before we
 * listened. What the guest is given time for is not QEMU's own time to answer.
 */
enum { LOOK_MS = 100, ANSWER_MS = 10000, ID_LEN = 24 };

/* libxl's, so that it finds what we plugged in. */
static const char *device_id(const struct pci_bdf *bdf, char id[ID_LEN])
{
	snprintf(id, ID_LEN, "pci-pt-%02x_%02x.%01x", bdf->bus & 0xff, bdf->dev & 0x1f,
		 bdf->func & 7);
	return id;
}

static int connect_qemu(uint32_t domid, struct qmp *qmp, struct err *err)
{
	char path[QEMU_PATH_LEN];

	return qmp_open(qemu_socket(domid, QEMU_QMP, path), wait_deadline(ANSWER_MS), qmp, err);
}

bool pci_qemu_find(const json_t *answer, const char *id, uint32_t *vdevfn)
{
	size_t i, k;
	json_t *bus, *dev;

	json_array_foreach(answer, i, bus) {
		json_array_foreach(json_object_get(bus, "devices"), k, dev) {
			const char *name = json_string_value(json_object_get(dev, "qdev_id"));
			json_int_t slot = json_integer_value(json_object_get(dev, "slot"));
			json_int_t func = json_integer_value(json_object_get(dev, "function"));

			if (!name || strcmp(name, id) != 0)
				continue;
			*vdevfn = (uint32_t)((slot & 0x1f) << 3 | (func & 7));
			return true;
		}
	}
	return false;
}

/* 1: it is there, *vdevfn; 0: it is not. */
static int look(struct qmp *qmp, const char *id, uint32_t *vdevfn, struct err *err)
{
	scoped(json) json_t *answer = NULL;
	int rc = qmp_run(qmp, "query-pci", NULL, wait_deadline(ANSWER_MS), &answer, err);

	return rc < 0 ? rc : pci_qemu_find(answer, id, vdevfn);
}

static json_t *add_arguments(const struct pci_bdf *bdf, const char *id, uint32_t vdevfn,
			     bool permissive)
{
	char host[PCI_BDF_LEN], addr[8];
	json_t *args = json_pack("{s:s, s:s, s:s}", "driver", "xen-pci-passthrough", "id", id,
				 "hostaddr", pci_bdf_text(bdf, host));
	int r = args ? 0 : -1;

	snprintf(addr, sizeof(addr), "%x.%x", vdevfn >> 3 & 0x1f, vdevfn & 7);
	if (r == 0 && vdevfn)
		r = json_object_set_new(args, "addr", json_string(addr));
	if (r == 0 && permissive)
		r = json_object_set_new(args, "permissive", json_true());
	if (r < 0) {
		json_decref(args);
		return NULL;
	}
	return args;
}

int pci_qemu_add(uint32_t domid, const struct pci_bdf *bdf, bool permissive, uint32_t *vdevfn,
		 int64_t deadline, struct err *err)
{
	scoped(qmp) struct qmp qmp = QMP_INIT;
	scoped(json) json_t *args = NULL;
	char id[ID_LEN];
	int rc = connect_qemu(domid, &qmp, err);

	if (rc < 0)
		return rc;
	args = add_arguments(bdf, device_id(bdf, id), *vdevfn, permissive);
	if (!args)
		return fail_nomem(err);
	rc = qmp_run(&qmp, "device_add", args, deadline, NULL, err);
	if (rc == 0)
		rc = look(&qmp, id, vdevfn, err);
	if (rc == 0)
		return fail(err, EIO, "QEMU does not show what it has just taken");
	return rc < 0 ? rc : 0;
}

static int ask(struct qmp *qmp, const struct pci_bdf *bdf, struct err *err)
{
	scoped(json) json_t *args = NULL;
	uint32_t vdevfn;
	char id[ID_LEN];
	int rc = look(qmp, device_id(bdf, id), &vdevfn, err);

	/* Gone already: an earlier attempt, or with another of its functions. */
	if (rc <= 0)
		return rc;
	args = json_pack("{s:s}", "id", id);
	if (!args)
		return fail_nomem(err);
	rc = qmp_run(qmp, "device_del", args, wait_deadline(ANSWER_MS), NULL, err);
	/* QEMU before 8.1 refuses to be asked twice, and goes on waiting for the guest. */
	return rc == -EREMOTEIO && strstr(err->msg, "process of unplug") ? 0 : rc;
}

static int wait_gone(struct qmp *qmp, const struct pci_bdf *bdf, int64_t deadline,
		     struct err *err)
{
	uint32_t vdevfn;
	char id[ID_LEN];

	for (;;) {
		int rc = look(qmp, device_id(bdf, id), &vdevfn, err);

		if (rc <= 0)
			return rc;
		if (wait_now_ms() >= deadline)
			return fail(err, ETIMEDOUT, "the guest does not let go of it");
		rc = wait_poll(NULL, 0, wait_deadline(LOOK_MS));
		if (rc == -EINTR)
			return fail(err, EINTR, "interrupted");
	}
}

int pci_qemu_remove(uint32_t domid, const struct pci_slot *list, size_t nr, int64_t deadline,
		    struct err *err)
{
	scoped(qmp) struct qmp qmp = QMP_INIT;
	int rc = connect_qemu(domid, &qmp, err);

	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = ask(&qmp, &list[i].bdf, err);
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = wait_gone(&qmp, &list[i].bdf, deadline, err);
	return rc;
}
