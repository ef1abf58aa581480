/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/cpuid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"

/* More than any processor has; a bound for what others wrote. */
enum { ENTRIES_MAX = 1024 };

static const char *const reg_names[CPUID_REGS] = { "eax", "ebx", "ecx", "edx" };

static int add_leaf(json_t *array, const struct cpuid_leaf *leaf, struct err *err)
{
	json_t *json = json_object();
	int rc = 0;

	if (json_array_append_new(array, json) < 0)
		return fail_nomem(err);
	rc = json_add(json, "leaf", json_integer(leaf->leaf), err);
	if (rc == 0 && leaf->subleaf != CPUID_UNUSED)
		rc = json_add(json, "subleaf", json_integer(leaf->subleaf), err);
	for (unsigned int reg = 0; rc == 0 && reg < CPUID_REGS; reg++) {
		if (leaf->policy[reg][0])
			rc = json_add(json, reg_names[reg], json_text(leaf->policy[reg]), err);
	}
	return rc;
}

static int add_msr(json_t *array, const struct cpuid_msr *msr, struct err *err)
{
	json_t *json = json_object();
	int rc;

	if (json_array_append_new(array, json) < 0)
		return fail_nomem(err);
	rc = json_add(json, "index", json_integer(msr->index), err);
	return rc < 0 ? rc : json_add(json, "policy", json_text(msr->policy), err);
}

int cpuid_to_json(const struct cpuid *cpuid, json_t **out, struct err *err)
{
	scoped(json) json_t *json = json_object();
	json_t *leaves = json_array(), *msrs = json_array();
	int rc;

	rc = json_add(json, "cpuid", leaves, err);
	if (rc < 0) {
		json_decref(msrs);
		return rc;
	}
	rc = json_add(json, "msr", msrs, err);
	for (unsigned int i = 0; rc == 0 && i < cpuid->nr_leaves; i++)
		rc = add_leaf(leaves, &cpuid->leaves[i], err);
	for (unsigned int i = 0; rc == 0 && i < cpuid->nr_msrs; i++)
		rc = add_msr(msrs, &cpuid->msrs[i], err);
	if (rc < 0)
		return rc;
	*out = take(json);
	return 0;
}

static int number_from(json_t *json, const char *name, uint32_t *out, struct err *err)
{
	json_t *value = json_object_get(json, name);

	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > UINT32_MAX)
		return fail(err, EINVAL, "cpuid: '%s' is not a number of 32 bits", name);
	*out = (uint32_t)json_integer_value(value);
	return 0;
}

static int policy_from(json_t *json, const char *name, char *policy, size_t size,
		       struct err *err)
{
	const char *s = json_string_value(json_object_get(json, name));

	if (!json_object_get(json, name))
		return 0;
	if (!s || strlen(s) != size - 1 || s[strspn(s, "01xks")])
		return fail(err, EINVAL, "cpuid: '%s' is not a policy of %zu bits", name, size - 1);
	memcpy(policy, s, size);
	return 0;
}

static int leaf_from(json_t *json, struct cpuid_leaf *leaf, struct err *err)
{
	int rc;

	leaf->subleaf = CPUID_UNUSED;
	rc = number_from(json, "leaf", &leaf->leaf, err);
	if (rc == 0)
		rc = number_from(json, "subleaf", &leaf->subleaf, err);
	for (unsigned int reg = 0; rc == 0 && reg < CPUID_REGS; reg++)
		rc = policy_from(json, reg_names[reg], leaf->policy[reg], sizeof(leaf->policy[reg]),
				 err);
	return rc;
}

static int msr_from(json_t *json, struct cpuid_msr *msr, struct err *err)
{
	int rc = number_from(json, "index", &msr->index, err);

	if (rc < 0)
		return rc;
	if (!json_object_get(json, "policy"))
		return fail(err, EINVAL, "cpuid: an MSR without policy");
	return policy_from(json, "policy", msr->policy, sizeof(msr->policy), err);
}

/* Room for the elements of an array, zeroed; none when it is empty. */
static int room(json_t *array, const char *what, size_t size, void **out, struct err *err)
{
	size_t nr = json_array_size(array);

	if (array && (!json_is_array(array) || nr > ENTRIES_MAX))
		return fail(err, EINVAL, "cpuid: %s is not a list of at most %d", what, ENTRIES_MAX);
	*out = nr ? calloc(nr, size) : NULL;
	return nr && !*out ? fail_nomem(err) : 0;
}

int cpuid_from_json(json_t *json, struct cpuid *out, struct err *err)
{
	scoped(cpuid) struct cpuid cpuid = CPUID_INIT;
	json_t *leaves = json_is_array(json) ? json : json_object_get(json, "cpuid");
	json_t *msrs = json_object_get(json, "msr");
	void *memory;
	int rc;

	rc = room(leaves, "cpuid", sizeof(*cpuid.leaves), &memory, err);
	if (rc < 0)
		return rc;
	cpuid.leaves = memory;
	rc = room(msrs, "msr", sizeof(*cpuid.msrs), &memory, err);
	if (rc < 0)
		return rc;
	cpuid.msrs = memory;
	for (; rc == 0 && cpuid.nr_leaves < json_array_size(leaves); cpuid.nr_leaves++)
		rc = leaf_from(json_array_get(leaves, cpuid.nr_leaves),
			       &cpuid.leaves[cpuid.nr_leaves], err);
	for (; rc == 0 && cpuid.nr_msrs < json_array_size(msrs); cpuid.nr_msrs++)
		rc = msr_from(json_array_get(msrs, cpuid.nr_msrs), &cpuid.msrs[cpuid.nr_msrs], err);
	if (rc < 0)
		return rc;
	*out = cpuid;
	cpuid = (struct cpuid)CPUID_INIT;
	return 0;
}
