/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>	/* before xs_wire.h, which has its table of errors only then */

#include "storeproxy.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <signal.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

enum { MAX_PAIRS = 8 };

struct message {
	struct xsd_sockmsg header;
	char payload[XENSTORE_PAYLOAD_MAX + 1];
};

struct pair {
	int client, daemon;		/* client -1: free */
	bool counts;			/* not a device model's */
	unsigned long unanswered;
};

/* A socket and the address dir/socket. */
static int unix_socket(const char *dir, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/socket", dir);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static bool get(int fd, void *data, size_t len)
{
	return recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

static bool get_message(int fd, struct message *m)
{
	if (!get(fd, &m->header, sizeof(m->header)) || m->header.len > XENSTORE_PAYLOAD_MAX)
		return false;
	m->payload[m->header.len] = '\0';
	return m->header.len == 0 || get(fd, m->payload, m->header.len);
}

static bool put_message(int fd, const struct message *m)
{
	size_t len = sizeof(m->header) + m->header.len;

	return send(fd, m, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool pass_reply(struct pair *p)
{
	struct message m;

	if (!get_message(p->daemon, &m))
		return false;
	if (m.header.type != XS_WATCH_EVENT)
		p->unanswered--;
	return put_message(p->client, &m);
}

/* In its turn: after the replies to all requests before it. */
static bool fail_request(struct pair *p, struct message *m,
			 volatile struct storeproxy_state *state)
{
	static const struct { int code; const char *name; } errors[] = {
		{ EIO, "EIO" }, { ENOMEM, "ENOMEM" }, { ENOSPC, "ENOSPC" }, { EBUSY, "EBUSY" },
	};
	size_t which = state->requests % (sizeof(errors) / sizeof(*errors));

	while (p->unanswered) {
		if (!pass_reply(p))
			return false;
	}
	for (size_t i = 0; i < sizeof(state->path) - 1; i++)
		state->path[i] = m->payload[i];
	state->type = m->header.type;
	state->code = errors[which].code;
	state->hit = state->requests;
	m->header.type = XS_ERROR;
	m->header.len = (uint32_t)strlen(errors[which].name) + 1;
	memcpy(m->payload, errors[which].name, m->header.len);
	return put_message(p->client, m);
}

static bool pass_request(struct pair *p, volatile struct storeproxy_state *state)
{
	struct message m = { .header = { .type = 0 } };

	if (!get_message(p->client, &m))
		return false;
	if (p->counts && ++state->requests == state->fail_at)
		return fail_request(p, &m, state);
	p->unanswered++;
	return put_message(p->daemon, &m);
}

/* A QEMU has the environment of whom it serves, and its own ways with errors. */
static bool is_model(int client)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);
	char path[32], comm[16] = "";
	FILE *f;

	getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	snprintf(path, sizeof(path), "/proc/%d/comm", peer.pid);
	f = fopen(path, "re");
	if (f) {
		if (!fgets(comm, sizeof(comm), f))
			comm[0] = '\0';
		fclose(f);
	}
	return strstr(comm, "qemu");		/* Debian's: xen-qemu-system-i386 */
}

static void open_pair(struct pair *p, int listener)
{
	struct sockaddr_un addr;

	p->client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	p->daemon = unix_socket("/run/xenstored", &addr);
	p->unanswered = 0;
	p->counts = !is_model(p->client);
	if (connect(p->daemon, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		perror("storeproxy: xenstored");
}

static void close_pair(struct pair *p)
{
	close(p->client);
	close(p->daemon);
	p->client = p->daemon = -1;
}

static void serve(int listener, volatile struct storeproxy_state *state)
{
	struct pair pairs[MAX_PAIRS];
	struct pollfd fds[1 + 2 * MAX_PAIRS];

	for (int i = 0; i < MAX_PAIRS; i++)
		pairs[i].client = pairs[i].daemon = -1;
	for (;;) {
		struct pair *free_pair = NULL;

		for (int i = 0; i < MAX_PAIRS; i++) {
			fds[1 + 2 * i] = (struct pollfd){ .fd = pairs[i].client, .events = POLLIN };
			fds[2 + 2 * i] = (struct pollfd){ .fd = pairs[i].daemon, .events = POLLIN };
			if (pairs[i].client < 0)
				free_pair = &pairs[i];
		}
		fds[0] = (struct pollfd){ .fd = free_pair ? listener : -1, .events = POLLIN };
		poll(fds, 1 + 2 * MAX_PAIRS, -1);
		for (int i = 0; i < MAX_PAIRS; i++) {
			if ((fds[2 + 2 * i].revents && !pass_reply(&pairs[i])) ||
			    (fds[1 + 2 * i].revents && !pass_request(&pairs[i], state)))
				close_pair(&pairs[i]);
		}
		if (fds[0].revents)
			open_pair(free_pair, listener);
	}
}

volatile struct storeproxy_state *storeproxy_start(const char *dir)
{
	volatile struct storeproxy_state *state;
	struct sockaddr_un addr;
	pid_t pid, parent = getpid();
	int listener;

	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state == MAP_FAILED)
		return NULL;
	listener = unix_socket(dir, &addr);
	unlink(addr.sun_path);
	if ((mkdir(dir, 0700) < 0 && errno != EEXIST) ||
	    bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listener, 8) < 0)
		return NULL;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			serve(listener, state);
		_exit(0);
	}
	close(listener);
	return pid < 0 ? NULL : state;
}

void storeproxy_stop(const char *dir)
{
	struct sockaddr_un addr;

	close(unix_socket(dir, &addr));
	unlink(addr.sun_path);
	rmdir(dir);
}
