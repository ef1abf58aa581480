// SPDX-License-Identifier: LGPL-2.1-or-later
#include "event.h"
#include "hypercall.h"

#define EVENT_PORTS	4
#define BITS_PER_WORD	64

static struct shared_info *shared;
static evtchn_port_t ports[EVENT_PORTS];
static unsigned int nr_ports;

void event_init(struct shared_info *info)
{
	unsigned int i;

	shared = info;
	nr_ports = 0;
	for (i = 0; i < sizeof(info->evtchn_mask) / sizeof(info->evtchn_mask[0]); i++)
		shared->evtchn_mask[i] = ~0ul;
}

void event_listen(uint32_t port)
{
	if (nr_ports < EVENT_PORTS)
		ports[nr_ports++] = port;
}

void event_notify(uint32_t port)
{
	struct evtchn_send arg = { .port = port };

	hypercall_event(EVTCHNOP_send, &arg);
}

void event_wait(uint64_t deadline)
{
	struct sched_poll arg = { .nr_ports = nr_ports, .timeout = deadline };
	unsigned int i;

	set_xen_guest_handle(arg.ports, ports);
	hypercall_sched(SCHEDOP_poll, &arg);
	for (i = 0; i < nr_ports; i++)
		__atomic_and_fetch(&shared->evtchn_pending[ports[i] / BITS_PER_WORD],
				   ~(1ul << ports[i] % BITS_PER_WORD), __ATOMIC_SEQ_CST);
}

static uint64_t tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) :: "memory");
	return (uint64_t)high << 32 | low;
}

/* xen.h, struct vcpu_time_info: an odd or changed version is an update under way. */
uint64_t event_clock(void)
{
	const volatile struct vcpu_time_info *time = &shared->vcpu_info[0].time;
	uint64_t delta, now;
	uint32_t version;

	do {
		version = time->version;
		__asm__ volatile("" ::: "memory");
		delta = tsc() - time->tsc_timestamp;
		if (time->tsc_shift < 0)
			delta >>= -time->tsc_shift;
		else
			delta <<= time->tsc_shift;
		now = time->system_time +
		      (uint64_t)((unsigned __int128)delta * time->tsc_to_system_mul >> 32);
		__asm__ volatile("" ::: "memory");
	} while ((version & 1) || version != time->version);
	return now;
}
