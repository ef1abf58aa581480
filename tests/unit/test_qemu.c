/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's command line, its log and its answers, and the nodes of what it serves. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/devices.h"
#include "devices/kind.h"
#include "devices/qemu.h"
#include "devices/qemu_log.h"
#include "devices/qmp.h"
#include "tap.h"
#include "xen/nodes.h"

#define MONITORS "qemu -xen-domid 7 -no-shutdown " \
	"-chardev socket,id=libxl-cmd,path=/var/run/xen/qmp-libxl-7,server=on,wait=off " \
	"-mon chardev=libxl-cmd,mode=control " \
	"-chardev socket,id=libxenstat-cmd,path=/var/run/xen/qmp-libxenstat-7,server=on,wait=off " \
	"-mon chardev=libxenstat-cmd,mode=control "
#define BASE "-nodefaults -no-user-config -xen-attach -name "
#define NO_DISPLAY "-vnc none -display none -nographic "

/* The words of a domain's QEMU with blanks between. */
static char *command_of(struct domain_config *config, struct device *items, size_t nr)
{
	scoped(qemu_args) struct qemu_args args = QEMU_ARGS_INIT;
	scoped(strbuf) struct strbuf text = STRBUF_INIT;
	struct devices set = {
		.domid = 7, .type = DOMAIN_PV, .name = config ? config->name : "live",
		.config = config, .items = items, .nr = nr,
	};
	char *all = NULL;
	struct err err;

	qemu_command(&set, "qemu", NULL, &args);
	ok(!args.failed, "enough memory for the words");
	for (size_t i = 0; i < args.nr; i++)
		strbuf_printf(&text, "%s%s", i ? " " : "", args.words[i]);
	is_int(strbuf_finish(&text, &all, &err), 0, "and for the text");
	return all;
}

static void test_command(void)
{
	char name[] = "a,b", option[] = "a=b", model[] = "-trace", pv[] = "-pv";
	char *extra[] = { model }, *extra_pv[] = { pv };
	struct domain_config config = { .name = name, .max_memkb = 16384 };
	scoped(free) char *plain = command_of(&config, NULL, 0);
	scoped(free) char *more = NULL, *live = NULL, *taken = NULL;

	is_str(plain, MONITORS BASE "a,,b " NO_DISPLAY "-machine xenpv -m 16",
	       "as libxl's for a PV guest; a comma in its name");
	config.name = option;
	taken = command_of(&config, NULL, 0);
	is_str(taken, MONITORS BASE "guest=a=b " NO_DISPLAY "-machine xenpv -m 16",
	       "a name that would be an option of QEMU's");
	config.name = name;
	config.dm_args = (struct str_list){ extra, 1 };
	config.dm_args_pv = (struct str_list){ extra_pv, 1 };
	more = command_of(&config, NULL, 0);
	is_str(more, MONITORS BASE "a,,b " NO_DISPLAY "-trace -machine xenpv -pv -m 16",
	       "device_model_args and _pv where libxl has them");
	live = command_of(NULL, NULL, 0);
	is_str(live, MONITORS BASE "live " NO_DISPLAY "-machine xenpv", "for a live domain");
}

static void test_display(void)
{
	static const struct { const char *listen, *passwd; int display; enum tri enable, unused, sdl;
		const char *want; } cases[] = {
		{ .want = "-vnc 127.0.0.1:0,to=99 -display none" },
		{ "0.0.0.0", NULL, 7, TRI_TRUE, TRI_FALSE, 0, "-vnc 0.0.0.0:7 -display none" },
		{ "1.2.3.4:5", "x", 0, 0, 0, 0, "-vnc 1.2.3.4:5,password=on,to=99 -display none" },
		{ "::1", "", 2, 0, 0, 0, "-vnc [::1]:2,to=99 -display none" },
		{ "[fe80::2]", NULL, 0, 0, 0, 0, "-vnc [fe80::2]:0,to=99 -display none" },
		{ "[fe80::2]:3", NULL, 0, 0, 0, 0, "-vnc [fe80::2]:3,to=99 -display none" },
		{ .sdl = TRI_TRUE, .enable = TRI_FALSE, .want = "-vnc none -display none -display sdl" },
		{ .enable = TRI_FALSE, .want = "-vnc none -display none -nographic" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[] = "g", listen[32] = "", passwd[8] = "";
		struct vfb vfb = {
			.vnc = { .enable = cases[i].enable, .display = cases[i].display,
				 .findunused = cases[i].unused },
			.sdl = { .enable = cases[i].sdl },
		};
		struct domain_config config = { .name = name, .max_memkb = 1, .vfbs = &vfb,
						.nr_vfbs = 1 };
		scoped(free) char *want = NULL, *got = NULL;

		if (cases[i].listen)
			vfb.vnc.listen = strcpy(listen, cases[i].listen);
		if (cases[i].passwd)
			vfb.vnc.passwd = strcpy(passwd, cases[i].passwd);
		want = str_format(MONITORS BASE "g %s -machine xenpv -m 1", cases[i].want);
		got = command_of(&config, NULL, 0);
		is_str(got, want, "display: %s", cases[i].want);
	}
}

static const struct store_node *find(const struct store_nodes *nodes, const char *path)
{
	for (size_t i = 0; i < nodes->nr; i++) {
		if (nodes->items[i].perm != STORE_REMOVED && strcmp(nodes->items[i].path, path) == 0)
			return &nodes->items[i];
	}
	return NULL;
}

static void check(const struct store_nodes *nodes, const char *path, const char *value,
		  enum store_perm perm)
{
	const struct store_node *node = find(nodes, path);

	is_str(node ? node->value : NULL, value, "%s", path);
	if (node)
		is_int(node->perm, perm, "permissions of %s", path);
}

static void test_channels(void)
{
	char name[] = "g", a[] = "org.a", b[] = "org.b", path[] = "/run/a,b";
	struct channel channels[] = {
		{ .devid = 0, .name = a, .connection = CHANNEL_PTY },
		{ .devid = 1, .name = b, .connection = CHANNEL_SOCKET, .path = path },
	};
	struct domain_config config = { .name = name, .max_memkb = 1024 };
	struct device items[2] = { { .devid = 0 } };
	struct devices set = { .domid = 7, .type = DOMAIN_PV, .items = items, .nr = 2 };
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	scoped(free) char *got = NULL;
	struct err err = ERR_INIT;

	for (unsigned int i = 0; i < 2; i++) {
		items[i] = (struct device){ .kind = &device_channel, .item = &channels[i] };
		is_int(device_channel.prepare(&set, &items[i], i, &err), 0, "channel %u", i);
		is_int(items[i].devid, i + 1, "is console %u, the guest's own is 0", i + 1);
		ok(items[i].needs_qemu, "and QEMU's");
	}
	got = command_of(&config, items, 2);
	is_str(got, MONITORS "-chardev socket,id=libxl-channel2,path=/run/a,,b,server=on,wait=off "
	       BASE "g " NO_DISPLAY "-machine xenpv -m 1", "a socket is on the command line");
	devices_nodes(&set, &nodes);
	for (size_t i = 0; i < nodes.nr; i++)
		ok(nodes.items[i].perm != STORE_REMOVED, "the guest's console stays: %s",
		   nodes.items[i].path);
	check(&nodes, "/local/domain/7/device/console/1/output", "pty", STORE_BACKEND);
	check(&nodes, "/local/domain/7/device/console/1/tty", "", STORE_BACKEND);
	check(&nodes, "/local/domain/7/device/console/1/name", "org.a", STORE_BACKEND);
	check(&nodes, "/local/domain/7/device/console/2/output", "chardev:libxl-channel2",
	      STORE_BACKEND);
	check(&nodes, "/local/domain/0/backend/console/7/2/path", path, STORE_INHERIT);
	check(&nodes, "/libxl/7/device/console/2/connection", "socket", STORE_INHERIT);
	channels[0].name = NULL;
	is_int(device_channel.prepare(&set, &items[0], 0, &err), -EINVAL, "a channel without a name");
	is_str(err.msg, "channel 0 has no name=", "is refused");
}

static void test_shares(void)
{
	static const struct { const char *path, *model, *message; } cases[] = {
		{ "/", "none", NULL },
		{ "/", "mapped-xattr", NULL },
		{ "/nonexistent", "none", "9pfs share 't': cannot share '/nonexistent': No such file or "
		  "directory" },
		{ "/dev/null", "none", "9pfs share 't': cannot share '/dev/null': it is not a directory" },
		{ "/", "nome", "9pfs share 't': unknown security_model 'nome', valid are none, "
		  "passthrough, mapped, mapped-xattr and mapped-file" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char tag[] = "t", path[32], model[32];
		struct p9 p9 = { .devid = -1, .tag = tag, .path = strcpy(path, cases[i].path),
				 .security_model = strcpy(model, cases[i].model) };
		struct device dev = { .kind = &device_p9, .item = &p9 };
		struct devices set = { .domid = 7 };
		struct err err = ERR_INIT;
		int rc = device_p9.prepare(&set, &dev, 0, &err);

		ok((rc == 0) == !cases[i].message, "share %s, %s", path, model);
		is_str(rc < 0 ? err.msg : NULL, cases[i].message, "its message");
	}
}

static void test_framebuffer(void)
{
	struct vfb vfb = VFB_INIT;
	struct vkb vkb = VKB_INIT;
	struct device items[] = {
		{ .kind = &device_vfb, .item = &vfb }, { .kind = &device_vkb, .item = &vkb },
	};
	struct devices set = { .domid = 7, .type = DOMAIN_PV, .items = items, .nr = 2 };
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	struct err err = ERR_INIT;

	vkb.multi_touch = true;
	vkb.touch_width = 640;
	is_int(device_vfb.prepare(&set, &items[0], 0, &err), 0, "a vfb");
	is_int(device_vkb.prepare(&set, &items[1], 0, &err), 0, "a vkb");
	devices_nodes(&set, &nodes);
	check(&nodes, "/local/domain/0/backend/vfb/7/0/vnc", "1", STORE_INHERIT);
	check(&nodes, "/local/domain/0/backend/vfb/7/0/vnclisten", "127.0.0.1", STORE_INHERIT);
	check(&nodes, "/local/domain/0/backend/vfb/7/0/vncunused", "1", STORE_INHERIT);
	check(&nodes, "/local/domain/0/backend/vfb/7/0/vncpasswd", NULL, STORE_INHERIT);
	check(&nodes, "/local/domain/0/backend/vfb/7/0/opengl", "0", STORE_INHERIT);
	check(&nodes, "/local/domain/0/backend/vkbd/7/0/multi-touch-width", "640", STORE_INHERIT);
	check(&nodes, "/local/domain/0/backend/vkbd/7/0/feature-abs-pointer", NULL, STORE_INHERIT);
	vkb.backend_type = VKB_BACKEND_LINUX;
	is_int(device_vkb.prepare(&set, &items[1], 0, &err), 0, "a vkb of another backend");
	ok(!items[1].needs_qemu && strcmp(items[1].backend_kind, "vinput") == 0, "needs no QEMU");
}

static void test_qmp(void)
{
	static const struct { const char *line; int rc; const char *what; } cases[] = {
		{ "{\"return\": {\"a\": 1}}\r", 1, NULL },
		{ "{\"return\": []}", 1, NULL },
		{ "{\"QMP\": {\"version\": {}}}", 0, NULL },
		{ "{\"event\": \"SHUTDOWN\"}", 0, NULL },
		{ "{\"error\": {\"class\": \"X\", \"desc\": \"no such thing\"}}", -EREMOTEIO,
		  "QEMU: no such thing" },
		{ "{\"error\": {\"desc\": \"\\u001b]0;x\"}}", -EREMOTEIO, "QEMU: \\x1b]0;x" },
		{ "{\"error\": 5}", -EREMOTEIO, "QEMU: unknown error" },
		{ "{}", -EPROTO, "QEMU says what is no answer" },
		{ "{\"return\"", -EPROTO, "QEMU says what is no JSON" },
		{ "", -EPROTO, "QEMU says what is no JSON" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *result = NULL;
		struct err err = ERR_INIT;
		int rc = qmp_line(cases[i].line, strlen(cases[i].line), &result, &err);

		is_int(rc, cases[i].rc, "'%s'", cases[i].line);
		is_str(rc < 0 ? err.msg : NULL, cases[i].what, "its message");
		ok((rc == 1) == (result != NULL), "a result with an answer alone");
		json_decref(result);
	}
}

/* A peer that is always in the middle of the next event. */
static void *talk(void *arg)
{
	static const char event[] = "{\"event\": \"A\"}\n";
	int fd = *(int *)arg;

	while (send(fd, event, sizeof(event) - 1, MSG_NOSIGNAL) > 0)
		continue;
	return NULL;
}

static void test_qmp_talker(void)
{
	struct qmp qmp = QMP_INIT;
	struct err err = ERR_INIT;
	int pair[2];
	pthread_t talker;

	is_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0, "a socket");
	is_int(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0, "which does not block");
	qmp.fd = pair[0];
	is_int(pthread_create(&talker, NULL, talk, &pair[1]), 0, "somebody who talks");
	alarm(60);
	is_int(qmp_ready(&qmp, wait_deadline(100), &err), -ETIMEDOUT,
	       "who talks without an answer is not listened to for ever");
	alarm(0);
	scoped_qmp(&qmp);
	pthread_join(talker, NULL);
	close(pair[1]);
}

static void test_log(void)
{
	static const char text[] = "old: failed to create 'qdisk' device '51712': older\n"
		"one\ntwo\nqemu: failed to create 'qdisk' device '51728': cannot \x01open\r\nthree\n";
	struct qemu_log log = QEMU_LOG_INIT;
	char buf[64];

	qemu_log_tail(&log, buf, sizeof(buf));
	is_str(buf, "", "no log says nothing");
	log.fd = memfd_create("log", MFD_CLOEXEC);
	qemu_log_tail(&log, buf, sizeof(buf));
	is_str(buf, "", "nor does an empty one");
	is_int(write(log.fd, text, sizeof(text) - 1), sizeof(text) - 1, "written");
	ok(qemu_log_refused(&log, "qdisk", 51712, buf, sizeof(buf)), "refused");
	is_str(buf, "older", "and why");
	log.start = (off_t)strcspn(text, "\n") + 1;
	ok(!qemu_log_refused(&log, "qdisk", 51712, buf, sizeof(buf)), "not since then");
	ok(!qemu_log_refused(&log, "qdisk", 5172, buf, sizeof(buf)), "nor one like it");
	ok(qemu_log_refused(&log, "qdisk", 51728, buf, sizeof(buf)), "another one");
	is_str(buf, "cannot \\x01open", "printable");
	is_int(ftruncate(log.fd, 0), 0, "emptied");
	log.start = 0;
	is_int(pwrite(log.fd, "a\nb\nc\nd\n\n", 9, 0), 9, "written");
	qemu_log_tail(&log, buf, sizeof(buf));
	is_str(buf, ": b; c; d", "the last lines");
	is_int(pwrite(log.fd, "a\nbbbbbbbbbbbbbbbbbbbb\nc", 24, 0), 24, "written");
	qemu_log_tail(&log, buf, 40);
	is_str(buf, ": a; bbbbbbbbbbbbbbbbbbbb", "cut to fit");
	qemu_log_close(&log);
	is_int(log.fd, -1, "closed");
}

int main(void)
{
	test_command();
	test_display();
	test_channels();
	test_shares();
	test_framebuffer();
	test_qmp();
	test_qmp_talker();
	test_log();
	return tap_done();
}
