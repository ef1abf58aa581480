/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keyparse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/cpuid.h"
#include "config/cpulist.h"
#include "config/devices.h"
#include "config/lists.h"
#include "config/platform.h"
#include "config/types.h"

/* Puts the item's text and place in front of what a spec parser said. */
static int in_item(const struct cfg_setting *s, const struct cfg_value *item, struct err *err)
{
	char safe[64];

	fail_in(err, "%s '%s'", s->name, str_escape(item->text, item->len, safe, sizeof(safe)));
	return fail_in(err, "%s:%u:%u", item->origin, item->line, item->col);
}

/* The items of a list that may only hold atoms; the array is the caller's. */
static int list_texts(const struct cfg_setting *s, const struct cfg_value *list,
		      const char ***out, struct err *err)
{
	scoped(free) const char **texts = NULL;

	if (list->kind != CFG_LIST)
		return key_fail(list, err, "%s: expected a list of strings", s->name);
	texts = calloc(list->nr + 1, sizeof(*texts));
	if (!texts)
		return fail_nomem(err);
	for (size_t i = 0; i < list->nr; i++) {
		if (list->items[i].kind == CFG_LIST)
			return key_fail(&list->items[i], err, "%s: expected a string", s->name);
		texts[i] = list->items[i].text;
	}
	*out = take(texts);
	return 0;
}

/* A setting that has to be a list; false and a complaint when it is none. */
static int want_list(struct key_reader *r, const struct cfg_setting *s, bool *is_list,
		     struct err *err)
{
	*is_list = s->value.kind == CFG_LIST;
	if (*is_list)
		return 0;
	return key_complain(r, &s->value, err, "'%s' is a single value but should be a list",
			    s->name);
}

KEYPARSE(name)
{
	const char *text = s->value.text;

	(void)row;
	if (s->value.kind == CFG_LIST)
		return key_fail(&s->value, err, "name: a list cannot be a name");
	if (config_check_name(text, err) < 0)
		return fail_in(err, "%s:%u:%u", s->value.origin, s->value.line, s->value.col);
	return key_set_str(&r->config->name, text, err);
}

KEYPARSE(uuid)
{
	const char *text;
	int rc = key_text(r, s, &text, err);

	(void)row;
	if (rc < 0 || !text)
		return rc;
	if (uuid_parse(text, r->config->uuid) < 0)
		return key_fail(&s->value, err, "uuid: '%.64s' is not a uuid such as "
				"dad41a8e-1f3f-4b5e-8b0c-3e0a5ad4c7c1", text);
	r->config->uuid_given = true;
	return 0;
}

/* With init_seclabel=, which is read before, seclabel= is for later. */
KEYPARSE(seclabel)
{
	struct domain_config *c = r->config;
	const char *text;
	int rc = key_text(r, s, &text, err);

	(void)row;
	if (rc < 0 || !text)
		return rc;
	return key_set_str(c->ssid_label ? &c->exec_ssid_label : &c->ssid_label, text, err);
}

static unsigned int bitmap_count(const struct bitmap *b)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < BITMAP_BITS / 64; i++)
		n += (unsigned int)__builtin_popcountll(b->word[i]);
	return n;
}

/* Reads the nodes; what they add up to becomes maxvcpus and maxmem. */
KEYPARSE(vnuma)
{
	struct domain_config *c = r->config;
	unsigned int vcpus = 0;
	uint64_t kb = 0;
	bool is_list;
	int rc = want_list(r, s, &is_list, err);

	(void)row;
	for (size_t i = 0; rc == 0 && is_list && i < s->value.nr; i++) {
		const struct cfg_value *item = &s->value.items[i];
		scoped(free) const char **texts = NULL;
		struct vnuma_node *node;

		rc = list_texts(s, item, &texts, err);
		if (rc < 0)
			return rc;
		node = list_add(&list_vnuma, c, err);
		if (!node)
			return -err->code;
		rc = vnuma_node_parse(texts, (unsigned int)item->nr, (unsigned int)s->value.nr,
				      node, err);
		if (rc < 0)
			return fail_in(err, "%s:%u:%u: vnuma", item->origin, item->line, item->col);
		vcpus += bitmap_count(&node->vcpus);
		kb += node->mem_kb;
		if (node->pnode_given)
			c->numa_placement = TRI_FALSE;
	}
	if (rc < 0 || c->nr_vnuma == 0)
		return rc;
	if (c->max_vcpus && c->max_vcpus != vcpus)
		return key_fail(&s->value, err, "vnuma has %u vcpus but maxvcpus is %u", vcpus,
				c->max_vcpus);
	if (c->max_memkb != CONFIG_MEMKB_DEFAULT && c->max_memkb != kb)
		return key_fail(&s->value, err,
				"vnuma has %" PRIu64 " MiB but maxmem is %" PRIu64 " MiB",
				kb / 1024, c->max_memkb / 1024);
	c->max_vcpus = vcpus;
	c->max_memkb = kb;
	return 0;
}

static int node_cpus(void *arg, unsigned int node, struct bitmap *cpus, struct err *err)
{
	const struct config_host *host = arg;

	if (node >= host->nr_nodes)
		return fail(err, EINVAL, "the host has no node %u", node);
	for (unsigned int i = 0; i < BITMAP_BITS / 64; i++)
		cpus->word[i] |= host->node_cpus[node].word[i];
	return 0;
}

int keyparse_cpulist(const struct config_host *host, const char *text, struct bitmap *out,
		     struct err *err)
{
	scoped(cpulist) struct cpulist list = CPULIST_INIT;
	void *arg = (void *)(uintptr_t)host;
	int rc = cpulist_parse(text, &list, err);

	if (rc < 0)
		return rc;
	return cpulist_resolve(&list, host ? host->nr_cpus : 0,
			       host && host->node_cpus ? node_cpus : NULL, arg, out, err);
}

/* A string counts for all vcpus, the items of a list for one vcpu each. */
static int read_affinity(struct key_reader *r, const struct cfg_setting *s, struct bitmap **out,
			 size_t *nr, struct err *err)
{
	const struct cfg_value *list = s->value.kind == CFG_LIST ? &s->value : NULL;
	size_t vcpus = r->config->max_vcpus ? r->config->max_vcpus : r->config->vcpus;
	size_t count = list && list->nr < vcpus ? list->nr : vcpus;
	struct bitmap *maps = calloc(count + 1, sizeof(*maps));

	if (!maps)
		return fail_nomem(err);
	*out = maps;
	*nr = count;
	/* A string is read, and its errors told, even if there is no vcpu yet. */
	for (size_t i = 0; i < (list ? count : 1); i++) {
		const struct cfg_value *item = list ? &list->items[i] : &s->value;

		if (item->kind == CFG_LIST)
			return key_fail(item, err, "%s: expected a string", s->name);
		if (keyparse_cpulist(r->host, item->text, &maps[i], err) < 0)
			return in_item(s, item, err);
	}
	for (size_t i = 1; !list && i < count; i++)
		maps[i] = maps[0];
	/* "all" of an unknown number of cpus is best said by saying nothing. */
	if (!list && bitmap_test(&maps[0], BITMAP_BITS - 1)) {
		free(maps);
		*out = NULL;
		*nr = 0;
	}
	return 0;
}

KEYPARSE(cpus)
{
	struct domain_config *c = r->config;

	(void)row;
	if (s->value.kind == CFG_LIST)
		c->numa_placement = TRI_FALSE;
	return read_affinity(r, s, &c->hard_affinity, &c->nr_hard_affinity, err);
}

KEYPARSE(cpus_soft)
{
	struct domain_config *c = r->config;

	(void)row;
	c->numa_placement = TRI_FALSE;
	return read_affinity(r, s, &c->soft_affinity, &c->nr_soft_affinity, err);
}

KEYPARSE(cpuid)
{
	struct cpuid *cpuid = calloc(1, sizeof(*cpuid));

	(void)row;
	if (!cpuid)
		return fail_nomem(err);
	r->config->cpuid = cpuid;
	if (s->value.kind == CFG_ATOM)
		return cpuid_parse(s->value.text, cpuid, err) < 0 ? in_item(s, &s->value, err) : 0;
	for (size_t i = 0; i < s->value.nr; i++) {
		const struct cfg_value *item = &s->value.items[i];

		if (item->kind == CFG_LIST)
			return key_fail(item, err, "cpuid: expected a string");
		if (cpuid_add(cpuid, item->text, err) < 0)
			return in_item(s, item, err);
	}
	return 0;
}

KEYPARSE(timer_mode)
{
	struct key_row as_enum = *row;

	if (r->config->type == DOMAIN_PV)
		return key_fail(&s->value, err, "timer_mode is not supported for PV guests");
	as_enum.kind = KEY_ENUM_NUM;
	as_enum.note = "";
	return key_read(r, &as_enum, s, err);
}

KEYPARSE(bootloader_args)
{
	struct str_list *args = &r->config->bootloader_args;
	scoped(free) char *text = NULL;
	char *save = NULL;
	int rc;

	(void)row;
	if (s->value.kind == CFG_LIST) {
		struct key_row as_list = *row;

		as_list.kind = KEY_STRS;
		return key_read(r, &as_list, s, err);
	}
	rc = key_warn(r, &s->value, err,
		      "Specifying \"bootloader_args\" as a string is deprecated. "
		      "Please use a list of arguments.");
	text = strdup(s->value.text);
	if (!text)
		return fail_nomem(err);
	for (char *arg = strtok_r(text, " \t\n", &save); rc == 0 && arg;
	     arg = strtok_r(NULL, " \t\n", &save))
		rc = key_add_str(args, arg, err);
	return rc;
}

/* pci_seize=1 and so on: defaults for the items of pci=; `second` is which. */
KEYPARSE(pci_default)
{
	struct key_row as_int = *row;
	uint32_t value = 0;
	void *base = r->base;
	int rc;

	as_int.kind = KEY_INT;
	as_int.offset = 0;
	r->base = &value;
	rc = key_read(r, &as_int, s, err);
	r->base = base;
	*(bool *)((char *)&r->defaults + row->second) = value != 0;
	return rc;
}

KEYPARSE(rdm)
{
	struct rdm_reserve rdm = RDM_RESERVE_INIT;
	const char *text;
	int rc = key_text(r, s, &text, err);

	(void)row;
	if (rc < 0 || !text)
		return rc;
	if (rdm_reserve_parse(text, &rdm, err) < 0)
		return in_item(s, &s->value, err);
	/* xl up to 4.22 takes a valid policy for a mistake and drops the value without a word. */
	if (rdm.policy != RDM_POLICY_UNSET)
		return key_complain(r, &s->value, err, "rdm: xl drops a value that has a policy");
	r->config->hvm.rdm_strategy = (int)rdm.strategy;
	return 0;
}

/* Each framebuffer brings a keyboard. */
KEYPARSE(vfb)
{
	struct key_row as_list = *row;
	int rc;

	as_list.kind = KEY_LIST;
	rc = key_read(r, &as_list, s, err);
	for (size_t i = 0; rc == 0 && i < r->config->nr_vfbs; i++) {
		struct vkb *vkb = list_add(&list_vkbs, r->config, err);

		if (!vkb)
			return -err->code;
		vkb->devid = (int)i;
	}
	return rc;
}

KEYPARSE(vsnd)
{
	bool is_list;
	int rc = want_list(r, s, &is_list, err);

	(void)row;
	for (size_t i = 0; rc == 0 && is_list && i < s->value.nr; i++) {
		const struct cfg_value *item = &s->value.items[i];
		scoped(free) const char **texts = NULL;
		struct vsnd *card;

		rc = list_texts(s, item, &texts, err);
		if (rc < 0)
			return rc;
		card = list_add(&list_vsnds, r->config, err);
		if (!card)
			return -err->code;
		rc = vsnd_parse(texts, (unsigned int)item->nr, card, err);
		if (rc < 0)
			return fail_in(err, "%s:%u:%u: vsnd", item->origin, item->line, item->col);
		card->devid = (int)i;
	}
	return rc;
}

KEYPARSE(viridian)
{
	struct viridian v = VIRIDIAN_INIT;

	if (s->value.kind == CFG_ATOM) {
		struct key_row as_bool = *row;

		as_bool.kind = KEY_BOOL;
		return key_read(r, &as_bool, s, err);
	}
	for (size_t i = 0; i < s->value.nr; i++) {
		const struct cfg_value *item = &s->value.items[i];

		if (item->kind == CFG_LIST)
			return key_fail(item, err, "viridian: expected a string");
		if (viridian_add(&v, item->text, err) < 0)
			return in_item(s, item, err);
	}
	r->config->hvm.viridian = v.defaults;
	r->config->hvm.viridian_enable = v.enable;
	r->config->hvm.viridian_disable = v.disable;
	return 0;
}

KEYPARSE(ms_vm_genid)
{
	const char *text;
	int rc = key_text(r, s, &text, err);

	(void)row;
	if (rc < 0 || !text)
		return rc;
	r->config->hvm.ms_vm_genid_generate = strcmp(text, "generate") == 0;
	if (!r->config->hvm.ms_vm_genid_generate && strcmp(text, "none") != 0)
		return key_fail(&s->value, err, "ms_vm_genid must be \"generate\" or \"none\"");
	return 0;
}

KEYPARSE(mca_caps)
{
	scoped(free) const char **texts = NULL;
	int rc = list_texts(s, &s->value, &texts, err);

	(void)row;
	for (size_t i = 0; rc == 0 && i < s->value.nr; i++) {
		if (strcmp(texts[i], "lmce") != 0)
			return key_fail(&s->value.items[i], err,
					"unrecognized MCA capability '%.40s'", texts[i]);
		r->config->hvm.mca_caps |= 1;	/* XEN_HVM_MCA_CAP_LMCE, public/hvm/params.h */
	}
	return rc;
}

KEYPARSE(smbios)
{
	static const char *const types[] = {
		"bios_vendor", "bios_version", "system_manufacturer", "system_product_name",
		"system_version", "system_serial_number", "baseboard_manufacturer",
		"baseboard_product_name", "baseboard_version", "baseboard_serial_number",
		"baseboard_asset_tag", "baseboard_location_in_chassis", "enclosure_manufacturer",
		"enclosure_serial_number", "enclosure_asset_tag", "battery_manufacturer",
		"battery_device_name", "oem",
	};
	scoped(free) const char **texts = NULL;
	int rc = list_texts(s, &s->value, &texts, err);

	(void)row;
	for (size_t i = 0; rc == 0 && i < s->value.nr; i++) {
		const char *eq = strchr(texts[i], '=');
		size_t known = 0;

		if (!eq || !eq[1])
			return key_fail(&s->value.items[i], err, "smbios: expected type=value");
		while (known < ARRAY_SIZE(types) &&
		       (strlen(types[known]) != (size_t)(eq - texts[i]) ||
			strncmp(types[known], texts[i], strlen(types[known])) != 0))
			known++;
		if (known == ARRAY_SIZE(types))
			return key_fail(&s->value.items[i], err, "unknown smbios type '%.*s'",
					(int)(eq - texts[i] < 40 ? eq - texts[i] : 40), texts[i]);
		rc = key_add_str(&r->config->hvm.smbios, texts[i], err);
	}
	return rc;
}

/* The old spelling of vga=, which is read after it. */
KEYPARSE(stdvga)
{
	struct key_row as_bool = *row;
	enum tri std = TRI_DEFAULT;
	void *base = r->base;
	int rc;

	as_bool.kind = KEY_BOOL;
	as_bool.offset = 0;
	r->base = &std;
	rc = key_read(r, &as_bool, s, err);
	r->base = base;
	if (std != TRI_DEFAULT)
		r->config->hvm.vga_kind =
			names_find(&names_vga, std == TRI_TRUE ? "stdvga" : "cirrus", false);
	return rc;
}

KEYPARSE(gfx_passthru)
{
	struct key_row as_enum = *row;
	int64_t number;

	if (s->value.kind == CFG_ATOM && key_number(s->value.text, &number) == 0) {
		r->config->hvm.gfx_passthru = number ? TRI_TRUE : TRI_FALSE;
		return 0;
	}
	if (s->value.kind == CFG_ATOM)
		r->config->hvm.gfx_passthru = TRI_TRUE;
	as_enum.kind = KEY_ENUM;
	return key_read(r, &as_enum, s, err);
}

/* "hw", "disabled" or a vector length: a multiple of 128 up to 2048 bits. */
KEYPARSE(sve)
{
	const char *text;
	int64_t bits = 0;
	int rc = key_text(r, s, &text, err);

	(void)row;
	if (rc < 0 || !text || strcmp(text, "disabled") == 0)
		return rc;
	if (strcmp(text, "hw") != 0 &&
	    (key_number(text, &bits) < 0 || bits < 128 || bits > 2048 || bits % 128))
		return key_fail(&s->value, err, "unknown sve '%.40s', valid are disabled, hw, "
				"128, 256, ... 2048", text);
	return key_set_str(&r->config->sve, text, err);
}

KEYPARSE(arm_sci)
{
	const char *text;
	int value, rc = key_text(r, s, &text, err);

	if (rc < 0 || !text)
		return rc;
	if (!str_starts(text, "type="))
		return key_fail(&s->value, err, "arm_sci: expected \"type=...\"");
	value = names_find(row->names, text + 5, false);
	if (value < 0) {
		spec_bad_enum("arm_sci type", row->names, text + 5, err);
		return in_item(s, &s->value, err);
	}
	r->config->arm_sci = value;
	return 0;
}

KEYPARSE(llc_colors)
{
	scoped(free) const char **texts = NULL;
	int rc = list_texts(s, &s->value, &texts, err);

	(void)row;
	for (size_t i = 0; rc == 0 && i < s->value.nr; i++) {
		unsigned int first, last;
		char junk;
		int n = sscanf(texts[i], "%8u-%8u%c", &first, &last, &junk);

		if (n == 1)
			last = first;
		if (n < 1 || n > 2 || first > last || last - first >= LIST_MAX)
			return key_fail(&s->value.items[i], err,
					"llc_colors: '%.40s' is no range of colors", texts[i]);
		for (; rc == 0 && first <= last; first++) {
			uint32_t *color = list_add(&list_llc_colors, r->config, err);

			if (!color)
				return key_fail(&s->value.items[i], err,
						"llc_colors: too many colors");
			*color = first;
		}
	}
	return rc;
}

KEYPARSE(xenstore_quota)
{
	scoped(free) const char **texts = NULL;
	int rc = list_texts(s, &s->value, &texts, err);

	(void)row;
	for (size_t i = 0; rc == 0 && i < s->value.nr; i++) {
		const char *eq = strchr(texts[i], '=');
		int64_t value;

		if (!eq || eq == texts[i] || key_number(eq + 1, &value) < 0 || value < 0 ||
		    value > UINT32_MAX)
			return key_fail(&s->value.items[i], err,
					"xenstore_quota: '%.40s' is not name=number", texts[i]);
		rc = key_add_str(&r->config->xenstore_quota, texts[i], err);
	}
	return rc;
}
