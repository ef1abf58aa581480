// SPDX-License-Identifier: LGPL-2.1-or-later
#include "console.h"
#include "event.h"
#include "hypercall.h"
#include "lib.h"

#include <xen/io/console.h>

#define CONSOLE_PATIENCE	(5 * NSEC_PER_SEC)
#define CONSOLE_LINE		1200

static struct xencons_interface *ring;
static uint32_t port;
static bool is_quiet, is_stuck;

void console_init(struct xencons_interface *console, uint32_t console_port)
{
	ring = console;
	port = console_port;
	if (ring)
		event_listen(port);
}

void console_quiet(bool quiet)
{
	is_quiet = quiet;
}

static XENCONS_RING_IDX room(void)
{
	return sizeof(ring->out) -
	       (ring->out_prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE));
}

static void wait_for_room(void)
{
	uint64_t deadline = event_clock() + CONSOLE_PATIENCE;

	event_notify(port);
	while (!room() && !is_stuck) {
		event_wait(deadline);
		is_stuck = event_clock() >= deadline;
	}
}

static void put(char c)
{
	if (!room())
		wait_for_room();
	if (!room())
		return;
	is_stuck = false;
	ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = c;
	__atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
}

static void put_line(const char *prefix, const char *fmt, va_list ap)
{
	static char line[CONSOLE_LINE];
	const char *s;

	if (!ring)
		return;
	format_va(line, sizeof(line), fmt, ap);
	for (s = prefix; *s; s++)
		put(*s);
	for (s = line; *s; s++)
		put(*s);
	put('\r');
	put('\n');
	event_notify(port);
}

void say(const char *fmt, ...)
{
	va_list ap;

	if (is_quiet)
		return;
	va_start(ap, fmt);
	put_line("tiny: ", fmt, ap);
	va_end(ap);
}

void answer(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line("", fmt, ap);
	va_end(ap);
}

static bool get(char *c)
{
	if (ring->in_cons == __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE))
		return false;
	*c = ring->in[MASK_XENCONS_IDX(ring->in_cons, ring->in)];
	__atomic_store_n(&ring->in_cons, ring->in_cons + 1, __ATOMIC_RELEASE);
	return true;
}

bool console_line(char *line, size_t size)
{
	static char typed[256];
	static size_t len;
	bool taken = false, done = false;
	char c;

	while (ring && !done && get(&c)) {
		taken = true;
		if (c == '\r' || c == '\n')
			done = len > 0;
		else if (len < sizeof(typed) - 1)
			typed[len++] = c;
	}
	if (taken)
		event_notify(port);
	if (!done)
		return false;
	typed[len] = '\0';
	format(line, size, "%s", typed);
	len = 0;
	return true;
}
