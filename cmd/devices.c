/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* devices: all of a domain's devices; and the parts that the lists of one kind share. */
#include "devices.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "command.h"
#include "config/disk.h"
#include "domain/lookup.h"
#include "output.h"
#include "xen/store.h"

#define NAME_BUF 4100

struct list_options {
	bool json;
};

enum folder { FOLDER_FRONT, FOLDER_BACK, FOLDER_COPY };

/* kind NULL: of every kind. The toolstack's copy is asked where it has the node. */
static const struct node {
	const char *kind;
	enum folder folder;
	const char *name;
	const char *json;
} nodes[DEVICE_NODES] = {
	[DEVICE_STATE] = { NULL, FOLDER_FRONT, "state", "frontend_state" },
	[DEVICE_BACK_STATE] = { NULL, FOLDER_BACK, "state", "backend_state" },
	[DEVICE_EVENT_CHANNEL] = { NULL, FOLDER_FRONT, "event-channel", "event_channel" },
	[DEVICE_RING_REF] = { "vbd", FOLDER_FRONT, "ring-ref", "ring_ref" },
	[DEVICE_TX_RING_REF] = { "vif", FOLDER_FRONT, "tx-ring-ref", "tx_ring_ref" },
	[DEVICE_RX_RING_REF] = { "vif", FOLDER_FRONT, "rx-ring-ref", "rx_ring_ref" },
	[DEVICE_PORT] = { "console", FOLDER_FRONT, "port", "port" },
	[DEVICE_CONSOLE_RING] = { "console", FOLDER_FRONT, "ring-ref", "ring_ref" },
	[DEVICE_PARAMS] = { "vbd", FOLDER_COPY, "params", "params" },
	[DEVICE_MODE] = { "vbd", FOLDER_COPY, "mode", "mode" },
	[DEVICE_TYPE] = { "vbd", FOLDER_COPY, "device-type", "device_type" },
	[DEVICE_NODE] = { "vbd", FOLDER_BACK, "node", "node" },
	[DEVICE_MAC] = { "vif", FOLDER_COPY, "mac", "mac" },
	[DEVICE_BRIDGE] = { "vif", FOLDER_COPY, "bridge", "bridge" },
	[DEVICE_IP] = { "vif", FOLDER_COPY, "ip", "ip" },
	[DEVICE_VIFNAME] = { "vif", FOLDER_COPY, "vifname", "vifname" },
	[DEVICE_SCRIPT] = { NULL, FOLDER_COPY, "script", "script" },
	[DEVICE_NAME] = { "console", FOLDER_COPY, "name", "name" },
	[DEVICE_CONNECTION] = { "console", FOLDER_COPY, "connection", "connection" },
	[DEVICE_PATH] = { NULL, FOLDER_COPY, "path", "path" },
	[DEVICE_TAG] = { "9pfs", FOLDER_FRONT, "tag", "tag" },
	[DEVICE_VNCLISTEN] = { "vfb", FOLDER_COPY, "vnclisten", "vnclisten" },
	[DEVICE_TTY] = { "console", FOLDER_FRONT, "tty", "tty" },
};

static void free_texts(struct device_row *rows, size_t nr)
{
	for (size_t i = 0; i < nr * DEVICE_NODES; i++)
		free(rows[i / DEVICE_NODES].texts[i % DEVICE_NODES]);
}

static bool has_node(const struct device_entry *entry, const struct node *node)
{
	return !node->kind || strcmp(node->kind, entry->kind_name) == 0;
}

/* Guests write what they like: only a number that fits is one. */
static int number_of(const char *text)
{
	uint64_t number;

	return text && str_to_u64(text, INT_MAX, &number) == 0 ? (int)number : -1;
}

/* The nodes that any of the rows has, in one go: where and into what. */
struct reads {
	char **paths, **values;
	char ***into;
	size_t nr;
};

static void scoped_reads(struct reads *r)
{
	for (size_t i = 0; i < r->nr; i++)
		free(r->paths[i]);
	free(r->paths);
	free(r->values);
	free(r->into);
}

static int add_reads(struct reads *r, struct device_row *row, struct err *err)
{
	const struct device_entry *entry = row->entry;
	const char *const folders[] = { entry->frontend, entry->backend, entry->copy };

	for (size_t n = 0; n < DEVICE_NODES; n++) {
		if (!has_node(entry, &nodes[n]))
			continue;
		r->paths[r->nr] = str_format("%s/%s", folders[nodes[n].folder], nodes[n].name);
		if (!r->paths[r->nr])
			return fail_nomem(err);
		r->into[r->nr++] = &row->texts[n];
	}
	return 0;
}

static int read_rows(struct device_row *rows, size_t nr, struct err *err)
{
	scoped(reads) struct reads r = { .nr = 0 };
	int rc = 0;

	r.paths = calloc(nr * DEVICE_NODES + 1, sizeof(*r.paths));
	r.values = calloc(nr * DEVICE_NODES + 1, sizeof(*r.values));
	r.into = calloc(nr * DEVICE_NODES + 1, sizeof(*r.into));
	if (!r.paths || !r.values || !r.into)
		return fail_nomem(err);
	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = add_reads(&r, &rows[i], err);
	if (rc == 0)
		rc = store_read_many((const char *const *)r.paths, r.nr, r.values, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < r.nr; i++)
		*r.into[i] = r.values[i];
	for (size_t i = 0; i < nr; i++) {
		for (size_t n = 0; n < DEVICE_NUMBERS; n++)
			rows[i].numbers[n] = number_of(rows[i].texts[n]);
	}
	return 0;
}

static json_t *row_json(const struct device_row *row, struct err *err)
{
	const struct device_entry *entry = row->entry;
	json_t *object = json_pack("{s:I s:s s:I s:I s:s}", "domid", (json_int_t)entry->domid,
				   "kind", entry->kind_name, "devid", (json_int_t)entry->devid,
				   "backend_domid", (json_int_t)entry->backend_domid,
				   "backend_kind", entry->backend_kind);
	char vdev[DISK_VDEV_MAX];
	int rc = object ? 0 : fail_nomem(err);

	if (rc == 0 && strcmp(entry->kind_name, "vbd") == 0)
		rc = json_add(object, "vdev", json_text(disk_vdev(entry->devid, vdev)), err);
	if (rc == 0)
		rc = json_add(object, "frontend", json_text(entry->frontend), err);
	if (rc == 0)
		rc = json_add(object, "backend", json_text(entry->backend), err);
	for (size_t n = 0; n < DEVICE_NODES && rc == 0; n++) {
		const char *text = row->texts[n];
		json_t *value;

		if (!has_node(entry, &nodes[n]) || (n >= DEVICE_NUMBERS && !text))
			continue;
		if (n >= DEVICE_NUMBERS)
			value = json_text(text);
		else
			value = row->numbers[n] < 0 ? json_null() : json_integer(row->numbers[n]);
		rc = json_add(object, nodes[n].json, value, err);
	}
	if (rc < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* array NULL: print. */
static int list_domain(struct cmd *cmd, uint32_t domid, const struct device_listing *how,
		       json_t *array, struct err *err)
{
	scoped(device_list) struct device_list list = DEVICE_LIST_INIT;
	scoped(free) struct device_row *rows = NULL;
	size_t nr = 0;
	int rc = devices_list(&cmd->xen, domid, &list, err);

	if (rc < 0)
		return rc;
	rows = calloc(list.nr + 1, sizeof(*rows));
	if (!rows)
		return fail_nomem(err);
	for (size_t i = 0; i < list.nr; i++) {
		if (!how->kind || strcmp(list.items[i].kind_name, how->kind) == 0)
			rows[nr++].entry = &list.items[i];
	}
	rc = read_rows(rows, nr, err);
	for (size_t i = 0; i < nr && rc == 0; i++) {
		json_t *object = NULL;

		if (!array) {
			how->print(&rows[i]);
			continue;
		}
		object = row_json(&rows[i], err);
		if (!object)
			rc = -ENOMEM;
		else if (json_array_append_new(array, object) < 0)
			rc = fail_nomem(err);
	}
	free_texts(rows, nr);
	return rc;
}

int device_listing_run(struct cmd *cmd, const struct device_listing *how, struct err *err)
{
	scoped(json) json_t *array = how->json ? json_array() : NULL;
	int rc = how->json && !array ? fail_nomem(err) : 0;

	if (!how->json)
		printf("%s\n", how->header);
	for (unsigned int i = 0; i < cmd->nr_words && rc == 0; i++) {
		uint32_t domid;

		rc = cmd_domain(cmd, cmd->words[i], &domid, err);
		if (rc == -ENOENT && how->carry_on && !how->json) {
			fprintf(stderr, "%s is an invalid domain identifier\n", cmd->words[i]);
			rc = 0;
			continue;
		}
		if (rc == 0)
			rc = list_domain(cmd, domid, how, array, err);
	}
	if (rc == 0 && how->json)
		rc = output_json(array, err);
	return rc;
}

static bool has_mac(const struct device_row *row, const uint8_t mac[6])
{
	unsigned int m[6];
	const char *text = row->texts[DEVICE_MAC];

	if (!text || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3], &m[4],
			    &m[5]) != 6)
		return false;
	for (int i = 0; i < 6; i++) {
		if (m[i] != mac[i])
			return false;
	}
	return true;
}

int device_find_mac(struct cmd *cmd, uint32_t domid, const uint8_t mac[6], uint32_t *devid,
		    struct err *err)
{
	scoped(device_list) struct device_list list = DEVICE_LIST_INIT;
	scoped(free) struct device_row *rows = NULL;
	int rc = devices_list(&cmd->xen, domid, &list, err);

	if (rc < 0)
		return rc;
	rows = calloc(list.nr + 1, sizeof(*rows));
	if (!rows)
		return fail_nomem(err);
	for (size_t i = 0; i < list.nr; i++)
		rows[i].entry = &list.items[i];
	rc = read_rows(rows, list.nr, err);
	if (rc == 0)
		rc = -ENOENT;
	for (size_t i = 0; i < list.nr && rc == -ENOENT; i++) {
		if (has_mac(&rows[i], mac)) {
			*devid = rows[i].entry->devid;
			rc = 0;
		}
	}
	free_texts(rows, list.nr);
	return rc;
}

int device_timeout(const struct option_uint *option, int *timeout_ms, struct err *err)
{
	if (option->given && option->value > INT_MAX / 1000)
		return fail(err, EINVAL, "option --timeout: %u seconds are too many",
			    option->value);
	*timeout_ms = option->given ? (int)option->value * 1000 : DEVICE_WAIT_MS;
	return 0;
}

/* "Connected", or what stands there instead of a number. */
static const char *state_text(const struct device_row *row, enum device_node which, char *buf,
			      size_t size)
{
	int state = row->numbers[which];
	const char *text = row->texts[which];

	if (!text)
		return "-";
	if (state >= 0 && strcmp(device_state_name((unsigned int)state), "?") != 0)
		return device_state_name((unsigned int)state);
	return str_escape(text, strlen(text), buf, size);
}

static void print_device(const struct device_row *row)
{
	const struct device_entry *entry = row->entry;
	char front[32], back[32], vdev[DISK_VDEV_MAX], escaped[256];
	const char *name = "-";

	if (strcmp(entry->kind_name, "vbd") == 0)
		name = disk_vdev(entry->devid, vdev);
	printf("%-8s %9u %-7s %2u %-8s %-12s %-12s", entry->kind_name, entry->devid, name,
	       entry->backend_domid, entry->backend_kind,
	       state_text(row, DEVICE_STATE, front, sizeof(front)),
	       state_text(row, DEVICE_BACK_STATE, back, sizeof(back)));
	for (size_t n = DEVICE_NUMBERS; n < DEVICE_NODES; n++) {
		const char *text = row->texts[n];

		if (text && *text)
			printf(" %s=%s", nodes[n].json,
			       str_escape(text, strlen(text), escaped, sizeof(escaped)));
	}
	putchar('\n');
}

static int run_devices(struct cmd *cmd, struct err *err)
{
	const struct list_options *opts = cmd->options;
	const struct device_listing how = {
		.header = "Kind        DevID Name    BE BE-kind  Frontend     Backend      What",
		.print = print_device, .json = opts->json,
	};

	return device_listing_run(cmd, &how, err);
}

static const struct option_row devices_options[] = {
	{ 0, "json", NULL, "The same and more as a JSON array", OPTION_FLAG,
	  offsetof(struct list_options, json) },
};

const struct command cmd_devices = {
	.name = "devices", .args = "<Domain(s)>",
	.help = "List all devices of a domain, with what they are and their states",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = COMMAND_ANY,
	COMMAND_OPTIONS(devices_options), .run = run_devices,
};
