/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trigger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "devices/device.h"
#include "lookup.h"
#include "xen/domctl.h"
#include "xen/store.h"

static const char *const names[] = {
	[TRIGGER_NMI] = "nmi", [TRIGGER_RESET] = "reset", [TRIGGER_INIT] = "init",
	[TRIGGER_POWER] = "power", [TRIGGER_SLEEP] = "sleep", [TRIGGER_S3RESUME] = "s3resume",
};

int trigger_parse(const char *word, enum trigger *trigger, struct err *err)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(word, names[i]) == 0) {
			*trigger = (enum trigger)i;
			return 0;
		}
	}
	return fail(err, EINVAL, "Invalid trigger \"%s\"", word);
}

/*
 * Buttons and S3 are ACPI's fixed hardware, which Xen and QEMU emulate for HVM alone: a PVH
 * guest may have only its local APICs emulated (emulation_flags_ok() in xen/arch/x86/domain.c).
 */
static int check_acpi(struct xen *xen, uint32_t domid, enum trigger trigger, struct err *err)
{
	enum domain_type type;
	int rc = domain_get_type(xen, domid, &type, err);

	if (rc < 0 || type == DOMAIN_HVM)
		return rc;
	return fail(err, EOPNOTSUPP, "domain %u is a %s guest, without the hardware for '%s'%s",
		    domid, type == DOMAIN_PV ? "PV" : "PVH", names[trigger],
		    trigger == TRIGGER_POWER ? ": use shutdown" : "");
}

int domain_trigger(struct xen *xen, uint32_t domid, enum trigger trigger, unsigned int vcpu,
		   struct err *err)
{
	int rc = 0;

	if (trigger == TRIGGER_POWER || trigger == TRIGGER_SLEEP || trigger == TRIGGER_S3RESUME)
		rc = check_acpi(xen, domid, trigger, err);
	if (rc < 0)
		return rc;
	switch (trigger) {
	case TRIGGER_NMI:
		return domctl_trigger(xen, domid, DOMCTL_TRIGGER_NMI, vcpu, err);
	case TRIGGER_INIT:
		return domctl_trigger(xen, domid, DOMCTL_TRIGGER_INIT, vcpu, err);
	case TRIGGER_POWER:
		return domctl_trigger(xen, domid, DOMCTL_TRIGGER_POWER, 0, err);
	case TRIGGER_SLEEP:
		return domctl_trigger(xen, domid, DOMCTL_TRIGGER_SLEEP, 0, err);
	case TRIGGER_RESET:
		/* The hypercall has a number for it, but Xen does not (4.17 to 4.21). */
		return domctl_shutdown(xen, domid, DOMCTL_REBOOT, err);
	case TRIGGER_S3RESUME:
		return devices_wake(xen, domid, err);
	}
	return fail(err, EINVAL, "no such trigger");
}

int domain_sysrq(struct xen *xen, uint32_t domid, char letter, struct err *err)
{
	char path[48], text[2] = { letter };
	struct domctl_info info;
	int rc = domctl_info(xen, domid, &info, err);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "/local/domain/%u/control/sysrq", domid);
	return store_write(xen, NULL, path, text, err);
}
