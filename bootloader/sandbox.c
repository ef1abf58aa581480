/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sandbox.h"

#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scope.h"

enum {
	NOBODY = 65534,
	FILE_SIZE_MAX_GIB = 4,	/* beyond the memfds, which are sealed at their size anyway */
};

static int no_new_privs(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail_sys(err, errno, "cannot give up new privileges");
	return 0;
}

/* An ordinary user gets these only with a user namespace; in one, root could not become nobody. */
static bool enter_namespaces(bool root)
{
	const int flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

	return unshare(root ? flags : CLONE_NEWUSER | flags) == 0;
}

/*
 * An empty root instead of the host's: no path leads anywhere, and none of the host's file systems
 * stays busy because its copy of the mount is here. /proc is a folder that every host has.
 */
static bool leave_files(void)
{
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount("none", "/proc", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		      "size=4k") == 0 &&
		chdir("/proc") == 0 && syscall(SYS_pivot_root, ".", ".") == 0 &&
		umount2(".", MNT_DETACH) == 0 && chdir("/") == 0;
}

static int drop_root(struct err *err)
{
	/* Not setgroups(): glibc's changes all threads, with a signal that it has to wait for. */
	if (syscall(SYS_setgroups, 0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return fail_sys(err, errno, "cannot become nobody");
	if (setuid(0) == 0)
		return fail(err, EPERM, "root could be had again");
	return 0;
}

/* What an exec could give. While it is still root: dropping from it wants a capability itself. */
static int drop_bounding_set(bool root, struct err *err)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		/* An ordinary user without a namespace has none to drop them with. */
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && root)
			return fail_sys(err, errno, "cannot give up the capability %d", cap);
	}
	return 0;
}

static int drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	/* Ambient ones go with the inheritable ones. */
	if (syscall(SYS_capset, &header, none) < 0)
		return fail_sys(err, errno, "cannot give up its capabilities");
	return 0;
}

/* All that the oldest version knows about files; no rule allows any of it. */
static bool enter_landlock(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = 0x1fff };
	scoped(fd) int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	return fd >= 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}

static int limit(uint64_t memory, unsigned int seconds, struct err *err)
{
	const struct {
		__rlimit_resource_t what;
		rlim_t max;
	} limits[] = {
		{ RLIMIT_AS, memory }, { RLIMIT_CPU, seconds }, { RLIMIT_NPROC, 0 },
		{ RLIMIT_CORE, 0 }, { RLIMIT_MEMLOCK, 0 }, { RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_NOFILE, 1 /* poll() of one */ }, { RLIMIT_FSIZE, (rlim_t)FILE_SIZE_MAX_GIB << 30 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		/* At the hard limit of time SIGKILL comes, which says nothing: SIGXCPU before. */
		rlim_t spare = limits[i].what == RLIMIT_CPU;
		struct rlimit old, r = { .rlim_max = limits[i].max + spare };

		if (getrlimit(limits[i].what, &old) == 0 && r.rlim_max > old.rlim_max)
			r.rlim_max = old.rlim_max;
		r.rlim_cur = r.rlim_max > spare ? r.rlim_max - spare : r.rlim_max;
		if (setrlimit(limits[i].what, &r) < 0)
			return fail_sys(err, errno, "cannot set a limit");
	}
	return 0;
}

static const int plain_calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(lseek),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(poll), SCMP_SYS(close),
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(clock_gettime), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(getrandom),
};

/* What libraries ask for and do without: no reason to kill. */
static const int refused_calls[] = {
	SCMP_SYS(newfstatat), SCMP_SYS(fstat), SCMP_SYS(ioctl), SCMP_SYS(fadvise64),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(sysinfo), SCMP_SYS(getpid),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack), SCMP_SYS(futex),
};

static int add_rules(scmp_filter_ctx filter, int terminal)
{
	static const unsigned int terminal_requests[] = { TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(plain_calls) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain_calls[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(refused_calls) && r == 0; i++) {
		if (terminal < 0 || refused_calls[i] != SCMP_SYS(ioctl))
			r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), refused_calls[i], 0);
	}
	/* Memory, but none that code could be in, and none that is a file. */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
				     SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	for (size_t i = 0; i < ARRAY_SIZE(terminal_requests) && r == 0 && terminal >= 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 2,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)terminal, 0),
				     SCMP_A1(SCMP_CMP_EQ, terminal_requests[i], 0));
	return r;
}

static int enter_seccomp(int terminal, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return fail_nomem(err);
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = add_rules(filter, terminal);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r < 0 ? fail_sys(err, -r, "cannot have a seccomp filter") : 0;
}

int sandbox_enter(uint64_t memory, unsigned int seconds, int terminal, unsigned int *got,
		  struct err *err)
{
	unsigned int have = 0;
	bool root = geteuid() == 0;
	int rc;

	if (enter_namespaces(root)) {
		have |= SANDBOX_NAMESPACES;
		if (leave_files())
			have |= SANDBOX_NO_FILES;
	}
	rc = drop_bounding_set(root, err);
	if (rc == 0 && root)
		rc = drop_root(err);
	if (rc < 0)
		return rc;
	if (root)
		have |= SANDBOX_UID;
	rc = drop_capabilities(err);
	if (rc == 0)
		rc = no_new_privs(err);
	if (rc < 0)
		return rc;
	if (enter_landlock())
		have |= SANDBOX_LANDLOCK;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return fail_sys(err, errno, "cannot enter the sandbox");
	rc = limit(memory, seconds, err);
	if (rc == 0)
		rc = enter_seccomp(terminal, err);
	if (rc == 0)
		*got = have;
	return rc;
}
