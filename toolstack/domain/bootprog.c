/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootprog.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "bootload.h"
#include "bootloader/relay.h"
#include "config/config.h"

enum { ANSWER_MAX = 64 * 1024, SAID_MAX = 200, ARGS_OWN = 9 };

/* Beside kernel and ramdisk. */
#define FOLDER_SPARE ((uint64_t)4 << 20)

/* What it answers */

static const char *value_of(const char *item, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(item, word, len) != 0 || !isspace((unsigned char)item[len]))
		return NULL;
	item += len;
	while (isspace((unsigned char)*item))
		item++;
	return item;
}

int bootprog_parse(const char *text, size_t len, struct bootprog_answer *answer, struct err *err)
{
	static const char *const words[] = { "kernel", "ramdisk", "args" };
	const char **const values[] = { &answer->kernel, &answer->ramdisk, &answer->args };
	char safe[SAID_MAX];

	*answer = (struct bootprog_answer){ .kernel = NULL };
	for (const char *item = text; item < text + len; item += strlen(item) + 1) {
		bool known = !*item;

		for (size_t i = 0; i < ARRAY_SIZE(words) && !known; i++) {
			const char *value = value_of(item, words[i]);

			known = value != NULL;
			if (known)
				*values[i] = value;
		}
		if (!known)
			return fail(err, EPROTO, "it answers '%s'",
				    str_escape(item, strlen(item), safe, sizeof(safe)));
	}
	return answer->kernel ? 0 : fail(err, EPROTO, "it ends well but names no kernel");
}

int bootprog_check(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fail_sys(err, errno, "bootloader '%s'", path);
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return fail(err, EACCES, "bootloader '%s' is not a program", path);
	return 0;
}

/*
 * Where it puts files: in memory, without a name in any folder, so that nothing can stay. How much
 * that is the guest's disk decides, so it is at most what the guest could be given.
 */
static int open_folder(uint64_t max, struct err *err)
{
	scoped(fd) int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	char size[24];
	int fd;

	snprintf(size, sizeof(size), "%llu", (unsigned long long)(max + FOLDER_SPARE));
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0700", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_sys(err, errno, "cannot make a folder in memory");
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? fail_sys(err, errno, "cannot mount a folder in memory") : fd;
}

/* Running it */

/* The program while it runs; leaving the scope kills it and what it started. */
struct program {
	pid_t pid;
	int pidfd;
	int heard, sink[2];	/* without a terminal: what it says, and where the relay writes that */
	char said[SAID_MAX];	/* the end of it */
	size_t nr_said;
};

static void scoped_program(struct program *p)
{
	int saved = errno;

	if (p->pid > 0) {
		kill(-p->pid, SIGKILL);
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	scoped_fd(&p->pidfd);
	scoped_fd(&p->sink[0]);
	scoped_fd(&p->sink[1]);
	errno = saved;
}

struct words {
	char **list;		/* owned, NULL-terminated */
	size_t nr;
	bool failed;
};

static void scoped_words(struct words *w)
{
	for (size_t i = 0; i < w->nr; i++)
		free(w->list[i]);
	free(w->list);
}

static void add_word(struct words *w, const char *before, const char *text)
{
	char *word = str_format("%s%s", before, text);

	w->failed |= !word;
	if (word)
		w->list[w->nr++] = word;
}

/* libxl's, in its order (libxl_bootloader.c, make_bootloader_args). */
static int make_args(const struct domain_config *config, const char *disk, const char *folder,
		     struct words *w, struct err *err)
{
	scoped(free) char *output = str_format("%s/out", folder);

	w->list = calloc(ARGS_OWN + config->bootloader_args.nr, sizeof(*w->list));
	if (!w->list || !output)
		return fail_nomem(err);
	add_word(w, "", config->bootloader);
	if (config->kernel)
		add_word(w, "--kernel=", config->kernel);
	if (config->ramdisk)
		add_word(w, "--ramdisk=", config->ramdisk);
	if (config->cmdline && *config->cmdline)
		add_word(w, "--args=", config->cmdline);
	add_word(w, "--output=", output);
	add_word(w, "--output-format=", "simple0");
	add_word(w, "--output-directory=", folder);
	for (size_t i = 0; i < config->bootloader_args.nr; i++)
		add_word(w, "", config->bootloader_args.items[i]);
	add_word(w, "", disk);
	return w->failed ? fail_nomem(err) : 0;
}

/* A terminal as after login: the relay's is raw. */
static void cook(int fd)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct termios t;

	if (tcgetattr(fd, &t) == 0) {
		t.c_iflag |= ICRNL | IXON;
		t.c_oflag |= OPOST | ONLCR;
		t.c_lflag |= ICANON | ECHO | ECHOE | ECHOK | ISIG | IEXTEN;
		tcsetattr(fd, TCSANOW, &t);
	}
	ioctl(fd, TIOCSWINSZ, &size);
}

/* In the child; returns on failure only. */
static void become_program(char *const *args, int terminal, pid_t parent)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return;
	setsid();
	ioctl(terminal, TIOCSCTTY, 0);
	cook(terminal);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(terminal, fd) < 0)
			return;
	if (close_range(3, ~0U, 0) < 0)
		return;
	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("TERM", "vt100", 1);
	execv(args[0], args);
	fprintf(stderr, "%s\n", strerror(errno));
}

static int start(struct program *p, char *const *args, int terminal, struct err *err)
{
	pid_t self = getpid();

	p->pid = fork();
	if (p->pid == 0) {
		become_program(args, terminal, self);
		_exit(127);
	}
	if (p->pid < 0)
		return fail_sys(err, errno, "cannot fork");
	p->pidfd = pidfd_open(p->pid, 0);
	return p->pidfd < 0 ? fail_sys(err, errno, "cannot watch its process") : 0;
}

/* Only the end is kept. */
static void listen_to(struct program *p)
{
	char buf[4096];
	ssize_t n = read(p->sink[0], buf, sizeof(buf));
	size_t len = n > 0 ? (size_t)n : 0, more = len < SAID_MAX ? len : SAID_MAX;
	size_t keep = p->nr_said + more <= SAID_MAX ? p->nr_said : SAID_MAX - more;

	memmove(p->said, p->said + p->nr_said - keep, keep);
	memcpy(p->said + keep, buf + len - more, more);
	p->nr_said = keep + more;
}

/* Until it has ended and all that it wrote has been passed on. */
static int await(struct program *p, struct relay *relay, int64_t deadline, struct err *err)
{
	for (;;) {
		struct pollfd fds[2 + RELAY_FDS] = {
			{ .fd = p->pidfd, .events = POLLIN }, { .fd = p->sink[0], .events = POLLIN },
		};
		int rc;

		relay_fds(relay, fds + 2);
		rc = wait_poll(fds, ARRAY_SIZE(fds), deadline);
		if (rc == -ETIMEDOUT)
			return fail(err, ETIMEDOUT, "it takes too long: killed");
		if (rc == -EINTR)
			return fail(err, EINTR, "interrupted");
		if (rc < 0)
			return fail_sys(err, -rc, "cannot wait for it");
		/* It has ended: what it started goes as well, while the number is still its own. */
		if (fds[0].revents)
			kill(-p->pid, SIGKILL);
		if (fds[1].revents)
			listen_to(p);
		rc = relay_step(relay, fds + 2, err);
		if (rc < 0)
			return rc;
		if (fds[0].revents && !fds[1].revents && !fds[3].revents)
			return 0;
	}
}

/* The last line that it wrote. */
static const char *last_words(struct program *p, char *safe, size_t size)
{
	size_t end = p->nr_said, from;

	while (end && isspace((unsigned char)p->said[end - 1]))
		end--;
	from = end;
	while (from && p->said[from - 1] != '\n')
		from--;
	return str_escape(p->said + from, end - from, safe, size);
}

static int judge(struct program *p, struct err *err)
{
	char safe[4 * SAID_MAX];
	int status;

	while (waitpid(p->pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail_sys(err, errno, "cannot wait for it");
	p->pid = 0;
	last_words(p, safe, sizeof(safe));
	if (WIFSIGNALED(status))
		return fail(err, EIO, "it was killed by signal %d%s%s", WTERMSIG(status),
			    *safe ? ": " : "", safe);
	if (WEXITSTATUS(status))
		return fail(err, EIO, "it ended with status %d%s%s", WEXITSTATUS(status),
			    *safe ? ": " : "", safe);
	return 0;
}

static int run(char *const *args, int terminal, struct err *err)
{
	scoped(relay) struct relay relay = RELAY_INIT;
	scoped(program) struct program p = { .pidfd = -1, .sink = { -1, -1 } };
	int rc;

	if (terminal < 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p.sink) < 0)
		return fail_sys(err, errno, "cannot make a socket");
	rc = relay_open(terminal < 0 ? p.sink[1] : terminal, &relay, err);
	if (rc == 0)
		rc = start(&p, args, relay.slave, err);
	if (rc < 0)
		return rc;
	relay_started(&relay);
	rc = await(&p, &relay, wait_deadline(terminal < 0 ? BOOTLOAD_TIMEOUT_MS : -1), err);
	return rc < 0 ? rc : judge(&p, err);
}

/* Taking what it made */

static int take_file(const char *folder, const char *path, const char *what, int *fd,
		     char name[BOOTLOAD_PATH_LEN], struct err *err)
{
	size_t bytes, len = strlen(folder);

	if (*path != '/')
		return fail(err, EPROTO, "its %s '%s' is no absolute path", what, path);
	*fd = file_open_regular(path, &bytes, err);
	if (*fd < 0)
		return fail_in(err, "its %s", what);
	/* Without a name it is nobody else's kernel (builders/kernel.c); another folder's stays. */
	if (strncmp(path, folder, len) == 0 && path[len] == '/' && unlink(path) < 0)
		return fail_sys(err, errno, "cannot remove '%s'", path);
	snprintf(name, BOOTLOAD_PATH_LEN, "/proc/self/fd/%d", *fd);
	return 0;
}

static int take_answer(int dirfd, const char *folder, struct bootload *b, struct err *err)
{
	scoped(fd) int fd = openat(dirfd, "out", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	scoped(bytes) struct bytes text = BYTES_INIT;
	struct bootprog_answer answer;
	int rc;

	if (fd < 0)
		return fail_sys(err, errno, "cannot open its answer");
	rc = file_read_fd(fd, "its answer", ANSWER_MAX, &text, err);
	if (rc == 0 && text.len == ANSWER_MAX)
		rc = fail(err, EFBIG, "it answers with more than %d bytes", ANSWER_MAX - 1);
	if (rc == 0)
		rc = bootprog_parse((const char *)text.data, text.len, &answer, err);
	if (rc == 0)
		rc = take_file(folder, answer.kernel, "kernel", &b->files.kernel, b->kernel, err);
	if (rc == 0 && answer.ramdisk)
		rc = take_file(folder, answer.ramdisk, "ramdisk", &b->files.ramdisk, b->ramdisk,
			       err);
	if (rc < 0)
		return rc;
	b->cmdline = strdup(answer.args ? answer.args : "");
	return b->cmdline ? 0 : fail_nomem(err);
}

int bootprog_run(const struct domain_config *config, const char *disk, int terminal, uint64_t max,
		 struct bootload *out, struct err *err)
{
	scoped(bootload) struct bootload b = BOOTLOAD_INIT;
	scoped(words) struct words args = { .list = NULL };
	scoped(fd) int folder = open_folder(max, err);
	scoped(fd) int answer = -1;
	char path[48];
	int rc;

	if (folder < 0)
		return folder;
	/* pygrub does not make it. */
	answer = openat(folder, "out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (answer < 0)
		return fail_sys(err, errno, "cannot make a file for its answer");
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), folder);
	rc = make_args(config, disk, path, &args, err);
	if (rc == 0)
		rc = run(args.list, terminal, err);
	if (rc == 0)
		rc = take_answer(folder, path, &b, err);
	if (rc < 0)
		return rc;
	*out = b;
	b = (struct bootload)BOOTLOAD_INIT;
	return 0;
}
