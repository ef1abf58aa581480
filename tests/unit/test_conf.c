/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/conf.h"

#include <errno.h>

#include "base/scope.h"
#include "tests/unit/tap.h"

static const char whole[] =
	"autoballoon=\"off\"\n"
	"run_hotplug_scripts=0\n"
	"lockfile=\"/l\"\n"
	"max_grant_frames=64\nmax_maptrack_frames=1024\nmax_grant_version=1\n"
	"vif.default.script=\"s\"\nvif.default.bridge=\"b\"\nvif.default.backend=\"d\"\n"
	"vif.default.gatewaydev=\"g\"\n"
	"remus.default.netbufscript=\"n\"\ncolo.default.proxyscript=\"p\"\n"
	"output_format=\"sxp\"\nblkdev_start=\"xvdb\"\nclaim_mode=0\n"
	"vm.cpumask=\"0-3\"\nvm.hvm.cpumask=\"1\"\nvm.pv.cpumask=\"2\"\n"
	"domid_policy=\"random\"\nbootloader_restrict=1\n";

/* One line of a file and what comes of it: a warning, or an error. */
static const struct { const char *text, *warning, *message; } cases[] = {
	{ "", NULL, NULL },
	{ "claim_mode=1", NULL, NULL },
	{ "vifscript='x'", "c:1:11: the global config option vifscript is deprecated, please switch to "
	  "vif.default.script", NULL },
	{ "defaultbridge='x'", "c:1:15: the global config option defaultbridge is deprecated, please "
	  "switch to vif.default.bridge", NULL },
	{ "claim_mod=1", "c:1:1: unknown key 'claim_mod' (did you mean 'claim_mode'?); it is ignored", NULL },
	{ "claim_mode='yes'", "c:1:12: claim_mode: 'yes' is not a number; it is ignored", NULL },
	{ "lockfile=['x']", "c:1:10: 'lockfile' is a list but should be a single value; it is ignored",
	  NULL },
	{ "max_grant_frames='x'", NULL, "c:1:18: max_grant_frames: 'x' is not a number" },
	{ "max_grant_frames='-1'", NULL, "c:1:18: max_grant_frames: -1 is out of range, it must be "
	  "0 to 2147483647" },
	{ "output_format='xml'", "ignored: c:1:15: unknown output_format 'xml', valid are json, sxp",
	  NULL },
	{ "autoballoon='maybe'", "ignored: c:1:13: unknown autoballoon 'maybe', valid are auto, off, on",
	  NULL },
	{ "x", NULL, "c:1:2: expected '=' or '+=' after the key, at the end of the text" },
};

static void test_whole(void)
{
	scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
	scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
	struct err err = ERR_INIT;

	is_int(xl_conf_parse("c", whole, strlen(whole), &conf, &w, &err), 0, "all keys: %s", err.msg);
	is_int(w.list.nr, 0, "no warnings");
	is_int(conf.autoballoon, XL_AUTOBALLOON_OFF, "autoballoon");
	is_int(conf.run_hotplug_scripts, TRI_FALSE, "run_hotplug_scripts");
	is_str(conf.lockfile, "/l", "lockfile");
	is_int(conf.max_grant_frames, 64, "max_grant_frames");
	is_int(conf.max_maptrack_frames, 1024, "max_maptrack_frames");
	is_int(conf.max_grant_version, 1, "max_grant_version");
	is_str(conf.vif_script, "s", "vif.default.script");
	is_str(conf.vif_bridge, "b", "vif.default.bridge");
	is_str(conf.vif_backend, "d", "vif.default.backend");
	is_str(conf.vif_gatewaydev, "g", "vif.default.gatewaydev");
	is_str(conf.netbufscript, "n", "remus.default.netbufscript");
	is_str(conf.proxyscript, "p", "colo.default.proxyscript");
	is_int(conf.output_format, XL_OUTPUT_SXP, "output_format");
	is_str(conf.blkdev_start, "xvdb", "blkdev_start");
	is_int(conf.claim_mode, TRI_FALSE, "claim_mode");
	is_str(conf.vm_cpumask, "0-3", "vm.cpumask");
	is_str(conf.hvm_cpumask, "1", "vm.hvm.cpumask");
	is_str(conf.pv_cpumask, "2", "vm.pv.cpumask");
	is_int(conf.domid_policy, XL_DOMID_RANDOM, "domid_policy");
	is_int(conf.bootloader_restrict, TRI_TRUE, "bootloader_restrict");
	xl_conf_free(&conf);
	ok(!conf.lockfile && conf.max_grant_frames == CONFIG_GRANT_DEFAULT, "free leaves the defaults");
}

static void test_autoballoon(void)
{
	static const struct { const char *text; int want; } forms[] = {
		{ "autoballoon=0", XL_AUTOBALLOON_OFF }, { "autoballoon=1", XL_AUTOBALLOON_ON },
		{ "autoballoon='on'", XL_AUTOBALLOON_ON }, { "autoballoon='auto'", XL_AUTOBALLOON_AUTO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
		scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
		struct err err = ERR_INIT;

		conf.autoballoon = -1;
		is_int(xl_conf_parse("c", forms[i].text, strlen(forms[i].text), &conf, &w, &err), 0,
		       "%s", forms[i].text);
		is_int(conf.autoballoon, forms[i].want, "value of %s", forms[i].text);
	}
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
		scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
		struct err err = ERR_INIT;
		int rc = xl_conf_parse("c", cases[i].text, strlen(cases[i].text), &conf, &w, &err);

		is_str(rc < 0 ? err.msg : NULL, cases[i].message, "'%s': error", cases[i].text);
		is_str(w.list.nr ? w.list.items[0] : NULL, cases[i].warning, "'%s': warning",
		       cases[i].text);
	}
	test_whole();
	test_autoballoon();

	scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
	scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };
	struct err err = ERR_INIT;

	is_int(xl_conf_read("/nonexistent/xl.conf", &conf, &w, &err), 0, "a missing file is no error");
	is_str(w.list.nr ? w.list.items[0] : "",
	       "cannot open '/nonexistent/xl.conf': No such file or directory", "but a warning");
	is_int(xl_conf_read("/", &conf, &w, &err), -EINVAL, "a folder is an error");
	return tap_done();
}
