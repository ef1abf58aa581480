/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* network-attach, network-list, network-detach: a running domain's network devices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/wait.h"
#include "command.h"
#include "config/conf.h"
#include "config/nic.h"
#include "devices.h"
#include "domain/attach.h"
#include "output.h"

struct network_options {
	bool force, json;
	struct option_uint timeout;
};

/* A vif of the words, over what xl.conf says of all. */
static int read_nic(struct cmd *cmd, struct nic *nic, struct err *err)
{
	scoped(config_warnings) struct config_warnings warnings = { 0 };
	scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
	scoped(strbuf) struct strbuf text = STRBUF_INIT;
	scoped(free) char *spec = NULL;
	struct spec_defaults defaults;
	int rc = xl_conf_read(XL_CONF_PATH, &conf, &warnings, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < warnings.list.nr; i++)
		log_warn("%s", warnings.list.items[i]);
	for (unsigned int i = 1; i < cmd->nr_words; i++)
		strbuf_printf(&text, "%s%s", i > 1 ? "," : "", cmd->words[i]);
	rc = strbuf_finish(&text, &spec, err);
	if (rc < 0)
		return rc;
	defaults = (struct spec_defaults){
		.vif_script = conf.vif_script, .vif_bridge = conf.vif_bridge,
		.vif_backend = conf.vif_backend, .vif_gatewaydev = conf.vif_gatewaydev,
	};
	return nic_parse(spec, &defaults, nic, err);
}

static int print_nic(const struct nic *nic, struct err *err)
{
	scoped(json) json_t *json = NULL;
	int rc = nic_to_json(nic, &json, err);

	if (rc < 0)
		return rc;
	printf("vif: ");
	rc = output_json(json, err);
	putchar('\n');
	return rc;
}

static int run_attach(struct cmd *cmd, struct err *err)
{
	scoped(nic) struct nic nic = NIC_INIT;
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = read_nic(cmd, &nic, err);
	if (rc < 0)
		return rc;
	if (cmd->dryrun)
		return print_nic(&nic, err);
	rc = wait_catch_interrupts(err);
	if (rc < 0)
		return rc;
	rc = domain_attach(&cmd->xen, domid, device_kind_find("vif"), &nic, err);
	return cmd_done(cmd, "device", domid, cmd->words[1], rc);
}

static void print_row(const struct device_row *row)
{
	const struct device_entry *entry = row->entry;
	const char *mac = row->texts[DEVICE_MAC];
	char escaped[64];

	printf("%-3u %-2u %s%6u %5d %6d %5d/%-11d %-30s\n", entry->devid, entry->backend_domid,
	       mac ? str_escape(mac, strlen(mac), escaped, sizeof(escaped)) : "00:00:00:00:00:00",
	       entry->devid, row->numbers[DEVICE_STATE], row->numbers[DEVICE_EVENT_CHANNEL],
	       row->numbers[DEVICE_TX_RING_REF], row->numbers[DEVICE_RX_RING_REF],
	       entry->backend);
}

static int run_list(struct cmd *cmd, struct err *err)
{
	const struct network_options *opts = cmd->options;
	const struct device_listing how = {
		.kind = "vif", .print = print_row, .json = opts->json,
		.header = "Idx BE Mac Addr.         handle state evt-ch   tx-/rx-ring-ref BE-path"
			  "                       ",
	};

	return device_listing_run(cmd, &how, err);
}

/* As xl: with a colon it is an address. -ENOENT, and no message, when there is none such. */
static int find_nic(struct cmd *cmd, uint32_t domid, const char *word, uint32_t *devid,
		    struct err *err)
{
	scoped(nic) struct nic nic = NIC_INIT;
	scoped(free) char *spec = NULL;
	uint64_t number;
	int rc;

	if (!strchr(word, ':')) {
		if (str_to_u64(word, UINT32_MAX, &number) < 0)
			return -ENOENT;
		*devid = (uint32_t)number;
		return 0;
	}
	spec = strchr(word, ',') ? NULL : str_format("mac=%s", word);
	if (!spec)
		return -ENOENT;
	rc = nic_parse(spec, NULL, &nic, err);
	return rc < 0 ? -ENOENT : device_find_mac(cmd, domid, nic.mac, devid, err);
}

static int run_detach(struct cmd *cmd, struct err *err)
{
	const struct network_options *opts = cmd->options;
	const char *word = cmd->words[1];
	uint32_t domid, devid;
	int timeout_ms, rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = device_timeout(&opts->timeout, &timeout_ms, err);
	if (rc < 0)
		return rc;
	rc = find_nic(cmd, domid, word, &devid, err);
	if (rc == 0)
		rc = wait_catch_interrupts(err);
	if (opts->force)
		timeout_ms = 0;
	/* xl's, unlike its block-detach, does not leave a device that the guest holds on to. */
	if (rc == 0)
		rc = domain_detach(&cmd->xen, domid, device_kind_find("vif"), devid, true,
				   timeout_ms, err);
	if (rc == -ENOENT)
		return cmd_fail(cmd, err, ENOENT, "Unknown device %s.", word);
	return cmd_done(cmd, "device", domid, word, rc);
}

static const struct option_row list_options[] = {
	{ 0, "json", NULL, "The same and more as a JSON array", OPTION_FLAG,
	  offsetof(struct network_options, json) },
};

static const struct option_row detach_options[] = {
	{ 'f', "force", NULL, "Remove it at once, whether the domain releases it or not",
	  OPTION_FLAG, offsetof(struct network_options, force) },
	{ 0, "timeout", "SECONDS", "As long as the domain may take before the device goes\n"
	  "all the same (10)", OPTION_UINT, offsetof(struct network_options, timeout) },
};

const struct command cmd_network_attach = {
	.name = "network-attach",
	.args = "<Domain> [type=<type>] [mac=<mac>] [bridge=<bridge>] [ip=<ip>] "
		"[script=<script>] [backend=<BackDomain>] [vifname=<name>] [rate=<rate>] "
		"[model=<model>] [accel=<accel>] [mtu=<mtu>]",
	.help = "Create a new virtual network device", .needs = NEED_XEN | NEED_STORE,
	.min = 1, .max = COMMAND_ANY, .dryrun = true, .modifies = true, .run = run_attach,
};

const struct command cmd_network_list = {
	.name = "network-list", .args = "<Domain(s)>",
	.help = "List virtual network interfaces for a domain", .needs = NEED_XEN | NEED_STORE,
	.min = 1, .max = COMMAND_ANY, COMMAND_OPTIONS(list_options), .run = run_list,
};

const struct command cmd_network_detach = {
	.name = "network-detach", .args = "[option] <Domain> <DevId|mac>",
	.help = "Destroy a domain's virtual network device", .needs = NEED_XEN | NEED_STORE,
	.min = 2, .max = 2, .modifies = true, COMMAND_OPTIONS(detach_options), .run = run_detach,
};
