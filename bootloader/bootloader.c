/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootloader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/unwrap.h"
#include "base/wait.h"
#include "relay.h"
#include "sandbox.h"
#include "wire.h"

enum {
	MESSAGES_MAX = 10000,	/* more than all devices, entries and notes */
	COPY_BYTES = 16 << 20,
};

/* The reader while it runs; leaving the scope kills it. */
struct reader {
	pid_t pid;
	int socket;
};

static void scoped_reader(struct reader *r)
{
	int saved = errno;

	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (r->socket >= 0)
		close(r->socket);
	errno = saved;
}

void scoped_boot_files(struct boot_files *files)
{
	scoped_fd(&files->kernel);
	scoped_fd(&files->ramdisk);
	*files = (struct boot_files)BOOT_FILES_INIT;
}

void scoped_boot_disks(struct boot_disks *disks)
{
	for (; disks->nr; disks->nr--)
		scoped_fd(&disks->disks[disks->nr - 1].fd);
}

int bootloader_add_disk(struct boot_disks *disks, const char *path, enum boot_format format,
			struct err *err)
{
	scoped(fd) int fd = -1;
	struct stat st;
	int sector = 0;

	if (disks->nr == BOOT_DISKS_MAX)
		return fail(err, E2BIG, "a bootloader reads at most %d disks", BOOT_DISKS_MAX);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail_sys(err, errno, "cannot open '%s'", path);
	if (fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return fail(err, EINVAL, "'%s' is neither a file nor a block device", path);
	if (S_ISBLK(st.st_mode)) {
		ioctl(fd, BLKFLSBUF, 0);
		if (ioctl(fd, BLKSSZGET, &sector) < 0)
			sector = 0;
	}
	disks->disks[disks->nr++] = (struct boot_disk){
		.fd = take_fd(fd), .format = format, .sector = (uint32_t)sector,
	};
	return 0;
}

static void add_escaped(struct strbuf *out, const char *before, const char *text,
			const char *after)
{
	char safe[4 * BOOT_TEXT_MAX];

	if (text[0])
		strbuf_printf(out, "%s%s%s", before,
			      str_escape(text, strlen(text), safe, sizeof(safe)), after);
}

void bootloader_describe(const struct boot_device_info *d, struct strbuf *out)
{
	bool config = d->language[0] && strcmp(d->language, "none") != 0;

	add_escaped(out, "", d->name, ": ");
	add_escaped(out, "", d->fs[0] ? d->fs : "-", "");
	add_escaped(out, " label '", d->label, "'");
	add_escaped(out, " uuid ", d->uuid, "");
	add_escaped(out, " (", d->note, ")");
	if (config) {
		add_escaped(out, ": config ", d->config, " found");
		add_escaped(out, " (", d->language, "");
		strbuf_printf(out, ", %u %s)", d->entries, d->entries == 1 ? "entry" : "entries");
	} else if (d->language[0]) {
		strbuf_printf(out, ": no usable config, but a kernel");
	}
	add_escaped(out, d->language[0] ? ", " : ": ", d->problem, "");
}

const char *bootloader_sandbox(const struct boot_result *r, char *buf, size_t size)
{
	snprintf(buf, size, "seccomp%s%s%s%s", r->sandbox & SANDBOX_UID ? ", another user" : "",
		 r->sandbox & SANDBOX_NAMESPACES ? ", namespaces" : "",
		 r->sandbox & SANDBOX_NO_FILES ? ", an empty root" : "",
		 r->sandbox & SANDBOX_LANDLOCK ? ", Landlock" : "");
	return buf;
}

int bootloader_program(struct err *err)
{
	static const char *const places[] = { "xlite-boot", "../lib/xlite/xlite-boot" };
	char own[PATH_MAX], path[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	int fd = -1;

	if (n < 0)
		return fail_sys(err, errno, "cannot find my own program");
	while (n > 0 && own[n - 1] != '/')
		n--;
	for (size_t i = 0; i < ARRAY_SIZE(places) && fd < 0; i++) {
		snprintf(path, sizeof(path), "%.*s%s", (int)n, own, places[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	return fd < 0 ? fail_sys(err, errno, "cannot open the reader of disks '%s'", path) : fd;
}

int bootloader_copy(int from, int to, const char *path, struct err *err)
{
	off_t at = 0;
	ssize_t n;

	do {
		n = sendfile(to, from, &at, COPY_BYTES);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? fail_sys(err, errno, "cannot write '%s'", path) : 0;
}

/*
 * A file in memory that is as large as it may become. Pages that nobody wrote cost nothing.
 * The reader's sandbox has no call that could make it smaller.
 */
static int memory_file(const char *name, uint64_t max, int *fd, struct err *err)
{
	*fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return fail_sys(err, errno, "cannot make a file in memory");
	if (ftruncate(*fd, (off_t)max) < 0)
		return fail_sys(err, errno, "cannot make a file in memory of %llu bytes",
				(unsigned long long)max);
	if (fcntl(*fd, F_ADD_SEALS, F_SEAL_GROW) < 0)
		return fail_sys(err, errno, "cannot seal a file in memory");
	return 0;
}

/* Instead of the reader's first message: why there is no reader. */
static void say_not_started(int socket)
{
	struct wire_message m = { .kind = MESSAGE_ERROR, .error.code = errno };

	snprintf(m.error.msg, sizeof(m.error.msg), "cannot start the reader of the disk: %s",
		 strerror(errno));
	(void)!write(socket, &m, sizeof(m));
}

/* In the child, after fork: nothing but descriptors, in their places; returns on failure only. */
static void become_reader(int program, const struct boot_options *o, int terminal, int socket,
			  const struct boot_files *files)
{
	enum { HIGH = 100 };	/* out of the way while they are moved */
	char *argv[] = { (char[]){ "xlite-boot" }, (char[]){ "--reader" }, NULL };
	char *envp[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[WIRE_DISKS + BOOT_DISKS_MAX] = {
		terminal, terminal, terminal, socket, files->kernel, files->ramdisk,
	};
	int nr = WIRE_DISKS + (int)o->nr_disks;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < o->nr_disks; i++)
		fds[WIRE_DISKS + i] = o->disks[i].fd;
	for (int i = 0; i < nr; i++) {
		int from = fds[i] < 0 ? null : fds[i];

		fds[i] = fcntl(from, F_DUPFD_CLOEXEC, HIGH);
		if (fds[i] < 0) {
			say_not_started(socket);
			return;
		}
	}
	program = fcntl(program, F_DUPFD_CLOEXEC, HIGH);
	for (int i = 0; i < nr; i++) {
		if (dup2(fds[i], i) < 0)
			return;
	}
	/* What we were started with as well, however high its number: all goes with the exec. */
	if (program >= 0 && close_range((unsigned int)nr, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		fexecve(program, argv, envp);
	say_not_started(fds[WIRE_SOCKET]);
}

static int start_reader(int program, const struct boot_options *o, int terminal,
			struct boot_files *files, struct reader *r, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail_sys(err, errno, "cannot make a socket");
	r->socket = pair[0];
	r->pid = fork();
	if (r->pid == 0) {
		become_reader(program, o, terminal, pair[1], files);
		_exit(127);
	}
	close(pair[1]);
	return r->pid < 0 ? fail_sys(err, errno, "cannot start the reader of the disk") : 0;
}

static int put_text(char *to, size_t size, const char *from, const char *what, struct err *err)
{
	if (!from)
		return 0;
	if (strlen(from) >= size)
		return fail(err, EINVAL, "%s is longer than %zu characters", what, size - 1);
	strcpy(to, from);
	return 0;
}

static int make_request(const struct boot_options *o, struct wire_request *request,
			struct err *err)
{
	int rc;

	if (!o->nr_disks || o->nr_disks > BOOT_DISKS_MAX)
		return fail(err, EINVAL, "a bootloader reads 1 to %d disks, not %zu", BOOT_DISKS_MAX,
			    o->nr_disks);
	*request = (struct wire_request){
		.version = WIRE_VERSION, .action = o->action, .nr_disks = (uint32_t)o->nr_disks,
		.raw = o->raw, .terminal = o->terminal >= 0, .alone = o->alone, .flat = o->flat,
		.ramdisk_max = o->ramdisk_max,
		.kernel_max = o->kernel_max < UNWRAP_MAX ? o->kernel_max : UNWRAP_MAX,
	};
	for (size_t i = 0; i < o->nr_disks; i++) {
		request->format[i] = (uint8_t)o->disks[i].format;
		request->sector[i] = o->disks[i].sector;
		request->offset[i] = o->disks[i].offset;
	}
	rc = put_text(request->entry, sizeof(request->entry), o->entry, "the entry to boot", err);
	if (rc == 0)
		rc = put_text(request->kernel, sizeof(request->kernel), o->kernel, "the kernel's path",
			      err);
	if (rc == 0)
		rc = put_text(request->ramdisk, sizeof(request->ramdisk), o->ramdisk,
			      "the ramdisk's path", err);
	return rc;
}

/* The reader closed its socket without a result: why. */
static int ended_early(struct reader *r, struct err *err)
{
	int status;

	/* One that ends keeps its status; one that only closed its socket would never end. */
	kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	r->pid = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return fail(err, EPERM, "the reader of the disk was killed by its sandbox: it tried "
			    "what it may not");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return fail(err, ETIME, "the disk takes too much computing to read: given up");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
		return fail(err, ENOMEM, "not enough memory for the kernel");
	if (WIFSIGNALED(status))
		return fail(err, EIO, "the reader of the disk was killed by signal %d (%s)",
			    WTERMSIG(status), strsignal(WTERMSIG(status)));
	return fail(err, EIO, "the reader of the disk ended with status %d and no result",
		    WEXITSTATUS(status));
}

/* The time that is left, and whether it stands still. */
struct clock {
	int64_t deadline, left;
	bool stopped;
	bool menu;		/* is up: the time is the user's... */
	bool alone;		/* ...when there is one */
};

static void clock_stop(struct clock *c, bool stop)
{
	if (stop == c->stopped || c->deadline == INT64_MAX)
		return;
	c->stopped = stop;
	if (stop)
		c->left = c->deadline - wait_now_ms();
	else
		c->deadline = wait_now_ms() + c->left;
}

/* Waits until the reader says something, and serves the terminal until then. */
static int wait_for(struct reader *r, struct relay *relay, struct clock *clock, struct err *err)
{
	for (;;) {
		struct pollfd fds[1 + RELAY_FDS] = { { .fd = r->socket, .events = POLLIN } };
		int rc;

		/* With the terminal gone nobody is asked any more; nor does talk on it stop the clock. */
		clock_stop(clock, clock->menu && relay->master >= 0 &&
			   (!clock->alone || relay->typed));
		if (!clock->stopped && wait_now_ms() >= clock->deadline)
			return fail(err, ETIMEDOUT, "the disk takes too long to read: given up");
		relay_fds(relay, fds + 1);
		rc = wait_poll(fds, ARRAY_SIZE(fds), clock->stopped ? INT64_MAX : clock->deadline);
		if (rc == -ETIMEDOUT)
			return fail(err, ETIMEDOUT, "the disk takes too long to read: given up");
		if (rc == -EINTR)
			return fail(err, EINTR, "interrupted");
		if (rc < 0)
			return fail_sys(err, -rc, "cannot wait for the reader of the disk");
		rc = relay_step(relay, fds + 1, err);
		if (rc < 0 || fds[0].revents)
			return rc;
	}
}

static int receive(struct reader *r, struct relay *relay, struct clock *clock,
		   const struct wire_request *request, struct wire_message *m, struct err *err)
{
	int rc = wait_for(r, relay, clock, err);
	ssize_t n;

	if (rc < 0)
		return rc;
	n = recv(r->socket, m, sizeof(*m), MSG_TRUNC);
	/* That it ended without hearing us comes before what it said. */
	if (n < 0 && errno == ECONNRESET)
		n = recv(r->socket, m, sizeof(*m), MSG_TRUNC);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return ended_early(r, err);
	if (n < 0)
		return fail_sys(err, errno, "cannot hear the reader of the disk");
	if (!wire_check(m, (size_t)n, request))
		return fail(err, EPROTO, "the reader of the disk says what makes no sense");
	return 0;
}

static void hand_on(const struct wire_message *m, const struct boot_callbacks *cb)
{
	if (m->kind == MESSAGE_DEVICE && cb->device)
		cb->device(cb->ctx, &m->device);
	else if (m->kind == MESSAGE_ENTRY && cb->entry)
		cb->entry(cb->ctx, &m->entry);
	else if (m->kind == MESSAGE_NOTE && cb->note)
		cb->note(cb->ctx, m->note);
}

static int listen_to(struct reader *r, struct relay *relay, int timeout_ms,
		     const struct wire_request *request, const struct boot_callbacks *cb,
		     struct boot_result *result, struct err *err)
{
	struct clock clock = { .deadline = wait_deadline(timeout_ms), .alone = request->alone };
	struct wire_message m;
	char text[sizeof(m.error.msg)];

	for (unsigned int i = 0; i < MESSAGES_MAX; i++) {
		int rc = receive(r, relay, &clock, request, &m, err);

		if (rc < 0)
			return rc;
		if (m.kind == MESSAGE_ERROR)
			return fail(err, m.error.code, "%s",
				    str_escape(m.error.msg, strlen(m.error.msg), text, sizeof(text)));
		if (m.kind == MESSAGE_RESULT) {
			*result = m.result;
			return 0;
		}
		if (m.kind == MESSAGE_MENU_UP || m.kind == MESSAGE_MENU_DOWN)
			clock.menu = m.kind == MESSAGE_MENU_UP;
		else if (cb)
			hand_on(&m, cb);
	}
	return fail(err, EPROTO, "the reader of the disk does not come to an end");
}

/* Its size becomes that of what was written, and it never changes again. Nobody else has it now. */
static int seal(int *fd, uint64_t size, struct err *err)
{
	char path[32];
	int sealed;

	if (!size) {
		scoped_fd(fd);
		*fd = -1;
		return 0;
	}
	if (ftruncate(*fd, (off_t)size) < 0 ||
	    fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return fail_sys(err, errno, "cannot seal what was read");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	sealed = open(path, O_RDONLY | O_CLOEXEC);
	if (sealed < 0)
		return fail_sys(err, errno, "cannot reopen what was read");
	close(*fd);
	*fd = sealed;
	return 0;
}

/* The files for what is read, as large as the reader was told. */
static int make_files(const struct wire_request *request, struct boot_files *files,
		      struct err *err)
{
	int rc;

	if (request->action != BOOT_LOAD)
		return 0;
	rc = memory_file("kernel", request->kernel_max, &files->kernel, err);
	return rc < 0 ? rc : memory_file("ramdisk", request->ramdisk_max, &files->ramdisk, err);
}

/* The reader has unpacked it; who goes on with it, as root, must not do so again. */
static int check_kernel(int fd, struct err *err)
{
	uint8_t head[4];

	if (pread(fd, head, sizeof(head), 0) == sizeof(head) &&
	    unwrap_probe(head, sizeof(head)) == UNWRAP_ELF)
		return 0;
	return fail(err, EPROTO, "the reader of the disk gives what is no ELF file");
}

int bootloader_run(int program, const struct boot_options *o, const struct boot_callbacks *cb,
		   struct boot_result *result, struct boot_files *files, struct err *err)
{
	scoped(boot_files) struct boot_files own = BOOT_FILES_INIT;
	scoped(reader) struct reader r = { .socket = -1 };
	scoped(relay) struct relay relay = RELAY_INIT;
	struct wire_request request;
	int rc = make_request(o, &request, err);

	if (rc == 0)
		rc = make_files(&request, &own, err);
	if (rc == 0)
		rc = relay_open(o->terminal, &relay, err);
	if (rc == 0)
		rc = start_reader(program, o, relay.slave, &own, &r, err);
	if (rc < 0)
		return rc;
	relay_started(&relay);
	/* One that is gone already may have said why. */
	if (send(r.socket, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request) &&
	    errno != EPIPE && errno != ECONNRESET)
		return fail_sys(err, errno, "cannot ask the reader of the disk");
	rc = listen_to(&r, &relay, o->timeout_ms, &request, cb, result, err);
	if (rc < 0)
		return rc;
	/* Nobody may write to the files any more when they are sealed. */
	scoped_reader(&r);
	r = (struct reader){ .socket = -1 };
	if (o->action != BOOT_LOAD)
		return 0;
	rc = seal(&own.kernel, result->kernel_size, err);
	if (rc == 0 && !o->raw)
		rc = check_kernel(own.kernel, err);
	if (rc == 0)
		rc = seal(&own.ramdisk, result->ramdisk_size, err);
	if (rc == 0) {
		*files = own;
		own = (struct boot_files)BOOT_FILES_INIT;
	}
	return rc;
}
