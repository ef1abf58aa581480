/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links in a network of this test's own: needs root, iproute2 and the kernel's bridge and tap. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/wait.h"
#include "devices/link.h"

#include "tests/unit/tap.h"

static const uint8_t port_mac[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };

static bool has_network(void)
{
	return unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", "/sys", "sysfs", 0, NULL) == 0 &&
	       system("exec 2> /dev/null; ip link add br-a type bridge && "
		      "ip link add br-b mtu 9000 type bridge && ip tuntap add dev tap0 mode tap && "
		      "ip tuntap add dev tap1 mode tap && bridge fdb > /dev/null") == 0;
}

static const char *attribute(const char *name, const char *what)
{
	static char text[64];

	return link_attribute(name, what, text, sizeof(text)) < 0 ? NULL : text;
}

static unsigned int index_of(const char *name)
{
	unsigned int index = 0;
	struct err err;

	ok(link_index(name, &index, &err) == 0, "there is %s", name);
	return index;
}

static void check_names(void)
{
	unsigned int index;
	char all[64];
	struct err err;

	ok(link_is_bridge("br-a"), "a bridge");
	ok(!link_is_bridge("tap0"), "a link that is none");
	ok(!link_is_bridge("no-such") && !link_is_bridge("") && !link_is_bridge("../net/br-a"),
	   "no link");
	link_list_bridges(all, sizeof(all));
	ok(strcmp(all, "br-a, br-b") == 0 || strcmp(all, "br-b, br-a") == 0, "bridges: %s", all);
	is_int(link_index("no-such", &index, &err), -ENODEV, "no index");
	is_str(err.msg, "there is no network link 'no-such'", "no index: message");
	is_str(attribute("br-b", "mtu"), "9000", "mtu");
}

/* After the look that comes with "waiting for": only the kernel's news can tell by then. */
static void in_a_moment(const char *command)
{
	if (fork() == 0) {
		usleep(1300000);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(1);
	}
}

static void check_wait(struct links *links)
{
	unsigned int index = 0;
	struct err err;

	is_int(links_wait(links, "late", false, wait_deadline(50), &index, &err), -ETIMEDOUT,
	       "not there in time");
	is_str(err.msg, "network link 'late' does not come into being", "message");
	in_a_moment("ip link add other type bridge; ip link add late type bridge");
	is_int(links_wait(links, "late", false, wait_deadline(10000), &index, &err), 0,
	       "there in the end");
	is_int(index, index_of("late"), "its index");
	wait(NULL);
	is_int(links_wait(links, "late", true, wait_deadline(50), NULL, &err), -ETIMEDOUT,
	       "does not go");
	in_a_moment("ip link del late");
	is_int(links_wait(links, "late", true, wait_deadline(10000), NULL, &err), 0, "has gone");
	wait(NULL);
}

static void check_set(struct links *links)
{
	unsigned int index = index_of("tap0");
	struct link_setup setup = {
		.rename = "guest", .master = index_of("br-b"), .mtu = 9000, .mac = port_mac,
		.alias = "guest 00:16:3e:00:00:01", .up = true,
	};
	char master[64];
	struct err err = ERR_INIT;

	/* One that is up can change neither its name nor its address. */
	is_int(system("ip link set tap0 up"), 0, "up before");
	is_int(links_set(links, index, &setup, &err), 0, "set up %s", err.msg);
	is_int(index_of("guest"), index, "the new name");
	is_str(attribute("guest", "address"), "fe:ff:ff:ff:ff:ff", "address");
	is_str(attribute("guest", "mtu"), "9000", "mtu");
	is_str(attribute("guest", "ifalias"), "guest 00:16:3e:00:00:01", "alias");
	is_int((int)strtol(attribute("guest", "flags"), NULL, 16) & 1, 1, "up");
	is_str(attribute("guest", "master/ifindex"), attribute("br-b", "ifindex") ?
	       (snprintf(master, sizeof(master), "%u", setup.master), master) : "", "bridge");
	setup = (struct link_setup){ .down = true };
	is_int(links_set(links, index, &setup, &err), 0, "down");
	is_int((int)strtol(attribute("guest", "flags"), NULL, 16) & 1, 0, "is down");
	is_str(attribute("guest", "mtu"), "9000", "the rest stays");
}

static void check_refused(struct links *links)
{
	const struct link_setup small = { .mtu = 20 }, taken = { .rename = "br-a" }, up = { .up = true };
	struct err err;

	is_int(links_set(links, index_of("tap1"), &small, &err), -EINVAL, "too small an mtu");
	is_str(err.msg, "cannot set up network link 'tap1': Invalid argument (mtu less than device "
	       "minimum)", "the kernel's words");
	is_int(links_set(links, index_of("tap1"), &taken, &err), -EEXIST, "a name that is taken");
	is_str(err.msg, "cannot set up network link 'tap1': File exists", "the kernel's errno");
	is_int(links_set(links, 4711, &up, &err), -ENODEV, "an index that is none");
	is_str(err.msg, "cannot set up network link 'no. 4711': No such device", "its message");
}

static void check_mac(struct links *links)
{
	static const uint8_t guest[6] = { 0, 0x16, 0x3e, 0, 0, 1 }, seen[6] = { 0, 0x16, 0x3e, 0, 0, 2 };
	unsigned int a = index_of("br-a"), b = index_of("br-b");
	char name[LINK_NAME_MAX + 1] = "";
	struct err err = ERR_INIT;

	is_int(links_find_mac(links, b, guest, "guest 00:16:3e:00:00:01", name, &err), 1,
	       "by its alias %s", err.msg);
	is_str(name, "guest", "at that port");
	is_int(links_find_mac(links, b, seen, "guest 00:16:3e:00:00:0", name, &err), 0,
	       "by its beginning: no");
	is_int(links_find_mac(links, a, guest, "guest 00:16:3e:00:00:01", name, &err), 0,
	       "not on the other bridge");
	is_int(links_find_mac(links, b, port_mac, "x", name, &err), 0, "nor the port's own address");
	is_int(system("ip link set tap1 master br-a && "
		      "bridge fdb add 00:16:3e:00:00:02 dev tap1 master static"), 0, "learnt");
	is_int(links_find_mac(links, a, seen, "x", name, &err), 1, "what the bridge has learnt");
	is_str(name, "tap1", "at that port");
	is_int(links_find_mac(links, b, seen, "x", name, &err), 0, "the other has not");
}

int main(void)
{
	struct links *links = NULL;
	struct err err;

	log_level = LOG_WARN;
	if (!has_network()) {
		printf("ok 1 - links # SKIP no network of its own here\n1..1\n");
		return 0;
	}
	is_int(links_open(&links, &err), 0, "links_open");
	check_names();
	check_wait(links);
	check_set(links);
	check_refused(links);
	check_mac(links);
	links_close(links);
	return tap_done();
}
