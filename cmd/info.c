/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* info, dmesg: the host and its hypervisor. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/json.h"
#include "base/str.h"
#include "command.h"
#include "output.h"
#include "xen/host.h"

/*
 * One "key: value" is a fact; the same list gives the table and the JSON. Its
 * value lies in a buffer that all of them share.
 */
struct fact {
	const char *key;
	const char *text;	/* NULL: a number */
	uint64_t number;
};

struct facts {
	struct fact items[64];
	size_t nr;
	char buf[4096];
	size_t used;
};

struct info_options {
	bool numa, json;
};

static void add_number(struct facts *facts, const char *key, uint64_t number)
{
	if (facts->nr < ARRAY_SIZE(facts->items))
		facts->items[facts->nr++] = (struct fact){ .key = key, .number = number };
}

printf_like(3, 4)
static void add_text(struct facts *facts, const char *key, const char *fmt, ...)
{
	char *text = facts->buf + facts->used;
	size_t left = sizeof(facts->buf) - facts->used;
	va_list ap;
	int len;

	if (facts->nr == ARRAY_SIZE(facts->items) || left < 2)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, left, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	facts->used += (size_t)len < left ? (size_t)len + 1 : left;
	facts->items[facts->nr++] = (struct fact){ .key = key, .text = text };
}

static void add_node(struct facts *facts)
{
	struct utsname uts;

	if (uname(&uts) < 0)
		return;
	add_text(facts, "host", "%s", uts.nodename);
	add_text(facts, "release", "%s", uts.release);
	add_text(facts, "version", "%s", uts.version);
	add_text(facts, "machine", "%s", uts.machine);
}

static void add_caps(struct facts *facts, const struct host_info *h)
{
	const uint32_t *c = h->hw_caps;
	char caps[160];

	add_text(facts, "hw_caps", "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", c[0], c[1], c[2],
		 c[3], c[4], c[5], c[6], c[7]);
	snprintf(caps, sizeof(caps), "%s%s%s%s%s%s%s%s%s%s%s", h->cap_pv ? " pv" : "",
		 h->cap_hvm ? " hvm" : "", h->cap_hvm && h->cap_directio ? " hvm_directio" : "",
		 h->cap_pv && h->cap_directio ? " pv_directio" : "", h->cap_hap ? " hap" : "",
		 h->cap_shadow ? " shadow" : "",
		 h->cap_iommu_hap_pt_share ? " iommu_hap_pt_share" : "",
		 h->cap_vmtrace ? " vmtrace" : "", h->cap_vpmu ? " vpmu" : "",
		 h->cap_gnttab_v1 ? " gnttab-v1" : "", h->cap_gnttab_v2 ? " gnttab-v2" : "");
	add_text(facts, "virt_caps", "%s", caps[0] ? caps + 1 : "");
}

static void add_physical(struct facts *facts, const struct host_info *h)
{
	add_number(facts, "nr_cpus", h->nr_cpus);
	add_number(facts, "max_cpu_id", h->max_cpu_id);
	add_number(facts, "nr_nodes", h->nr_nodes);
	add_number(facts, "cores_per_socket", h->cores_per_socket);
	add_number(facts, "threads_per_core", h->threads_per_core);
	add_text(facts, "cpu_mhz", "%u.%03u", h->cpu_khz / 1000, h->cpu_khz % 1000);
	add_caps(facts, h);
	add_number(facts, "total_memory", h->memory.total_kb / 1024);
	add_number(facts, "free_memory", (h->memory.free_kb - h->memory.claimed_kb) / 1024);
	add_number(facts, "sharing_freed_memory", h->sharing_freed_kb / 1024);
	add_number(facts, "sharing_used_memory", h->sharing_used_kb / 1024);
	add_number(facts, "outstanding_claims", h->memory.claimed_kb / 1024);
	add_number(facts, "free_cpus", h->free_cpus);
}

static void add_hypervisor(struct facts *facts, const struct host_info *h)
{
	add_number(facts, "xen_major", h->xen_major);
	add_number(facts, "xen_minor", h->xen_minor);
	add_text(facts, "xen_extra", "%s", h->extra);
	add_text(facts, "xen_version", "%u.%u%s", h->xen_major, h->xen_minor, h->extra);
	add_text(facts, "xen_caps", "%s", h->caps);
	add_text(facts, "xen_scheduler", "%s", h->scheduler);
	add_number(facts, "xen_pagesize", h->page_size);
	add_text(facts, "platform_params", "virt_start=0x%" PRIx64, h->virt_start);
	add_text(facts, "xen_changeset", "%s", h->changeset);
	add_text(facts, "xen_commandline", "%s", h->commandline);
	add_text(facts, "cc_compiler", "%s", h->compiler);
	add_text(facts, "cc_compile_by", "%s", h->compile_by);
	add_text(facts, "cc_compile_domain", "%s", h->compile_domain);
	add_text(facts, "cc_compile_date", "%s", h->compile_date);
	add_text(facts, "build_id", "%s", h->build_id);
	add_number(facts, "xend_config_format", 4);
}

static void print_fact(const struct fact *fact, bool bare)
{
	/* Programs split at ":" or at blanks, so there is one on each side. */
	if (!bare)
		printf("%-23s: ", fact->key);
	if (fact->text)
		printf("%s\n", fact->text);
	else
		printf("%" PRIu64 "\n", fact->number);
}

/*
 * Like xl, every key that starts with the word; unlike xl, none is an error
 * and a whole key is that one alone.
 */
static int print_some(struct cmd *cmd, const struct facts *facts, const char *word,
		      struct err *err)
{
	bool exact = false, found = false;

	for (size_t i = 0; i < facts->nr; i++)
		exact |= strcmp(facts->items[i].key, word) == 0;
	for (size_t i = 0; i < facts->nr; i++) {
		const struct fact *fact = &facts->items[i];

		if (exact ? strcmp(fact->key, word) : !str_starts(fact->key, word))
			continue;
		print_fact(fact, true);
		found = true;
	}
	return found ? 0 : fail(err, ENOENT, "'%s info' has no '%s'", cmd->prog, word);
}

static int print_cpus(struct cmd *cmd, struct err *err)
{
	scoped(free) struct host_cpu *cpus = NULL;
	size_t nr;
	int rc = host_cpus(&cmd->xen, &cpus, &nr, err);

	if (rc < 0)
		return rc;
	printf("cpu_topology           :\ncpu:    core    socket     node\n");
	for (size_t i = 0; i < nr; i++)
		printf("%3u:    %4u     %4u     %4u\n", cpus[i].cpu, cpus[i].core, cpus[i].socket,
		       cpus[i].node);
	printf("device topology        :\ndevice           node\n"
	       "No device topology data available\n");
	return 0;
}

static int print_nodes(struct cmd *cmd, struct err *err)
{
	scoped(free) struct host_node *nodes = NULL;
	size_t nr;
	int rc = host_nodes(&cmd->xen, &nodes, &nr, err);

	if (rc < 0)
		return rc;
	printf("numa_info              :\nnode:    memsize    memfree    distances\n");
	for (size_t i = 0; i < nr; i++) {
		const struct host_node *node = &nodes[i];

		printf("%4u:    %6" PRIu64 "     %6" PRIu64 "      %u", node->node,
		       node->size_kb / 1024, node->free_kb / 1024, node->dist[0]);
		for (unsigned int j = 1; j < node->nr_dist; j++)
			printf(",%u", node->dist[j]);
		putchar('\n');
	}
	return 0;
}

static json_t *cpus_json(const struct host_cpu *cpus, size_t nr)
{
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(array, json_pack("{s:i s:i s:i s:i}", "cpu", cpus[i].cpu,
						       "core", cpus[i].core, "socket",
						       cpus[i].socket, "node", cpus[i].node));
	return array;
}

static json_t *nodes_json(const struct host_node *nodes, size_t nr)
{
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++) {
		json_t *dist = json_array();

		for (unsigned int j = 0; j < nodes[i].nr_dist; j++)
			json_array_append_new(dist, json_integer(nodes[i].dist[j]));
		json_array_append_new(array, json_pack("{s:i s:I s:I s:o}", "node", nodes[i].node,
						       "memory_kb", (json_int_t)nodes[i].size_kb,
						       "free_kb", (json_int_t)nodes[i].free_kb,
						       "distances", dist));
	}
	return array;
}

static int add_numa_json(struct cmd *cmd, json_t *object, struct err *err)
{
	scoped(free) struct host_cpu *cpus = NULL;
	scoped(free) struct host_node *nodes = NULL;
	size_t nr_cpus, nr_nodes;
	int rc = host_cpus(&cmd->xen, &cpus, &nr_cpus, err);

	if (rc == 0)
		rc = host_nodes(&cmd->xen, &nodes, &nr_nodes, err);
	if (rc == 0)
		rc = json_add(object, "cpus", cpus_json(cpus, nr_cpus), err);
	if (rc == 0)
		rc = json_add(object, "nodes", nodes_json(nodes, nr_nodes), err);
	return rc;
}

static int print_json(struct cmd *cmd, const struct facts *facts, struct err *err)
{
	const struct info_options *opts = cmd->options;
	scoped(json) json_t *object = json_object();
	int rc = 0;

	for (size_t i = 0; i < facts->nr && rc == 0; i++) {
		const struct fact *fact = &facts->items[i];

		rc = json_add(object, fact->key, fact->text ? json_text(fact->text) :
			      json_integer((json_int_t)fact->number), err);
	}
	if (rc == 0 && opts->numa)
		rc = add_numa_json(cmd, object, err);
	return rc == 0 ? output_json(object, err) : rc;
}

static int run_info(struct cmd *cmd, struct err *err)
{
	const struct info_options *opts = cmd->options;
	struct facts facts = { .nr = 0 };
	struct host_info host;
	size_t nr_physical;
	int rc = host_info(&cmd->xen, &host, err);

	if (rc < 0)
		return rc;
	add_node(&facts);
	add_physical(&facts, &host);
	nr_physical = facts.nr;
	add_hypervisor(&facts, &host);
	if (opts->json)
		return print_json(cmd, &facts, err);
	if (cmd->nr_words && !opts->numa)
		return print_some(cmd, &facts, cmd->words[0], err);
	for (size_t i = 0; i < nr_physical; i++)
		print_fact(&facts.items[i], false);
	if (opts->numa)
		rc = print_cpus(cmd, err);
	if (opts->numa && rc == 0)
		rc = print_nodes(cmd, err);
	for (size_t i = nr_physical; i < facts.nr; i++)
		print_fact(&facts.items[i], false);
	return rc;
}

struct dmesg_options {
	bool clear, json;
};

static int run_dmesg(struct cmd *cmd, struct err *err)
{
	const struct dmesg_options *opts = cmd->options;
	scoped(json) json_t *lines = NULL;
	scoped(free) char *text = NULL;
	char *rest, *line;
	size_t len;
	int rc = host_console_ring(&cmd->xen, opts->clear, &text, &len, err);

	if (rc < 0)
		return rc;
	if (!opts->json) {
		fwrite(text, 1, len, stdout);
		return 0;
	}
	lines = json_array();
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if ((rest || *line) && json_array_append_new(lines, json_text(line)) < 0)
			return fail_nomem(err);
	}
	return output_json(lines, err);
}

static int run_debug_keys(struct cmd *cmd, struct err *err)
{
	return host_debug_keys(&cmd->xen, cmd->words[0], err);
}

static int run_set_parameters(struct cmd *cmd, struct err *err)
{
	return host_set_parameters(&cmd->xen, cmd->words[0], err);
}

static const struct option_row info_options[] = {
	{ 'n', "numa", NULL, "List host NUMA topology information", OPTION_FLAG,
	  offsetof(struct info_options, numa) },
	{ 0, "json", NULL, "The same as one JSON object", OPTION_FLAG,
	  offsetof(struct info_options, json) },
};

static const struct option_row dmesg_options[] = {
	{ 'c', "clear", NULL, "Clear dmesg buffer as well as printing it", OPTION_FLAG,
	  offsetof(struct dmesg_options, clear) },
	{ 0, "json", NULL, "The lines as a JSON array", OPTION_FLAG,
	  offsetof(struct dmesg_options, json) },
};

const struct command cmd_info = {
	.name = "info", .args = "[options] [Key]", .help = "Get information about Xen host",
	.needs = NEED_XEN, .max = 1, COMMAND_OPTIONS(info_options), .run = run_info,
};

const struct command cmd_dmesg = {
	.name = "dmesg", .args = "[-c]", .help = "Read and/or clear dmesg buffer",
	.needs = NEED_XEN, COMMAND_OPTIONS(dmesg_options), .run = run_dmesg,
};

const struct command cmd_debug_keys = {
	.name = "debug-keys", .args = "<Keys>", .help = "Send debug keys to Xen",
	.more = "What they print is in dmesg; 'h' lists them.\n", .needs = NEED_XEN,
	.min = 1, .max = 1, .modifies = true, .run = run_debug_keys,
};

const struct command cmd_set_parameters = {
	.name = "set-parameters", .args = "<Params>", .help = "Set hypervisor parameters",
	.more = "\"name=value noname ...\" as on Xen's command line; few can change while it runs.\n",
	.needs = NEED_XEN, .min = 1, .max = 1, .modifies = true, .run = run_set_parameters,
};
