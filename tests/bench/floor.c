/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * floor create KERNEL MIB NAME	prints the new domain's number; it stays paused
 * floor destroy DOMID
 *
 * The limit to compare with: only the library calls without which a PV guest does
 * not come to be, and the store requests that libxl's layout consists of, straight
 * on the libraries. No config, no checks, no name claim, no JSON, no undo.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uuid/uuid.h>
#include <xenctrl.h>
#include <xenguest.h>
#include <xenstore.h>

enum perm { INHERIT, READ, OWNS, FRONTEND };

static xc_interface *xc;
static struct xs_handle *xs;
static uint32_t domid;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void put(enum perm perm, const char *path, const char *fmt, ...)
{
	struct xs_permissions perms[2] = { { .perms = XS_PERM_NONE } };
	char value[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	check(xs_write(xs, XBT_NULL, path, value, (unsigned int)len), path);
	if (perm == INHERIT)
		return;
	perms[0].id = perm == READ ? 0 : domid;
	perms[1].id = perm == READ ? domid : 0;
	perms[1].perms = XS_PERM_READ;
	check(xs_set_permissions(xs, XBT_NULL, path, perms, perm == OWNS ? 1 : 2), path);
}

/* Paths below a folder. */
static const char *at(const char *dir, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put_home(const char *home, const char *uuid, const char *name, unsigned long kb)
{
	static const char *const owned[] = {
		"device/suspend/event-channel", "control/shutdown", "control/feature-poweroff",
		"control/feature-reboot", "control/feature-suspend", "control/sysrq", "data",
		"drivers", "feature", "attr", "error",
	};

	put(READ, home, "%s", "");
	put(INHERIT, at(home, "vm"), "/vm/%s", uuid);
	put(INHERIT, at(home, "name"), "%s", name);
	put(INHERIT, at(home, "cpu/0/availability"), "online");
	put(INHERIT, at(home, "memory/static-max"), "%lu", kb);
	put(INHERIT, at(home, "memory/target"), "%lu", kb);
	put(INHERIT, at(home, "memory/videoram"), "0");
	for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
		put(OWNS, at(home, owned[i]), "%s", "");
	put(INHERIT, at(home, "control/platform-feature-multiprocessor-suspend"), "1");
	put(INHERIT, at(home, "control/platform-feature-xs_reset_watches"), "1");
	put(INHERIT, at(home, "domid"), "%u", domid);
}

static void put_vm(const char *vm, const char *uuid, const char *name, const char *kernel)
{
	put(READ, vm, "%s", "");
	put(INHERIT, at(vm, "uuid"), "%s", uuid);
	put(INHERIT, at(vm, "name"), "%s", name);
	put(INHERIT, at(vm, "image/ostype"), "linux");
	put(INHERIT, at(vm, "image/kernel"), "%s", kernel);
	put(INHERIT, at(vm, "start_time"), "%ld.00", (long)time(NULL));
}

static void put_console(const char *home, const char *libxl)
{
	char back[64], copy[64];

	snprintf(back, sizeof(back), "/local/domain/0/backend/console/%u/0", domid);
	snprintf(copy, sizeof(copy), "%s/device/console/0", libxl);
	put(READ, back, "%s", "");
	put(INHERIT, at(copy, "frontend"), "%s/console", home);
	put(INHERIT, at(copy, "backend"), "%s", back);
	put(INHERIT, at(back, "frontend"), "%s/console", home);
	for (int i = 0; i < 2; i++) {
		const char *dir = i ? copy : back;

		put(INHERIT, at(dir, "frontend-id"), "%u", domid);
		put(INHERIT, at(dir, "online"), "1");
		put(INHERIT, at(dir, "state"), "1");
		put(INHERIT, at(dir, "protocol"), "vt100");
	}
}

static void put_rings(const char *home, const struct xc_dom_image *dom)
{
	put(INHERIT, at(home, "store/port"), "%u", dom->xenstore_evtchn);
	put(INHERIT, at(home, "store/ring-ref"), "%lu",
	    (unsigned long)dom->pv_p2m[dom->xenstore_pfn]);
	put(INHERIT, at(home, "console/backend"), "/local/domain/0/backend/console/%u/0", domid);
	put(FRONTEND, at(home, "console/backend-id"), "0");
	put(INHERIT, at(home, "console/limit"), "1048576");
	put(INHERIT, at(home, "console/type"), "xenconsoled");
	put(INHERIT, at(home, "console/output"), "pty");
	put(INHERIT, at(home, "console/tty"), "%s", "");
	put(INHERIT, at(home, "console/port"), "%u", dom->console_evtchn);
	put(INHERIT, at(home, "console/ring-ref"), "%lu",
	    (unsigned long)dom->pv_p2m[dom->console_pfn]);
}

static void make_domain(struct xc_dom_image *dom, const uuid_t uuid, unsigned long kb)
{
	struct xen_domctl_createdomain create = {
		.max_vcpus = 1, .max_evtchn_port = 1023, .max_grant_frames = -1,
		.max_maptrack_frames = -1, .grant_opts = XEN_DOMCTL_GRANT_version(2),
	};

	memcpy(create.handle, uuid, sizeof(create.handle));
	check(xc_domain_create(xc, &domid, &create) == 0, "create");
	check(xc_domain_max_vcpus(xc, domid, 1) == 0, "max_vcpus");
	check(xc_domain_setmaxmem(xc, domid, kb + 1024) == 0, "setmaxmem");
	check(xc_cpuid_apply_policy(xc, domid, false, NULL, 0, true, false, false, false, NULL) == 0,
	      "cpuid");
	dom->guest_domid = domid;
	dom->xenstore_evtchn = (unsigned int)xc_evtchn_alloc_unbound(xc, domid, 0);
	dom->console_evtchn = (unsigned int)xc_evtchn_alloc_unbound(xc, domid, 0);
}

static void create(const char *kernel, unsigned long mib, const char *name)
{
	struct xc_dom_image *dom = xc_dom_allocate(xc, NULL, NULL);
	char home[32], vm[64], libxl[32], text[37];
	uuid_t uuid;

	uuid_generate(uuid);
	uuid_unparse(uuid, text);
	check(dom, "allocate");
	dom->container_type = XC_DOM_PV_CONTAINER;
	dom->max_vcpus = 1;
	check(xc_dom_kernel_file(dom, kernel) == 0 && xc_dom_boot_xen_init(dom, xc, 0) == 0 &&
	      xc_dom_parse_image(dom) == 0, kernel);
	make_domain(dom, uuid, mib << 10);
	snprintf(home, sizeof(home), "/local/domain/%u", domid);
	snprintf(libxl, sizeof(libxl), "/libxl/%u", domid);
	snprintf(vm, sizeof(vm), "/vm/%s", text);
	put_home(home, text, name, mib << 10);
	put_vm(vm, text, name, kernel);
	put(INHERIT, at(libxl, "type"), "pv");
	put(INHERIT, at(libxl, "dm-version"), "qemu_xen");
	put_console(home, libxl);
	check(xc_dom_mem_init(dom, (unsigned int)mib) == 0 && xc_dom_boot_mem_init(dom) == 0 &&
	      xc_dom_build_image(dom) == 0 && xc_dom_boot_image(dom) == 0 &&
	      xc_dom_gnttab_init(dom) == 0, "build");
	put_rings(home, dom);
	check(xs_introduce_domain(xs, domid, dom->pv_p2m[dom->xenstore_pfn],
				  dom->xenstore_evtchn), "introduce");
	printf("%u\n", domid);
}

static void destroy(void)
{
	xc_domaininfo_t info;
	char path[64], uuid[37];

	check(xc_domain_getinfolist(xc, domid, 1, &info) == 1 && info.domain == domid, "getinfo");
	uuid_unparse(info.handle, uuid);
	snprintf(path, sizeof(path), "/local/domain/0/backend/console/%u", domid);
	check(xs_rm(xs, XBT_NULL, path), path);
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	check(xs_rm(xs, XBT_NULL, path), path);
	snprintf(path, sizeof(path), "/vm/%s", uuid);
	check(xs_rm(xs, XBT_NULL, path), path);
	snprintf(path, sizeof(path), "/libxl/%u", domid);
	check(xs_rm(xs, XBT_NULL, path), path);
	check(xc_domain_destroy(xc, domid) == 0, "destroy");
}

int main(int argc, char **argv)
{
	xc = xc_interface_open(NULL, NULL, 0);
	xs = xs_open(0);
	check(xc && xs, "open");
	if (argc == 5 && strcmp(argv[1], "create") == 0) {
		create(argv[2], strtoul(argv[3], NULL, 10), argv[4]);
	} else if (argc == 3 && strcmp(argv[1], "destroy") == 0) {
		domid = (uint32_t)strtoul(argv[2], NULL, 10);
		destroy();
	} else {
		fprintf(stderr, "usage: floor create KERNEL MIB NAME | floor destroy DOMID\n");
		return 2;
	}
	return 0;
}
