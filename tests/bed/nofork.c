/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nofork COMMAND ARG...: runs it so that it cannot make a process: fork and its kin fail with
 * EPERM. What succeeds under it needs no helper program. (Threads can be made.)
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(nr, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, then, otherwise)
#define END(action) BPF_STMT(BPF_RET | BPF_K, action)

int main(int argc, char **argv)
{
	struct sock_filter rules[] = {
		LOAD(nr),
		IF(SYS_fork, 5, 0),
		IF(SYS_vfork, 4, 0),
		IF(SYS_clone, 1, 0),
		/* clone3's arguments are out of reach: libc falls back to clone. */
		IF(SYS_clone3, 3, 4),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 2, 0),
		END(SECCOMP_RET_ERRNO | EPERM),
		END(SECCOMP_RET_ERRNO | ENOSYS),
		END(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(rules) / sizeof(*rules), .filter = rules };

	if (argc < 2) {
		fprintf(stderr, "usage: nofork COMMAND ARG...\n");
		return 2;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("nofork");
		return 2;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
