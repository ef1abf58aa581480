/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"

/* Hexadecimal digits, with or without 0x, at *at, which is moved behind them. */
static bool take_hex(const char **at, uint64_t max, uint64_t *out)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	const char *digits = *at;
	char *end;

	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
		digits += 2;
	if (!*digits || !strchr(hex, *digits))
		return false;
	errno = 0;
	*out = strtoull(digits, &end, 16);
	*at = end;
	return !errno && *out <= max;
}

int ioport_parse(const char *spec, struct ioport_range *out, struct err *err)
{
	uint64_t first = 0, last;
	const char *at = spec;
	bool good;

	if (spec_check_text("i/o ports", spec, err) < 0)
		return -err->code;
	/* Ports are 16 bits wide; xl would pass more on and have Xen refuse it. */
	good = take_hex(&at, 0xffff, &first);
	last = first;
	if (good && *at == '-') {
		at++;
		good = take_hex(&at, 0xffff, &last);
	}
	if (!good || *at || last < first)
		return fail(err, EINVAL, "bad i/o ports '%.60s', expected FIRST-LAST, hexadecimal, "
			    "up to ffff", spec);
	out->first = (uint32_t)first;
	out->number = (uint32_t)(last - first + 1);
	return 0;
}

int ioport_to_json(const struct ioport_range *range, json_t **out, struct err *err)
{
	scoped(json) json_t *json = json_object();
	int rc = 0;

	if (range->first)
		rc = json_add(json, "first", json_integer(range->first), err);
	if (rc == 0)
		rc = json_add(json, "number", json_integer(range->number), err);
	if (rc < 0)
		return rc;
	*out = take(json);
	return 0;
}

int iomem_parse(const char *spec, struct iomem_range *out, struct err *err)
{
	/* Frames of 4 KiB in 2^52 bytes; what hardware has is Xen's to check. */
	const uint64_t max = UINT64_MAX >> 12;
	struct iomem_range range = { .gfn = IOMEM_GFN_SAME };
	const char *at = spec;
	bool good;

	if (spec_check_text("i/o memory", spec, err) < 0)
		return -err->code;
	good = take_hex(&at, max, &range.start) && *at++ == ',' &&
		take_hex(&at, max, &range.number) && range.number;
	if (good && *at == '@') {
		at++;
		good = take_hex(&at, max, &range.gfn);
	}
	if (!good || *at || range.start + range.number > max)
		return fail(err, EINVAL, "bad i/o memory '%.60s', expected FRAME,NUMBER[@GFN], "
			    "hexadecimal", spec);
	*out = range;
	return 0;
}

int iomem_to_json(const struct iomem_range *range, json_t **out, struct err *err)
{
	scoped(json) json_t *json = json_object();
	int rc = 0;

	if (range->start)
		rc = json_add(json, "start", json_integer((json_int_t)range->start), err);
	if (rc == 0)
		rc = json_add(json, "number", json_integer((json_int_t)range->number), err);
	if (rc == 0 && range->gfn != IOMEM_GFN_SAME)
		rc = json_add(json, "gfn", json_integer((json_int_t)range->gfn), err);
	if (rc < 0)
		return rc;
	*out = take(json);
	return 0;
}

int irq_parse(const char *spec, uint32_t *out, struct err *err)
{
	uint64_t irq;

	if (spec_check_text("interrupt", spec, err) < 0)
		return -err->code;
	if (str_to_u64(spec, UINT32_MAX - 1, &irq) < 0)
		return fail(err, EINVAL, "bad interrupt '%.60s', expected a decimal number", spec);
	*out = (uint32_t)irq;
	return 0;
}

static const char *const policy_words[] = { NULL, "strict", "relaxed" };
static const char *const strategy_words[] = { "ignore", "host" };
static const struct spec_names policies = {
	.json = policy_words, .nr = ARRAY_SIZE(policy_words), .nocase = true,
};
static const struct spec_names strategies = {
	.json = strategy_words, .nr = ARRAY_SIZE(strategy_words),
};

static const struct spec_field rdm_fields[] = {
	{ .key = "strategy", .json = "strategy", .kind = SPEC_ENUM, .names = &strategies,
	  .offset = offsetof(struct rdm_reserve, strategy) },
	{ .key = "policy", .json = "policy", .kind = SPEC_ENUM, .names = &policies,
	  .offset = offsetof(struct rdm_reserve, policy) },
};

static const struct spec_table rdm_table = {
	.what = "rdm", .size = sizeof(struct rdm_reserve), .fields = rdm_fields,
	.nr_fields = ARRAY_SIZE(rdm_fields),
};

/* xl 4.17 drops the whole value when it has a policy: an inverted test in its parser. */
int rdm_reserve_parse(const char *spec, struct rdm_reserve *out, struct err *err)
{
	struct rdm_reserve rdm = RDM_RESERVE_INIT;
	int rc;

	rc = spec_parse(&rdm_table, &rdm, spec, SPEC_UNKNOWN_FAIL, NULL, err);
	if (rc == 0)
		*out = rdm;
	return rc;
}

int rdm_reserve_to_json(const struct rdm_reserve *rdm, json_t **out, struct err *err)
{
	return spec_to_json(&rdm_table, rdm, out, err);
}

static const char *const viridian_words[] = {
	"base", "freq", "time_ref_count", "reference_tsc", "hcall_remote_tlb_flush",
	"apic_assist", "crash_ctl", "synic", "stimer", "hcall_ipi", "ex_processor_masks",
	"no_vp_limit", "cpu_hotplug",
};
static const struct spec_names viridian_names = {
	.json = viridian_words, .nr = ARRAY_SIZE(viridian_words), .nocase = true,
};

int viridian_add(struct viridian *v, const char *word, struct err *err)
{
	bool off = *word == '!';
	const char *group = off ? word + 1 : word;
	int n = spec_enum(&viridian_names, group);
	uint64_t bit;

	if (spec_check_text("viridian group", word, err) < 0)
		return -err->code;
	if (!strcmp(word, "all")) {
		v->enable = UINT64_MAX;
		return 0;
	}
	if (!strcmp(word, "defaults")) {
		v->defaults = TRI_TRUE;
		return 0;
	}
	if (n < 0)
		return spec_bad_enum("viridian group", &viridian_names, group, err);
	bit = UINT64_C(1) << n;
	if (off) {
		v->disable |= bit;
		v->enable &= ~bit;
	} else {
		v->enable |= bit;
		v->disable &= ~bit;
	}
	return 0;
}

json_t *bitmap_to_json(const struct bitmap *set)
{
	json_t *json = json_array();

	for (unsigned int bit = 0; json && bit < BITMAP_BITS; bit++) {
		if (bitmap_test(set, bit) && json_array_append_new(json, json_integer(bit)) < 0) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

json_t *bits_to_json(uint64_t set)
{
	struct bitmap bits = { .word = { set } };

	return bitmap_to_json(&bits);
}
