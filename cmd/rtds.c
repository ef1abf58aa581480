/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sched-rtds: periods and budgets, of domains and of single vcpus. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "domain/list.h"
#include "output.h"
#include "sched.h"

struct rtds_options {
	const char *domain, *pool;
	struct option_list vcpus, periods, budgets, extratimes;
	bool json;
};

static bool all_vcpus(const struct rtds_options *opts)
{
	for (unsigned int i = 0; i < opts->vcpus.nr; i++) {
		if (strcmp(opts->vcpus.items[i], "all") == 0)
			return true;
	}
	return false;
}

static int rtds_pool(struct cmd *cmd, uint32_t id, json_t *array, struct err *err)
{
	scoped(free) char *name = cpupool_name(&cmd->xen, id);
	char shown[SCHED_NAME_BUF];
	json_t *object;

	if (!array) {
		printf("Cpupool %s: sched=RTDS\n", output_name(name, shown, sizeof(shown)));
		return 0;
	}
	object = json_pack("{s:o s:i}", "name", name ? json_text(name) : json_null(), "cpupool",
			   (int)id);
	return json_array_append_new(array, object) < 0 ? fail_nomem(err) : 0;
}

static void domain_header(void)
{
	printf("%-33s %4s %9s %9s %10s\n", "Name", "ID", "Period", "Budget", "Extratime");
}

/* Xen tells a domain's default, but not whether that has extra time: libxl says no, so do we. */
static int rtds_domain(struct cmd *cmd, const struct domain_entry *entry, json_t *array,
		       struct err *err)
{
	struct sched_domain params;
	char name[SCHED_NAME_BUF];
	json_t *object;
	int rc = sched_domain_get(&cmd->xen, entry->info.domid, &params, err);

	if (rc < 0)
		return rc;
	if (!array) {
		printf("%-33s %4u %9d %9d %10s\n", output_name(entry->name, name, sizeof(name)),
		       entry->info.domid, params.period_us, params.budget_us,
		       params.extratime ? "yes" : "no");
		return 0;
	}
	object = json_pack("{s:o s:I s:i s:i}", "name",
			   entry->name ? json_text(entry->name) : json_null(), "domid",
			   (json_int_t)entry->info.domid, "period_us", params.period_us,
			   "budget_us", params.budget_us);
	return json_array_append_new(array, object) < 0 ? fail_nomem(err) : 0;
}

static void vcpu_header(void)
{
	printf("%-33s %4s %4s %9s %9s %10s\n", "Name", "ID", "VCPU", "Period", "Budget",
	       "Extratime");
}

/* The vcpus that are named, or all; owned. */
static int choose_vcpus(const struct rtds_options *opts, const struct domctl_info *info,
			struct sched_vcpu **out, size_t *nr, struct err *err)
{
	bool all = all_vcpus(opts);
	size_t count = all ? info->nr_vcpus : opts->vcpus.nr;
	scoped(free) struct sched_vcpu *list = calloc(count + 1, sizeof(*list));
	uint64_t number;

	if (!list)
		return fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		number = i;
		if (!all && (str_to_u64(opts->vcpus.items[i], UINT32_MAX, &number) < 0 ||
			     number >= info->nr_vcpus))
			return fail(err, EINVAL, "domain %u has no vcpu '%s': they are 0 to %u",
				    info->domid, opts->vcpus.items[i], info->nr_vcpus - 1);
		list[i].vcpu = (unsigned int)number;
	}
	*out = take(list);
	*nr = count;
	return 0;
}

static int rtds_vcpus(struct cmd *cmd, const struct domain_entry *entry, json_t *array,
		      struct err *err)
{
	scoped(free) struct sched_vcpu *list = NULL;
	char name[SCHED_NAME_BUF];
	size_t nr;
	int rc = choose_vcpus(cmd->options, &entry->info, &list, &nr, err);

	if (rc == 0)
		rc = sched_vcpus_get(&cmd->xen, entry->info.domid, list, nr, err);
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		const struct sched_vcpu *v = &list[i];
		json_t *object;

		if (!array) {
			printf("%-33s %4u %4u %9u %9u %10s\n",
			       output_name(entry->name, name, sizeof(name)), entry->info.domid,
			       v->vcpu, v->period_us, v->budget_us, v->extratime ? "yes" : "no");
			continue;
		}
		object = json_pack("{s:o s:I s:i s:i s:i s:b}", "name",
				   entry->name ? json_text(entry->name) : json_null(), "domid",
				   (json_int_t)entry->info.domid, "vcpu", (int)v->vcpu,
				   "period_us", (int)v->period_us, "budget_us", (int)v->budget_us,
				   "extratime", v->extratime);
		if (json_array_append_new(array, object) < 0)
			return fail_nomem(err);
	}
	return rc;
}

static int read_us(const char *what, const char *text, unsigned int *out, struct err *err)
{
	uint64_t number;

	if (str_to_u64(text, INT32_MAX, &number) < 0)
		return fail(err, EINVAL, "bad %s '%s', expected microseconds", what, text);
	*out = (unsigned int)number;
	return 0;
}

/* The n-th values go to the n-th vcpu; with -v all, the first ones to each. */
static int set_vcpus(struct cmd *cmd, struct err *err)
{
	const struct rtds_options *opts = cmd->options;
	scoped(free) struct sched_vcpu *list = NULL;
	struct domctl_info info;
	uint32_t domid;
	size_t nr;
	int rc = cmd_domain(cmd, opts->domain, &domid, err);

	if (rc == 0)
		rc = sched_expect(cmd, domid, SCHED_RTDS, err);
	if (rc == 0)
		rc = domctl_info(&cmd->xen, domid, &info, err);
	if (rc == 0)
		rc = choose_vcpus(opts, &info, &list, &nr, err);
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		size_t at = all_vcpus(opts) ? 0 : i;

		list[i].extratime = opts->extratimes.items[at][0] == '1';
		rc = read_us("period", opts->periods.items[at], &list[i].period_us, err);
		if (rc == 0)
			rc = read_us("budget", opts->budgets.items[at], &list[i].budget_us, err);
	}
	return rc < 0 ? rc : sched_vcpus_set(&cmd->xen, domid, list, nr, err);
}

static bool sets(const struct rtds_options *opts)
{
	return opts->periods.nr || opts->budgets.nr || opts->extratimes.nr;
}

static int check_options(struct cmd *cmd, struct err *err)
{
	const struct rtds_options *opts = cmd->options;
	bool all = all_vcpus(opts);

	for (unsigned int i = 0; i < opts->extratimes.nr; i++) {
		if (strcmp(opts->extratimes.items[i], "0") && strcmp(opts->extratimes.items[i], "1"))
			return cmd_fail(cmd, err, EINVAL, "Invalid extratime.");
	}
	if (opts->pool && (opts->domain || sets(opts) || opts->vcpus.nr))
		return cmd_fail(cmd, err, EINVAL, "Specifying a cpupool is not allowed with other "
				"options.");
	if (!opts->domain && (sets(opts) || (opts->vcpus.nr && !all)))
		return cmd_fail(cmd, err, EINVAL, "Missing parameters.");
	if (sets(opts) && !opts->vcpus.nr)
		return cmd_fail(cmd, err, EINVAL, "Must specify VCPU.");
	if (all && opts->vcpus.nr > 1)
		return cmd_fail(cmd, err, EINVAL, "Incorrect VCPU IDs.");
	if (sets(opts) && (opts->periods.nr != opts->vcpus.nr ||
			   opts->budgets.nr != opts->vcpus.nr ||
			   opts->extratimes.nr != opts->vcpus.nr))
		return cmd_fail(cmd, err, EINVAL, "Incorrect number of period, budget and "
				"extratime");
	return 0;
}

static int run_rtds(struct cmd *cmd, struct err *err)
{
	const struct rtds_options *opts = cmd->options;
	const struct sched_report report = {
		.kind = SCHED_RTDS, .pool = rtds_pool,
		.header = opts->vcpus.nr ? vcpu_header : domain_header,
		.domain = opts->vcpus.nr ? rtds_vcpus : rtds_domain,
	};
	scoped(json) json_t *array = opts->json ? json_array() : NULL;
	int rc = check_options(cmd, err);

	if (rc < 0)
		return rc;
	if (sets(opts))
		return set_vcpus(cmd, err);
	if (opts->domain)
		rc = sched_print_one(cmd, &report, opts->domain, array, err);
	else
		rc = sched_print_all(cmd, &report, opts->pool, array, err);
	return rc == 0 && array ? output_json(array, err) : rc;
}

#define AT(member) offsetof(struct rtds_options, member)

static const struct option_row rtds_options[] = {
	{ 'd', "domain", "DOMAIN", "Domain to show or change", OPTION_STRING, AT(domain) },
	{ 'v', "vcpuid", "VCPUID|all", "Of that vcpu; may be given again, each time with -p, -b\n"
	  "and -e of its own", OPTION_LIST, AT(vcpus) },
	{ 'p', "period", "PERIOD", "Period in microseconds", OPTION_LIST, AT(periods) },
	{ 'b', "budget", "BUDGET", "Microseconds of each period that are its own", OPTION_LIST,
	  AT(budgets) },
	{ 'e', "extratime", "0|1", "Whether it gets idle time too", OPTION_LIST, AT(extratimes) },
	{ 'c', "cpupool", "CPUPOOL", "Show that cpupool alone", OPTION_STRING, AT(pool) },
	{ 0, "json", NULL, "As a JSON array: pools, and domains or vcpus", OPTION_FLAG, AT(json) },
};

const struct command cmd_sched_rtds = {
	.name = "sched-rtds",
	.args = "[-d <Domain> [-v VCPUID|all [-p PERIOD -b BUDGET -e 0|1]]...] [-c CPUPOOL]",
	.help = "Get/set rtds scheduler parameters", .needs = NEED_XEN | NEED_STORE,
	COMMAND_OPTIONS(rtds_options), .modifies = true, .run = run_rtds,
};
