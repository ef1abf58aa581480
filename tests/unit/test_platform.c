/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/cpuid.h"
#include "config/cpulist.h"
#include "config/platform.h"
#include "config/size.h"

#include "tests/unit/spec_cases.h"

#define BAD_ITEM(item) "bad item '" item "' in cpu list, expected all, N, N-M, node:N or ^ and " \
	"one of these"
#define X24 "xxxxxxxxxxxxxxxxxxxxxxxx"
#define X30 X24 "xxxxxx"

/* Each kind as one function from text to JSON, which is all that is compared. */
typedef int (*one_fn)(const char *text, json_t **out, struct err *err);

static int one_ioport(const char *text, json_t **out, struct err *err)
{
	struct ioport_range range;
	int rc = ioport_parse(text, &range, err);

	return rc < 0 ? rc : ioport_to_json(&range, out, err);
}

static int one_iomem(const char *text, json_t **out, struct err *err)
{
	struct iomem_range range;
	int rc = iomem_parse(text, &range, err);

	return rc < 0 ? rc : iomem_to_json(&range, out, err);
}

static int one_irq(const char *text, json_t **out, struct err *err)
{
	uint32_t irq;
	int rc = irq_parse(text, &irq, err);

	*out = rc < 0 ? NULL : json_integer(irq);
	return rc;
}

static int one_size(const char *text, json_t **out, struct err *err)
{
	uint64_t kb;
	int rc = size_parse_kb(text, &kb, err);

	*out = rc < 0 ? NULL : json_integer((json_int_t)kb);
	return rc;
}

static int one_rdm(const char *text, json_t **out, struct err *err)
{
	struct rdm_reserve rdm;
	int rc = rdm_reserve_parse(text, &rdm, err);

	return rc < 0 ? rc : rdm_reserve_to_json(&rdm, out, err);
}

/* Words with '|' between them, for what a config has as a list. */
static unsigned int words(char *copy, const char **list, unsigned int max)
{
	unsigned int nr = 0;

	for (char *word = strtok(copy, "|"); word && nr < max; word = strtok(NULL, "|"))
		list[nr++] = word;
	return nr;
}

static int one_viridian(const char *text, json_t **out, struct err *err)
{
	scoped(free) char *copy = strdup(text);
	struct viridian v = VIRIDIAN_INIT;
	const char *list[8];
	unsigned int nr = words(copy, list, ARRAY_SIZE(list));

	for (unsigned int i = 0; i < nr; i++) {
		int rc = viridian_add(&v, list[i], err);

		if (rc < 0)
			return rc;
	}
	*out = json_pack("[i,o,o]", v.defaults, v.enable == UINT64_MAX ? json_string("all") :
			 bits_to_json(v.enable), bits_to_json(v.disable));
	return 0;
}

/* A config with two virtual nodes. */
static int one_vnuma(const char *text, json_t **out, struct err *err)
{
	struct vnuma_node node = VNUMA_NODE_INIT;
	scoped(free) char *copy = strdup(text);
	const char *list[8];
	int rc = vnuma_node_parse(list, words(copy, list, ARRAY_SIZE(list)), 2, &node, err);

	if (rc == 0)
		rc = vnuma_node_to_json(&node, out, err);
	vnuma_node_free(&node);
	return rc;
}

/* Node n of this host has the cpus 4n to 4n+3; there are two nodes. */
static int two_nodes(void *arg, unsigned int node, struct bitmap *cpus, struct err *err)
{
	(void)arg;
	if (node > 1)
		return fail(err, ENOENT, "no node %u", node);
	for (unsigned int i = 0; i < 4; i++)
		bitmap_set(cpus, node * 4 + i);
	return 0;
}

static int cpus_of(const char *text, cpulist_node_fn nodes, json_t **out, struct err *err)
{
	struct cpulist list = CPULIST_INIT;
	struct bitmap cpus;
	int rc = cpulist_parse(text, &list, err);

	if (rc == 0)
		rc = cpulist_resolve(&list, 8, nodes, NULL, &cpus, err);
	if (rc == 0)
		*out = bitmap_to_json(&cpus);
	cpulist_free(&list);
	return rc;
}

static int one_cpulist(const char *text, json_t **out, struct err *err)
{
	return cpus_of(text, two_nodes, out, err);
}

static int one_cpulist_no_host(const char *text, json_t **out, struct err *err)
{
	return cpus_of(text, NULL, out, err);
}

static int one_cpuid(const char *text, json_t **out, struct err *err)
{
	struct cpuid cpuid = CPUID_INIT, again = CPUID_INIT;
	json_t *json = NULL;
	int rc = 0;

	if (text[0] < '0' || text[0] > '9') {
		rc = cpuid_parse(text, &cpuid, err);
	} else {
		scoped(free) char *copy = strdup(text);
		const char *list[8];
		unsigned int nr = words(copy, list, ARRAY_SIZE(list));

		for (unsigned int i = 0; rc == 0 && i < nr; i++)
			rc = cpuid_add(&cpuid, list[i], err);
	}
	if (rc == 0)
		rc = cpuid_to_json(&cpuid, out, err);
	if (rc == 0)
		rc = cpuid_from_json(*out, &again, err);
	if (rc == 0)
		rc = cpuid_to_json(&again, &json, err);
	if (rc == 0 && !json_equal(*out, json))
		rc = fail(err, EINVAL, "did not come back");
	json_decref(json);
	cpuid_free(&cpuid);
	cpuid_free(&again);
	return rc;
}

static const struct {
	one_fn fn;
	const char *text, *json, *message;
} cases[] = {
	{ one_ioport, "2f8-2ff", "{\"first\":760,\"number\":8}", NULL },
	{ one_ioport, "0x60", "{\"first\":96,\"number\":1}", NULL },
	{ one_ioport, "0-ffff", "{\"number\":65536}", NULL },
	{ one_ioport, "2ff-2f8", NULL, "bad i/o ports '2ff-2f8', expected FIRST-LAST, hexadecimal, up "
	  "to ffff" },
	{ one_ioport, "10000", NULL, "bad i/o ports '10000', expected FIRST-LAST, hexadecimal, up to "
	  "ffff" },
	{ one_ioport, "-1", NULL, "bad i/o ports '-1', expected FIRST-LAST, hexadecimal, up to ffff" },
	{ one_ioport, "1-", NULL, "bad i/o ports '1-', expected FIRST-LAST, hexadecimal, up to ffff" },
	{ one_iomem, "a0,20", "{\"start\":160,\"number\":32}", NULL },
	{ one_iomem, "fe9d8,1@a0", "{\"start\":1042904,\"number\":1,\"gfn\":160}", NULL },
	{ one_iomem, "a0,0", NULL, "bad i/o memory 'a0,0', expected FRAME,NUMBER[@GFN], hexadecimal" },
	{ one_iomem, "a0", NULL, "bad i/o memory 'a0', expected FRAME,NUMBER[@GFN], hexadecimal" },
	{ one_iomem, "a0,1@", NULL, "bad i/o memory 'a0,1@', expected FRAME,NUMBER[@GFN], hexadecimal" },
	{ one_iomem, "fffffffffffff,1", NULL, "bad i/o memory 'fffffffffffff,1', expected "
	  "FRAME,NUMBER[@GFN], hexadecimal" },
	{ one_irq, "4294967294", "4294967294", NULL },
	{ one_irq, "4294967295", NULL, "bad interrupt '4294967295', expected a decimal number" },
	{ one_irq, "0x5", NULL, "bad interrupt '0x5', expected a decimal number" },

	{ one_size, "512", "524288", NULL },
	{ one_size, "512m", "524288", NULL },
	{ one_size, "2G", "2097152", NULL },
	{ one_size, "1t", "1073741824", NULL },
	{ one_size, "1023b", "0", NULL },
	{ one_size, "4097K", "4097", NULL },
	{ one_size, "9223372036854775807b", "9007199254740991", NULL },
	{ one_size, "9223372036854775808b", NULL, "memory size '9223372036854775808b' is too large" },
	{ one_size, "8388608t", NULL, "memory size '8388608t' is too large" },
	{ one_size, "99999999999999999999999", NULL, "memory size '99999999999999999999999' is too "
	  "large" },
	{ one_size, "", NULL, "bad memory size '', expected a number and one of b, k, m, g, t (m if "
	  "there is none)" },
	{ one_size, "-1", NULL, "bad memory size '-1', expected a number and one of b, k, m, g, t (m if "
	  "there is none)" },
	{ one_size, "1mb", NULL, "bad memory size '1mb', expected a number and one of b, k, m, g, t (m "
	  "if there is none)" },
	{ one_size, "1x", NULL, "bad memory size '1x', expected a number and one of b, k, m, g, t (m if "
	  "there is none)" },

	{ one_rdm, "strategy=host,policy=relaxed", "{\"strategy\":\"host\",\"policy\":\"relaxed\"}",
	  NULL },
	{ one_rdm, "strategy=host", "{\"strategy\":\"host\"}", NULL },
	{ one_rdm, "policy=strict", "{\"policy\":\"strict\"}", NULL },
	{ one_rdm, "strategy=guest", NULL, "unknown strategy 'guest', valid are ignore, host" },

	{ one_viridian, "base|TIME_ref_count|!freq", "[0,[0,2],[1]]", NULL },
	{ one_viridian, "all|defaults|!cpu_hotplug|cpu_hotplug", "[2,\"all\",[]]", NULL },
	{ one_viridian, "base|!base", "[0,[],[0]]", NULL },
	{ one_viridian, "!base|base|!synic", "[0,[0],[7]]", NULL },
	{ one_viridian, "!bass", NULL, "unknown viridian group 'bass', valid are base, freq, "
	  "time_ref_count, reference_tsc, hcall_remote_tlb_flush, apic_assist, crash_ctl, synic, "
	  "stimer, hcall_ipi, ex_processor_masks, no_vp_limit, cpu_hotplug" },

	{ one_vnuma, "pnode=1|size=1024|vcpus=0-2,5|vdistances=10,20",
	  "{\"memkb\":1048576,\"distances\":[10,20],\"pnode\":1,\"vcpus\":[0,1,2,5]}", NULL },
	{ one_vnuma, " pnode = 0 | vcpus = 1 ", "{\"distances\":[0,0],\"vcpus\":[1]}", NULL },
	{ one_vnuma, "vdistances=10,20,30", NULL, "vnuma has more vdistances than nodes, 2" },
	{ one_vnuma, "vcpus=3-1", NULL, "bad vcpus '3-1' in vnuma, expected N or N-M" },
	{ one_vnuma, "vcpus=4096", NULL, "bad vcpus '4096' in vnuma, expected N or N-M" },
	{ one_vnuma, "size=4294967296", NULL, "vnuma size is too large: '4294967296', at most "
	  "4294967295" },
	{ one_vnuma, "node=1", NULL, "unknown vnuma key 'node', valid are pnode, size, vcpus, "
	  "vdistances" },
	{ one_vnuma, "pnode", NULL, "vnuma option 'pnode' is not KEY=VALUE" },

	{ one_cpulist, "2,3", "[2,3]", NULL },
	{ one_cpulist, " 1-3 , ^2 ", "[1,3]", NULL },
	{ one_cpulist, "all,^0-3", "[4,5,6,7]", NULL },
	{ one_cpulist, "nodes:0,^node:0,nodes:1", "[4,5,6,7]", NULL },
	{ one_cpulist, "node:0-1,^2", "[0,1,3,4,5,6,7]", NULL },
	{ one_cpulist, "nodes:all", "[0,1,2,3,4,5,6,7]", NULL },
	{ one_cpulist, "7-4095", "[7]", NULL },
	{ one_cpulist, "node:2", NULL, "no node 2" },
	{ one_cpulist, "8,9", NULL, "cpu list has no cpu of this host in it" },
	{ one_cpulist, "1,^1", NULL, "cpu list has no cpu of this host in it" },
	{ one_cpulist, "", NULL, "empty cpu list" },
	{ one_cpulist, "^all", NULL, "cpu list has '^all': all cannot be excluded" },
	{ one_cpulist, "3-1", NULL, "cpu list has '3-1', which ends before it begins" },
	{ one_cpulist, "4096", NULL, "cpu list has '4096', numbers go up to 4095" },
	{ one_cpulist, "1-99999999999999999999", NULL, "cpu list has '1-99999999999999999999', numbers "
	  "go up to 4095" },
	{ one_cpulist, "1x", NULL, "bad item '1x' in cpu list, near 'x'" },
	{ one_cpulist, "a", NULL, BAD_ITEM("a") },
	{ one_cpulist, "1-", NULL, BAD_ITEM("1-") },
	{ one_cpulist_no_host, "node:1", NULL, "the cpus of node 1 are only known on a Xen host" },
	{ one_cpulist_no_host, "5", "[5]", NULL },

	/* Bits as libxl 4.17's libxl_cpuid_parse_config() sets them. */
	{ one_cpuid, "host", "{\"cpuid\":[],\"msr\":[]}", NULL },
	{ one_cpuid, "host,tm=0,sse3=1", "{\"cpuid\":[{\"leaf\":1,\"ecx\":\"" X30 "x1\",\"edx\":"
	  "\"xx0xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}],\"msr\":[]}", NULL },
	{ one_cpuid, "host,avx512-vnni=k", "{\"cpuid\":[{\"leaf\":7,\"subleaf\":0,\"ecx\":"
	  "\"xxxxxxxxxxxxxxxxxxxxkxxxxxxxxxxx\"}],\"msr\":[]}", NULL },
	{ one_cpuid, "host,family=6,model=0x2a,stepping=7", "{\"cpuid\":[{\"leaf\":1,\"eax\":"
	  "\"xxxx000000000010xxxx011010100111\"}],\"msr\":[]}", NULL },
	{ one_cpuid, "host,family=0x17", "{\"cpuid\":[{\"leaf\":1,\"eax\":"
	  "\"xxxx00001000xxxxxxxx1111xxxxxxxx\"}],\"msr\":[]}", NULL },
	{ one_cpuid, "host,model=s", "{\"cpuid\":[{\"leaf\":1,\"eax\":"
	  "\"xxxxxxxxxxxxssssxxxxxxxxssssxxxx\"}],\"msr\":[]}", NULL },
	{ one_cpuid, "host,nc=7,apicidsize=x", "{\"cpuid\":[{\"leaf\":2147483656,\"ecx\":\"" X24
	  "00000111\"}],\"msr\":[]}", NULL },
	{ one_cpuid, "host,rdcl-no=s,3dnow=0", "{\"cpuid\":[{\"leaf\":2147483649,\"edx\":"
	  "\"0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}],\"msr\":[{\"index\":266,\"policy\":\"" X30 X30
	  "xxxk\"}]}", NULL },
	{ one_cpuid, "0x1:ecx=" X30 "01, edx=" X30 "kk|7,0:ebx=" X30 "x1|1:ecx=" X30 "11",
	  "{\"cpuid\":[{\"leaf\":1,\"ecx\":\"" X30 "11\",\"edx\":\"" X30 "kk\"},{\"leaf\":7,"
	  "\"subleaf\":0,\"ebx\":\"" X30 "x1\"}],\"msr\":[]}", NULL },
	{ one_cpuid, "tm=0", NULL, "cpuid begins with 'tm=0', expected host" },
	{ one_cpuid, "host,tm", NULL, "no '=' in cpuid feature 'tm'" },
	{ one_cpuid, "host,steping=1", NULL, "unknown cpuid feature 'steping', did you mean "
	  "'stepping'?" },
	{ one_cpuid, "host,frobnicate=1", NULL, "unknown cpuid feature 'frobnicate' (names as in Xen's "
	  "cpufeatureset.h, in lower case with '-')" },
	{ one_cpuid, "host,tm=2", NULL, "bad cpuid value '2' of tm, valid are 0 to 1, x, k, s" },
	{ one_cpuid, "host,family=271", NULL, "bad cpuid value '271' of family, valid are 0 to 270, x, "
	  "k, s" },
	{ one_cpuid, "host,rdcl-no=2", NULL, "bad cpuid value '2' of rdcl-no, valid are 0, 1, x, k, s" },
	{ one_cpuid, "1", NULL, "no ':' in cpuid '1', expected LEAF[,SUBLEAF]:eXx=BITS" },
	{ one_cpuid, "1:efx=1", NULL, "bad register 'efx' in cpuid, expected eax=, ebx=, ecx= or edx= "
	  "and 32 of 0, 1, x, k, s" },
	{ one_cpuid, "1:eax=1", NULL, "bad policy '1' of eax in cpuid, expected 32 of 0, 1, x, k, s" },
	{ one_cpuid, "1:eax=" X30 "x?", NULL, "bad policy '" X30 "x?' of eax in cpuid, expected 32 of 0, "
	  "1, x, k, s" },
	{ one_cpuid, "4294967295:eax=" X30 "xx", NULL, "cpuid leaf is too large: '4294967295', at most "
	  "4294967294" },
};

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec_case c = { cases[i].text, cases[i].json, cases[i].message };
		struct err err = ERR_INIT;
		json_t *json = NULL;
		int rc = cases[i].fn(cases[i].text, &json, &err);

		check_case(&c, rc, json, err.msg, c.json && c.message ? c.message : "");
		json_decref(json);
	}
	return tap_done();
}
