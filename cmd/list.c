/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list, vm-list, claims, sharing, domid, domname: who runs here. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "command.h"
#include "config/conf.h"
#include "devices/device.h"
#include "domain/cpupool.h"
#include "domain/list.h"
#include "domain/lookup.h"
#include "domain/userdata.h"
#include "output.h"
#include "xen/host.h"
#include "xen/store.h"

/* Names longer than a store message do not exist. */
#define NAME_BUF 4100

struct list_options {
	bool details, verbose, context, cpupool, numa, json;
	bool claim;		/* claims' table */
};

static uint64_t shown_memory_kb(const struct domctl_info *info)
{
	return (info->nr_pages + info->outstanding_pages) * 4;
}

static char reason_letter(const struct domctl_info *info)
{
	static const char letters[] = "-rscwS";
	unsigned int reason = info->shutdown ? info->shutdown_reason : 0;

	return reason < sizeof(letters) - 1 ? letters[reason] : '?';
}

static const char *reason_name(unsigned int reason)
{
	static const char *const names[] = {
		"poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset",
	};

	return reason < ARRAY_SIZE(names) ? names[reason] : "unknown";
}

static int print_numa(struct cmd *cmd, uint32_t domid, unsigned int nr_nodes, struct err *err)
{
	uint8_t nodes[128];
	char text[1024];
	int rc = domctl_node_affinity(&cmd->xen, domid, nodes, sizeof(nodes), err);

	if (rc == 0)
		printf(" %s", output_bitmap(nodes, nr_nodes, text, sizeof(text)));
	return rc;
}

enum model_state { MODEL_NONE, MODEL_RUNS, MODEL_ENDED };

/* Which of them have a device model: *has, which the caller frees. */
static int find_models(const struct domain_list *list, bool **has, struct err *err)
{
	scoped(free) uint32_t *domids = calloc(list->nr + 1, sizeof(*domids));

	*has = calloc(list->nr + 1, sizeof(**has));
	if (!domids || !*has)
		return fail_nomem(err);
	for (size_t i = 0; i < list->nr; i++)
		domids[i] = list->items[i].info.domid;
	return devices_have_models(domids, list->nr, *has, err);
}

static enum model_state model_state(struct cmd *cmd, const struct domctl_info *info)
{
	scoped(fd) int pidfd = -1;
	struct err ignored;	/* it may just be made, or go */
	int pid;

	if (info->domid == 0 || info->dying ||
	    devices_open_model(&cmd->xen, info->domid, &pid, &pidfd, &ignored) < 0 || pid <= 0)
		return MODEL_NONE;
	return pidfd < 0 ? MODEL_ENDED : MODEL_RUNS;
}

static void print_header(const struct list_options *opts)
{
	printf("Name                                        ID   Mem VCPUs\tState\tTime(s)%s%s%s%s%s\n",
	       opts->verbose ? "   UUID                            Reason-Code\tSecurity Label" : "",
	       opts->context && !opts->verbose ? "   Security Label" : "",
	       opts->claim ? "  Claimed" : "",
	       opts->cpupool ? "         Cpupool" : "", opts->numa ? " NODE Affinity" : "");
}

static int print_row(struct cmd *cmd, const struct list_options *opts,
		     const struct domain_entry *entry, unsigned int nr_nodes, bool has_model,
		     struct err *err)
{
	const struct domctl_info *info = &entry->info;
	char name[NAME_BUF], uuid[37];
	int rc = 0;

	printf("%-40s %5u %5" PRIu64 " %5u     %c%c%c%c%c%c  %8.1f",
	       output_name(entry->name, name, sizeof(name)), info->domid,
	       shown_memory_kb(info) / 1024, info->nr_online_vcpus, info->running ? 'r' : '-',
	       info->blocked ? 'b' : '-', info->paused ? 'p' : '-', info->shutdown ? 's' : '-',
	       reason_letter(info), info->dying ? 'd' : '-',
	       (double)((float)info->cpu_time_ns / 1e9f));
	if (opts->verbose) {
		userdata_format_uuid(info->uuid, uuid);
		printf(" %s", uuid);
		if (info->shutdown)
			printf(" %8x", info->shutdown_reason);
		else
			printf(" %8s", "-");
	}
	if (opts->verbose || opts->context)
		printf(" %16s", "-");
	if (opts->claim)
		printf(" %5" PRIu64, info->outstanding_pages * 4 / 1024);
	if (opts->cpupool) {
		scoped(free) char *pool = cpupool_name(&cmd->xen, info->cpupool);

		printf("%16s", pool ? pool : "(null)");
	}
	if (opts->numa)
		rc = print_numa(cmd, info->domid, nr_nodes, err);
	if (has_model && model_state(cmd, info) == MODEL_ENDED)
		fputs("  (its device model has ended)", stdout);
	putchar('\n');
	return rc;
}

static int print_table(struct cmd *cmd, const struct list_options *opts,
		       const struct domain_list *list, struct err *err)
{
	scoped(free) struct host_node *nodes = NULL;
	scoped(free) bool *has_model = NULL;
	size_t nr_nodes = 0;
	int rc = 0;

	if (opts->numa)
		rc = host_nodes(&cmd->xen, &nodes, &nr_nodes, err);
	/* For eyes alone: scripts know xl's columns. */
	if (rc == 0 && isatty(STDOUT_FILENO))
		rc = find_models(list, &has_model, err);
	if (rc < 0)
		return rc;
	print_header(opts);
	for (size_t i = 0; i < list->nr && rc == 0; i++)
		rc = print_row(cmd, opts, &list->items[i], (unsigned int)nr_nodes,
			       has_model && has_model[i], err);
	return rc;
}

/* 0 as well for a domain that has gone since it was listed: it is left out. */
static int add_details(struct cmd *cmd, const struct domain_entry *entry, json_t *array,
		       struct err *err)
{
	scoped(json) json_t *element = json_object();
	json_t *config;
	int rc = domain_current_config(&cmd->xen, entry, &config, err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = json_add(element, "domid", json_integer(entry->info.domid), err);
	if (rc < 0) {
		json_decref(config);
		return rc;
	}
	rc = json_add(element, "config", config, err);
	if (rc == 0 && json_array_append(array, element) < 0)
		rc = fail_nomem(err);
	return rc;
}

/* [{"domid": N, "config": {...}}]: lines and order are what scripts read. */
static int print_details(struct cmd *cmd, const struct domain_list *list, struct err *err)
{
	scoped(json) json_t *array = json_array();
	int rc = 0;

	for (size_t i = 0; i < list->nr && rc == 0; i++)
		rc = add_details(cmd, &list->items[i], array, err);
	if (rc == 0)
		rc = output_json(array, err);
	if (rc == 0)
		putchar('\n');	/* puts() of text that ends in a line end, in xl */
	return rc;
}

static const char *state_name(const struct domctl_info *info)
{
	return info->dying ? "dying" : info->shutdown ? "shutdown" : info->paused ? "paused" :
	       info->running ? "running" : info->blocked ? "blocked" : "idle";
}

static json_t *entry_json(struct cmd *cmd, const struct domain_entry *entry, bool has_model)
{
	static const char *const models[] = {
		[MODEL_RUNS] = "running", [MODEL_ENDED] = "ended",
	};
	const struct domctl_info *info = &entry->info;
	char uuid[37];

	userdata_format_uuid(info->uuid, uuid);
	return json_pack("{s:I s:o s:s s:s s:s? s:b s:b s:b s:b s:b s:I s:I s:I s:I s:i s:i s:f s:i s:s?}",
			 "domid", (json_int_t)info->domid,
			 "name", entry->name ? json_text(entry->name) : json_null(),
			 "uuid", uuid,
			 "state", state_name(info),
			 "shutdown_reason", info->shutdown ? reason_name(info->shutdown_reason) : NULL,
			 "running", info->running, "blocked", info->blocked,
			 "paused", info->paused, "shutdown", info->shutdown, "dying", info->dying,
			 "memory_kb", (json_int_t)(info->nr_pages * 4),
			 "claimed_kb", (json_int_t)(info->outstanding_pages * 4),
			 "shared_kb", (json_int_t)(info->shared_pages * 4),
			 "max_memory_kb", (json_int_t)(info->max_pages * 4),
			 "vcpus_online", (int)info->nr_online_vcpus,
			 "vcpus", (int)info->nr_vcpus,
			 "cpu_seconds", (double)info->cpu_time_ns / 1e9,
			 "cpupool", (int)info->cpupool,
			 "device_model", models[has_model ? model_state(cmd, info) : MODEL_NONE]);
}

static int print_json(struct cmd *cmd, const struct domain_list *list, struct err *err)
{
	scoped(json) json_t *array = json_array();
	scoped(free) bool *has_model = NULL;
	int rc = find_models(list, &has_model, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < list->nr; i++) {
		if (json_array_append_new(array, entry_json(cmd, &list->items[i], has_model[i])) < 0)
			return fail_nomem(err);
	}
	return output_json(array, err);
}

static int list_one(struct cmd *cmd, const char *word, struct domain_list *list, struct err *err)
{
	uint32_t domid;
	int rc = cmd_domain(cmd, word, &domid, err);

	if (rc == 0)
		rc = domain_list_one(&cmd->xen, domid, list, err);
	if (rc == -ENOENT && str_is_digits(word))
		return cmd_fail(cmd, err, ENOENT, "Error: Domain '%s' does not exist.", word);
	return rc;
}

static int run_list(struct cmd *cmd, struct err *err)
{
	const struct list_options *opts = cmd->options;
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	int rc;

	if (cmd->nr_words)
		rc = list_one(cmd, cmd->words[0], &list, err);
	else
		rc = domain_list_all(&cmd->xen, &list, err);
	if (rc < 0)
		return rc;
	if (opts->details)
		return print_details(cmd, &list, err);
	if (opts->json)
		return print_json(cmd, &list, err);
	return print_table(cmd, opts, &list, err);
}

/* As xl: said, although what is claimed is shown all the same. */
static void warn_no_claims(void)
{
	scoped(config_warnings) struct config_warnings warnings = { 0 };
	scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
	struct err err;

	if (xl_conf_read(XL_CONF_PATH, &conf, &warnings, &err) < 0)
		log_warn("%s", err.msg);
	else if (conf.claim_mode == TRI_FALSE)
		fprintf(stderr, "claim_mode not enabled (see man xl.conf).\n");
}

static int run_claims(struct cmd *cmd, struct err *err)
{
	const struct list_options table = { .claim = true }, *opts = cmd->options;
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	int rc = domain_list_all(&cmd->xen, &list, err);

	if (rc < 0)
		return rc;
	warn_no_claims();
	return opts->json ? print_json(cmd, &list, err) : print_table(cmd, &table, &list, err);
}

static int run_sharing(struct cmd *cmd, struct err *err)
{
	const struct list_options *opts = cmd->options;
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	char name[NAME_BUF];
	int rc = cmd->nr_words ? list_one(cmd, cmd->words[0], &list, err) :
		domain_list_all(&cmd->xen, &list, err);

	if (rc < 0)
		return rc;
	if (opts->json)
		return print_json(cmd, &list, err);
	printf("Name                                        ID   Mem Shared\n");
	for (size_t i = 0; i < list.nr; i++) {
		const struct domctl_info *info = &list.items[i].info;

		printf("%-40s %5u %5" PRIu64 "  %5" PRIu64 "\n",
		       output_name(list.items[i].name, name, sizeof(name)), info->domid,
		       shown_memory_kb(info) / 1024, info->shared_pages * 4 / 1024);
	}
	return 0;
}

/* libxl's list of VMs leaves out the stub domains that serve others. */
static int is_stubdom(struct cmd *cmd, uint32_t domid, struct err *err)
{
	scoped(free) char *target = NULL;
	char path[48];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/target", domid);
	rc = store_read(&cmd->xen, NULL, path, &target, err);
	return rc == 0 ? 1 : rc == -ENOENT ? 0 : rc;
}

/* Takes the stub domains out of the list. */
static int drop_stubdoms(struct cmd *cmd, struct domain_list *list, struct err *err)
{
	for (size_t i = 0; i < list->nr;) {
		struct domain_entry *entry = &list->items[i];
		int rc = is_stubdom(cmd, entry->info.domid, err);

		if (rc < 0)
			return rc;
		if (rc == 0) {
			i++;
			continue;
		}
		free(entry->name);
		list->nr--;
		memmove(entry, entry + 1, (list->nr - i) * sizeof(*entry));
	}
	return 0;
}

static int run_vm_list(struct cmd *cmd, struct err *err)
{
	const struct list_options *opts = cmd->options;
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	int rc = domain_list_all(&cmd->xen, &list, err);

	if (rc == 0)
		rc = drop_stubdoms(cmd, &list, err);
	if (rc < 0)
		return rc;
	if (opts->json)
		return print_json(cmd, &list, err);
	printf("UUID                                  ID    name\n");
	for (size_t i = 0; i < list.nr; i++) {
		const struct domain_entry *entry = &list.items[i];
		char name[NAME_BUF], uuid[37];

		userdata_format_uuid(entry->info.uuid, uuid);
		printf("%s  %u    %-30s\n", uuid, entry->info.domid,
		       output_name(entry->name, name, sizeof(name)));
	}
	return 0;
}

struct json_option {
	bool json;
};

static int print_id(struct cmd *cmd, uint32_t domid, const char *name, struct err *err)
{
	const struct json_option *opts = cmd->options;
	scoped(json) json_t *object = NULL;

	if (!opts->json)
		return 0;
	object = json_pack("{s:I s:o}", "domid", (json_int_t)domid, "name", json_text(name));
	if (!object)
		return fail_nomem(err);
	return output_json(object, err);
}

static int run_domid(struct cmd *cmd, struct err *err)
{
	const struct json_option *opts = cmd->options;
	const char *name = cmd->words[0];
	uint32_t domid;
	int rc = domain_find_name(&cmd->xen, name, &domid, err);

	if (rc == -ENOENT)
		return cmd_fail(cmd, err, ENOENT, "Can't get domid of domain name '%s', maybe this "
				"domain does not exist.", name);
	if (rc == 0 && !opts->json)
		printf("%u\n", domid);
	return rc < 0 ? rc : print_id(cmd, domid, name, err);
}

static int run_domname(struct cmd *cmd, struct err *err)
{
	const struct json_option *opts = cmd->options;
	scoped(free) char *name = NULL;
	char shown[NAME_BUF];
	uint64_t domid;
	int rc = str_to_u64(cmd->words[0], XEN_DOMID_MAX, &domid);

	if (rc == -EINVAL)
		return cmd_fail(cmd, err, EINVAL, "Invalid domain id.\n");
	if (rc == 0)
		rc = domain_get_name(&cmd->xen, (uint32_t)domid, &name, err);
	if (rc == -ENOENT || rc == -ERANGE)
		return cmd_fail(cmd, err, ENOENT, "Can't get domain name of domain id '%s', maybe "
				"this domain does not exist.", cmd->words[0]);
	if (rc == 0 && !opts->json)
		printf("%s\n", output_name(name, shown, sizeof(shown)));
	return rc < 0 ? rc : print_id(cmd, (uint32_t)domid, name, err);
}

#define AT(member) offsetof(struct list_options, member)

static const struct option_row list_options[] = {
	{ 'l', "long", NULL, "Output all VM details", OPTION_FLAG, AT(details) },
	{ 'v', "verbose", NULL, "Prints out UUIDs and security context", OPTION_FLAG, AT(verbose) },
	{ 'Z', "context", NULL, "Prints out security context", OPTION_FLAG, AT(context) },
	{ 'c', "cpupool", NULL, "Prints the cpupool the domain is in", OPTION_FLAG, AT(cpupool) },
	{ 'n', "numa", NULL, "Prints out NUMA node affinity", OPTION_FLAG, AT(numa) },
	{ 0, "json", NULL, "What the table shows, and more, as JSON", OPTION_FLAG, AT(json) },
};

static const struct option_row vm_list_options[] = {
	{ 0, "json", NULL, "As list --json", OPTION_FLAG, AT(json) },
};

static const struct option_row json_options[] = {
	{ 0, "json", NULL, "Number and name as JSON", OPTION_FLAG, offsetof(struct json_option, json) },
};

const struct command cmd_list = {
	.name = "list", .args = "[options] [Domain]",
	.help = "List information about all/some domains", .needs = NEED_XEN | NEED_STORE,
	.max = 1, COMMAND_OPTIONS(list_options), .run = run_list,
};

const struct command cmd_claims = {
	.name = "claims", .args = "",
	.help = "List outstanding claim information about all domains",
	.needs = NEED_XEN | NEED_STORE, COMMAND_OPTIONS(vm_list_options), .run = run_claims,
};

const struct command cmd_sharing = {
	.name = "sharing", .args = "[Domain]", .help = "Get information about page sharing",
	.needs = NEED_XEN | NEED_STORE, .max = 1, COMMAND_OPTIONS(vm_list_options),
	.run = run_sharing,
};

const struct command cmd_vm_list = {
	.name = "vm-list", .args = "", .help = "List guest domains, excluding stubdoms",
	.needs = NEED_XEN | NEED_STORE, COMMAND_OPTIONS(vm_list_options), .run = run_vm_list,
};

const struct command cmd_domid = {
	.name = "domid", .args = "<DomainName>", .help = "Convert a domain name to domain id",
	.needs = NEED_XEN | NEED_STORE, .min = 1, .max = 1, COMMAND_OPTIONS(json_options),
	.run = run_domid,
};

const struct command cmd_domname = {
	.name = "domname", .args = "<DomainId>", .help = "Convert a domain id to domain name",
	.needs = NEED_STORE, .min = 1, .max = 1, COMMAND_OPTIONS(json_options),
	.run = run_domname,
};
