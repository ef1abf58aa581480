// SPDX-License-Identifier: LGPL-2.1-or-later
#include "store.h"
#include "event.h"
#include "hypercall.h"
#include "lib.h"

#include <xen/io/xs_wire.h>

#define STORE_PATIENCE	(20 * NSEC_PER_SEC)

static struct xenstore_domain_interface *ring;
static uint32_t port;
static unsigned int fired;
static char payload[XENSTORE_PAYLOAD_MAX + 1];

void store_init(struct xenstore_domain_interface *store, uint32_t store_port)
{
	ring = store;
	port = store_port;
	if (ring)
		event_listen(port);
}

/* Waits; gives the ring up when time is over. */
static bool patience(uint64_t deadline)
{
	if (event_clock() < deadline) {
		event_wait(deadline);
		return true;
	}
	ring = NULL;
	return false;
}

static bool put(const void *data, size_t len, uint64_t deadline)
{
	const char *from = data;

	while (len) {
		XENSTORE_RING_IDX cons = __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE);

		if (ring->req_prod - cons == XENSTORE_RING_SIZE) {
			event_notify(port);
			if (!patience(deadline))
				return false;
			continue;
		}
		ring->req[MASK_XENSTORE_IDX(ring->req_prod)] = *from++;
		__atomic_store_n(&ring->req_prod, ring->req_prod + 1, __ATOMIC_RELEASE);
		len--;
	}
	return true;
}

static bool is_readable(void)
{
	return ring->rsp_cons != __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE);
}

static bool get(void *data, size_t len, uint64_t deadline)
{
	char *to = data;

	while (len) {
		if (!is_readable()) {
			event_notify(port);
			if (!patience(deadline))
				return false;
			continue;
		}
		*to++ = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons)];
		__atomic_store_n(&ring->rsp_cons, ring->rsp_cons + 1, __ATOMIC_RELEASE);
		len--;
	}
	return true;
}

/* The next message, its body terminated in payload; notes watches. */
static bool receive(struct xsd_sockmsg *head, uint64_t deadline)
{
	const char *token;

	if (!get(head, sizeof(*head), deadline) || head->len > XENSTORE_PAYLOAD_MAX ||
	    !get(payload, head->len, deadline))
		return false;
	event_notify(port);
	payload[head->len] = '\0';
	if (head->type != XS_WATCH_EVENT)
		return true;
	token = payload + strlen(payload) + 1;
	if (token < payload + head->len)
		fired |= 1u << number(token);
	return true;
}

static bool talk(uint32_t type, const char *path, const char *text, size_t text_len,
		 char *value, size_t size)
{
	struct xsd_sockmsg head = {
		.type = type, .len = strlen(path) + 1 + text_len,
	};
	uint64_t deadline = event_clock() + STORE_PATIENCE;

	format(value, size, "EIO");
	if (!ring || !put(&head, sizeof(head), deadline) ||
	    !put(path, strlen(path) + 1, deadline) || !put(text, text_len, deadline))
		return false;
	event_notify(port);
	do {
		if (!receive(&head, deadline))
			return false;
	} while (head.type == XS_WATCH_EVENT);
	format(value, size, "%s", payload);
	return head.type == type;
}

bool store_read(const char *path, char *value, size_t size)
{
	return talk(XS_READ, path, "", 0, value, size);
}

bool store_write(const char *path, const char *text, char *value, size_t size)
{
	return talk(XS_WRITE, path, text, strlen(text), value, size);
}

bool store_rm(const char *path, char *value, size_t size)
{
	return talk(XS_RM, path, "", 0, value, size);
}

bool store_watch(const char *path, unsigned int id)
{
	char token[2] = { '0' + id, '\0' }, value[8];

	return talk(XS_WATCH, path, token, sizeof(token), value, sizeof(value));
}

unsigned int store_fired(void)
{
	struct xsd_sockmsg head;
	unsigned int taken;

	while (ring && is_readable())
		if (!receive(&head, event_clock() + STORE_PATIENCE))
			break;
	taken = fired;
	fired = 0;
	return taken;
}
