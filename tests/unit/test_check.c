/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with a config: all of it, not the first alone. */
#include <errno.h>
#include <string.h>

#include "base/findings.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/cfg.h"
#include "config/conf.h"
#include "config/config.h"
#include "domain/affinity.h"
#include "domain/paths.h"
#include "domain/preflight.h"
#include "tap.h"

static void test_findings(void)
{
	scoped(findings) struct findings list = FINDINGS_INIT;

	findings_add(&list, FINDING_OK, "a", NULL, "fine");
	findings_add(&list, FINDING_ERROR, "b", "run \x07this", "name '%s'\n", "\x1b[2J");
	is_int(list.nr, 2, "two");
	is_int(findings_count(&list, FINDING_ERROR), 1, "one of them an error");
	is_str(list.items[1].text, "name '\\x1b[2J'\\x0a", "escaped");
	is_str(list.items[1].todo, "run \\x07this", "and what to do as well");
	ok(!list.items[0].todo && !list.failed, "nothing to do");
}

static void collect(const char *text, void *arg)
{
	findings_add(arg, FINDING_WARNING, "log", NULL, "%s", text);
}

static void test_divert(void)
{
	scoped(findings) struct findings list = FINDINGS_INIT;
	enum log_level level = log_level;

	log_divert_warnings(collect, &list);
	log_level = LOG_QUIET;
	log_warn("one %d", 1);
	log_debug("not this");
	log_divert_warnings(NULL, NULL);
	log_warn("nor this");
	log_level = level;
	is_int(list.nr, 1, "one warning");
	is_str(list.items[0].text, "one 1", "its text");
}

#define ALL_WRONG \
	"name=\"x\"\nkernel=\"/k\"\ndisk=[\"a,b,c,d,e\"]\nvif=[\"mac=1\"]\non_crash=\"fly\"\nfoo=1\n"

#define ON_CRASH "c:5:10: unknown on_crash 'fly', valid are destroy, restart, rename-restart, preserve, " \
	"coredump-destroy, coredump-restart, soft-reset"

static void read_wrong(bool strict, bool all, size_t nr, const char *first)
{
	scoped(config_warnings) struct config_warnings errors = { 0 };
	scoped(config_warnings) struct config_warnings warnings = {
		.errors = all ? &errors.list : NULL,
	};
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	const struct config_options options = { .strict = strict };
	scoped(cfg) struct cfg cfg = CFG_INIT;
	struct err err = ERR_INIT;

	is_int(cfg_parse(&cfg, "c", ALL_WRONG, strlen(ALL_WRONG), &err), 0, "parsed");
	ok(config_from_cfg(&cfg, &options, &config, &warnings, &err) < 0, "refused: %s", err.msg);
	is_int(errors.list.nr, nr, "so many errors");
	is_str(nr ? errors.list.items[0] : err.msg, first, "the first");
	for (size_t i = 0; i < errors.list.nr; i++)
		printf("# %s\n", errors.list.items[i]);
}

static void test_preflight(void)
{
	static const struct {
		const char *name, *kernel;
		enum domain_type type;
		unsigned int vcpus;
		uint64_t target_kb, max_kb;
		const char *wrong[4];
	} cases[] = {
		{ "x", "/k", DOMAIN_PV, 1, 4096, 4096, { NULL } },
		{ NULL, NULL, DOMAIN_PVH, 200, 4096, 2048, {
			"the config gives no name",
			"a PVH guest cannot have 200 vcpus: 128 is the most",
			"the config gives neither kernel nor bootloader",
			"memory (4 MiB) is more than maxmem (2 MiB)" } },
		{ "12", "/k", DOMAIN_PV, 1, 512, 512, {
			"name '12' would be taken for a domain number",
			"memory is 512 KiB: a domain needs at least 1 MiB" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
		scoped(findings) struct findings found = FINDINGS_INIT;
		size_t nr = 0;

		config_init(&config);
		config.type = cases[i].type;
		config.name = cases[i].name ? strdup(cases[i].name) : NULL;
		config.kernel = cases[i].kernel ? strdup(cases[i].kernel) : NULL;
		config.max_vcpus = config.vcpus = cases[i].vcpus;
		config.target_memkb = cases[i].target_kb;
		config.max_memkb = cases[i].max_kb;
		config_defaults(&config);
		preflight_config(&config, &found);
		while (nr < ARRAY_SIZE(cases[i].wrong) && cases[i].wrong[nr])
			nr++;
		is_int(found.nr, nr, "so many things are wrong with %zu", i);
		for (size_t k = 0; k < nr && k < found.nr; k++)
			is_str(found.items[k].text, cases[i].wrong[k], "%zu: thing %zu", i, k);
	}
}

/* Files that a restart in another folder finds again, and whether they are there. */
static void test_paths(void)
{
	static const struct {
		const char *text, *absolute, *there;
	} cases[] = {
		{ "kernel=\"/dev/null\"", "", "" },
		{ "kernel=\"vmlinuz\"", "kernel 'vmlinuz': give the whole path", "kernel 'vmlinuz': No" },
		{ "kernel=\"/dev/null\"\nramdisk=\"a/b\"", "ramdisk 'a/b': give",
		  "ramdisk 'a/b': No" },
		{ "bootloader=\"pygrub\"\nkernel=\"vmlinuz\"\nramdisk=\"initrd\"", "", "" },
		{ "type=\"hvm\"\nbootloader=\"pygrub\"\nkernel=\"v\"", "kernel 'v': give", "kernel 'v': No" },
		{ "type=\"hvm\"\nacpi_firmware=\"x.aml\"", "acpi_firmware 'x.aml': give",
		  "acpi_firmware 'x.aml': No" },
		{ "type=\"hvm\"\ndisk=[\"/dev/zero,raw,xvda,rw\"]", "", "" },
		{ "type=\"hvm\"\ndisk=[\"/dev/zero,raw,xvda,rw\",\"d.img,raw,xvdb,rw\"]",
		  "disk 'd.img': give", "disk 'd.img': No" },
		{ "type=\"hvm\"\ndisk=[\"/none/d.img,raw,xvdb,rw\"]", "", "disk '/none/d.img': No" },
		/* No files of this host. */
		{ "type=\"hvm\"\ndisk=[\"phy:vg/lv,xvda,w\"]", "", "" },
		{ "type=\"hvm\"\ndisk=[\"format=raw,vdev=xvda,access=rw,backend=store,target=d.img\"]",
		  "", "" },
		{ "type=\"hvm\"\ndisk=[\"format=raw,vdev=xvda,access=rw,script=block-x,target=d\"]",
		  "", "" },
		{ "type=\"hvm\"\ndisk=[\"format=raw,vdev=xvda,access=rw,backendtype=qdisk,"
		  "target=rbd:p/i\"]", "", "" },
		{ "type=\"hvm\"\ndisk=[\",raw,hdc,cdrom\"]", "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
		scoped(config_warnings) struct config_warnings warnings = { 0 };
		const struct config_options options = { .strict = false };
		struct err absolute = ERR_INIT, there = ERR_INIT;
		scoped(cfg) struct cfg cfg = CFG_INIT;

		is_int(cfg_parse(&cfg, "c", cases[i].text, strlen(cases[i].text), &absolute), 0, "parsed");
		is_int(cfg_parse_words(&cfg, (const char *const[]){ "name=\"x\"" }, 1, &absolute), 0,
		       "with a name");
		is_int(config_from_cfg(&cfg, &options, &config, &warnings, &absolute), 0,
		       "%s: %s", cases[i].text, absolute.msg);
		is_int(paths_check_absolute(&config, &absolute), *cases[i].absolute ? -EINVAL : 0,
		       "from another folder");
		ok(str_starts(absolute.msg, cases[i].absolute), "message: %s", absolute.msg);
		is_int(paths_check_there(&config, &there), *cases[i].there ? -ENOENT : 0, "there");
		ok(str_starts(there.msg, cases[i].there), "message: %s", there.msg);
	}
}

/* Whatever reads a config for a domain: cpus= without vcpus= is of one vcpu. */
static void test_vcpus(void)
{
	static const struct {
		const char *text, *mask, *vcpus;
	} cases[] = {
		{ "cpus=\"0\"", NULL, "1" },
		{ "cpus_soft=\"0\"", NULL, "1" },
		{ "name=\"x\"", "0-1", "1" },
		{ "name=\"x\"", NULL, NULL },
		{ "cpus=\"0\"\nvcpus=3", NULL, "3" },
		{ "cpus=\"0\"\nmaxvcpus=3", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
		const struct cfg_setting *setting;
		scoped(cfg) struct cfg cfg = CFG_INIT;
		struct err err = ERR_INIT;

		conf.vm_cpumask = cases[i].mask ? strdup(cases[i].mask) : NULL;
		is_int(cfg_parse(&cfg, "c", cases[i].text, strlen(cases[i].text), &err), 0, "parsed");
		is_int(affinity_say_vcpus(&cfg, &conf, &err), 0, "%s", cases[i].text);
		setting = cfg_find(&cfg, "vcpus");
		is_str(setting ? setting->value.text : NULL, cases[i].vcpus, "vcpus");
	}
}

int main(void)
{
	test_paths();
	test_vcpus();
	test_findings();
	test_divert();
	read_wrong(false, false, 0, ON_CRASH);
	read_wrong(false, true, 3, ON_CRASH);
	read_wrong(true, true, 4, "c:6:1: unknown key 'foo'");
	test_preflight();
	return tap_done();
}
