/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hypercalls through the page that Xen fills (PV: at load, PVH: in pvh.c).
 * Results are Xen's own: 0 or a count, negative errno.  A hypercall may
 * change all of its argument registers.
 */
#ifndef GUESTS_HYPERCALL_H
#define GUESTS_HYPERCALL_H

#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1ul << PAGE_SHIFT)
#define HYPERCALL_SIZE	32

extern char hypercall_page[], shared_page[], image_end[];

static inline long hypercall(unsigned int nr, unsigned long a, unsigned long b,
			     unsigned long c)
{
	char *entry = hypercall_page + nr * HYPERCALL_SIZE;
	long r;

	__asm__ volatile("call *%[entry]"
			 : "=a"(r), "+D"(a), "+S"(b), "+d"(c)
			 : [entry] "r"(entry)
			 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
	return r;
}

static inline long hypercall_sched(unsigned int op, void *arg)
{
	return hypercall(__HYPERVISOR_sched_op, op, (unsigned long)arg, 0);
}

static inline long hypercall_memory(unsigned int op, void *arg)
{
	return hypercall(__HYPERVISOR_memory_op, op, (unsigned long)arg, 0);
}

static inline long hypercall_event(unsigned int op, void *arg)
{
	return hypercall(__HYPERVISOR_event_channel_op, op, (unsigned long)arg, 0);
}

/*
 * Ends the domain; SHUTDOWN_suspend returns when it is resumed.  (A PV guest
 * that wants to be saved would pass its start_info frame as well.)
 */
static inline void hypercall_shutdown(unsigned int reason)
{
	struct sched_shutdown arg = { .reason = reason };

	hypercall_sched(SCHEDOP_shutdown, &arg);
}

#endif
