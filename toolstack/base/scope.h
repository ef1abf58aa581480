/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope-bound ownership: `scoped(free) char *p = NULL;` releases p on every way
 * out of its block, take(p) hands it on. Locals that own start out empty. A
 * cleanup never fails aloud and keeps errno. (Not called `cleanup`: that word
 * stands in other headers' __attribute__((cleanup(f))).)
 */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* scoped(x) calls scoped_x(&variable); modules add their own scoped_x(). */
#define scoped(kind) __attribute__((cleanup(scoped_##kind)))

/* The value of a pointer variable, which becomes NULL. */
#define take(ptr) ({ __typeof__(ptr) taken_ = (ptr); (ptr) = NULL; taken_; })

/* The value of a descriptor variable, which becomes -1. */
#define take_fd(fd) ({ int taken_ = (fd); (fd) = -1; taken_; })

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void scoped_free(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void scoped_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void scoped_file(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	errno = saved;
}

#endif
