/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc/xen/xl.conf: what the host's administrator sets for all guests, in the
 * grammar of xl.cfg (man xl.conf; tools/xl/xl.c, parse_global_config).
 */
#ifndef CONFIG_CONF_H
#define CONFIG_CONF_H

#include "config/config.h"

#define XL_CONF_PATH "/etc/xen/xl.conf"

enum { XL_AUTOBALLOON_AUTO, XL_AUTOBALLOON_OFF, XL_AUTOBALLOON_ON };
enum { XL_OUTPUT_JSON, XL_OUTPUT_SXP };
enum { XL_DOMID_XEN, XL_DOMID_RANDOM };

struct xl_conf {
	int autoballoon;		/* XL_AUTOBALLOON_... */
	enum tri run_hotplug_scripts, claim_mode;	/* default: true */
	char *lockfile;			/* default /var/lock/xl */
	uint32_t max_grant_frames, max_maptrack_frames;	/* CONFIG_GRANT_DEFAULT */
	int max_grant_version;		/* -1 */
	char *vif_script, *vif_bridge, *vif_gatewaydev, *vif_backend;
	char *netbufscript, *proxyscript;
	int output_format;		/* XL_OUTPUT_... */
	char *blkdev_start;
	char *vm_cpumask, *hvm_cpumask, *pv_cpumask;	/* CPULISTs */
	int domid_policy;		/* XL_DOMID_... */
	enum tri bootloader_restrict;	/* 4.18 */
};

/* What xl assumes without a file. */
#define XL_CONF_INIT { .max_grant_frames = CONFIG_GRANT_DEFAULT,			\
	.max_maptrack_frames = CONFIG_GRANT_DEFAULT, .max_grant_version = -1 }

void xl_conf_free(struct xl_conf *conf);

static inline void scoped_xl_conf(struct xl_conf *conf)
{
	xl_conf_free(conf);
}

struct key_row;
/* The file's keys, for the man page. */
const struct key_row *xl_conf_keys(size_t *nr);

/* As if the file had none of vm.cpumask, vm.hvm.cpumask and vm.pv.cpumask. */
void xl_conf_drop_masks(struct xl_conf *conf);

/*
 * Reads the text of a file; values that it does not have stay as they are. Unknown keys and
 * bad values are warnings, a bad limit of grant tables is an error, as in xl.
 */
int xl_conf_parse(const char *origin, const char *text, size_t len, struct xl_conf *conf,
		  struct config_warnings *warnings, struct err *err) must_check;

/* The file; a missing one is a warning, as in xl. */
int xl_conf_read(const char *path, struct xl_conf *conf, struct config_warnings *warnings,
		 struct err *err) must_check;

#endif
