/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/nic.h"

#include <errno.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"

enum {
	RATE_INTERVAL_DEFAULT_US = 50000,
	IFNAME_MAX = 15,	/* Linux's IFNAMSIZ without the NUL */
};

static const char *const type_json[] = { NULL, "vif_ioemu", "vif" };
static const char *const type_words[] = { NULL, "ioemu", "vif" };
static const struct spec_names types = {
	.json = type_json, .words = type_words, .nr = ARRAY_SIZE(type_json),
};

/* xend's files have type=netfront and others here; xl goes on without. */
static int set_type(void *obj, const char *value, const struct spec_defaults *d,
		    struct err *err)
{
	int type = spec_enum(&types, value);
	struct err bad;

	if (type < 0) {
		(void)spec_bad_enum("vif type", &types, value, &bad);
		return spec_complain(d, err, "%s", bad.msg);
	}
	((struct nic *)obj)->type = (enum nic_type)type;
	return 0;
}

static int set_netdev(void *obj, const char *value, const struct spec_defaults *d,
		      struct err *err)
{
	spec_advise(d, "vif key 'netdev' is deprecated, use gatewaydev");
	return spec_set_str(&((struct nic *)obj)->gatewaydev, value, err);
}

static int set_accel(void *obj, const char *value, const struct spec_defaults *d,
		     struct err *err)
{
	(void)obj;
	(void)value;
	(void)err;
	spec_advise(d, "vif key 'accel' has no effect");
	return 0;
}

static int set_ifname(void *obj, const char *value, const struct spec_defaults *d,
		      struct err *err)
{
	(void)d;
	if (!*value || strlen(value) > IFNAME_MAX || strpbrk(value, "/ \t"))
		return fail(err, EINVAL, "bad vifname '%.60s', expected 1 to %d characters "
			    "without '/' and blanks", value, IFNAME_MAX);
	return spec_set_str(&((struct nic *)obj)->ifname, value, err);
}

/* Our own key; xl goes on without it after its complaint about an unknown one. */
static int set_link(void *obj, const char *value, const struct spec_defaults *d,
		    struct err *err)
{
	(void)d;
	if (strcmp(value, "up") != 0 && strcmp(value, "down") != 0)
		return fail(err, EINVAL, "bad link '%.60s', expected up or down", value);
	((struct nic *)obj)->link_down = *value == 'd';
	return 0;
}

/* It becomes part of QEMU's command line. */
static int set_model(void *obj, const char *value, const struct spec_defaults *d,
		     struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-_.";

	(void)d;
	if (!*value || value[strspn(value, allowed)])
		return fail(err, EINVAL, "bad model '%.60s', expected a name such as e1000, "
			    "rtl8139, virtio-net-pci", value);
	return spec_set_str(&((struct nic *)obj)->model, value, err);
}

static int bad_rate(const char *rate, const char *why, struct err *err)
{
	return fail(err, EINVAL, "bad rate '%.60s': %s", rate, why);
}

/* A decimal number at *at, 1 to 2^32-1, and the position behind it. */
static int rate_number(const char *rate, const char **at, uint64_t *out, struct err *err)
{
	uint64_t n = 0;

	if (**at < '0' || **at > '9')
		return bad_rate(rate, "expected NUMBER[G|M|K](B|b)/s[@NUMBER(us|ms|s)]", err);
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		n = n * 10 + (uint64_t)(**at - '0');
		if (n > UINT32_MAX)
			return bad_rate(rate, "number too large", err);
	}
	if (!n)
		return bad_rate(rate, "0 is not possible", err);
	*out = n;
	return 0;
}

/* "10Mb/s": bytes per second; *at is moved behind it. */
static int rate_bytes(const char *rate, const char **at, uint64_t *bytes, struct err *err)
{
	static const char units[] = "KMG";
	const char *unit;
	uint64_t n = 0;
	int rc;

	rc = rate_number(rate, at, &n, err);
	if (rc < 0)
		return rc;
	unit = **at ? strchr(units, **at) : NULL;
	if (unit) {
		for (const char *u = units; u <= unit; u++)
			n *= 1000;	/* at most 2^32 * 10^9: fits */
		(*at)++;
	}
	if (!str_starts(*at, "B/s") && !str_starts(*at, "b/s"))
		return bad_rate(rate, "expected NUMBER[G|M|K](B|b)/s[@NUMBER(us|ms|s)]", err);
	*bytes = **at == 'b' ? n / 8 : n;
	*at += 3;
	return 0;
}

/* "50ms" to the end of the text. xl takes "50m" and a bare "1" for seconds as well. */
static int rate_interval(const char *rate, const char *at, uint64_t *us, struct err *err)
{
	static const struct {
		const char *unit;
		uint64_t us;
	} units[] = {
		{ "us", 1 }, { "u", 1 }, { "ms", 1000 }, { "m", 1000 }, { "s", 1000000 },
		{ "", 1000000 },
	};
	uint64_t n = 0;
	int rc;

	rc = rate_number(rate, &at, &n, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(units[i].unit, at))
			continue;
		if (n * units[i].us > UINT32_MAX)
			return bad_rate(rate, "interval too long", err);
		*us = n * units[i].us;
		return 0;
	}
	return bad_rate(rate, "the interval's unit is none of us, ms, s", err);
}

static int set_rate(void *obj, const char *value, const struct spec_defaults *d,
		    struct err *err)
{
	uint64_t bytes = 0, us = RATE_INTERVAL_DEFAULT_US;
	struct nic *nic = obj;
	const char *at = value;
	int rc;

	(void)d;
	rc = rate_bytes(value, &at, &bytes, err);
	if (rc == 0 && *at == '@')
		rc = rate_interval(value, at + 1, &us, err);
	else if (rc == 0 && *at)
		rc = bad_rate(value, "expected '@' or nothing after '/s'", err);
	if (rc < 0)
		return rc;
	if (bytes > UINT64_MAX / us)
		return bad_rate(value, "too large", err);
	/* 0 would reach the backend as "no limit". */
	if (bytes * us < 1000000)
		return bad_rate(value, "less than one byte in an interval", err);
	nic->rate_bytes = bytes * us / 1000000;
	nic->rate_interval_us = (uint32_t)us;
	return 0;
}

#define OFF(member) .offset = offsetof(struct nic, member)
#define COLO(n, word, name) \
	{ .key = word, .json = name, .kind = SPEC_STR, .hidden = true, OFF(colo[n]) }

static const struct spec_field fields[] = {
	{ .json = "backend_domid", .kind = SPEC_UINT, OFF(backend_domid) },
	{ .key = "backend", .json = "backend_domname", .kind = SPEC_STR, OFF(backend_domname) },
	{ .key = "devid", .json = "devid", .kind = SPEC_DEVID, OFF(devid), .max = 65535 },
	{ .key = "mtu", .json = "mtu", .kind = SPEC_UINT, OFF(mtu), .max = 65535 },
	{ .key = "model", .json = "model", .kind = SPEC_STR, OFF(model), .set = set_model },
	{ .key = "mac", .json = "mac", .kind = SPEC_MAC, OFF(mac) },
	{ .key = "ip", .json = "ip", .kind = SPEC_STR, OFF(ip) },
	{ .key = "bridge", .json = "bridge", .kind = SPEC_STR, OFF(bridge) },
	{ .key = "vifname", .json = "ifname", .kind = SPEC_STR, OFF(ifname), .set = set_ifname },
	{ .key = "script", .json = "script", .kind = SPEC_STR, OFF(script) },
	{ .key = "type", .json = "nictype", .kind = SPEC_ENUM, .names = &types, OFF(type),
	  .set = set_type },
	{ .key = "rate", .json = "rate_bytes_per_interval", .kind = SPEC_U64, OFF(rate_bytes),
	  .set = set_rate },
	{ .json = "rate_interval_usecs", .kind = SPEC_UINT, OFF(rate_interval_us) },
	{ .key = "gatewaydev", .json = "gatewaydev", .kind = SPEC_STR, OFF(gatewaydev) },
	{ .key = "link", .set = set_link, .kind = SPEC_ALIAS },
	{ .key = "netdev", .hidden = true, .set = set_netdev, .kind = SPEC_ALIAS },
	COLO(0, "forwarddev", "coloft_forwarddev"),
	COLO(1, "colo_sock_mirror_id", "colo_sock_mirror_id"),
	COLO(2, "colo_sock_mirror_ip", "colo_sock_mirror_ip"),
	COLO(3, "colo_sock_mirror_port", "colo_sock_mirror_port"),
	COLO(4, "colo_sock_compare_pri_in_id", "colo_sock_compare_pri_in_id"),
	COLO(5, "colo_sock_compare_pri_in_ip", "colo_sock_compare_pri_in_ip"),
	COLO(6, "colo_sock_compare_pri_in_port", "colo_sock_compare_pri_in_port"),
	COLO(7, "colo_sock_compare_sec_in_id", "colo_sock_compare_sec_in_id"),
	COLO(8, "colo_sock_compare_sec_in_ip", "colo_sock_compare_sec_in_ip"),
	COLO(9, "colo_sock_compare_sec_in_port", "colo_sock_compare_sec_in_port"),
	COLO(10, "colo_sock_compare_notify_id", "colo_sock_compare_notify_id"),
	COLO(11, "colo_sock_compare_notify_ip", "colo_sock_compare_notify_ip"),
	COLO(12, "colo_sock_compare_notify_port", "colo_sock_compare_notify_port"),
	COLO(13, "colo_sock_redirector0_id", "colo_sock_redirector0_id"),
	COLO(14, "colo_sock_redirector0_ip", "colo_sock_redirector0_ip"),
	COLO(15, "colo_sock_redirector0_port", "colo_sock_redirector0_port"),
	COLO(16, "colo_sock_redirector1_id", "colo_sock_redirector1_id"),
	COLO(17, "colo_sock_redirector1_ip", "colo_sock_redirector1_ip"),
	COLO(18, "colo_sock_redirector1_port", "colo_sock_redirector1_port"),
	COLO(19, "colo_sock_redirector2_id", "colo_sock_redirector2_id"),
	COLO(20, "colo_sock_redirector2_ip", "colo_sock_redirector2_ip"),
	COLO(21, "colo_sock_redirector2_port", "colo_sock_redirector2_port"),
	COLO(22, "colo_filter_mirror_queue", "colo_filter_mirror_queue"),
	COLO(23, "colo_filter_mirror_outdev", "colo_filter_mirror_outdev"),
	COLO(24, "colo_filter_redirector0_queue", "colo_filter_redirector0_queue"),
	COLO(25, "colo_filter_redirector0_indev", "colo_filter_redirector0_indev"),
	COLO(26, "colo_filter_redirector0_outdev", "colo_filter_redirector0_outdev"),
	COLO(27, "colo_filter_redirector1_queue", "colo_filter_redirector1_queue"),
	COLO(28, "colo_filter_redirector1_indev", "colo_filter_redirector1_indev"),
	COLO(29, "colo_filter_redirector1_outdev", "colo_filter_redirector1_outdev"),
	COLO(30, "colo_compare_pri_in", "colo_compare_pri_in"),
	COLO(31, "colo_compare_sec_in", "colo_compare_sec_in"),
	COLO(32, "colo_compare_out", "colo_compare_out"),
	COLO(33, "colo_compare_notify_dev", "colo_compare_notify_dev"),
	COLO(34, "colo_sock_sec_redirector0_id", "colo_sock_sec_redirector0_id"),
	COLO(35, "colo_sock_sec_redirector0_ip", "colo_sock_sec_redirector0_ip"),
	COLO(36, "colo_sock_sec_redirector0_port", "colo_sock_sec_redirector0_port"),
	COLO(37, "colo_sock_sec_redirector1_id", "colo_sock_sec_redirector1_id"),
	COLO(38, "colo_sock_sec_redirector1_ip", "colo_sock_sec_redirector1_ip"),
	COLO(39, "colo_sock_sec_redirector1_port", "colo_sock_sec_redirector1_port"),
	COLO(40, "colo_filter_sec_redirector0_queue", "colo_filter_sec_redirector0_queue"),
	COLO(41, "colo_filter_sec_redirector0_indev", "colo_filter_sec_redirector0_indev"),
	COLO(42, "colo_filter_sec_redirector0_outdev", "colo_filter_sec_redirector0_outdev"),
	COLO(43, "colo_filter_sec_redirector1_queue", "colo_filter_sec_redirector1_queue"),
	COLO(44, "colo_filter_sec_redirector1_indev", "colo_filter_sec_redirector1_indev"),
	COLO(45, "colo_filter_sec_redirector1_outdev", "colo_filter_sec_redirector1_outdev"),
	COLO(46, "colo_filter_sec_rewriter0_queue", "colo_filter_sec_rewriter0_queue"),
	COLO(47, "colo_checkpoint_host", "colo_checkpoint_host"),
	COLO(48, "colo_checkpoint_port", "colo_checkpoint_port"),
	{ .json = "trusted", .kind = SPEC_DEFBOOL, OFF(trusted) },
	{ .key = "vlan", .json = "vlan", .kind = SPEC_STR, .hidden = true, OFF(vlan) },
	{ .key = "accel", .hidden = true, .set = set_accel, .kind = SPEC_ALIAS },
};

static const struct spec_word words[] = {
	{ "trusted", SPEC_DEFBOOL, offsetof(struct nic, trusted), TRI_TRUE },
	{ "untrusted", SPEC_DEFBOOL, offsetof(struct nic, trusted), TRI_FALSE },
};

static const struct spec_table table = {
	.what = "vif", .size = sizeof(struct nic), .fields = fields,
	.nr_fields = ARRAY_SIZE(fields), .words = words, .nr_words = ARRAY_SIZE(words),
};

/* xl.conf's values stand until the spec says otherwise. */
static int take_defaults(struct nic *nic, const struct spec_defaults *d, struct err *err)
{
	const struct {
		const char *value;
		char **to;
	} all[] = {
		{ d->vif_script, &nic->script }, { d->vif_bridge, &nic->bridge },
		{ d->vif_gatewaydev, &nic->gatewaydev }, { d->vif_backend, &nic->backend_domname },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		int rc = all[i].value ? spec_set_str(all[i].to, all[i].value, err) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

int nic_parse(const char *spec, const struct spec_defaults *d, struct nic *out,
	      struct err *err)
{
	scoped(nic) struct nic nic = NIC_INIT;
	int rc = 0;

	if (d)
		rc = take_defaults(&nic, d, err);
	if (rc == 0)
		rc = spec_parse(&table, &nic, spec, SPEC_UNKNOWN_COMPLAIN, d, err);
	if (rc < 0)
		return rc;
	if (nic.mac[0] & 1)
		spec_advise(d, "vif: the mac %02x:%02x:... is a multicast address, which a guest "
			    "cannot have as its own", nic.mac[0], nic.mac[1]);
	*out = nic;
	nic = (struct nic)NIC_INIT;
	return 0;
}

void nic_free(struct nic *nic)
{
	spec_free(&table, nic);
}

const char *nic_colo_node(unsigned int n)
{
	size_t offset = offsetof(struct nic, colo) + n * sizeof(char *);

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].kind == SPEC_STR && fields[i].offset == offset)
			return n ? fields[i].json : "forwarddev";
	}
	return NULL;
}

int nic_to_json(const struct nic *nic, json_t **out, struct err *err)
{
	return spec_to_json(&table, nic, out, err);
}

int nic_from_json(json_t *json, struct nic *out, struct err *err)
{
	return spec_from_json(&table, json, out, err);
}
