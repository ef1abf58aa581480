/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From settings to struct domain_config: the order of things and the rules that
 * concern several keys. One key's value is read by its row (keytab.c).
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "config/devices.h"
#include "config/keyparse.h"
#include "config/lists.h"
#include "config/types.h"
#include "config/conf.h"

/* Where Debian's grub-xen-host puts GRUB as a guest's kernel. */
#define GRUB_DIR "/usr/lib/grub-xen/"

const char *config_type_name(enum domain_type type)
{
	return names_get(&names_domain_type, (int)type, false);
}

const char *config_action_name(enum config_action action)
{
	return names_get(&names_action, (int)action, false);
}

const char *config_model_exit_name(enum config_model_exit action)
{
	return names_get(&names_model_exit, (int)action, false);
}

int config_check_name(const char *name, struct err *err)
{
	char shown[64];

	if (!*name)
		return fail(err, EINVAL, "a domain's name cannot be empty");
	str_escape(name, strlen(name), shown, sizeof(shown));
	if (strlen(name) > CONFIG_NAME_MAX)
		return fail(err, ENAMETOOLONG, "name '%s' is too long: %zu bytes, at most %d are "
			    "allowed", shown, strlen(name), CONFIG_NAME_MAX);
	if (str_is_digits(name))
		return fail(err, EINVAL, "name '%s' would be taken for a domain number", shown);
	for (const char *p = name; *p; p++) {
		if (*p == '/')
			return fail(err, EINVAL, "name '%s' contains a '/'", shown);
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return fail(err, EINVAL, "name '%s' contains a control character", shown);
	}
	return 0;
}

/* A setting's text, or NULL: not given, or a list (which its row complains about). */
static const char *get_text(const struct cfg *cfg, const char *name)
{
	const struct cfg_setting *s = cfg_find(cfg, name);

	return s && s->value.kind == CFG_ATOM ? s->value.text : NULL;
}

/* The rows of the key table that are read: with type="auto" those of both that it may become. */
static unsigned int type_mask(const struct domain_config *config)
{
	return 1u << config->type | (config->type_auto ? 1u << DOMAIN_PV : 0);
}

/* type= and the older builder=, which decide what other keys mean. */
static int read_type(struct key_reader *r, struct err *err)
{
	const struct cfg_setting *type = cfg_find(r->cfg, "type");
	const struct cfg_setting *builder = cfg_find(r->cfg, "builder");
	const char *text;
	int rc, value, old;

	r->config->type = DOMAIN_PV;
	if (type) {
		rc = key_text(r, type, &text, err);
		if (rc < 0)
			return rc;
		r->config->type_auto = text && strcmp(text, "auto") == 0;
		value = r->config->type_auto ? DOMAIN_PVH :
			text ? names_find(&names_domain_type, text, false) : DOMAIN_PV;
		if (value < 0)
			return key_fail(&type->value, err,
					"unknown type '%.40s', valid are pv, pvh, hvm, auto", text);
		r->config->type = (enum domain_type)value;
	}
	if (!builder)
		return 0;
	rc = key_text(r, builder, &text, err);
	if (rc < 0 || !text)
		return rc;
	old = strcmp(text, "hvm") == 0 ? DOMAIN_HVM :
	      strcmp(text, "generic") == 0 ? DOMAIN_PV : 0;
	if (!old)
		return key_fail(&builder->value, err,
				"unknown builder '%.40s', valid are generic, hvm", text);
	if (type && r->config->type != (enum domain_type)old)
		return key_fail(&builder->value, err, "builder '%.40s' contradicts type '%s'", text,
				type->value.text);
	r->config->type = (enum domain_type)old;
	return 0;
}

static int spec_warning(void *arg, const char *msg)
{
	struct key_reader *r = arg;
	struct err ignored = ERR_INIT;

	/* The spec's parser makes its own error of a complaint in strict mode. */
	if (r->strict)
		return -EINVAL;
	return key_warn(r, r->at, &ignored, "%s", msg);
}

/* What xl.conf and xl itself say before the config does. */
static int set_defaults(struct key_reader *r, const struct xl_conf *conf, struct err *err)
{
	struct domain_config *c = r->config;

	c->run_hotplug_scripts = conf->run_hotplug_scripts == TRI_FALSE ? TRI_FALSE : TRI_TRUE;
	c->claim_mode = conf->claim_mode == TRI_FALSE ? TRI_FALSE : TRI_TRUE;
	c->max_grant_frames = conf->max_grant_frames;
	c->max_maptrack_frames = conf->max_maptrack_frames;
	c->max_grant_version = conf->max_grant_version;
	c->bootloader_restrict = conf->bootloader_restrict;
	c->on_poweroff = c->on_watchdog = c->on_crash = CONFIG_ACTION_DESTROY;
	c->on_reboot = CONFIG_ACTION_RESTART;
	c->on_soft_reset = CONFIG_ACTION_SOFT_RESET;
	r->defaults = (struct spec_defaults){
		.vif_script = conf->vif_script, .vif_bridge = conf->vif_bridge,
		.vif_backend = conf->vif_backend, .vif_gatewaydev = conf->vif_gatewaydev,
		.pci_msitranslate = false,
		/* libxl keeps a guest's policy where only hvm guests have a place: 0, strict. */
		.pci_rdm_policy = c->type == DOMAIN_HVM ? RDM_POLICY_UNSET : RDM_POLICY_STRICT,
		.warn = spec_warning, .warn_arg = r,
	};
	return conf->blkdev_start ? key_set_str(&c->blkdev_start, conf->blkdev_start, err) : 0;
}

static int merge_cmdline(struct key_reader *r, struct err *err)
{
	const char *root = get_text(r->cfg, "root"), *extra = get_text(r->cfg, "extra");
	struct domain_config *c = r->config;

	if (c->cmdline && (root || extra))
		return key_warn(r, &cfg_find(r->cfg, "cmdline")->value, err,
				"ignoring root= and extra= in favour of cmdline=");
	if (c->cmdline || (!root && !extra))
		return 0;
	c->cmdline = root ? str_format("root=%s%s%s", root, extra ? " " : "", extra ? extra : "") :
			    strdup(extra);
	return c->cmdline ? 0 : fail_nomem(err);
}

static int check_vcpus(struct key_reader *r, struct err *err)
{
	struct domain_config *c = r->config;

	if (c->max_memkb == CONFIG_MEMKB_DEFAULT)
		c->max_memkb = c->target_memkb;
	if (c->max_vcpus == 0)
		c->max_vcpus = c->vcpus;
	if (c->max_vcpus < c->vcpus)
		return key_fail(&cfg_find(r->cfg, "vcpus")->value, err,
				"vcpus = %u is more than maxvcpus = %u", c->vcpus, c->max_vcpus);
	return 0;
}

/* A pv guest with vnc=1 and no vfb= gets the framebuffer that these keys describe. */
static int make_vfb(struct key_reader *r, struct err *err)
{
	struct domain_config *c = r->config;
	struct vfb *vfb;

	if (c->type != DOMAIN_PV || c->nr_vfbs || c->hvm.vnc.enable != TRI_TRUE)
		return 0;
	vfb = list_add(&list_vfbs, c, err);
	if (!vfb || !list_add(&list_vkbs, c, err))
		return -err->code;
	/* No part of hvm is a pv guest's, so that the strings can move. */
	vfb->vnc = c->hvm.vnc;
	vfb->sdl = c->hvm.sdl;
	vfb->keymap = take(c->hvm.keymap);
	vfb->devid = 0;
	/* xl makes this keyboard before it reads vkb=. */
	memmove(c->vkbs + 1, c->vkbs, (c->nr_vkbs - 1) * sizeof(*c->vkbs));
	c->vkbs[0] = (struct vkb)VKB_INIT;
	for (size_t i = 0; i < c->nr_vkbs; i++)
		c->vkbs[i].devid = (int)i;
	c->hvm.vnc = (struct vnc_config){ .enable = TRI_DEFAULT };
	c->hvm.sdl = (struct sdl_config){ .enable = TRI_DEFAULT };
	return 0;
}

static int check_hvm(struct key_reader *r, struct err *err)
{
	const struct cfg_setting *kernel = cfg_find(r->cfg, "kernel");
	const struct cfg_setting *firmware = cfg_find(r->cfg, "firmware");
	struct domain_config *c = r->config;
	const char *base = c->kernel ? strrchr(c->kernel, '/') : NULL;
	int rc = 0, bios;

	base = base ? base + 1 : c->kernel;
	if (base && strcmp(base, "hvmloader") == 0) {
		rc = key_warn(r, &kernel->value, err,
			      "you seem to be using \"kernel\" directive to "
			      "override HVM guest firmware. Ignore that. Use \"firmware_override\" "
			      "instead if you really want a non-default firmware");
		free(take(c->kernel));
	}
	if (rc == 0 && c->hvm.system_firmware && !get_text(r->cfg, "bios"))
		rc = key_warn(r, &cfg_find(r->cfg, "bios_path_override")->value, err,
			      "bios_path_override given without specific bios name");
	if (rc == 0 && c->hvm.vnc.listen && c->hvm.vnc.display && vnc_names_display(c->hvm.vnc.listen))
		return key_fail(&cfg_find(r->cfg, "vnclisten")->value, err,
				"display specified both in vnclisten and vncdisplay");
	if (rc < 0 || !firmware || firmware->value.kind == CFG_LIST)
		return rc;
	bios = names_find(&names_bios, firmware->value.text, false);
	if (bios < 0 && strcmp(firmware->value.text, "uefi") == 0)
		bios = names_find(&names_bios, "ovmf", false);
	if (bios >= 0)
		c->hvm.bios = bios;
	else if (strcmp(firmware->value.text, "bios") != 0)
		return key_set_str(&c->hvm.firmware, firmware->value.text, err);
	return 0;
}

/*
 * firmware="pvgrub32|pvgrub64": GRUB is the kernel and finds the guest's own in its disk. As
 * PVH there is one for a start in 32-bit mode alone, which boots 64-bit kernels too.
 */
static int set_pvgrub(struct domain_config *c, const struct cfg_value *value, struct err *err)
{
	const char *image;

	if (c->kernel)
		return key_fail(value, err, "both kernel and firmware specified");
	if (strcmp(value->text, "pvgrub32") == 0)
		image = c->type == DOMAIN_PVH ? "grub-i386-xen_pvh.bin" : "grub-i386-xen.bin";
	else if (strcmp(value->text, "pvgrub64") != 0)
		return key_fail(value, err, "unknown firmware '%.40s', valid are pvgrub32, pvgrub64",
				value->text);
	else if (c->type == DOMAIN_PVH && !c->type_auto)
		return key_fail(value, err, "firmware pvgrub64 is for pv guests; a pvh guest starts "
				"in 32-bit mode: use pvgrub32, it boots 64-bit kernels too");
	else
		image = "grub-x86_64-xen.bin";
	c->kernel = str_format(GRUB_DIR "%s", image);
	return c->kernel ? 0 : fail_nomem(err);
}

static int check_pv(struct key_reader *r, struct err *err)
{
	const struct cfg_setting *firmware = cfg_find(r->cfg, "firmware");
	struct domain_config *c = r->config;

	if (firmware && firmware->value.kind == CFG_ATOM) {
		int rc = set_pvgrub(c, &firmware->value, err);

		if (rc < 0)
			return rc;
	}
	if (!c->kernel && !c->bootloader)
		return fail(err, EINVAL, "%s: neither kernel nor bootloader specified",
			    r->cfg->nr_origins ? r->cfg->origins[0] : "config");
	/* With devices of the host type="auto" is PV. */
	if (c->nr_pcidevs && (c->type == DOMAIN_PV || c->type_auto))
		c->e820_host = TRI_TRUE;
	return 0;
}

static int check_device_model(struct key_reader *r, struct err *err)
{
	const char *old = get_text(r->cfg, "device_model");
	const struct cfg_setting *s = cfg_find(r->cfg, "device_model");
	int rc = 0;

	if (old && strstr(old, "stubdom-dm"))
		rc = key_warn(r, &s->value, err, "%s",
			      r->config->type == DOMAIN_HVM ?
				      "Or use \"device_model_stubdomain_override\" if you  want to "
				      "enable stubdomains" :
				      "ignoring \"device_model_stubdomain_override\" directive for "
				      "pv guest");
	if (rc == 0 && r->config->device_model && !r->config->device_model_version)
		rc = key_warn(r, &cfg_find(r->cfg, "device_model_override")->value, err,
			      "device model override given without specific DM version");
	return rc;
}

/* xl.conf's vm.cpumask and so on cut into what the config allows. */
static int apply_cpumask(struct key_reader *r, const char *text, struct err *err)
{
	struct domain_config *c = r->config;
	struct bitmap mask = { .word = { 0 } };
	int rc = text ? keyparse_cpulist(r->host, text, &mask, err) : 0;

	if (rc < 0)
		return fail_in(err, "xl.conf: cpu mask '%s'", text);
	if (!text || c->max_vcpus == 0)
		return 0;
	if (!c->hard_affinity) {
		c->hard_affinity = calloc(c->max_vcpus, sizeof(*c->hard_affinity));
		if (!c->hard_affinity)
			return fail_nomem(err);
		c->nr_hard_affinity = c->max_vcpus;
		memset(c->hard_affinity, 0xff, c->max_vcpus * sizeof(*c->hard_affinity));
	}
	for (size_t i = 0; i < c->nr_hard_affinity; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(mask.word); j++)
			c->hard_affinity[i].word[j] &= mask.word[j];
	}
	return 0;
}

static int finish(struct key_reader *r, const struct xl_conf *conf, struct err *err)
{
	int rc;

	if (!r->config->name)
		return fail(err, EINVAL, "%s: the name is missing%s",
			    r->cfg->nr_origins ? r->cfg->origins[0] : "config",
			    r->cfg->nr ? "" : ", the config has no settings at all");
	rc = check_vcpus(r, err);
	if (rc == 0)
		rc = merge_cmdline(r, err);
	if (rc == 0)
		rc = r->config->type == DOMAIN_HVM ? check_hvm(r, err) : check_pv(r, err);
	if (rc == 0)
		rc = check_device_model(r, err);
	if (rc == 0)
		rc = make_vfb(r, err);
	if (rc == 0)
		rc = apply_cpumask(r, conf->vm_cpumask, err);
	if (rc == 0)
		rc = apply_cpumask(r, r->config->type == DOMAIN_PV ? conf->pv_cpumask :
				   conf->hvm_cpumask, err);
	return rc;
}

int config_from_cfg(const struct cfg *cfg, const struct config_options *options,
		    struct domain_config *out, struct config_warnings *warnings,
		    struct err *err)
{
	static const struct xl_conf no_conf = XL_CONF_INIT;
	const struct xl_conf *conf = options && options->conf ? options->conf : &no_conf;
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	struct key_reader r = {
		.cfg = cfg, .strict = options && options->strict, .warnings = warnings,
		.host = options ? options->host : NULL, .config = &config, .base = &config,
	};
	int rc;

	config_init(&config);
	rc = key_check_known(&r, key_table, key_table_size, err);
	if (rc == 0)
		rc = read_type(&r, err);
	if (rc == 0)
		rc = set_defaults(&r, conf, err);
	if (rc == 0)
		rc = key_read_all(&r, key_table, key_table_size, type_mask(&config), err);
	if (rc == 0 && r.failed)
		rc = -err->code;
	if (rc == 0)
		rc = key_collect(&r, finish(&r, conf, err), err);
	if (rc == 0 && r.failed)
		rc = -err->code;
	if (rc < 0)
		return rc;
	*out = config;
	config = (struct domain_config)DOMAIN_CONFIG_INIT;
	return 0;
}

bool vnc_names_display(const char *listen)
{
	uint8_t address[16];

	return strchr(listen, ':') && listen[strlen(listen) - 1] != ']' &&
	       inet_pton(AF_INET6, listen, address) != 1;
}

/* What the card that is chosen has when nothing is said; libxl's numbers, KiB. */
uint64_t config_video_memkb(const struct domain_config *config)
{
	static const uint64_t cards[] = {
		[VGA_UNKNOWN] = 8 << 10, [VGA_CIRRUS] = 8 << 10, [VGA_STD] = 16 << 10,
		[VGA_QXL] = 128 << 10,
	};

	if (config->type != DOMAIN_HVM || (size_t)config->hvm.vga_kind >= ARRAY_SIZE(cards))
		return 0;
	return cards[config->hvm.vga_kind];
}

void config_defaults(struct domain_config *config)
{
	if (config->max_vcpus == 0 && config->vcpus == 0)
		config->vcpus_unsaid = true;
	if (config->max_vcpus == 0)
		config->max_vcpus = config->vcpus ? config->vcpus : 1;
	if (config->vcpus == 0)
		config->vcpus = config->nr_vnuma ? config->max_vcpus : 1;
	if (config->max_memkb == CONFIG_MEMKB_DEFAULT)
		config->max_memkb = config->target_memkb == CONFIG_MEMKB_DEFAULT ?
			32 * 1024 : config->target_memkb;
	if (config->target_memkb == CONFIG_MEMKB_DEFAULT)
		config->target_memkb = config->max_memkb;
	if (config->video_memkb == CONFIG_MEMKB_DEFAULT)
		config->video_memkb = config_video_memkb(config);
	if (config->msr_relaxed == TRI_DEFAULT)
		config->msr_relaxed = TRI_FALSE;
	if (config->domid == 0)
		config->domid = CONFIG_DOMID_ANY;
}

/* Given, and not with a value that means "none". */
static bool wants_something(const struct cfg_setting *s)
{
	int64_t number;

	if (s->value.kind == CFG_LIST)
		return s->value.nr > 0;
	return s->value.len > 0 && (key_number(s->value.text, &number) < 0 || number != 0);
}

int config_check_supported(const struct cfg *cfg, const struct domain_config *config,
			   struct config_warnings *warnings, struct err *err)
{
	struct key_reader r = { .cfg = cfg, .warnings = warnings };

	for (size_t i = 0; i < key_table_size; i++) {
		const struct key_row *row = &key_table[i];
		const struct cfg_setting *s =
			row->later == KEY_NOW ? NULL : cfg_find(cfg, row->name);
		int rc;

		if (!s || !(row->types & type_mask(config)) || !wants_something(s))
			continue;
		if (row->later == KEY_LATER_FAIL)
			rc = key_fail(&s->value, err, "%s is not supported yet", row->name);
		else
			rc = key_warn(&r, &s->value, err, "%s is not supported yet, the guest runs "
				      "without", row->name);
		rc = key_collect(&r, rc, err);
		if (rc < 0)
			return rc;
	}
	if (r.failed)
		return -err->code;
	if (config->target_memkb != CONFIG_MEMKB_DEFAULT &&
	    config->max_memkb < config->target_memkb)
		return key_fail(&cfg_find(cfg, "memory")->value, err,
				"memory = %" PRIu64 " MiB is more than maxmem = %" PRIu64 " MiB",
				config->target_memkb / 1024, config->max_memkb / 1024);
	return 0;
}
