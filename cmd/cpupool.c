/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpupool-*: sets of cpus with a scheduler and domains of their own. */
#include "domain/cpupool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/cfg.h"
#include "config/keyparse.h"
#include "domain/affinity.h"
#include "domain/lookup.h"
#include "output.h"
#include "sched.h"
#include "xen/domctl.h"

struct create_options {
	const char *file;
	bool dryrun;
};

/* What a pool's config says, and what it leaves to the host. */
struct pool_config {
	const char *name, *source;	/* borrowed */
	enum sched_kind sched;
	struct bitmap cpus;
	unsigned int nr_cpus;
};

static int read_words(struct cmd *cmd, struct cfg *cfg, const char **file, struct err *err)
{
	const struct create_options *opts = cmd->options;
	scoped(free) const char **settings = calloc(cmd->nr_words + 1, sizeof(*settings));
	size_t nr = 0;
	int rc = settings ? 0 : fail_nomem(err);

	*file = opts->file;
	for (unsigned int i = 0; i < cmd->nr_words && rc == 0; i++) {
		if (strchr(cmd->words[i], '='))
			settings[nr++] = cmd->words[i];
		else if (!*file)
			*file = cmd->words[i];
		else
			return cmd_usage(cmd);
	}
	if (rc == 0 && *file)
		rc = cfg_parse_file(cfg, *file, err);
	return rc < 0 ? rc : cfg_parse_words(cfg, settings, nr, err);
}

/* xlcpupool.cfg(5) has these; others are most likely slips. */
static void warn_unknown(const struct cfg *cfg)
{
	static const char *const keys[] = { "name", "sched", "cpus", "nodes" };

	for (size_t i = 0; i < cfg->nr; i++) {
		const struct cfg_setting *s = &cfg->settings[i];
		bool known = false;

		for (size_t j = 0; j < ARRAY_SIZE(keys); j++)
			known |= strcmp(s->name, keys[j]) == 0;
		if (!known)
			log_warn("%s:%u:%u: unknown key '%s' of a cpupool is ignored", s->origin,
				 s->line, s->col, s->name);
	}
}

static const char *get_string(const struct cfg *cfg, const char *key)
{
	const struct cfg_setting *s = cfg_find(cfg, key);

	return s && s->value.kind == CFG_ATOM ? s->value.text : NULL;
}

static int read_name(struct cmd *cmd, const struct cfg *cfg, const char *file,
		     struct pool_config *pool, struct err *err)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	pool->name = get_string(cfg, "name");
	if (!pool->name)
		pool->name = slash ? slash + 1 : file;
	pool->source = file ? file : "command line";
	return pool->name ? 0 : cmd_fail(cmd, err, EINVAL, "Missing cpupool name!");
}

static int read_sched(struct cmd *cmd, const struct cfg *cfg, enum sched_kind *sched,
		      struct err *err)
{
	const char *text = get_string(cfg, "sched");

	if (!text)
		return sched_default(&cmd->xen, sched, err);
	return sched_from_name(text, sched) < 0 ? fail(err, EINVAL, "unknown scheduler '%s'", text) :
		0;
}

/* Each item is a number: of a cpu, or of a node, all of whose free cpus are meant. */
static int read_numbers(const struct cfg_setting *s, const struct affinity_host *host, bool nodes,
			const struct bitmap *spare, struct bitmap *cpus, struct err *err)
{
	for (size_t i = 0; i < s->value.nr; i++) {
		const struct cfg_value *item = &s->value.items[i];
		uint64_t n;

		if (item->kind != CFG_ATOM || str_to_u64(item->text, BITMAP_BITS - 1, &n) < 0)
			return fail(err, EINVAL, "%s:%u:%u: %s: expected a number", item->origin,
				    item->line, item->col, s->name);
		if (!nodes) {
			bitmap_set(cpus, (unsigned int)n);
			continue;
		}
		for (unsigned int w = 0; n < host->host.nr_nodes && w < ARRAY_SIZE(cpus->word); w++)
			cpus->word[w] |= host->nodes[n].word[w] & spare->word[w];
	}
	return 0;
}

static int read_cpus(struct cmd *cmd, const struct cfg *cfg, struct pool_config *pool,
		     struct err *err)
{
	scoped(affinity_host) struct affinity_host host = AFFINITY_HOST_INIT;
	const struct cfg_setting *nodes = cfg_find(cfg, "nodes"), *cpus = cfg_find(cfg, "cpus");
	struct bitmap spare;
	int rc = affinity_host(&cmd->xen, &host, err);

	if (rc == 0)
		rc = pool_free_cpus(&cmd->xen, &spare, err);
	if (rc == 0 && nodes && nodes->value.kind != CFG_LIST)
		rc = fail(err, EINVAL, "nodes: expected a list of numbers");
	else if (rc == 0 && nodes)
		rc = read_numbers(nodes, &host, true, &spare, &pool->cpus, err);
	else if (rc == 0 && cpus && cpus->value.kind == CFG_LIST)
		rc = read_numbers(cpus, &host, false, &spare, &pool->cpus, err);
	else if (rc == 0 && cpus)
		rc = keyparse_cpulist(&host.host, cpus->value.text, &pool->cpus, err);
	for (unsigned int cpu = 0; cpu < BITMAP_BITS && rc == 0; cpu++) {
		if (!bitmap_test(&pool->cpus, cpu))
			continue;
		pool->nr_cpus++;
		if (!bitmap_test(&spare, cpu))
			return cmd_fail(cmd, err, EINVAL, "cpu %u illegal or not free", cpu);
	}
	if (rc == 0 && nodes && !pool->nr_cpus)
		return cmd_fail(cmd, err, EINVAL, "no free cpu found");
	return rc;
}

static int run_create(struct cmd *cmd, struct err *err)
{
	const struct create_options *opts = cmd->options;
	scoped(cfg) struct cfg cfg = CFG_INIT;
	struct pool_config pool = { .nr_cpus = 0 };
	const char *file;
	uint32_t id;
	int rc = read_words(cmd, &cfg, &file, err);

	if (rc != 0)
		return rc;
	warn_unknown(&cfg);
	rc = read_name(cmd, &cfg, file, &pool, err);
	if (rc < 0)
		return rc;
	if (cpupool_lookup(&cmd->xen, pool.name, &id, err) == 0)
		return cmd_fail(cmd, err, EEXIST, "Pool name \"%s\" already exists", pool.name);
	rc = read_sched(cmd, &cfg, &pool.sched, err);
	if (rc == 0)
		rc = read_cpus(cmd, &cfg, &pool, err);
	if (rc < 0)
		return rc;
	printf("Using config file \"%s\"\ncpupool name:   %s\nscheduler:      %s\n"
	       "number of cpus: %u\n", pool.source, pool.name, sched_name(pool.sched),
	       pool.nr_cpus);
	if (opts->dryrun || cmd->dryrun)
		return 0;
	rc = cpupool_create(&cmd->xen, pool.name, pool.sched, &pool.cpus, &id, err);
	return rc < 0 ? fail_in(err, "cannot create cpupool '%s'", pool.name) : 0;
}

struct list_options {
	bool cpus, json;
};

static json_t *pool_json(const struct cpupool *pool)
{
	json_t *cpus = json_array();

	for (unsigned int cpu = 0; cpu < BITMAP_BITS; cpu++) {
		if (bitmap_test(&pool->info.cpus, cpu))
			json_array_append_new(cpus, json_integer(cpu));
	}
	return json_pack("{s:i s:o s:s s:o s:i}", "id", (int)pool->info.id, "name",
			 pool->name ? json_text(pool->name) : json_null(), "scheduler",
			 sched_name(pool->info.sched), "cpus", cpus, "domains",
			 (int)pool->info.nr_domains);
}

static void print_pool(const struct cpupool *pool, bool list_cpus)
{
	unsigned int nr = 0;
	char name[SCHED_NAME_BUF];

	printf("%-19s", output_name(pool->name, name, sizeof(name)));
	for (unsigned int cpu = 0; cpu < BITMAP_BITS; cpu++) {
		if (!bitmap_test(&pool->info.cpus, cpu))
			continue;
		if (list_cpus)
			printf("%s%u", nr ? "," : "", cpu);
		nr++;
	}
	if (!list_cpus)
		printf("%3u %9s       y       %4u", nr, sched_name(pool->info.sched),
		       pool->info.nr_domains);
	putchar('\n');
}

static int run_list(struct cmd *cmd, struct err *err)
{
	const struct list_options *opts = cmd->options;
	scoped(cpupool_list) struct cpupool_list list = CPUPOOL_LIST_INIT;
	scoped(json) json_t *array = opts->json ? json_array() : NULL;
	uint32_t only = 0;
	int rc = cmd->nr_words ? cpupool_lookup(&cmd->xen, cmd->words[0], &only, err) : 0;

	if (rc == -ENOENT)
		return cmd_fail(cmd, err, ENOENT, "Pool '%s' does not exist", cmd->words[0]);
	if (rc == 0)
		rc = cpupool_list_all(&cmd->xen, &list, err);
	if (rc < 0)
		return rc;
	if (!array)
		printf("%-19s%s\n", "Name", opts->cpus ? "CPU list" :
		       "CPUs   Sched     Active   Domain count");
	for (size_t i = 0; i < list.nr; i++) {
		if (cmd->nr_words && list.items[i].info.id != only)
			continue;
		if (!array)
			print_pool(&list.items[i], opts->cpus);
		else if (json_array_append_new(array, pool_json(&list.items[i])) < 0)
			return fail_nomem(err);
	}
	return array ? output_json(array, err) : 0;
}

static int run_destroy(struct cmd *cmd, struct err *err)
{
	uint32_t id;
	int rc = sched_pool_of(cmd, cmd->words[0], &id, err);

	if (rc == 0) {
		rc = cpupool_destroy(&cmd->xen, id, err);
		if (rc < 0)
			return fail_in(err, "cannot destroy cpupool '%s'", cmd->words[0]);
	}
	return rc;
}

static int run_rename(struct cmd *cmd, struct err *err)
{
	uint32_t id;
	int rc = sched_pool_of(cmd, cmd->words[0], &id, err);

	if (rc == 0) {
		rc = cpupool_rename(&cmd->xen, id, cmd->words[1], err);
		if (rc < 0)
			return fail_in(err, "cannot rename cpupool '%s'", cmd->words[0]);
	}
	return rc;
}

static int change_cpus(struct cmd *cmd,
		       int (*change)(struct xen *xen, uint32_t id, const struct bitmap *cpus,
				     struct err *err), struct err *err)
{
	scoped(affinity_host) struct affinity_host host = AFFINITY_HOST_INIT;
	struct bitmap cpus;
	uint32_t id;
	int rc = affinity_host(&cmd->xen, &host, err);

	if (rc == 0)
		rc = keyparse_cpulist(&host.host, cmd->words[1], &cpus, err);
	if (rc == 0)
		rc = sched_pool_of(cmd, cmd->words[0], &id, err);
	if (rc < 0)
		return rc;
	rc = change(&cmd->xen, id, &cpus, err);
	return rc < 0 ? fail_in(err, "cpupool '%s'", cmd->words[0]) : 0;
}

static int run_cpu_add(struct cmd *cmd, struct err *err)
{
	return change_cpus(cmd, cpupool_add_cpus, err);
}

static int run_cpu_remove(struct cmd *cmd, struct err *err)
{
	return change_cpus(cmd, cpupool_remove_cpus, err);
}

static int run_migrate(struct cmd *cmd, struct err *err)
{
	struct domctl_info info;
	uint32_t domid, id;
	int rc = domain_lookup(&cmd->xen, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = domctl_info(&cmd->xen, domid, &info, err);
	if (rc == -ENOENT)
		return cmd_fail(cmd, err, ENOENT, "unknown domain '%s'", cmd->words[0]);
	if (rc == 0)
		rc = sched_pool_of(cmd, cmd->words[1], &id, err);
	return rc < 0 ? rc : pool_move(&cmd->xen, id, domid, err);
}

static int run_numa_split(struct cmd *cmd, struct err *err)
{
	int rc = wait_catch_interrupts(err);

	return rc < 0 ? rc : cpupool_numa_split(&cmd->xen, err);
}

static const struct option_row create_options[] = {
	{ 'f', "defconfig", "FILE", "Use the given configuration file.", OPTION_STRING,
	  offsetof(struct create_options, file) },
	{ 'n', "dryrun", NULL, "Dry run - prints the resulting configuration.\n"
	  "(deprecated in favour of global -N option).", OPTION_FLAG,
	  offsetof(struct create_options, dryrun) },
};

static const struct option_row list_options[] = {
	{ 'c', "cpus", NULL, "Output list of CPUs used by a pool", OPTION_FLAG,
	  offsetof(struct list_options, cpus) },
	{ 0, "json", NULL, "As a JSON array", OPTION_FLAG, offsetof(struct list_options, json) },
};

#define BOTH .needs = NEED_XEN | NEED_STORE

const struct command cmd_cpupool_create = {
	.name = "cpupool-create", .args = "[options] [<ConfigFile>] [Variable=value ...]",
	.help = "Create a new CPU pool", BOTH, .max = COMMAND_ANY, .dryrun = true, .modifies = true,
	.more = "Variables are those of a config file: name, sched, and cpus or nodes, which are\n"
		"CPULISTs or lists of numbers. Only cpus that no other pool has can be given.\n",
	COMMAND_OPTIONS(create_options), .run = run_create,
};

const struct command cmd_cpupool_list = {
	.name = "cpupool-list", .args = "[-c|--cpus] [<CPU Pool>]", .help = "List CPU pools on host",
	BOTH, .max = 1, COMMAND_OPTIONS(list_options), .run = run_list,
};

const struct command cmd_cpupool_destroy = {
	.name = "cpupool-destroy", .args = "<CPU Pool>", .help = "Deactivates a CPU pool", BOTH,
	.min = 1, .max = 1, .modifies = true, .run = run_destroy,
};

const struct command cmd_cpupool_rename = {
	.name = "cpupool-rename", .args = "<CPU Pool> <new name>", .help = "Renames a CPU pool",
	BOTH, .min = 2, .max = 2, .modifies = true, .run = run_rename,
};

const struct command cmd_cpupool_cpu_add = {
	.name = "cpupool-cpu-add", .args = "<CPU Pool> <CPU nr>|node:<node nr>",
	.help = "Adds a CPU to a CPU pool", BOTH, .min = 2, .max = 2, .modifies = true,
	.run = run_cpu_add,
};

const struct command cmd_cpupool_cpu_remove = {
	.name = "cpupool-cpu-remove", .args = "<CPU Pool> <CPU nr>|node:<node nr>",
	.help = "Removes a CPU from a CPU pool", BOTH, .min = 2, .max = 2, .modifies = true,
	.run = run_cpu_remove,
};

const struct command cmd_cpupool_migrate = {
	.name = "cpupool-migrate", .args = "<Domain> <CPU Pool>",
	.help = "Moves a domain into a CPU pool", BOTH, .min = 2, .max = 2, .modifies = true,
	.run = run_migrate,
};

const struct command cmd_cpupool_numa_split = {
	.name = "cpupool-numa-split", .args = "",
	.help = "Splits up the machine into one CPU pool per NUMA node", BOTH, .modifies = true,
	.run = run_numa_split,
};
