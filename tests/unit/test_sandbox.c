/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Out of the sandbox: each thing that the reader of a disk has no business to do, tried
 * in a process of its own. "killed" is by SIGSYS, "refused" by an error.
 */
#include "bootloader/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { ALLOWED = 0, REFUSED = 1, NO_SANDBOX = 2 };

static int disk;	/* open for reading only */

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
static long try_write_disk(void) { return syscall(SYS_pwrite64, disk, "x", 1, 0); }
static long try_truncate(void) { return syscall(SYS_ftruncate, disk, 0); }
static long try_stat(void) { return syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", NULL, 0); }
static long try_read_disk(void) { char c; return syscall(SYS_pread64, disk, &c, 1, 0); }

static long try_mmap_exec(void)
{
	return syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long try_mmap_file(void)
{
	return syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED, disk, 0);
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

static const struct {
	const char *name;
	long (*try)(void);
	int want;	/* an exit status, or minus a signal */
} attempts[] = {
	{ "read the disk", try_read_disk, ALLOWED },
	{ "write to the disk", try_write_disk, REFUSED },
	{ "stat a path", try_stat, REFUSED },
	{ "map too much memory", try_memory, REFUSED },
	{ "type into a terminal", try_tiocsti, REFUSED },
	{ "open", try_open_old, -SIGSYS },
	{ "openat", try_open, -SIGSYS },
	{ "socket", try_socket, -SIGSYS },
	{ "execve", try_exec, -SIGSYS },
	{ "fork", try_fork, -SIGSYS },
	{ "clone", try_clone, -SIGSYS },
	{ "ptrace", try_ptrace, -SIGSYS },
	{ "kill", try_kill, -SIGSYS },
	{ "unlink", try_unlink, -SIGSYS },
	{ "mount", try_mount, -SIGSYS },
	{ "memfd_create", try_memfd, -SIGSYS },
	{ "setuid", try_setuid, -SIGSYS },
	{ "unshare", try_unshare, -SIGSYS },
	{ "dup", try_dup, -SIGSYS },
	{ "io_uring_setup", try_io_uring, -SIGSYS },
	{ "process_vm_readv", try_process_vm, -SIGSYS },
	{ "ftruncate", try_truncate, -SIGSYS },
	{ "mmap of code", try_mmap_exec, -SIGSYS },
	{ "mmap of a file", try_mmap_file, -SIGSYS },
	{ "mprotect to code", try_mprotect_exec, -SIGSYS },
	{ "int 0x80", try_int80, -SIGSYS },
};

static int result_of(long (*try)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct err err = ERR_INIT;
		unsigned int got;
		long r;

		if (sandbox_enter((uint64_t)1 << 46, 10, -1, &got, &err) < 0)
			syscall(SYS_exit_group, NO_SANDBOX);
		r = try();
		syscall(SYS_exit_group, r < 0 ? REFUSED : ALLOWED);
	}
	if (waitpid(pid, &status, 0) != pid)
		return 99;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_attempts(const char *who)
{
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		is_int(result_of(attempts[i].try), attempts[i].want, "as %s: %s", who,
		       attempts[i].name);
}

/* All five sets of capabilities, as the kernel has them for what is inside. */
static void test_capabilities(void)
{
	int go[2], in[2];
	char path[64], line[256];
	unsigned int empty = 0;
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
		    write(in[1], "x", 1) == 1)
			(void)!read(go[0], &c, 1);
		syscall(SYS_exit_group, 0);
	}
	close(in[1]);
	close(go[0]);
	is_int(read(in[0], line, 1), 1, "one in the sandbox");
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		empty += strncmp(line, "Cap", 3) == 0 && strcmp(line + 7, "\t0000000000000000\n") == 0;
	if (status)
		fclose(status);
	is_int(empty, 5, "has no capabilities, and could get none");
	close(go[1]);
	close(in[0]);
	waitpid(pid, NULL, 0);
}

/* The rest as another user than root, where this is root. */
static int as_nobody(void)
{
	int status;
	pid_t pid;

	printf("# as nobody\n");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int failed = 0;

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(98);
		for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
			failed += result_of(attempts[i].try) != attempts[i].want;
		_exit(failed);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 99;
	return WEXITSTATUS(status);
}

int main(void)
{
	disk = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	test_attempts(geteuid() == 0 ? "root" : "a user");
	if (geteuid() == 0)
		test_capabilities();
	if (geteuid() == 0)
		is_int(as_nobody(), 0, "as nobody: all the same");
	return tap_done();
}
