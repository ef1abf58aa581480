/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/scope.h"
#include "config/keys.h"

#define WORDS(...) (const char *const[]){ __VA_ARGS__ }

static const struct spec_names names_autoballoon = { WORDS("auto", "off", "on"), NULL, 3, false };
static const struct spec_names names_output = { WORDS("json", "sxp"), NULL, 2, false };
static const struct spec_names names_domid = { WORDS("xen", "random"), NULL, 2, false };

#define AT(m, type) (offsetof(struct xl_conf, m) + 0 * sizeof(char[				\
	__builtin_types_compatible_p(__typeof__(((struct xl_conf *)0)->m), type) ? 1 : -1]))
#define STR(n, m, help_) { .name = n, .kind = KEY_STR, .offset = AT(m, char *), .help = help_ }
#define OLD(n, m, note_) { .name = n, .kind = KEY_STR, .offset = AT(m, char *), .note = note_, \
	.help = "old name" }
#define BOOL(n, m, help_) { .name = n, .kind = KEY_BOOL, .offset = AT(m, enum tri), .help = help_ }
#define UINT(n, m, type, help_) { .name = n, .kind = KEY_INT, .offset = AT(m, type), \
	.max = INT32_MAX, .must = true, .help = help_ }

static const struct key_row rows[] = {
	/* By number: 0 off, 1 on, as the min that is added says. */
	{ .name = "autoballoon", .kind = KEY_ENUM_NUM, .offset = AT(autoballoon, int), .min = 1,
	  .names = &names_autoballoon, .help = "shrink dom0 for new guests: auto, on or off" },
	BOOL("run_hotplug_scripts", run_hotplug_scripts, "has no effect"),
	STR("lockfile", lockfile, "lock that create takes"),
	UINT("max_grant_frames", max_grant_frames, uint32_t, "default for guests"),
	UINT("max_maptrack_frames", max_maptrack_frames, uint32_t, "default for guests"),
	UINT("max_grant_version", max_grant_version, int, "default for guests"),
	OLD("vifscript", vif_script, "the global config option vifscript is deprecated, "
	    "please switch to vif.default.script"),
	STR("vif.default.script", vif_script, "hotplug script of network interfaces"),
	OLD("defaultbridge", vif_bridge, "the global config option defaultbridge is deprecated, "
	    "please switch to vif.default.bridge"),
	STR("vif.default.bridge", vif_bridge, "bridge of network interfaces"),
	STR("vif.default.gatewaydev", vif_gatewaydev, "gateway device of network interfaces"),
	STR("vif.default.backend", vif_backend, "backend domain of network interfaces"),
	STR("remus.default.netbufscript", netbufscript, "script for Remus"),
	STR("colo.default.proxyscript", proxyscript, "script for COLO"),
	{ .name = "output_format", .kind = KEY_ENUM, .offset = AT(output_format, int),
	  .names = &names_output, .help = "of create -n: json or sxp" },
	STR("blkdev_start", blkdev_start, "first name for disks without one"),
	BOOL("claim_mode", claim_mode, "claim memory before building a guest"),
	STR("vm.cpumask", vm_cpumask, "cpus that guests may use"),
	STR("vm.hvm.cpumask", hvm_cpumask, "cpus that hvm and pvh guests may use"),
	STR("vm.pv.cpumask", pv_cpumask, "cpus that pv guests may use"),
	{ .name = "domid_policy", .kind = KEY_ENUM, .offset = AT(domid_policy, int),
	  .names = &names_domid, .help = "how domids are chosen: xen or random" },
	BOOL("bootloader_restrict", bootloader_restrict, "run bootloaders without privileges"),
};

const struct key_row *xl_conf_keys(size_t *nr)
{
	*nr = ARRAY_SIZE(rows);
	return rows;
}

void xl_conf_free(struct xl_conf *conf)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char **at = (char **)((char *)conf + rows[i].offset);

		if (rows[i].kind != KEY_STR)
			continue;
		free(*at);
		*at = NULL;
	}
	*conf = (struct xl_conf)XL_CONF_INIT;
}

void xl_conf_drop_masks(struct xl_conf *conf)
{
	scoped_free(&conf->vm_cpumask);
	scoped_free(&conf->hvm_cpumask);
	scoped_free(&conf->pv_cpumask);
	conf->vm_cpumask = conf->hvm_cpumask = conf->pv_cpumask = NULL;
}

/* As xl: what is no limit of grant tables only has to be said when it is wrong. */
static int read_row(struct key_reader *r, const struct key_row *row, struct err *err)
{
	struct err bad;
	int rc = key_read_all(r, row, 1, 0, &bad);

	if (rc == -EINVAL && !row->must) {
		(void)fail_in(&bad, "ignored");
		return key_add_str(&r->warnings->list, bad.msg, err);
	}
	if (rc < 0)
		*err = bad;
	return rc;
}

static int read_cfg(const struct cfg *cfg, struct xl_conf *conf,
		    struct config_warnings *warnings, struct err *err)
{
	struct key_reader r = { .cfg = cfg, .base = conf, .warnings = warnings };
	int rc = key_check_known(&r, rows, ARRAY_SIZE(rows), err);

	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++)
		rc = read_row(&r, &rows[i], err);
	return rc;
}

int xl_conf_parse(const char *origin, const char *text, size_t len, struct xl_conf *conf,
		  struct config_warnings *warnings, struct err *err)
{
	scoped(cfg) struct cfg cfg = CFG_INIT;
	int rc = cfg_parse(&cfg, origin, text, len, err);

	return rc < 0 ? rc : read_cfg(&cfg, conf, warnings, err);
}

int xl_conf_read(const char *path, struct xl_conf *conf, struct config_warnings *warnings,
		 struct err *err)
{
	scoped(cfg) struct cfg cfg = CFG_INIT;
	int rc = cfg_parse_file(&cfg, path, err);

	if (rc == -ENOENT)
		return key_add_str(&warnings->list, err->msg, err);
	return rc < 0 ? rc : read_cfg(&cfg, conf, warnings, err);
}
