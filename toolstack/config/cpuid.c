/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/cpuid.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/spec.h"

enum { LEAF_BITS = 32, MSR_BITS = 64 };

/* Fields of more than one bit, and libxl's own names, which win over Xen's. */
static const struct cpuid_field {
	const char *name;
	uint32_t leaf, subleaf;
	unsigned int reg, bit, bits;
} fields[] = {
	{ "maxleaf", 0, CPUID_UNUSED, CPUID_EAX, 0, 32 },
	{ "stepping", 1, CPUID_UNUSED, CPUID_EAX, 0, 4 },
	{ "model", 1, CPUID_UNUSED, CPUID_EAX, 4, 8 },
	{ "family", 1, CPUID_UNUSED, CPUID_EAX, 8, 8 },
	{ "brandid", 1, CPUID_UNUSED, CPUID_EBX, 0, 8 },
	{ "clflush", 1, CPUID_UNUSED, CPUID_EBX, 8, 8 },
	{ "proccount", 1, CPUID_UNUSED, CPUID_EBX, 16, 8 },
	{ "localapicid", 1, CPUID_UNUSED, CPUID_EBX, 24, 8 },
	{ "est", 1, CPUID_UNUSED, CPUID_ECX, 7, 1 },
	{ "cntxid", 1, CPUID_UNUSED, CPUID_ECX, 10, 1 },
	{ "cmpxchg16", 1, CPUID_UNUSED, CPUID_ECX, 13, 1 },
	{ "sse4_1", 1, CPUID_UNUSED, CPUID_ECX, 19, 1 },
	{ "sse4.1", 1, CPUID_UNUSED, CPUID_ECX, 19, 1 },
	{ "sse4_2", 1, CPUID_UNUSED, CPUID_ECX, 20, 1 },
	{ "sse4.2", 1, CPUID_UNUSED, CPUID_ECX, 20, 1 },
	{ "aes", 1, CPUID_UNUSED, CPUID_ECX, 25, 1 },
	{ "cmpxchg8", 1, CPUID_UNUSED, CPUID_EDX, 8, 1 },
	{ "sysenter", 1, CPUID_UNUSED, CPUID_EDX, 11, 1 },
	{ "psn", 1, CPUID_UNUSED, CPUID_EDX, 18, 1 },
	{ "clfsh", 1, CPUID_UNUSED, CPUID_EDX, 19, 1 },
	{ "tm", 1, CPUID_UNUSED, CPUID_EDX, 29, 1 },
	{ "ia64", 1, CPUID_UNUSED, CPUID_EDX, 30, 1 },
	{ "pbe", 1, CPUID_UNUSED, CPUID_EDX, 31, 1 },
	{ "arat", 6, CPUID_UNUSED, CPUID_EAX, 2, 1 },
	{ "tsc_adjust", 7, 0, CPUID_EBX, 1, 1 },
	{ "cmt", 7, 0, CPUID_EBX, 12, 1 },
	{ "lahfsahf", 0x80000001, CPUID_UNUSED, CPUID_ECX, 0, 1 },
	{ "cmplegacy", 0x80000001, CPUID_UNUSED, CPUID_ECX, 1, 1 },
	{ "altmovcr8", 0x80000001, CPUID_UNUSED, CPUID_ECX, 4, 1 },
	{ "nodeid", 0x80000001, CPUID_UNUSED, CPUID_ECX, 19, 1 },
	{ "perfctr_core", 0x80000001, CPUID_UNUSED, CPUID_ECX, 23, 1 },
	{ "perfctr_nb", 0x80000001, CPUID_UNUSED, CPUID_ECX, 24, 1 },
	{ "procpkg", 4, 0, CPUID_EAX, 26, 6 },
	{ "invtsc", 0x80000007, CPUID_UNUSED, CPUID_EDX, 8, 1 },
	{ "ppin", 0x80000008, CPUID_UNUSED, CPUID_EBX, 23, 1 },
	{ "btc-no", 0x80000008, CPUID_UNUSED, CPUID_EBX, 29, 1 },
	{ "nc", 0x80000008, CPUID_UNUSED, CPUID_ECX, 0, 8 },
	{ "apicidsize", 0x80000008, CPUID_UNUSED, CPUID_ECX, 12, 4 },
	{ "svm_npt", 0x8000000a, CPUID_UNUSED, CPUID_EDX, 0, 1 },
	{ "svm_lbrv", 0x8000000a, CPUID_UNUSED, CPUID_EDX, 1, 1 },
	{ "svm_nrips", 0x8000000a, CPUID_UNUSED, CPUID_EDX, 3, 1 },
	{ "svm_tscrate", 0x8000000a, CPUID_UNUSED, CPUID_EDX, 4, 1 },
	{ "svm_vmcbclean", 0x8000000a, CPUID_UNUSED, CPUID_EDX, 5, 1 },
	{ "svm_decode", 0x8000000a, CPUID_UNUSED, CPUID_EDX, 7, 1 },
	{ "svm_pausefilt", 0x8000000a, CPUID_UNUSED, CPUID_EDX, 10, 1 },
	{ "lfence+", 0x80000021, CPUID_UNUSED, CPUID_EAX, 2, 1 },
	{ "maxhvleaf", 0x40000000, CPUID_UNUSED, CPUID_EAX, 0, 8 },
};

/* Xen's own list of features, by word * 32 + bit. */
#define XEN_CPUFEATURE(name, value) { #name, value },
static const struct feature {
	const char *name;		/* AVX512_VNNI; in a config avx512-vnni */
	unsigned int number;
} features[] = {
#include <xen/arch-x86/cpufeatureset.h>
};
#undef XEN_CPUFEATURE

/* What the words of that list are: part of a leaf, or 32 bits of an MSR. */
static const struct feature_word {
	uint32_t leaf, subleaf;
	unsigned int reg;
	uint32_t msr;
} feature_words[] = {
	{ 1, CPUID_UNUSED, CPUID_EDX, 0 }, { 1, CPUID_UNUSED, CPUID_ECX, 0 },
	{ 0x80000001, CPUID_UNUSED, CPUID_EDX, 0 }, { 0x80000001, CPUID_UNUSED, CPUID_ECX, 0 },
	{ 0xd, 1, CPUID_EAX, 0 }, { 7, 0, CPUID_EBX, 0 }, { 7, 0, CPUID_ECX, 0 },
	{ 0x80000007, CPUID_UNUSED, CPUID_EDX, 0 }, { 0x80000008, CPUID_UNUSED, CPUID_EBX, 0 },
	{ 7, 0, CPUID_EDX, 0 }, { 7, 1, CPUID_EAX, 0 },
	{ 0x80000021, CPUID_UNUSED, CPUID_EAX, 0 }, { 7, 1, CPUID_EBX, 0 },
	{ 7, 2, CPUID_EDX, 0 }, { 7, 1, CPUID_ECX, 0 }, { 7, 1, CPUID_EDX, 0 },
	{ 0, 0, CPUID_EAX, 0x10a }, { 0, 0, CPUID_EDX, 0x10a },
	{ 0x80000021, CPUID_UNUSED, CPUID_ECX, 0 },
};

static struct cpuid_leaf *find_leaf(struct cpuid *cpuid, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_leaf *leaves = cpuid->leaves;

	for (unsigned int i = 0; i < cpuid->nr_leaves; i++) {
		if (leaves[i].leaf == leaf && leaves[i].subleaf == subleaf)
			return &leaves[i];
	}
	leaves = reallocarray(leaves, cpuid->nr_leaves + 1, sizeof(*leaves));
	if (!leaves)
		return NULL;
	cpuid->leaves = leaves;
	leaves += cpuid->nr_leaves++;
	*leaves = (struct cpuid_leaf){ .leaf = leaf, .subleaf = subleaf };
	return leaves;
}

static struct cpuid_msr *find_msr(struct cpuid *cpuid, uint32_t index)
{
	struct cpuid_msr *msrs = cpuid->msrs;

	for (unsigned int i = 0; i < cpuid->nr_msrs; i++) {
		if (msrs[i].index == index)
			return &msrs[i];
	}
	msrs = reallocarray(msrs, cpuid->nr_msrs + 1, sizeof(*msrs));
	if (!msrs)
		return NULL;
	cpuid->msrs = msrs;
	msrs += cpuid->nr_msrs++;
	msrs->index = index;
	memset(msrs->policy, 'x', MSR_BITS);
	msrs->policy[MSR_BITS] = '\0';
	return msrs;
}

/* bits of value at bit of a register's policy, whose highest bit comes first. */
static void put_bits(char *policy, unsigned int bit, unsigned int bits, uint64_t value)
{
	for (unsigned int i = 0; i < bits; i++)
		policy[LEAF_BITS - 1 - bit - i] = value >> i & 1 ? '1' : '0';
}

/* A family above 15 and a model above 15 have their upper part in fields of their own. */
static void put_number(char *policy, const struct cpuid_field *f, uint64_t n)
{
	if (!strcmp(f->name, "family")) {
		put_bits(policy, 8, 4, n < 16 ? n : 15);
		put_bits(policy, 20, 8, n < 16 ? 0 : n - 15);
	} else if (!strcmp(f->name, "model")) {
		put_bits(policy, 4, 4, n);
		put_bits(policy, 16, 4, n >> 4);
	} else {
		put_bits(policy, f->bit, f->bits, n);
	}
}

static void put_letters(char *policy, const struct cpuid_field *f, char letter)
{
	bool split = !strcmp(f->name, "family") || !strcmp(f->name, "model");

	memset(policy + LEAF_BITS - f->bit - (split ? 4 : f->bits), letter, split ? 4 : f->bits);
	if (!strcmp(f->name, "family"))
		memset(policy + LEAF_BITS - 20 - 8, letter, 8);
	else if (split)
		memset(policy + LEAF_BITS - 16 - 4, letter, 4);
}

static bool is_letter(const char *value)
{
	return value[0] && !value[1] && strchr("xks", value[0]);
}

static int set_cpuid_field(struct cpuid *cpuid, const struct cpuid_field *f, const char *value,
			   struct err *err)
{
	uint64_t max = !strcmp(f->name, "family") ? 15 + 255 : (UINT64_C(1) << f->bits) - 1;
	struct cpuid_leaf *leaf;
	uint64_t n = 0;

	if (!is_letter(value) && spec_number(f->name, value, max, &n, err) < 0)
		return fail(err, EINVAL, "bad cpuid value '%.60s' of %s, valid are 0 to %llu, "
			    "x, k, s", value, f->name, (unsigned long long)max);
	leaf = find_leaf(cpuid, f->leaf, f->subleaf);
	if (!leaf)
		return fail_nomem(err);
	if (!leaf->policy[f->reg][0])
		memset(leaf->policy[f->reg], 'x', LEAF_BITS);
	if (is_letter(value))
		put_letters(leaf->policy[f->reg], f, value[0]);
	else
		put_number(leaf->policy[f->reg], f, n);
	return 0;
}

static int set_msr_bit(struct cpuid *cpuid, uint32_t index, unsigned int bit, const char *name,
		       const char *value, struct err *err)
{
	struct cpuid_msr *msr;

	if (!is_letter(value) && strcmp(value, "0") && strcmp(value, "1"))
		return fail(err, EINVAL, "bad cpuid value '%.60s' of %s, valid are 0, 1, x, k, s",
			    value, name);
	msr = find_msr(cpuid, index);
	if (!msr)
		return fail_nomem(err);
	/* libxc has no 's' for MSRs. */
	msr->policy[MSR_BITS - 1 - bit] = value[0] == 's' ? 'k' : value[0];
	return 0;
}

/* "avx512-vnni" is AVX512_VNNI. */
static bool is_feature(const char *xen, const char *name)
{
	for (; *xen; xen++, name++) {
		char c = *xen == '_' ? '-' : *xen;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != *name)
			return false;
	}
	return !*name;
}

static int unknown_name(const char *name, struct err *err)
{
	const char *near = NULL;
	size_t best = 3;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		size_t distance = str_distance(name, fields[i].name);

		if (distance < best) {
			best = distance;
			near = fields[i].name;
		}
	}
	return near ? fail(err, EINVAL, "unknown cpuid feature '%.60s', did you mean '%s'?", name,
			   near) :
		fail(err, EINVAL, "unknown cpuid feature '%.60s' (names as in Xen's "
		     "cpufeatureset.h, in lower case with '-')", name);
}

static int set_feature(struct cpuid *cpuid, const char *name, const char *value,
		       struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!strcmp(fields[i].name, name))
			return set_cpuid_field(cpuid, &fields[i], value, err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		unsigned int word = features[i].number / 32, bit = features[i].number % 32;
		struct cpuid_field f = { .name = name, .bit = bit, .bits = 1 };
		const struct feature_word *w;

		if (!is_feature(features[i].name, name) || word >= ARRAY_SIZE(feature_words))
			continue;
		w = &feature_words[word];
		if (w->msr)
			return set_msr_bit(cpuid, w->msr, bit + (w->reg == CPUID_EDX ? 32 : 0),
					   name, value, err);
		f.leaf = w->leaf;
		f.subleaf = w->subleaf;
		f.reg = w->reg;
		return set_cpuid_field(cpuid, &f, value, err);
	}
	return unknown_name(name, err);
}

int cpuid_parse(const char *text, struct cpuid *out, struct err *err)
{
	scoped(cpuid) struct cpuid cpuid = CPUID_INIT;
	scoped(free) char *copy = NULL;
	char *rest, *item;
	int rc;

	rc = spec_check_text("cpuid", text, err);
	if (rc < 0)
		return rc;
	rest = copy = strdup(text);
	if (!copy)
		return fail_nomem(err);
	item = spec_next(&rest, ",");
	if (!item || strcmp(item, "host"))
		return fail(err, EINVAL, "cpuid begins with '%.60s', expected host", item ? item : "");
	while ((item = spec_next(&rest, ","))) {
		char *value = spec_split(item);

		if (!value)
			return fail(err, EINVAL, "no '=' in cpuid feature '%.60s'", item);
		rc = set_feature(&cpuid, item, value, err);
		if (rc < 0)
			return rc;
	}
	*out = cpuid;
	cpuid = (struct cpuid)CPUID_INIT;
	return 0;
}

/* "ecx=x0...1": sets the register of a leaf. */
static int set_register(struct cpuid_leaf *leaf, char *item, struct err *err)
{
	char *value = spec_split(item);

	if (!value || item[0] != 'e' || item[1] < 'a' || item[1] > 'd' || strcmp(item + 2, "x"))
		return fail(err, EINVAL, "bad register '%.60s' in cpuid, expected eax=, ebx=, ecx= or "
			    "edx= and %d of 0, 1, x, k, s", item, LEAF_BITS);
	if (strlen(value) != LEAF_BITS || value[strspn(value, "01xks")])
		return fail(err, EINVAL, "bad policy '%.60s' of %s in cpuid, expected %d of 0, 1, x, "
			    "k, s", value, item, LEAF_BITS);
	memcpy(leaf->policy[item[1] - 'a'], value, LEAF_BITS + 1);
	return 0;
}

int cpuid_add(struct cpuid *cpuid, const char *item, struct err *err)
{
	uint64_t number[2] = { 0, CPUID_UNUSED };
	scoped(free) char *copy = NULL;
	char *rest, *part, *colon, *comma;
	struct cpuid_leaf *leaf;
	int rc;

	rc = spec_check_text("cpuid", item, err);
	if (rc < 0)
		return rc;
	copy = strdup(item);
	if (!copy)
		return fail_nomem(err);
	colon = strchr(copy, ':');
	if (!colon)
		return fail(err, EINVAL, "no ':' in cpuid '%.60s', expected LEAF[,SUBLEAF]:eXx=BITS",
			    item);
	*colon = '\0';
	comma = strchr(copy, ',');
	if (comma)
		*comma = '\0';
	rc = spec_number("cpuid leaf", copy, UINT32_MAX - 1, &number[0], err);
	if (rc == 0 && comma)
		rc = spec_number("cpuid subleaf", comma + 1, UINT32_MAX, &number[1], err);
	if (rc < 0)
		return rc;
	leaf = find_leaf(cpuid, (uint32_t)number[0], (uint32_t)number[1]);
	if (!leaf)
		return fail_nomem(err);
	for (rest = colon + 1; (part = spec_next(&rest, ",")); ) {
		rc = set_register(leaf, part, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void cpuid_free(struct cpuid *cpuid)
{
	scoped_free(&cpuid->leaves);
	scoped_free(&cpuid->msrs);
	*cpuid = (struct cpuid)CPUID_INIT;
}
