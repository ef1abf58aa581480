/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sched-credit, sched-credit2: what domains and pools get of these schedulers. */
#include "sched.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "domain/list.h"
#include "output.h"

struct share_options {
	const char *domain, *pool;
	struct option_uint weight, cap, tslice, ratelimit, delay;
	bool params, json;
};

int sched_print_all(struct cmd *cmd, const struct sched_report *report, const char *pool,
		    json_t *array, struct err *err)
{
	scoped(cpupool_list) struct cpupool_list pools = CPUPOOL_LIST_INIT;
	scoped(domain_list) struct domain_list domains = DOMAIN_LIST_INIT;
	uint32_t only = UINT32_MAX;
	int rc = pool ? sched_pool_of(cmd, pool, &only, err) : 0;

	if (rc == 0)
		rc = cpupool_list_all(&cmd->xen, &pools, err);
	if (rc == 0)
		rc = domain_list_all(&cmd->xen, &domains, err);
	for (size_t i = 0; rc == 0 && i < pools.nr; i++) {
		const struct cpupool *p = &pools.items[i];

		if (p->info.sched != report->kind || (pool && p->info.id != only))
			continue;
		rc = report->pool(cmd, p->info.id, array, err);
		if (rc == 0 && !array)
			report->header();
		for (size_t j = 0; rc == 0 && j < domains.nr; j++) {
			if (domains.items[j].info.cpupool == p->info.id)
				rc = report->domain(cmd, &domains.items[j], array, err);
			/* Gone since it was listed, or going. */
			if (rc == -ENOENT || (rc < 0 && domains.items[j].info.dying))
				rc = 0;
		}
	}
	return rc;
}

int sched_print_one(struct cmd *cmd, const struct sched_report *report, const char *word,
		    json_t *array, struct err *err)
{
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	uint32_t domid;
	int rc = cmd_domain(cmd, word, &domid, err);

	if (rc == 0)
		rc = domain_list_one(&cmd->xen, domid, &list, err);
	if (rc == 0)
		rc = sched_expect(cmd, domid, report->kind, err);
	if (rc < 0)
		return rc;
	if (!array)
		report->header();
	return report->domain(cmd, &list.items[0], array, err);
}

int sched_pool_of(struct cmd *cmd, const char *word, uint32_t *id, struct err *err)
{
	int rc = cpupool_lookup(&cmd->xen, word, id, err);

	return rc == -ENOENT ? cmd_fail(cmd, err, ENOENT, "unknown cpupool '%s'", word) : rc;
}

int sched_expect(struct cmd *cmd, uint32_t domid, enum sched_kind kind, struct err *err)
{
	struct sched_domain params;
	int rc = sched_domain_get(&cmd->xen, domid, &params, err);

	if (rc == 0 && params.kind != kind)
		return fail(err, EINVAL, "domain %u: its cpupool's scheduler is %s, not %s", domid,
			    sched_name(params.kind), sched_name(kind));
	return rc;
}

static enum sched_kind kind_of(const struct cmd *cmd)
{
	return strcmp(cmd->command->name, "sched-credit") == 0 ? SCHED_CREDIT : SCHED_CREDIT2;
}

static void share_header(void)
{
	printf("%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
}

static int share_domain(struct cmd *cmd, const struct domain_entry *entry, json_t *array,
			struct err *err)
{
	struct sched_domain params;
	char name[SCHED_NAME_BUF];
	json_t *object;
	int rc = sched_domain_get(&cmd->xen, entry->info.domid, &params, err);

	if (rc < 0)
		return rc;
	if (!array) {
		printf("%-33s %4u %6d %4d\n", output_name(entry->name, name, sizeof(name)),
		       entry->info.domid, params.weight, params.cap);
		return 0;
	}
	object = json_pack("{s:o s:I s:i s:i s:i}", "name",
			   entry->name ? json_text(entry->name) : json_null(), "domid",
			   (json_int_t)entry->info.domid, "cpupool", (int)entry->info.cpupool,
			   "weight", params.weight, "cap", params.cap);
	return json_array_append_new(array, object) < 0 ? fail_nomem(err) : 0;
}

/* JSON has pools beside domains: those without "domid". */
static int share_pool(struct cmd *cmd, uint32_t id, json_t *array, struct err *err)
{
	scoped(free) char *name = cpupool_name(&cmd->xen, id);
	char shown[SCHED_NAME_BUF];
	enum sched_kind kind = kind_of(cmd);
	struct sched_pool params;
	json_t *object;
	int rc = sched_pool_get(&cmd->xen, id, kind, &params, err);

	if (rc < 0)
		return rc;
	output_name(name, shown, sizeof(shown));
	if (!array && kind == SCHED_CREDIT)
		printf("Cpupool %s: tslice=%ums ratelimit=%uus migration-delay=%uus\n", shown,
		       params.tslice_ms, params.ratelimit_us, params.migration_delay_us);
	else if (!array)
		printf("Cpupool %s: ratelimit=%uus\n", shown, params.ratelimit_us);
	if (!array)
		return 0;
	object = json_pack("{s:o s:i s:i}", "name", name ? json_text(name) : json_null(), "cpupool",
			   (int)id, "ratelimit_us", (int)params.ratelimit_us);
	if (kind == SCHED_CREDIT) {
		json_object_set_new(object, "tslice_ms", json_integer(params.tslice_ms));
		json_object_set_new(object, "migration_delay_us",
				    json_integer(params.migration_delay_us));
	}
	return json_array_append_new(array, object) < 0 ? fail_nomem(err) : 0;
}

static int set_domain(struct cmd *cmd, enum sched_kind kind, struct err *err)
{
	const struct share_options *opts = cmd->options;
	struct sched_domain params;
	uint32_t domid;
	int rc = cmd_domain(cmd, opts->domain, &domid, err);

	if (rc == 0)
		rc = sched_expect(cmd, domid, kind, err);
	if (rc == 0)
		rc = sched_domain_get(&cmd->xen, domid, &params, err);
	if (rc < 0)
		return rc;
	if (opts->weight.given)
		params.weight = (int)opts->weight.value;
	if (opts->cap.given)
		params.cap = (int)opts->cap.value;
	return sched_domain_set(&cmd->xen, domid, &params, err);
}

static int set_pool(struct cmd *cmd, enum sched_kind kind, uint32_t pool, struct err *err)
{
	const struct share_options *opts = cmd->options;
	struct sched_pool params;
	int rc = sched_pool_get(&cmd->xen, pool, kind, &params, err);

	if (rc < 0)
		return rc;
	if (opts->tslice.given)
		params.tslice_ms = opts->tslice.value;
	if (opts->ratelimit.given)
		params.ratelimit_us = opts->ratelimit.value;
	if (opts->delay.given)
		params.migration_delay_us = opts->delay.value;
	return sched_pool_set(&cmd->xen, pool, kind, &params, err);
}

static bool sets_pool(const struct share_options *opts)
{
	return opts->tslice.given || opts->ratelimit.given || opts->delay.given;
}

/* -s: pool 0 where no other is named. */
static int pool_params(struct cmd *cmd, enum sched_kind kind, json_t *array, struct err *err)
{
	const struct share_options *opts = cmd->options;
	uint32_t pool = 0;
	struct pool_info info;
	int rc = opts->pool ? sched_pool_of(cmd, opts->pool, &pool, err) : 0;

	if (rc == 0)
		rc = pool_get(&cmd->xen, pool, &info, err);
	if (rc < 0)
		return rc;
	if (info.sched != kind)
		return fail(err, EINVAL, "cpupool %u: its scheduler is %s, not %s", pool,
			    sched_name(info.sched), sched_name(kind));
	return sets_pool(opts) ? set_pool(cmd, kind, pool, err) : share_pool(cmd, pool, array, err);
}

static int check_options(struct cmd *cmd, struct err *err)
{
	const struct share_options *opts = cmd->options;
	bool set = opts->weight.given || opts->cap.given;

	if ((opts->pool || opts->params) && (opts->domain || set))
		return cmd_fail(cmd, err, EINVAL, "Specifying a cpupool or schedparam is not "
				"allowed with domain options.");
	if (set && !opts->domain)
		return cmd_fail(cmd, err, EINVAL, "Must specify a domain.");
	if (!opts->params && sets_pool(opts))
		return cmd_fail(cmd, err, EINVAL, "Must specify schedparam to set schedule "
				"parameter values.");
	return 0;
}

static int run_share(struct cmd *cmd, struct err *err)
{
	const struct share_options *opts = cmd->options;
	const struct sched_report report = {
		.kind = kind_of(cmd), .header = share_header, .pool = share_pool,
		.domain = share_domain,
	};
	scoped(json) json_t *array = opts->json ? json_array() : NULL;
	int rc = check_options(cmd, err);

	if (rc < 0)
		return rc;
	if (opts->domain && (opts->weight.given || opts->cap.given))
		return set_domain(cmd, report.kind, err);
	if (opts->params)
		rc = pool_params(cmd, report.kind, array, err);
	else if (opts->domain)
		rc = sched_print_one(cmd, &report, opts->domain, array, err);
	else
		rc = sched_print_all(cmd, &report, opts->pool, array, err);
	return rc == 0 && array && !sets_pool(opts) ? output_json(array, err) : rc;
}

#define AT(member) offsetof(struct share_options, member)

#define SHARE_OPTIONS									\
	{ 'd', "domain", "DOMAIN", "Domain to show or change", OPTION_STRING, AT(domain) },	\
	{ 'w', "weight", "WEIGHT", "Its weight beside others, 1 to 65535 (256)", OPTION_UINT,	\
	  AT(weight) },									\
	{ 'c', "cap", "CAP", "At most that many percent of one cpu; 0: no limit", OPTION_UINT,	\
	  AT(cap) },									\
	{ 's', "schedparam", NULL, "Show or change what a cpupool's scheduler does",		\
	  OPTION_FLAG, AT(params) },								\
	{ 'r', "ratelimit_us", "RLIMIT", "With -s: a vcpu runs for at least that many\n"	\
	  "microseconds", OPTION_UINT, AT(ratelimit) },					\
	{ 'p', "cpupool", "CPUPOOL", "That cpupool alone", OPTION_STRING, AT(pool) },		\
	{ 0, "json", NULL, "As a JSON array: pools and domains", OPTION_FLAG, AT(json) }

static const struct option_row credit_options[] = {
	SHARE_OPTIONS,
	{ 't', "tslice_ms", "TSLICE", "With -s: the time slice in milliseconds", OPTION_UINT,
	  AT(tslice) },
	{ 'm', "migration_delay_us", "DLY", "With -s: how long a vcpu's cache counts as warm, in\n"
	  "microseconds", OPTION_UINT, AT(delay) },
};

static const struct option_row credit2_options[] = { SHARE_OPTIONS };

const struct command cmd_sched_credit = {
	.name = "sched-credit",
	.args = "[-d <Domain> [-w WEIGHT] [-c CAP]] [-s [-t TSLICE] [-r RATELIMIT] [-m DLY]] "
		"[-p CPUPOOL]",
	.help = "Get/set credit scheduler parameters", .needs = NEED_XEN | NEED_STORE,
	COMMAND_OPTIONS(credit_options), .modifies = true, .run = run_share,
};

const struct command cmd_sched_credit2 = {
	.name = "sched-credit2",
	.args = "[-d <Domain> [-w WEIGHT] [-c CAP]] [-s [-r RATELIMIT]] [-p CPUPOOL]",
	.help = "Get/set credit2 scheduler parameters", .needs = NEED_XEN | NEED_STORE,
	COMMAND_OPTIONS(credit2_options), .modifies = true, .run = run_share,
};
