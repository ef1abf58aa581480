/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that fail on demand: linked into the build of `make FAULT=1` only.
 *
 * fault.mk renames every Xen library function that xlite's objects call, and the
 * file functions, from NAME to fault_NAME, and lists them in calls.h. Here each
 * becomes an entry that decides first and then jumps to the real function with
 * all registers as they were: any signature will do, variable arguments too.
 *
 * Environment:
 *	XLITE_FAIL_AT=N		the Nth call that can fail does so, and is not made
 *	XLITE_FAIL_FILE_AT=N	the same for the Nth file call
 *	XLITE_KILL_AT=N		SIGKILL before the Nth call of any kind
 *	XLITE_INT_AT=N		SIGINT before the Nth call of any kind
 *	XLITE_STOP_AT=NAME	SIGSTOP before each call of that name
 *	XLITE_FAULT_FD=FD	what happened: "hit N NAME ERRNO" at once, and at exit
 *				"calls NR-LIBRARY NR-FILE NR-ALL"
 *	XLITE_TRACE=1		at exit, "at US NAME" for each call, in microseconds
 *				since the start, to XLITE_FAULT_FD
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "toolstack/base/scope.h"

enum kind { NEVER, FILE_MINUS, MINUS, NULLS, NEGATIVE, POSITIVE, BOOL, ZERO };

struct fault_call {
	const char *name;
	void *real;
};

/* How each reports failure; the first row that matches counts. */
static const struct { const char *pattern; enum kind kind; } kinds[] = {
	/* They release, or give what is in memory already: they cannot fail. */
	{ "*_close", NEVER }, { "*_free", NEVER }, { "*_infofree", NEVER }, { "*_release", NEVER },
	{ "xtl_*", NEVER }, { "xs_fileno", NEVER }, { "xenevtchn_fd", NEVER },
	{ "xenforeignmemory_unmap", NEVER },
	{ "xc_dom_*_max_size", NEVER }, { "xc_dom_translated", NEVER }, { "xc_dom_guest_os", NEVER },
	{ "xc_dom_feature_get", NEVER }, { "unlink*", NEVER },
	{ "flock", NEVER }, { "xs_daemon_*", NEVER },
	{ "posix_spawn*", POSITIVE },
	{ "xs_read*", NULLS }, { "xs_directory*", NULLS }, { "xs_open", NULLS },
	{ "xs_get_permissions", NULLS }, { "xs_get_domain_path", NULLS },
	{ "xs_check_watch", NULLS }, { "xs_transaction_start", ZERO }, { "xs_*", BOOL },
	{ "xc_cpuid_apply_policy", NEGATIVE },	/* xenctrl.h does not say so; xg_cpuid_x86.c does */
	{ "xc_*_open", NULLS }, { "xc_dom_allocate", NULLS }, { "xc_dom_malloc", NULLS },
	{ "xc_*map_alloc", NULLS },
	{ "xc_cpupool_freeinfo", NULLS }, { "xc_cpupool_getinfo", NULLS },
	{ "xc_map_foreign_*", NULLS }, { "xc_get_*map_size", ZERO },
	{ "xen*_open", NULLS }, { "xenforeignmemory_map*", NULLS },
	{ "xc_*", MINUS }, { "xen*", MINUS },
	{ "*", FILE_MINUS },
};

enum { TRACE_MAX = 4096 };

static unsigned long fail_at, fail_file_at, kill_at, int_at;
static unsigned long nr_library, nr_file, nr_all;
static const char *stop_at;
static int report_fd = -1;
static bool tracing;
static struct { const char *name; int64_t us; } trace[TRACE_MAX];
static int64_t start_us;

/* Read by the assembly below. */
long fault_value;
void *fault_decide(const struct fault_call *call, const char *first);

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static void report(const char *fmt, ...)
{
	va_list ap;

	if (report_fd < 0)
		return;
	va_start(ap, fmt);
	vdprintf(report_fd, fmt, ap);
	va_end(ap);
}

static unsigned long number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void fault_start(void)
{
	fail_at = number("XLITE_FAIL_AT");
	fail_file_at = number("XLITE_FAIL_FILE_AT");
	kill_at = number("XLITE_KILL_AT");
	int_at = number("XLITE_INT_AT");
	stop_at = getenv("XLITE_STOP_AT");
	tracing = getenv("XLITE_TRACE");
	start_us = now_us();
	if (getenv("XLITE_FAULT_FD"))
		report_fd = (int)number("XLITE_FAULT_FD");
	if (report_fd >= 0)
		fcntl(report_fd, F_SETFD, FD_CLOEXEC);
}

__attribute__((destructor)) static void fault_end(void)
{
	for (unsigned long i = 0; tracing && i < nr_all && i < TRACE_MAX; i++)
		report("at %lld %s\n", (long long)trace[i].us, trace[i].name);
	report("calls %lu %lu %lu\n", nr_library, nr_file, nr_all);
}

static enum kind kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (fnmatch(kinds[i].pattern, name, 0) == 0)
			return kinds[i].kind;
	}
	return NEVER;
}

/* Another reason each time: none of them has a meaning of its own in these calls. */
static int reason(enum kind kind, const char *name, unsigned long n)
{
	static const int library[] = { EIO, ENOMEM, ENOSPC, EBUSY };
	static const int file[] = { EIO, ENOSPC, EROFS, EMFILE };

	if (strcmp(name, "xs_transaction_end") == 0)
		return EAGAIN;
	return kind == FILE_MINUS ? file[n % ARRAY_SIZE(file)] : library[n % ARRAY_SIZE(library)];
}

/* The real function, or NULL: return fault_value instead. first: its first argument, of any type. */
void *fault_decide(const struct fault_call *call, const char *first)
{
	int saved = errno, code;
	enum kind kind = kind_of(call->name);
	bool hit;

	if (tracing && nr_all < TRACE_MAX) {
		trace[nr_all].name = call->name;
		trace[nr_all].us = now_us() - start_us;
	}
	nr_all++;
	if (nr_all == kill_at || nr_all == int_at) {
		report("hit %lu %s 0\n", nr_all, call->name);
		raise(nr_all == kill_at ? SIGKILL : SIGINT);
	}
	if (stop_at && strcmp(stop_at, call->name) == 0)
		raise(SIGSTOP);
	if (kind == FILE_MINUS)
		hit = ++nr_file == fail_file_at;
	else
		hit = kind != NEVER && ++nr_library == fail_at;
	errno = saved;
	if (!hit)
		return call->real;
	code = reason(kind, call->name, nr_all);
	report("hit %lu %s %d %.200s\n", kind == FILE_MINUS ? nr_file : nr_library, call->name, code,
	       strcmp(call->name, "open") == 0 || strcmp(call->name, "open64") == 0 ? first : "");
	fault_value = kind == NEGATIVE ? -code :
		kind == POSITIVE ? code : kind == MINUS || kind == FILE_MINUS ? -1 : 0;
	errno = code;
	return NULL;
}

/* r11: the struct fault_call. Seven pushes and the return address: rsp is aligned for the call. */
__asm__(".text\n"
	"fault_common:\n"
	"	push %rax\n	push %rdi\n	push %rsi\n	push %rdx\n"
	"	push %rcx\n	push %r8\n	push %r9\n"
	"	mov %rdi, %rsi\n"
	"	mov %r11, %rdi\n"
	"	call fault_decide\n"
	"	mov %rax, %r11\n"
	"	pop %r9\n	pop %r8\n	pop %rcx\n"
	"	pop %rdx\n	pop %rsi\n	pop %rdi\n	pop %rax\n"
	"	test %r11, %r11\n"
	"	jz 1f\n"
	"	jmp *%r11\n"
	"1:	mov fault_value(%rip), %rax\n"
	"	ret\n");

#define CALL(function)							\
	extern char real_##function[] __asm__(#function);		\
	extern struct fault_call fault_entry_##function;		\
	struct fault_call fault_entry_##function = { #function, real_##function }; \
	__asm__(".text\n.globl fault_" #function "\n"			\
		"fault_" #function ":\n"				\
		"	lea fault_entry_" #function "(%rip), %r11\n"	\
		"	jmp fault_common\n");

#include "calls.h"
