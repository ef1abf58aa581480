/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/pci.h"

#include <errno.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"

static const char *const policy_words[] = { NULL, "strict", "relaxed" };
static const struct spec_names policies = {
	.json = policy_words, .nr = ARRAY_SIZE(policy_words), .nocase = true,
};

/* A hexadecimal number of at most max at *at, which is moved behind it. */
static bool hex(const char **at, unsigned int max, uint32_t *out)
{
	uint32_t n = 0;
	const char *p = *at;

	for (; *p; p++) {
		static const char digits[] = "00112233445566778899aAbBcCdDeEfF";
		const char *digit = strchr(digits, *p);

		if (!digit)
			break;
		n = n * 16 + (uint32_t)(digit - digits) / 2;
		if (n > max)
			return false;
	}
	if (p == *at)
		return false;
	*at = p;
	*out = n;
	return true;
}

static bool skip(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* [DDDD:]BB:DD.F at *at, which is moved behind it. */
static bool take_bdf(const char **at, struct pci_dev *pci)
{
	struct pci_dev bdf = *pci;
	const char *p = *at;
	uint32_t n[3];

	if (!hex(&p, 0xffff, &n[0]) || !skip(&p, ':') || !hex(&p, 0xff, &n[1]))
		return false;
	bdf.domain = 0;
	bdf.bus = n[0];
	bdf.dev = n[1];
	if (skip(&p, ':')) {
		if (!hex(&p, 0x1f, &n[2]))
			return false;
		bdf.domain = n[0];
		bdf.bus = n[1];
		bdf.dev = n[2];
	}
	if (bdf.bus > 0xff || bdf.dev > 0x1f || !skip(&p, '.'))
		return false;
	bdf.func = 0;
	bdf.vfunc_mask = skip(&p, '*') ? PCI_FUNC_ALL : 1;
	if (bdf.vfunc_mask == 1 && !hex(&p, 7, &bdf.func))
		return false;
	*pci = bdf;
	*at = p;
	return true;
}

static int set_bdf(void *obj, const char *value, const struct spec_defaults *d, struct err *err)
{
	const char *p = value;

	(void)d;
	if (!take_bdf(&p, obj) || *p)
		return fail(err, EINVAL, "bad pci address '%.60s', expected [DDDD:]BB:DD.F", value);
	return 0;
}

static int set_vslot(void *obj, const char *value, const struct spec_defaults *d,
		     struct err *err)
{
	const char *p = value;
	uint32_t slot = 0;

	(void)d;
	if (!hex(&p, 0x1f, &slot) || *p)
		return fail(err, EINVAL, "bad pci slot '%.60s', expected 0 to 1f", value);
	((struct pci_dev *)obj)->vdevfn = slot << 3;
	return 0;
}

#define OFF(member) .offset = offsetof(struct pci_dev, member)

static const struct spec_field fields[] = {
	{ .json = "func", .kind = SPEC_UINT, OFF(func) },
	{ .json = "dev", .kind = SPEC_UINT, OFF(dev) },
	{ .json = "bus", .kind = SPEC_UINT, OFF(bus) },
	{ .json = "domain", .kind = SPEC_UINT, OFF(domain) },
	{ .key = "vslot", .json = "vdevfn", .kind = SPEC_UINT, OFF(vdevfn), .set = set_vslot },
	{ .json = "vfunc_mask", .kind = SPEC_UINT, OFF(vfunc_mask) },
	{ .key = "msitranslate", .json = "msitranslate", .kind = SPEC_BOOL, OFF(msitranslate) },
	{ .key = "power_mgmt", .json = "power_mgmt", .kind = SPEC_BOOL, OFF(power_mgmt) },
	{ .key = "permissive", .json = "permissive", .kind = SPEC_BOOL, OFF(permissive) },
	{ .key = "seize", .json = "seize", .kind = SPEC_BOOL, OFF(seize) },
	{ .key = "rdm_policy", .json = "rdm_policy", .kind = SPEC_ENUM, .names = &policies,
	  OFF(rdm_policy) },
	{ .key = "name", .json = "name", .kind = SPEC_STR, OFF(name) },
	{ .key = "bdf", .kind = SPEC_ALIAS, .set = set_bdf },
};

static const struct spec_table table = {
	.what = "pci", .size = sizeof(struct pci_dev), .fields = fields,
	.nr_fields = ARRAY_SIZE(fields),
};

/* The positional part in front, when there is one: "BDF[@SLOT][,...]". */
static int take_positional(struct pci_dev *pci, const char **at, struct err *err)
{
	const char *end = *at + strcspn(*at, ",");
	const char *p = *at;
	uint32_t slot = 0;

	if (memchr(*at, '=', (size_t)(end - *at)))
		return 0;
	if (!take_bdf(&p, pci))
		return fail(err, EINVAL, "bad pci address '%.60s', expected [DDDD:]BB:DD.F[@SLOT]",
			    *at);
	if (skip(&p, '@')) {
		if (!hex(&p, 0x1f, &slot))
			return fail(err, EINVAL, "bad pci slot in '%.60s', expected 0 to 1f", *at);
		pci->vdevfn = slot << 3;
	}
	p += strspn(p, " \t");
	if (p != end)
		return fail(err, EINVAL, "bad pci address '%.60s', near '%.30s'", *at, p);
	*at = end;
	return 0;
}

int pci_parse(const char *spec, const struct spec_defaults *d, struct pci_dev *out,
	      struct err *err)
{
	scoped(pci) struct pci_dev pci = PCI_INIT;
	const char *at = spec + strspn(spec, " \t");
	int rc;

	if (d) {
		pci.msitranslate = d->pci_msitranslate;
		pci.power_mgmt = d->pci_power_mgmt;
		pci.permissive = d->pci_permissive;
		pci.seize = d->pci_seize;
		pci.rdm_policy = d->pci_rdm_policy;
	}
	rc = spec_check_text("pci spec", spec, err);
	if (rc == 0)
		rc = take_positional(&pci, &at, err);
	if (rc == 0)
		rc = spec_parse(&table, &pci, at, SPEC_UNKNOWN_FAIL, d, err);
	if (rc < 0)
		return rc;
	if (!pci.vfunc_mask == !pci.name)
		return fail(err, EINVAL, "pci spec '%.200s' has %s, expected one of them", spec,
			    pci.name ? "an address and a name" : "no address and no name");
	*out = pci;
	pci = (struct pci_dev)PCI_INIT;
	return 0;
}

void pci_free(struct pci_dev *pci)
{
	spec_free(&table, pci);
}

int pci_to_json(const struct pci_dev *pci, json_t **out, struct err *err)
{
	return spec_to_json(&table, pci, out, err);
}

int pci_from_json(json_t *json, struct pci_dev *out, struct err *err)
{
	return spec_from_json(&table, json, out, err);
}

static const struct spec_field rdm_fields[] = {
	{ .json = "start", .kind = SPEC_U64, .offset = offsetof(struct rdm, start) },
	{ .json = "size", .kind = SPEC_U64, .offset = offsetof(struct rdm, size) },
	{ .json = "policy", .kind = SPEC_ENUM, .names = &policies,
	  .offset = offsetof(struct rdm, policy) },
};

static const struct spec_table rdm_table = {
	.what = "rdm", .size = sizeof(struct rdm), .fields = rdm_fields,
	.nr_fields = ARRAY_SIZE(rdm_fields),
};

int rdm_to_json(const struct rdm *rdm, json_t **out, struct err *err)
{
	return spec_to_json(&rdm_table, rdm, out, err);
}

int rdm_from_json(json_t *json, struct rdm *out, struct err *err)
{
	return spec_from_json(&rdm_table, json, out, err);
}
