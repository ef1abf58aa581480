/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors: a message for the person, a negative errno for the code.
 *
 * Whatever can fail returns int (0 or -errno), takes `struct err *err` last and
 * leaves by `return fail(...)`. The caller owns the struct; nothing in it is
 * allocated, so it works when memory is out. A message is written once, where
 * the cause is known; callers that know more put it in front with fail_in().
 * Only main() prints.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

struct err {
	int code;		/* positive errno; 0: no error recorded */
	char msg[512];		/* "" or one line without a full stop */
};

#define ERR_INIT { .code = 0 }

/* Records the message (cut to fit), none of it from *err, and returns -code; code 0 becomes EIO. */
int fail(struct err *err, int code, const char *fmt, ...) printf_like(3, 4);

/* The same with ": " and the system's text for code at the end. */
int fail_sys(struct err *err, int code, const char *fmt, ...) printf_like(3, 4);

/* Puts "context: " in front of the message that err holds; returns -code. */
int fail_in(struct err *err, const char *fmt, ...) printf_like(2, 3);

/* Out of memory: the one message for it, returns -ENOMEM. */
int fail_nomem(struct err *err);

/* Lets compilers and analyzers see that what these return is negative. */
static inline int err_negative(int rc)
{
	if (rc >= 0)
		__builtin_unreachable();
	return rc;
}

#define fail(...) err_negative((fail)(__VA_ARGS__))
#define fail_sys(...) err_negative((fail_sys)(__VA_ARGS__))
#define fail_in(...) err_negative((fail_in)(__VA_ARGS__))
#define fail_nomem(err) err_negative((fail_nomem)(err))

#endif
