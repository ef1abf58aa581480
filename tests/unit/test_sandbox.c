/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Out of the sandbox: a reader that is this program tries each thing that the reader of a
 * disk has no business to do, and bootloader_run() says what became of it.
 */
#include "bootloader/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "bootloader/bootloader.h"
#include "bootloader/wire.h"
#include "tap.h"

enum { KERNEL_MAX = 1 << 20, CPU_SECONDS = 1 };

/* What the reader ends with. */
enum { ALLOWED = 40, REFUSED, NO_SANDBOX, UNKNOWN, STRANGE = 100 };

static int program = -1;

/* System calls as they are: a libc could have reasons of its own to fail. */
static long try_open(void) { return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }
static long try_open_old(void) { return syscall(SYS_open, "/etc/passwd", O_RDONLY); }
static long try_socket(void) { return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); }
static long try_exec(void) { return syscall(SYS_execve, "/bin/true", NULL, NULL); }
static long try_fork(void) { return syscall(SYS_fork); }
static long try_clone(void) { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static long try_ptrace(void) { return syscall(SYS_ptrace, 16 /* ATTACH */, getppid(), 0, 0); }
static long try_kill(void) { return syscall(SYS_kill, 1, 0); }
static long try_unlink(void) { return syscall(SYS_unlink, "/tmp/x"); }
static long try_mount(void) { return syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL); }
static long try_memfd(void) { return syscall(SYS_memfd_create, "x", 0); }
static long try_setuid(void) { return syscall(SYS_setuid, 0); }
static long try_unshare(void) { return syscall(SYS_unshare, 0x10000000); }
static long try_dup(void) { return syscall(SYS_dup, 0); }
static long try_io_uring(void) { return syscall(425, 8, NULL); }
static long try_process_vm(void) { return syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0); }
static long try_tiocsti(void) { return syscall(SYS_ioctl, 0, 0x5412, "x"); }
static long try_write_disk(void) { return syscall(SYS_pwrite64, WIRE_DISKS, "x", 1, 0); }
static long try_truncate(void) { return syscall(SYS_ftruncate, WIRE_DISKS, 0); }
static long try_stat(void) { return syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", NULL, 0); }
static long try_read_disk(void) { char c; return syscall(SYS_pread64, WIRE_DISKS, &c, 1, 0); }

static long try_mmap_exec(void)
{
	return syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long try_mmap_file(void)
{
	return syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED, WIRE_DISKS, 0);
}

static long try_mprotect_exec(void)
{
	static char page[8192];

	return syscall(SYS_mprotect, ((long)page + 4095) & ~4095l, 4096, PROT_READ | PROT_EXEC);
}

/* 32-bit system calls have other numbers: int 0x80 must not be a way round. */
static long try_int80(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20l /* getpid */) : "memory");
	return r;
}

static long try_memory(void)
{
	/* More than was allowed. */
	return syscall(SYS_mmap, 0, 1ul << 46, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* Computes for ever. */
static long try_spin(void)
{
	volatile unsigned long i = 0;

	while (++i)
		;
	return 0;
}

/* The page of the kernel's memory that there is no memory for. */
static long try_page(void)
{
	volatile char *map = mmap(NULL, KERNEL_MAX + 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				  WIRE_KERNEL, 0);

	signal(SIGBUS, SIG_DFL);
	map[KERNEL_MAX] = 1;
	return 0;
}

static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* A pseudo-terminal of the reader's own: its other end is the toolstack's. */
static bool is_terminal(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && isatty(STDIN_FILENO) && major(st->st_rdev) == 136;
}

static bool is_memory(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && seals & F_SEAL_GROW;
}

/* Whether a descriptor is what has to have its number. */
static bool is_right(int fd, bool terminal)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fd > WIRE_DISKS;
	if (fd < WIRE_SOCKET)
		return terminal ? is_terminal(&st) : is_null(&st);
	if (fd == WIRE_SOCKET)
		return S_ISSOCK(st.st_mode);
	if (fd < WIRE_DISKS)
		return is_memory(fd);
	return fd == WIRE_DISKS && S_ISREG(st.st_mode) &&
		(fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
}

/* What the reader was started with: an exit status. */
static int inherited(const struct wire_request *request)
{
	for (int fd = 0; fd < 1024; fd++) {
		if (!is_right(fd, request->terminal))
			return STRANGE + (fd < 100 ? fd : 100);
	}
	return environ[0] ? STRANGE - 1 : ALLOWED;
}

enum outcome { IS_ALLOWED, IS_REFUSED, IS_KILLED, IS_TOO_SLOW, IS_TOO_LARGE };

/* What the toolstack says then. */
static const struct {
	int code;
	const char *words;
} outcomes[] = {
	[IS_ALLOWED] = { EIO, "the reader of the disk ended with status 40 and no result" },
	[IS_REFUSED] = { EIO, "the reader of the disk ended with status 41 and no result" },
	[IS_KILLED] = { EPERM, "the reader of the disk was killed by its sandbox: it tried what it may "
			"not" },
	[IS_TOO_SLOW] = { ETIME, "the disk takes too much computing to read: given up" },
	[IS_TOO_LARGE] = { ENOMEM, "not enough memory for the kernel" },
};

static const struct {
	const char *name;
	long (*try)(void);
	enum outcome want;
	bool outside;	/* before the sandbox is entered */
} attempts[] = {
	{ "read the disk", try_read_disk, IS_ALLOWED, false },
	{ "write to the disk", try_write_disk, IS_REFUSED, false },
	{ "stat a path", try_stat, IS_REFUSED, false },
	{ "map too much memory", try_memory, IS_REFUSED, false },
	{ "type into a terminal", try_tiocsti, IS_REFUSED, false },
	{ "open", try_open_old, IS_KILLED, false },
	{ "openat", try_open, IS_KILLED, false },
	{ "socket", try_socket, IS_KILLED, false },
	{ "execve", try_exec, IS_KILLED, false },
	{ "fork", try_fork, IS_KILLED, false },
	{ "clone", try_clone, IS_KILLED, false },
	{ "ptrace", try_ptrace, IS_KILLED, false },
	{ "kill", try_kill, IS_KILLED, false },
	{ "unlink", try_unlink, IS_KILLED, false },
	{ "mount", try_mount, IS_KILLED, false },
	{ "memfd_create", try_memfd, IS_KILLED, false },
	{ "setuid", try_setuid, IS_KILLED, false },
	{ "unshare", try_unshare, IS_KILLED, false },
	{ "dup", try_dup, IS_KILLED, false },
	{ "io_uring_setup", try_io_uring, IS_KILLED, false },
	{ "process_vm_readv", try_process_vm, IS_KILLED, false },
	{ "ftruncate", try_truncate, IS_KILLED, false },
	{ "mmap of code", try_mmap_exec, IS_KILLED, false },
	{ "mmap of a file", try_mmap_file, IS_KILLED, false },
	{ "mprotect to code", try_mprotect_exec, IS_KILLED, false },
	{ "int 0x80", try_int80, IS_KILLED, false },
	{ "compute for ever", try_spin, IS_TOO_SLOW, false },
	{ "a page that is not there", try_page, IS_TOO_LARGE, true },
};

/* The reader's side. No libc: its exit would do more than end. */
static int reader(void)
{
	struct wire_request request;
	struct err err = ERR_INIT;
	unsigned int got;

	if (read(WIRE_SOCKET, &request, sizeof(request)) != sizeof(request))
		return UNKNOWN;
	if (strcmp(request.entry, "inherited") == 0)
		return inherited(&request);
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		if (strcmp(attempts[i].name, request.entry) != 0)
			continue;
		if (!attempts[i].outside &&
		    sandbox_enter((uint64_t)1 << 46, CPU_SECONDS, -1, &got, &err) < 0)
			return NO_SANDBOX;
		return attempts[i].try() < 0 ? REFUSED : ALLOWED;
	}
	return UNKNOWN;
}

static int run_reader(const char *entry, int terminal, struct err *err)
{
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	const struct boot_disk disk = { .fd = program, .format = BOOT_RAW };
	const struct boot_options o = {
		.disks = &disk, .nr_disks = 1, .action = BOOT_LOAD, .entry = entry,
		.terminal = terminal, .timeout_ms = 60000, .kernel_max = KERNEL_MAX,
		.ramdisk_max = KERNEL_MAX,
	};
	struct boot_result result;

	return bootloader_run(program, &o, NULL, &result, &files, err);
}

static bool attempt(size_t i, struct err *err)
{
	int rc = run_reader(attempts[i].name, -1, err);

	return rc == -outcomes[attempts[i].want].code &&
		strcmp(err->msg, outcomes[attempts[i].want].words) == 0;
}

static void test_attempts(const char *who)
{
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		struct err err = ERR_INIT;

		ok(attempt(i, &err), "as %s: %s: %s", who, attempts[i].name, err.msg);
	}
}

static unsigned int count_mounts(pid_t pid)
{
	char path[64], line[1024];
	unsigned int nr = 0;
	FILE *mounts;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	mounts = fopen(path, "r");
	while (mounts && fgets(line, sizeof(line), mounts))
		nr++;
	if (mounts)
		fclose(mounts);
	return nr;
}

/* All five sets of capabilities, as the kernel has them for what is inside. */
static void test_capabilities(void)
{
	int go[2], in[2];
	char path[64], line[256];
	unsigned int empty = 0;
	char part = 0;
	FILE *status;
	pid_t pid;

	if (pipe(go) < 0 || pipe(in) < 0)
		return;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct err err = ERR_INIT;
		unsigned int got;
		char c = 0;

		close(go[1]);
		if (sandbox_enter((uint64_t)1 << 46, 10, -1, &got, &err) == 0 &&
		    write(in[1], got & SANDBOX_NO_FILES ? "f" : got & SANDBOX_NAMESPACES ? "n" : "-", 1) == 1)
			(void)!read(go[0], &c, 1);
		syscall(SYS_exit_group, 0);
	}
	close(in[1]);
	close(go[0]);
	is_int(read(in[0], &part, 1), 1, "one in the sandbox");
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		empty += strncmp(line, "Cap", 3) == 0 && strcmp(line + 7, "\t0000000000000000\n") == 0;
	if (status)
		fclose(status);
	is_int(empty, 5, "has no capabilities, and could get none");
	if (part == '-')
		ok(true, "an empty root # SKIP no namespaces here");
	else
		ok(part == 'f' && (geteuid() != 0 || count_mounts(pid) == 1),
		   "nothing but an empty root is mounted there");
	close(go[1]);
	close(in[0]);
	waitpid(pid, NULL, 0);
}

/* The rest as another user than root, where this is root. */
static int as_nobody(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int failed = 0;

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(98);
		for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
			struct err err = ERR_INIT;

			if (attempt(i, &err))
				continue;
			failed++;
			printf("# %s: %s\n", attempts[i].name, err.msg);
		}
		fflush(stdout);
		_exit(failed);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 99;
	return WEXITSTATUS(status);
}

/* Whatever the toolstack has open, and however it was told. */
static void test_inherited(void)
{
	struct err err = ERR_INIT, with = ERR_INIT;
	scoped(fd) int master = -1;
	scoped(fd) int slave = -1;
	int high = dup2(program, 900), low = dup(program);

	setenv("SECRET", "x", 1);
	run_reader("inherited", -1, &err);
	is_str(err.msg, outcomes[IS_ALLOWED].words, "it has the disk and its memory, no environment");
	if (ok(high >= 0 && low >= 0 && openpty(&master, &slave, NULL, NULL, NULL) == 0, "a terminal"))
		run_reader("inherited", slave, &with);
	is_str(with.msg, outcomes[IS_ALLOWED].words, "and a terminal of its own");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--reader") == 0)
		syscall(SYS_exit_group, reader());
	program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	test_inherited();
	test_attempts(geteuid() == 0 ? "root" : "a user");
	if (geteuid() == 0)
		test_capabilities();
	if (geteuid() == 0)
		is_int(as_nobody(), 0, "as nobody: all the same");
	return tap_done();
}
