/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootloader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/wait.h"
#include "wire.h"

enum { MESSAGES_MAX = 10000 };	/* more than all devices, entries and notes */

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

/* A file in memory that is as large as it may become. Pages that nobody wrote cost nothing. */
static int memory_file(const char *name, uint64_t max, int *fd, struct err *err)
{
	*fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return fail_sys(err, errno, "cannot make a file in memory");
	if (ftruncate(*fd, (off_t)max) < 0)
		return fail_sys(err, errno, "cannot make a file in memory of %llu bytes",
				(unsigned long long)max);
	if (fcntl(*fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)
		return fail_sys(err, errno, "cannot seal a file in memory");
	return 0;
}

/* In the child, after fork: nothing but descriptors, in their places; returns on failure only. */
static void become_reader(int program, const struct boot_options *o, int socket,
			  const struct boot_files *files)
{
	enum { HIGH = 100 };	/* out of the way while they are moved */
	char *argv[] = { (char[]){ "xlite-boot" }, (char[]){ "--reader" }, NULL };
	char *envp[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[WIRE_DISKS + BOOT_DISKS_MAX] = {
		o->terminal, o->terminal, o->terminal, socket, files->kernel, files->ramdisk,
	};
	int nr = WIRE_DISKS + (int)o->nr_disks;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < o->nr_disks; i++)
		fds[WIRE_DISKS + i] = o->disks[i].fd;
	for (int i = 0; i < nr; i++) {
		int from = fds[i] < 0 ? null : fds[i];

		fds[i] = fcntl(from, F_DUPFD_CLOEXEC, HIGH);
		if (fds[i] < 0)
			return;
	}
	program = fcntl(program, F_DUPFD_CLOEXEC, HIGH);
	for (int i = 0; i < nr; i++) {
		if (dup2(fds[i], i) < 0)
			return;
	}
	if (close_range((unsigned int)nr, HIGH - 1, 0) < 0)
		return;
	fexecve(program, argv, envp);
}

static int start_reader(int program, const struct boot_options *o, struct boot_files *files,
			struct reader *r, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail_sys(err, errno, "cannot make a socket");
	r->socket = pair[0];
	r->pid = fork();
	if (r->pid == 0) {
		become_reader(program, o, pair[1], files);
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
		.kernel_max = o->kernel_max, .ramdisk_max = o->ramdisk_max,
	};
	for (size_t i = 0; i < o->nr_disks; i++)
		request->format[i] = (uint8_t)o->disks[i].format;
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

	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	r->pid = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return fail(err, EPERM, "the reader of the disk was killed by its sandbox: it tried "
			    "what it may not");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return fail(err, ETIME, "the disk takes too much computing to read: given up");
	if (WIFSIGNALED(status))
		return fail(err, EIO, "the reader of the disk was killed by signal %d (%s)",
			    WTERMSIG(status), strsignal(WTERMSIG(status)));
	return fail(err, EIO, "the reader of the disk ended with status %d and no result",
		    WEXITSTATUS(status));
}

static int receive(struct reader *r, int64_t deadline, const struct wire_request *request,
		   struct wire_message *m, struct err *err)
{
	struct pollfd pfd = { .fd = r->socket, .events = POLLIN };
	int rc = wait_poll(&pfd, 1, deadline);
	ssize_t n;

	if (rc == -ETIMEDOUT)
		return fail(err, ETIMEDOUT, "the disk takes too long to read: given up");
	if (rc == -EINTR)
		return fail(err, EINTR, "interrupted");
	if (rc < 0)
		return fail_sys(err, -rc, "cannot wait for the reader of the disk");
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

static int listen_to(struct reader *r, int64_t deadline, const struct wire_request *request,
		     const struct boot_callbacks *cb, struct boot_result *result, struct err *err)
{
	struct wire_message m;

	for (unsigned int i = 0; i < MESSAGES_MAX; i++) {
		int rc = receive(r, deadline, request, &m, err);

		if (rc < 0)
			return rc;
		if (m.kind == MESSAGE_ERROR)
			return fail(err, m.error.code, "%s", m.error.msg);
		if (m.kind == MESSAGE_RESULT) {
			*result = m.result;
			return 0;
		}
		if (cb)
			hand_on(&m, cb);
	}
	return fail(err, EPROTO, "the reader of the disk does not come to an end");
}

/* Its size becomes that of what was written, and it never changes again. */
static int seal(int *fd, uint64_t size, struct err *err)
{
	char path[32];
	int sealed;

	if (!size) {
		scoped_fd(fd);
		*fd = -1;
		return 0;
	}
	/* Shrinking is sealed: so a copy of the descriptor that the reader had is no way round. */
	if (fcntl(*fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return fail_sys(err, errno, "cannot seal what was read");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	sealed = open(path, O_RDONLY | O_CLOEXEC);
	if (sealed < 0)
		return fail_sys(err, errno, "cannot reopen what was read");
	close(*fd);
	*fd = sealed;
	return 0;
}

int bootloader_run(int program, const struct boot_options *o, const struct boot_callbacks *cb,
		   struct boot_result *result, struct boot_files *files, struct err *err)
{
	scoped(boot_files) struct boot_files own = BOOT_FILES_INIT;
	scoped(reader) struct reader r = { .socket = -1 };
	struct wire_request request;
	int rc = make_request(o, &request, err);

	if (rc == 0 && o->action == BOOT_LOAD)
		rc = memory_file("kernel", o->kernel_max, &own.kernel, err);
	if (rc == 0 && o->action == BOOT_LOAD)
		rc = memory_file("ramdisk", o->ramdisk_max, &own.ramdisk, err);
	if (rc == 0)
		rc = start_reader(program, o, &own, &r, err);
	if (rc < 0)
		return rc;
	if (send(r.socket, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		return ended_early(&r, err);
	rc = listen_to(&r, wait_deadline(o->timeout_ms), &request, cb, result, err);
	if (rc < 0)
		return rc;
	/* Nobody may write to the files any more when they are sealed. */
	scoped_reader(&r);
	r = (struct reader){ .socket = -1 };
	if (o->action != BOOT_LOAD)
		return 0;
	rc = seal(&own.kernel, result->kernel_size, err);
	if (rc == 0)
		rc = seal(&own.ramdisk, result->ramdisk_size, err);
	if (rc == 0) {
		*files = own;
		own = (struct boot_files)BOOT_FILES_INIT;
	}
	return rc;
}
