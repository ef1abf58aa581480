/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vcpu-list, vcpu-set, uptime: what domains do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bitmap.h"
#include "base/json.h"
#include "base/str.h"
#include "command.h"
#include "domain/list.h"
#include "domain/vcpus.h"
#include "output.h"
#include "xen/host.h"
#include "xen/store.h"

#define NAME_BUF 4100

struct vcpu_row {
	struct domctl_vcpu info;
	char hard[1024], soft[1024];
};

struct vcpu_options {
	bool json;
};

static int vcpu_read(struct cmd *cmd, uint32_t domid, unsigned int vcpu, unsigned int nr_cpus,
		     struct vcpu_row *row, struct err *err)
{
	uint8_t hard[BITMAP_BITS / 8], soft[BITMAP_BITS / 8];
	int rc = domctl_vcpu(&cmd->xen, domid, vcpu, &row->info, err);

	if (rc == 0)
		rc = domctl_vcpu_affinity(&cmd->xen, domid, vcpu, hard, soft, sizeof(hard), err);
	if (rc < 0)
		return rc;
	if (nr_cpus > BITMAP_BITS)
		nr_cpus = BITMAP_BITS;
	output_bitmap(hard, nr_cpus, row->hard, sizeof(row->hard));
	output_bitmap(soft, nr_cpus, row->soft, sizeof(row->soft));
	return 0;
}

static void vcpu_print(const struct domain_entry *entry, unsigned int vcpu,
		       const struct vcpu_row *row)
{
	char name[NAME_BUF];

	printf("%-32s %5u %5u", output_name(entry->name, name, sizeof(name)), entry->info.domid,
	       vcpu);
	if (row->info.online)
		printf("%5u %3c%c- ", row->info.cpu, row->info.running ? 'r' : '-',
		       row->info.blocked ? 'b' : '-');
	else
		printf("%5c %3c%cp ", '-', '-', '-');
	printf("%9.1f  %s / %s\n", (double)((float)row->info.cpu_time_ns / 1e9f), row->hard,
	       row->soft);
}

static json_t *vcpu_json(const struct domain_entry *entry, unsigned int vcpu,
			 const struct vcpu_row *row)
{
	return json_pack("{s:I s:o s:i s:b s:o s:b s:b s:f s:s s:s}",
			 "domid", (json_int_t)entry->info.domid,
			 "name", entry->name ? json_text(entry->name) : json_null(),
			 "vcpu", (int)vcpu, "online", row->info.online,
			 "cpu", row->info.online ? json_integer(row->info.cpu) : json_null(),
			 "running", row->info.running, "blocked", row->info.blocked,
			 "cpu_seconds", (double)row->info.cpu_time_ns / 1e9,
			 "hard_affinity", row->hard, "soft_affinity", row->soft);
}

/* array NULL: print rows. */
static int vcpus_of(struct cmd *cmd, const struct domain_entry *entry, unsigned int nr_cpus,
		    json_t *array, struct err *err)
{
	for (unsigned int i = 0; i < entry->info.nr_vcpus; i++) {
		struct vcpu_row row;
		int rc = vcpu_read(cmd, entry->info.domid, i, nr_cpus, &row, err);

		/* A domain that is being built has numbers without a vcpu; one may go. */
		if (rc == -ESRCH || rc == -ENOENT || rc == -EINVAL)
			return 0;
		if (rc < 0)
			return rc;
		if (!array)
			vcpu_print(entry, i, &row);
		else if (json_array_append_new(array, vcpu_json(entry, i, &row)) < 0)
			return fail_nomem(err);
	}
	return 0;
}

static int for_list(struct cmd *cmd, const struct domain_list *list, unsigned int nr_cpus,
		    json_t *array, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < list->nr && rc == 0; i++)
		rc = vcpus_of(cmd, &list->items[i], nr_cpus, array, err);
	return rc;
}

static int for_words(struct cmd *cmd, unsigned int nr_cpus, json_t *array, struct err *err)
{
	int rc = 0;

	for (unsigned int i = 0; i < cmd->nr_words && rc == 0; i++) {
		scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
		uint32_t domid;

		rc = cmd_domain(cmd, cmd->words[i], &domid, err);
		if (rc == 0)
			rc = domain_list_one(&cmd->xen, domid, &list, err);
		if (rc == 0)
			rc = for_list(cmd, &list, nr_cpus, array, err);
	}
	return rc;
}

static int run_vcpu_list(struct cmd *cmd, struct err *err)
{
	const struct vcpu_options *opts = cmd->options;
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	scoped(json) json_t *array = opts->json ? json_array() : NULL;
	unsigned int nr_cpus;
	int rc = host_nr_cpus(&cmd->xen, &nr_cpus, err);

	if (rc < 0)
		return rc;
	if (!opts->json)
		printf("%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU", "State",
		       "Time(s)", "Affinity (Hard / Soft)");
	if (cmd->nr_words) {
		rc = for_words(cmd, nr_cpus, array, err);
	} else {
		rc = domain_list_all(&cmd->xen, &list, err);
		if (rc == 0)
			rc = for_list(cmd, &list, nr_cpus, array, err);
	}
	if (rc == 0 && opts->json)
		rc = output_json(array, err);
	return rc;
}

struct vcpu_set_options {
	bool ignore_host;
};

/* More than the host has cpus only slows a guest down: xl wants to be told that it is meant. */
static int check_host(struct cmd *cmd, uint32_t domid, unsigned int nr, struct err *err)
{
	struct domctl_info info;
	unsigned int nr_cpus;
	int rc = domctl_info(&cmd->xen, domid, &info, err);

	if (rc == 0)
		rc = host_nr_cpus(&cmd->xen, &nr_cpus, err);
	if (rc == 0 && nr > info.nr_online_vcpus && nr > nr_cpus)
		return cmd_fail(cmd, err, EINVAL, "You are overcommmitting! You have %u physical "
				"CPUs and want %u vCPUs! Aborting, use --ignore-host to continue",
				nr_cpus, nr);
	return rc;
}

static int run_vcpu_set(struct cmd *cmd, struct err *err)
{
	const struct vcpu_set_options *opts = cmd->options;
	uint32_t domid;
	uint64_t nr;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc < 0)
		return rc;
	if (str_to_u64(cmd->words[1], INT32_MAX, &nr) < 0)
		return fail(err, EINVAL, "bad number of vcpus '%.40s'", cmd->words[1]);
	if (!opts->ignore_host)
		rc = check_host(cmd, domid, (unsigned int)nr, err);
	return rc < 0 ? rc : domain_set_vcpus(&cmd->xen, domid, (unsigned int)nr, err);
}

struct uptime_options {
	bool brief, json;
};

/* dom0's is the kernel's; /proc/uptime starts with whole seconds. */
static int host_uptime(uint64_t *seconds, struct err *err)
{
	struct timespec now;

	if (clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return fail_sys(err, errno, "cannot get the host's uptime");
	*seconds = (uint64_t)now.tv_sec;
	return 0;
}

/* -ENOENT for a domain whose start nobody wrote down. */
static int guest_uptime(struct cmd *cmd, uint32_t domid, uint64_t *seconds, struct err *err)
{
	scoped(free) char *vm = NULL;
	scoped(free) char *node = NULL;
	scoped(free) char *text = NULL;
	char path[48];
	uint64_t start, now = (uint64_t)time(NULL);
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/vm", domid);
	rc = store_read(&cmd->xen, NULL, path, &vm, err);
	if (rc < 0)
		return rc;
	node = str_format("%s/start_time", vm);
	if (!node)
		return fail_nomem(err);
	rc = store_read(&cmd->xen, NULL, node, &text, err);
	if (rc < 0)
		return rc;
	text[strcspn(text, ".")] = '\0';	/* seconds.hundredths */
	if (str_to_u64(text, INT64_MAX, &start) < 0)
		return fail(err, EINVAL, "domain %u: its start time is not a number", domid);
	*seconds = now > start ? now - start : 0;
	return 0;
}

static void uptime_text(uint64_t s, bool brief, char *buf, size_t size)
{
	unsigned long long days = s / 86400;
	unsigned int hours = (unsigned int)(s / 3600 % 24), mins = (unsigned int)(s / 60 % 60);
	int used = 0;

	if (days)
		used = snprintf(buf, size, "%llu day%s, ", days, days > 1 ? "s" : "");
	used += snprintf(buf + used, size - (size_t)used, "%2u:%02u", hours, mins);
	if (!brief)
		snprintf(buf + used, size - (size_t)used, ":%02u", (unsigned int)(s % 60));
}

static void uptime_print(const struct domain_entry *entry, uint64_t seconds, bool brief)
{
	char name[NAME_BUF], text[64], clock[16];
	time_t now = time(NULL);
	struct tm tm;

	output_name(entry->name, name, sizeof(name));
	uptime_text(seconds, brief, text, sizeof(text));
	if (!brief) {
		printf("%-33s %4u %s\n", name, entry->info.domid, text);
		return;
	}
	if (!localtime_r(&now, &tm) || !strftime(clock, sizeof(clock), "%H:%M:%S", &tm))
		clock[0] = '\0';
	printf(" %s up %s, %s (%u)\n", clock, text, name, entry->info.domid);
}

static int uptime_of(struct cmd *cmd, const struct domain_entry *entry, json_t *array,
		     struct err *err)
{
	const struct uptime_options *opts = cmd->options;
	uint32_t domid = entry->info.domid;
	uint64_t seconds = 0;
	json_t *object;
	int rc = domid ? guest_uptime(cmd, domid, &seconds, err) : host_uptime(&seconds, err);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	if (!array) {
		uptime_print(entry, seconds, opts->brief);
		return 0;
	}
	object = json_pack("{s:I s:o s:I}", "domid", (json_int_t)domid, "name",
			   entry->name ? json_text(entry->name) : json_null(), "uptime_seconds",
			   (json_int_t)seconds);
	return json_array_append_new(array, object) < 0 ? fail_nomem(err) : 0;
}

/* The domains that were named, in that order; all of them when none was. */
static int uptime_list(struct cmd *cmd, struct domain_list *list, struct err *err)
{
	int rc = 0;

	if (!cmd->nr_words)
		return domain_list_all(&cmd->xen, list, err);
	list->items = calloc(cmd->nr_words, sizeof(*list->items));
	if (!list->items)
		return fail_nomem(err);
	for (unsigned int i = 0; i < cmd->nr_words && rc == 0; i++) {
		struct domain_list one = DOMAIN_LIST_INIT;
		uint32_t domid;

		rc = cmd_domain(cmd, cmd->words[i], &domid, err);
		if (rc == 0)
			rc = domain_list_one(&cmd->xen, domid, &one, err);
		if (rc == 0)
			list->items[list->nr++] = one.items[0];
		free(one.items);
	}
	return rc;
}

static int run_uptime(struct cmd *cmd, struct err *err)
{
	const struct uptime_options *opts = cmd->options;
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	scoped(json) json_t *array = opts->json ? json_array() : NULL;
	int rc = uptime_list(cmd, &list, err);

	if (rc == 0 && !opts->brief && !opts->json)
		printf("%-33s %4s %s\n", "Name", "ID", "Uptime");
	for (size_t i = 0; i < list.nr && rc == 0; i++)
		rc = uptime_of(cmd, &list.items[i], array, err);
	if (rc == 0 && opts->json)
		rc = output_json(array, err);
	return rc;
}

static const struct option_row vcpu_options[] = {
	{ 0, "json", NULL, "The same as a JSON array", OPTION_FLAG,
	  offsetof(struct vcpu_options, json) },
};

static const struct option_row vcpu_set_options[] = {
	{ 'i', "ignore-host", NULL, "Don't limit the vCPU based on the host CPU count",
	  OPTION_FLAG, offsetof(struct vcpu_set_options, ignore_host) },
};

static const struct option_row uptime_options[] = {
	{ 's', NULL, NULL, "Short form, with the time of day", OPTION_FLAG,
	  offsetof(struct uptime_options, brief) },
	{ 0, "json", NULL, "As a JSON array, in seconds", OPTION_FLAG,
	  offsetof(struct uptime_options, json) },
};

const struct command cmd_vcpu_list = {
	.name = "vcpu-list", .args = "[Domain, ...]", .help = "List the VCPUs for all/some domains",
	.needs = NEED_XEN | NEED_STORE, .max = COMMAND_ANY, COMMAND_OPTIONS(vcpu_options),
	.run = run_vcpu_list,
};

const struct command cmd_vcpu_set = {
	.name = "vcpu-set", .args = "[option] <Domain> <vCPUs>",
	.help = "Set the number of active VCPUs allowed for the domain",
	.needs = NEED_XEN | NEED_STORE, .min = 2, .max = 2, COMMAND_OPTIONS(vcpu_set_options),
	.modifies = true, .run = run_vcpu_set,
};

const struct command cmd_uptime = {
	.name = "uptime", .args = "[-s] [Domain]", .help = "Print uptime for all/some domains",
	.needs = NEED_XEN | NEED_STORE, .max = COMMAND_ANY, COMMAND_OPTIONS(uptime_options),
	.run = run_uptime,
};
