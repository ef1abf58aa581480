/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * floor create KERNEL MIB NAME [IMAGE BRIDGE]	prints the new domain's number; it stays
 *	paused; IMAGE becomes its xvda, by a loop device, and BRIDGE its vif's
 * floor hvm LOADER MIB	an HVM domain with that firmware and nothing else, for
 * floor note DOMID	keeps the command line of the QEMU that serves DOMID, for
 * floor model DOMID	starts such a QEMU for that domain; ends when it answers
 * floor destroy DOMID	and its QEMU
 *
 * The limit to compare with: only the library calls without which a PV guest does
 * not come to be, and the store requests that libxl's layout consists of, straight
 * on the libraries. No config, no checks, no name claim, no JSON, no undo.
 */
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <uuid/uuid.h>
#include <xenctrl.h>
#include <xenguest.h>
#include <xenstore.h>

#define MODEL_NOTE "/root/bench-model"
enum { VIDEO_MIB = 8 };

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
	bool hvm = dom->container_type == XC_DOM_HVM_CONTAINER;
	struct xen_domctl_createdomain create = {
		.flags = hvm ? XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap : 0,
		.arch.emulation_flags = hvm ? XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI : 0,
		.max_vcpus = 1, .max_evtchn_port = 1023, .max_grant_frames = -1,
		.max_maptrack_frames = -1, .grant_opts = XEN_DOMCTL_GRANT_version(2),
	};

	memcpy(create.handle, uuid, sizeof(create.handle));
	check(xc_domain_create(xc, &domid, &create) == 0, "create");
	check(xc_domain_max_vcpus(xc, domid, 1) == 0, "max_vcpus");
	check(xc_domain_setmaxmem(xc, domid, kb + 1024) == 0, "setmaxmem");
	check(!hvm || xc_set_paging_mempool_size(xc, domid, 4 << 20) == 0, "paging");
	check(xc_cpuid_apply_policy(xc, domid, false, NULL, 0, true, false, false, false, NULL) == 0,
	      "cpuid");
	dom->guest_domid = domid;
	dom->xenstore_evtchn = (unsigned int)xc_evtchn_alloc_unbound(xc, domid, 0);
	dom->console_evtchn = (unsigned int)xc_evtchn_alloc_unbound(xc, domid, 0);
}

/* Both ends and libxl's copy; back and copy get the same keys: a NULL-terminated list of pairs. */
static void put_device(const char *kind, unsigned int devid, const char *const *front,
		       const char *const *back)
{
	char fpath[64], bpath[64], copy[64], number[16];
	const char *const head[] = { "frontend-id", number, "online", "1", NULL };

	snprintf(number, sizeof(number), "%u", domid);
	snprintf(fpath, sizeof(fpath), "/local/domain/%u/device/%s/%u", domid, kind, devid);
	snprintf(bpath, sizeof(bpath), "/local/domain/0/backend/%s/%u/%u", kind, domid, devid);
	snprintf(copy, sizeof(copy), "/libxl/%u/device/%s/%u", domid, kind, devid);
	put(INHERIT, at(copy, "frontend"), "%s", fpath);
	put(INHERIT, at(copy, "backend"), "%s", bpath);
	put(FRONTEND, fpath, "%s", "");
	put(READ, bpath, "%s", "");
	put(INHERIT, at(fpath, "backend"), "%s", bpath);
	put(INHERIT, at(fpath, "backend-id"), "0");
	for (; *front; front += 2)
		put(INHERIT, at(fpath, front[0]), "%s", front[1]);
	put(INHERIT, at(fpath, "state"), "1");
	put(INHERIT, at(bpath, "frontend"), "%s", fpath);
	for (int list = 0; list < 2; list++) {
		for (const char *const *p = list ? back : head; *p; p += 2) {
			put(INHERIT, at(bpath, p[0]), "%s", p[1]);
			put(INHERIT, at(copy, p[0]), "%s", p[1]);
		}
	}
	put(INHERIT, at(copy, "state"), "1");
	put(INHERIT, at(bpath, "state"), "1");
}

/* Returns the loop device's descriptor, which keeps it until blkback has it. */
static int put_disk(const char *image)
{
	int ctl = open("/dev/loop-control", O_RDWR), file = open(image, O_RDWR), fd;
	struct loop_config config = { .fd = (unsigned int)file, .info.lo_flags =
		LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO };
	char path[32], device[32];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/loop%d", ioctl(ctl, LOOP_CTL_GET_FREE));
	fd = open(path, O_RDWR);
	snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", image);
	check(fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) == 0 && fstat(fd, &st) == 0, image);
	snprintf(device, sizeof(device), "%x:%x", major(st.st_rdev), minor(st.st_rdev));
	put_device("vbd", 51712, (const char *const[]){ "virtual-device", "51712", "device-type",
		"disk", "trusted", "1", "protocol", "x86_64-abi", NULL },
		(const char *const[]){ "params", image, "script", "/etc/xen/scripts/block",
		"removable", "0", "bootable", "1", "dev", "xvda", "type", "phy", "mode", "w",
		"device-type", "disk", "discard-enable", "1", "specification", "xen",
		"physical-device", device, "hotplug-status", "connected", NULL });
	return fd;
}

static void put_vif(const char *bridge)
{
	static const char mac[] = "00:16:3e:00:00:01";

	put_device("vif", 0, (const char *const[]){ "handle", "0", "mac", mac, "mtu", "1500",
		"trusted", "1", NULL }, (const char *const[]){ "script",
		"/etc/xen/scripts/vif-bridge", "mac", mac, "bridge", bridge, "handle", "0",
		"type", "vif", "hotplug-status", "", NULL });
}

/* Until it is there; nothing that a toolstack does in between is missing here. */
static void wait_file(const char *path)
{
	while (access(path, F_OK) < 0)
		usleep(1000);
}

static unsigned int index_of(const char *link)
{
	char path[64], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/ifindex", link);
	wait_file(path);
	fd = open(path, O_RDONLY);
	check(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, path);
	close(fd);
	return (unsigned int)strtoul(text, NULL, 10);
}

static void *attr(void *at_, unsigned short type, const void *data, unsigned short len)
{
	struct rtattr *rta = at_;

	rta->rta_type = type;
	rta->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(rta), data, len);
	return (char *)at_ + RTA_SPACE(len);
}

static void set_link(const char *link, const char *bridge)
{
	struct { struct nlmsghdr head; struct ifinfomsg info; char attrs[64]; } m = {
		.head = { .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.info = { .ifi_index = (int)index_of(link), .ifi_flags = IFF_UP,
			  .ifi_change = IFF_UP },
	};
	static const unsigned char mac[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };
	unsigned int master = index_of(bridge), mtu = 1500;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	char reply[256], *end = m.attrs;

	end = attr(end, IFLA_MASTER, &master, sizeof(master));
	end = attr(end, IFLA_MTU, &mtu, sizeof(mtu));
	end = attr(end, IFLA_ADDRESS, mac, sizeof(mac));
	m.head.nlmsg_len = (unsigned int)(end - (char *)&m);
	check(send(fd, &m, m.head.nlmsg_len, 0) > 0 && recv(fd, reply, sizeof(reply), 0) > 0, link);
	close(fd);
}

/* After the build: the host's side. */
static void connect_devices(int loop)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/xen-backend/devices/vbd-%u-51712/physical_device",
		 domid);
	wait_file(path);
	close(loop);
}

static void connect_vif(const char *bridge)
{
	char path[96];

	snprintf(path, sizeof(path), "vif%u.0", domid);
	set_link(path, bridge);
	snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%u/0/hotplug-status", domid);
	put(INHERIT, path, "connected");
}

static void build(struct xc_dom_image *dom, unsigned long mib)
{
	check(xc_dom_mem_init(dom, (unsigned int)mib) == 0 && xc_dom_boot_mem_init(dom) == 0 &&
	      xc_dom_build_image(dom) == 0 && xc_dom_boot_image(dom) == 0 &&
	      xc_dom_gnttab_init(dom) == 0, "build");
}

static void create(const char *kernel, unsigned long mib, const char *name, const char *image,
		   const char *bridge)
{
	int loop = -1;
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
	if (image) {
		loop = put_disk(image);
		put_vif(bridge);
	}
	build(dom, mib);
	put_rings(home, dom);
	check(xs_introduce_domain(xs, domid, dom->pv_p2m[dom->xenstore_pfn],
				  dom->xenstore_evtchn), "introduce");
	if (image) {
		connect_devices(loop);
		connect_vif(bridge);
	}
	printf("%u\n", domid);
}

/*
 * Only what QEMU looks for: memory, the pages for requests, and in the store the console and the
 * keyboard that every HVM guest has, which it serves or looks at when it starts.
 */
static void create_hvm(const char *loader, unsigned long mib)
{
	struct xc_dom_image *dom = xc_dom_allocate(xc, NULL, NULL);
	char home[64], libxl[64], text[UUID_STR_LEN];
	uuid_t uuid;

	uuid_generate(uuid);
	uuid_unparse_lower(uuid, text);
	check(dom, "allocate");
	dom->container_type = XC_DOM_HVM_CONTAINER;
	dom->max_vcpus = 1;
	dom->device_model = true;
	dom->vga_hole_size = 0x20;
	dom->target_pages = (mib - VIDEO_MIB) << (20 - XC_PAGE_SHIFT);
	dom->lowmem_end = (mib - VIDEO_MIB) << 20;
	dom->mmio_size = UINT64_C(1) << 28;
	dom->mmio_start = (UINT64_C(1) << 32) - dom->mmio_size;
	check(xc_dom_kernel_file(dom, loader) == 0 && xc_dom_boot_xen_init(dom, xc, 0) == 0 &&
	      xc_dom_parse_image(dom) == 0, loader);
	make_domain(dom, uuid, mib << 10);
	build(dom, mib - VIDEO_MIB);
	snprintf(home, sizeof(home), "/local/domain/%u", domid);
	snprintf(libxl, sizeof(libxl), "/libxl/%u", domid);
	put_home(home, text, "bench", mib << 10);
	put_console(home, libxl);
	put_device("vkbd", 0, (const char *const[]){ NULL }, (const char *const[]){ NULL });
	printf("%u\n", domid);
}

static int model_pid(void)
{
	char path[64], *text;
	unsigned int len;

	snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-pid", domid);
	text = xs_read(xs, XBT_NULL, path, &len);
	return text ? atoi(text) : 0;
}

/* Its number, then its arguments. */
static void note_model(void)
{
	char path[32], text[8192];
	int in, out = open(MODEL_NOTE, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", model_pid());
	in = open(path, O_RDONLY);
	len = read(in, text, sizeof(text));
	check(len > 0 && dprintf(out, "%u%c", domid, 0) > 0 && write(out, text, (size_t)len) == len,
	      path);
}

/* As it was noted, but for another domain: the number stands alone, and in names of sockets. */
static char *for_domain(const char *arg, const char *old)
{
	char with[16], *to = malloc(strlen(arg) + 32), *end = to;

	snprintf(with, sizeof(with), "-%s,", old);
	if (strcmp(arg, old) == 0) {
		sprintf(to, "%u", domid);
		return to;
	}
	for (const char *hit; (hit = strstr(arg, with)); arg = hit + strlen(with))
		end += sprintf(end, "%.*s-%u,", (int)(hit - arg), arg, domid);
	strcpy(end, arg);
	return to;
}

/* It says "running" before it has opened its displays, and answers after that: its greeting. */
static void await_greeting(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/var/run/xen/qmp-libxl-%u", domid);
	check(fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	      read(fd, &byte, 1) == 1, addr.sun_path);
	close(fd);
}

static void start_model(void)
{
	char text[8192], *args[128] = { NULL }, state[64], **event, *env[] = { NULL };
	int fd = open(MODEL_NOTE, O_RDONLY), nr = 0;
	ssize_t len = read(fd, text, sizeof(text) - 1);
	posix_spawn_file_actions_t actions;
	unsigned int n;
	pid_t pid;

	check(len > 0, MODEL_NOTE);
	text[len] = '\0';
	for (char *p = text + strlen(text) + 1; p < text + len && nr < 127; p += strlen(p) + 1)
		args[nr++] = for_domain(p, text);
	snprintf(state, sizeof(state), "/local/domain/0/device-model/%u/state", domid);
	put(INHERIT, state, "%s", "");
	check(xs_watch(xs, state, "x"), state);
	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
	check(posix_spawnp(&pid, args[0], &actions, NULL, args, env) == 0, args[0]);
	do {
		event = xs_read_watch(xs, &n);
		free(event);
		event = xs_read(xs, XBT_NULL, state, &n);
	} while (!event || strcmp((char *)event, "running") != 0);
	await_greeting();
	snprintf(state, sizeof(state), "/local/domain/%u/image/device-model-pid", domid);
	put(INHERIT, state, "%d", pid);
}

static void stop_model(void)
{
	char path[64];
	int pid = model_pid();

	if (!pid)
		return;
	kill(pid, SIGKILL);
	snprintf(path, sizeof(path), "/proc/%d", pid);
	while (access(path, F_OK) == 0)
		usleep(1000);
	snprintf(path, sizeof(path), "/local/domain/0/device-model/%u", domid);
	xs_rm(xs, XBT_NULL, path);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/var/run/xen/%s-%u", i ? "qmp-libxl" :
			 "qmp-libxenstat", domid);
		unlink(path);
	}
	snprintf(path, sizeof(path), "/local/domain/0/backend/vkbd/%u", domid);
	check(xs_rm(xs, XBT_NULL, path), path);
}

/* Tells both backends that it is over, for the guest as well, and waits. */
static void close_devices(void)
{
	static const char *const kinds[] = { "vbd", "vif" }, *const ids[] = { "51712", "0" };
	char path[96];

	for (int wait = 0; wait < 2; wait++) {
		for (int i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u/%s", kinds[i],
				 domid, ids[i]);
			if (!wait) {
				put(INHERIT, at(path, "online"), "0");
				put(INHERIT, at(path, "state"), "5");
				snprintf(path, sizeof(path), "/local/domain/%u/device/%s/%s/state",
					 domid, kinds[i], ids[i]);
				put(INHERIT, path, "6");
				continue;
			}
			for (;;) {
				unsigned int len;
				char *state = xs_read(xs, XBT_NULL, at(path, "state"), &len);
				bool closed = !state || *state == '6';

				free(state);
				if (closed)
					break;
				usleep(1000);
			}
			*strrchr(path, '/') = '\0';
			check(xs_rm(xs, XBT_NULL, path), path);
		}
	}
}

static void destroy(void)
{
	xc_domaininfo_t info;
	char path[64], uuid[37];

	check(xc_domain_getinfolist(xc, domid, 1, &info) == 1 && info.domain == domid, "getinfo");
	uuid_unparse(info.handle, uuid);
	snprintf(path, sizeof(path), "/libxl/%u/device/vbd/51712/backend", domid);
	if (xs_read(xs, XBT_NULL, path, &(unsigned int){ 0 }))
		close_devices();
	stop_model();
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
	static const struct { const char *name; void (*run)(void); } verbs[] = {
		{ "note", note_model }, { "model", start_model }, { "destroy", destroy },
	};

	xc = xc_interface_open(NULL, NULL, 0);
	xs = xs_open(0);
	check(xc && xs, "open");
	if ((argc == 5 || argc == 7) && strcmp(argv[1], "create") == 0) {
		create(argv[2], strtoul(argv[3], NULL, 10), argv[4], argv[5],
		       argc == 7 ? argv[6] : NULL);
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "hvm") == 0) {
		create_hvm(argv[2], strtoul(argv[3], NULL, 10));
		return 0;
	}
	domid = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	for (size_t i = 0; domid && i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) == 0) {
			verbs[i].run();
			return 0;
		}
	}
	fprintf(stderr, "usage: floor create KERNEL MIB NAME [IMAGE BRIDGE] | hvm LOADER MIB | "
		"note|model|destroy DOMID\n");
	return 2;
}
