/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"

#define SYS_NET "/sys/class/net"

struct links {
	int ask, news;
	uint32_t seq;
};

/* sysfs */

int link_attribute(const char *name, const char *attribute, char *buf, size_t size)
{
	char path[128];

	/* A name that is none must not become another path. */
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/') ||
	    strlen(name) > LINK_NAME_MAX)
		return -ENOENT;
	snprintf(path, sizeof(path), SYS_NET "/%s/%s", name, attribute);
	return file_read_line(path, buf, size);
}

/* 0: there is none. */
static unsigned int find_index(const char *name)
{
	char text[16];
	uint64_t value;

	if (link_attribute(name, "ifindex", text, sizeof(text)) < 0 ||
	    str_to_u64(text, INT32_MAX, &value) < 0)
		return 0;
	return (unsigned int)value;
}

int link_index(const char *name, unsigned int *index, struct err *err)
{
	char text[16];
	uint64_t value;
	int rc = link_attribute(name, "ifindex", text, sizeof(text));

	/* One that goes just now has the file, but no number in it. */
	if (rc == -ENOENT || rc == -EINVAL || rc == -ENODEV)
		return fail(err, ENODEV, "there is no network link '%s'", name);
	if (rc < 0 || str_to_u64(text, INT32_MAX, &value) < 0)
		return fail_sys(err, rc < 0 ? -rc : EINVAL, "cannot look for the network link '%s'",
				name);
	*index = (unsigned int)value;
	return 0;
}

bool link_is_bridge(const char *name)
{
	char text[32];

	return link_attribute(name, "bridge/bridge_id", text, sizeof(text)) == 0;
}

void link_list_bridges(char *buf, size_t size)
{
	DIR *dir = opendir(SYS_NET);
	size_t len = 0;

	*buf = '\0';
	for (struct dirent *de; dir && (de = readdir(dir));) {
		if (!link_is_bridge(de->d_name))
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", de->d_name);
		if (len >= size)
			break;
	}
	if (dir)
		closedir(dir);
}

/*
 * Netlink. By hand, for the four messages there are: libmnl has no static archive in Debian, and
 * libnl's brings the resolver with it.
 */

struct message {
	struct nlmsghdr header;
	char body[512];
};

static void message_begin(struct message *msg, uint16_t type, uint16_t flags, const void *head,
			  size_t len)
{
	memset(msg, 0, sizeof(*msg));
	msg->header.nlmsg_type = type;
	msg->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	msg->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(NLMSG_ALIGN(len));
	memcpy(msg->body, head, len);
}

static void message_put(struct message *msg, uint16_t type, const void *data, size_t len)
{
	struct rtattr *attr = (void *)((char *)msg + msg->header.nlmsg_len);

	assert(msg->header.nlmsg_len + RTA_SPACE(len) <= sizeof(*msg));
	attr->rta_type = type;
	attr->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(attr), data, len);
	msg->header.nlmsg_len += (uint32_t)RTA_SPACE(len);
}

static void message_put_text(struct message *msg, uint16_t type, const char *text)
{
	message_put(msg, type, text, strlen(text) + 1);
}

static void message_put_u32(struct message *msg, uint16_t type, uint32_t value)
{
	message_put(msg, type, &value, sizeof(value));
}

/* The attribute of a type among len bytes, or NULL. */
static struct rtattr *find_attr(void *first, size_t len, uint16_t type)
{
	int left = (int)len;

	for (struct rtattr *attr = first; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if ((attr->rta_type & NLA_TYPE_MASK) == type)
			return attr;
	}
	return NULL;
}

static int open_socket(unsigned int groups, struct err *err)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int on = 1;

	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)) < 0) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		return fail_sys(err, code, "cannot open a netlink socket");
	}
	/* Reasons in words where the kernel has them; without these there are only numbers. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return fd;
}

void links_close(struct links *links)
{
	if (!links)
		return;
	if (links->ask >= 0)
		close(links->ask);
	if (links->news >= 0)
		close(links->news);
	free(links);
}

int links_open(struct links **out, struct err *err)
{
	struct links *links = malloc(sizeof(*links));

	if (!links)
		return fail_nomem(err);
	*links = (struct links){ .ask = -1, .news = open_socket(RTMGRP_LINK, err) };
	if (links->news >= 0)
		links->ask = open_socket(0, err);
	if (links->ask < 0) {
		links_close(links);
		return -err->code;
	}
	*out = links;
	return 0;
}

/* The kernel's verdict: 0, or its errno and words. */
static int verdict(struct nlmsghdr *header, struct err *err)
{
	struct nlmsgerr *nlerr = NLMSG_DATA(header);
	size_t at = NLMSG_ALIGN(sizeof(*nlerr));
	struct rtattr *text = NULL;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*nlerr)))
		return fail(err, EPROTO, "the kernel's answer is too short");
	if (!nlerr->error)
		return 0;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(nlerr->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (header->nlmsg_flags & NLM_F_ACK_TLVS && header->nlmsg_len > NLMSG_HDRLEN + at)
		text = find_attr((char *)nlerr + at, header->nlmsg_len - NLMSG_HDRLEN - at,
				 NLMSGERR_ATTR_MSG);
	if (text)
		return fail(err, -nlerr->error, "%s (%.*s)", strerror(-nlerr->error),
			    (int)RTA_PAYLOAD(text), (const char *)RTA_DATA(text));
	return fail(err, -nlerr->error, "%s", strerror(-nlerr->error));
}

typedef void (*take_fn)(struct nlmsghdr *header, void *arg);

/* 1 when the answer is complete. */
static int take_answer(struct links *links, char *buf, size_t len, take_fn each, void *arg,
		       struct err *err)
{
	struct nlmsghdr *header = (void *)buf;

	for (; NLMSG_OK(header, len); header = NLMSG_NEXT(header, len)) {
		int rc;

		if (header->nlmsg_seq != links->seq)
			continue;
		if (header->nlmsg_type == NLMSG_ERROR) {
			rc = verdict(header, err);
			return rc < 0 ? rc : 1;
		}
		if (header->nlmsg_type == NLMSG_DONE)
			return 1;
		if (each)
			each(header, arg);
	}
	return 0;
}

/* Sends msg and gives each answer to a function until the last. Fails as the kernel does. */
static int ask(struct links *links, struct message *msg, take_fn each, void *arg, struct err *err)
{
	/* As large as the kernel makes a part of a dump. */
	char buf[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	int rc = 0;

	msg->header.nlmsg_seq = ++links->seq;
	msg->header.nlmsg_flags |= NLM_F_ACK;
	if (send(links->ask, msg, msg->header.nlmsg_len, 0) < 0)
		return fail_sys(err, errno, "netlink");
	while (rc == 0) {
		ssize_t n = recv(links->ask, buf, sizeof(buf), 0);

		if (n > 0)
			rc = take_answer(links, buf, (size_t)n, each, arg, err);
		else if (n == 0 || errno != EINTR)
			return fail_sys(err, errno, "netlink");
	}
	return rc < 0 ? rc : 0;
}

/* Reads the news away: what they tell is looked up in sysfs, so none can be missed. */
static void drain(struct links *links)
{
	char buf[8192];

	while (recv(links->news, buf, sizeof(buf), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		continue;
}

int links_wait(struct links *links, const char *name, bool gone, int64_t deadline,
	       unsigned int *index, struct err *err)
{
	struct pollfd poll = { .fd = links->news, .events = POLLIN };
	int64_t patience = wait_deadline(WAIT_PATIENCE_MS);

	for (;;) {
		unsigned int found;
		int rc;

		drain(links);
		found = find_index(name);
		if (gone == !found) {
			if (!gone)
				*index = found;
			return 0;
		}
		rc = wait_poll(&poll, 1, patience < deadline ? patience : deadline);
		if (rc == -EINTR)
			return fail(err, EINTR, "interrupted");
		if (rc < 0 && rc != -ETIMEDOUT)
			return fail_sys(err, -rc, "netlink");
		if (rc < 0 && wait_now_ms() >= deadline)
			return fail(err, ETIMEDOUT, "network link '%s' does not %s", name,
				    gone ? "go away" : "come into being");
		if (rc < 0) {
			log_info("waiting for network link '%s' to %s", name,
				 gone ? "go away" : "come into being");
			patience = INT64_MAX;
		}
	}
}

static int change(struct links *links, unsigned int index, const struct link_setup *setup,
		  struct err *err)
{
	struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC, .ifi_index = (int)index,
		.ifi_flags = setup->up ? IFF_UP : 0,
		.ifi_change = setup->up || setup->down ? IFF_UP : 0,
	};
	struct message msg;

	message_begin(&msg, RTM_NEWLINK, 0, &info, sizeof(info));
	if (setup->rename)
		message_put_text(&msg, IFLA_IFNAME, setup->rename);
	if (setup->mac)
		message_put(&msg, IFLA_ADDRESS, setup->mac, 6);
	if (setup->mtu)
		message_put_u32(&msg, IFLA_MTU, setup->mtu);
	if (setup->alias)
		message_put_text(&msg, IFLA_IFALIAS, setup->alias);
	if (setup->master || setup->no_master)
		message_put_u32(&msg, IFLA_MASTER, setup->master);
	return ask(links, &msg, NULL, NULL, err);
}

int links_set(struct links *links, unsigned int index, const struct link_setup *setup,
	      struct err *err)
{
	const struct link_setup down = { .down = true };
	char name[IF_NAMESIZE] = "?";
	int rc = 0;

	if (setup->rename || setup->mac)
		rc = change(links, index, &down, err);
	if (rc == 0)
		rc = change(links, index, setup, err);
	if (rc == 0)
		return 0;
	if (!if_indextoname(index, name))
		snprintf(name, sizeof(name), "no. %u", index);
	return fail_in(err, "cannot set up network link '%s'", name);
}

struct mac_search {
	const char *alias;
	unsigned int port;		/* 0: not found */
};

static void take_link(struct nlmsghdr *header, void *arg)
{
	struct ifinfomsg *info = NLMSG_DATA(header);
	struct mac_search *search = arg;
	struct rtattr *alias;

	if (header->nlmsg_type != RTM_NEWLINK || header->nlmsg_len < NLMSG_SPACE(sizeof(*info)))
		return;
	alias = find_attr(IFLA_RTA(info), header->nlmsg_len - NLMSG_SPACE(sizeof(*info)),
			  IFLA_IFALIAS);
	if (alias && strncmp(RTA_DATA(alias), search->alias, RTA_PAYLOAD(alias)) == 0)
		search->port = (unsigned int)info->ifi_index;
}

static void take_neighbour(struct nlmsghdr *header, void *arg)
{
	struct ndmsg *entry = NLMSG_DATA(header);

	/* The bridge's own address and those of its ports are "permanent". */
	if (header->nlmsg_type == RTM_NEWNEIGH &&
	    header->nlmsg_len >= NLMSG_SPACE(sizeof(*entry)) &&
	    !(entry->ndm_state & NUD_PERMANENT))
		((struct mac_search *)arg)->port = (unsigned int)entry->ndm_ifindex;
}

/* One entry of the forwarding table. Kernels before 5.0 cannot be asked: as if it had none. */
static void find_forwarding(struct links *links, unsigned int bridge, const uint8_t mac[6],
			    struct mac_search *search)
{
	struct ndmsg entry = { .ndm_family = AF_BRIDGE };
	struct message msg;
	struct err err;

	message_begin(&msg, RTM_GETNEIGH, 0, &entry, sizeof(entry));
	message_put(&msg, NDA_LLADDR, mac, 6);
	message_put_u32(&msg, NDA_MASTER, bridge);
	if (ask(links, &msg, take_neighbour, search, &err) < 0 && err.code != ENOENT)
		log_debug("forwarding table of link %u: %s", bridge, err.msg);
}

int links_find_mac(struct links *links, unsigned int bridge, const uint8_t mac[6],
		   const char *alias, char name[LINK_NAME_MAX + 1], struct err *err)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct mac_search search = { .alias = alias };
	struct message msg;
	int rc;

	/* The dump has only the bridge's ports. */
	message_begin(&msg, RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info));
	message_put_u32(&msg, IFLA_MASTER, bridge);
	rc = ask(links, &msg, take_link, &search, err);
	if (rc < 0)
		return fail_in(err, "cannot list network links");
	if (!search.port)
		find_forwarding(links, bridge, mac, &search);
	/* It may have gone just now. */
	return search.port && if_indextoname(search.port, name);
}
