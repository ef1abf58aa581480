/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fit IN OUT - a config from the wild as one that the bed can run
 *
 * Its keys and values stay, but for what only its author's host has: paths become those of the
 * tests' images, bridges the bed's, and a guest gets no more than MOST_MB. What no two
 * toolstacks would choose alike (MACs, the uuid) is given. Keys in dropped[] are left out; a
 * first line names those that were there. Status 3, and nothing written, for what xl refuses.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/str.h"
#include "config/cfg.h"
#include "config/config.h"
#include "config/disk.h"

enum { MOST_MB = 256, STATUS_REFUSED = 3 };

static const char *const dropped[] = {
	"bootloader", "bootloader_args",	/* their disks are empty here */
	"pci", "usbctrl", "usbdev", "pool", "seclabel", "rdm",	/* nothing of that kind */
	"cpus", "cpus_soft", "cpu_weight", "cap",	/* the host has two cpus */
	"device_model_override", "device_model_stubdomain_override",
	"sdl", "opengl",	/* no display */
	"vncpasswd",		/* QEMU here has no DES */
	"driver_domain",
};

/* Sub-options of a vif or vfb that go, up to the next comma. */
static const char *const dropped_options[] = {
	"script=", "gatewaydev=", "backend=", "vncpasswd=", "sdl=",
};

static bool is_dropped(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
		if (strcmp(dropped[i], name) == 0)
			return true;
	}
	return false;
}

static void put_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			fputs("\\n", out);
		else if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

static void put_value(FILE *out, const struct cfg_value *value)
{
	if (value->kind == CFG_ATOM) {
		put_quoted(out, value->text);
		return;
	}
	fputc('[', out);
	for (size_t i = 0; i < value->nr; i++) {
		fputs(i ? ", " : " ", out);
		put_value(out, &value->items[i]);
	}
	fputs(" ]", out);
}

static void put_disks(FILE *out, const struct domain_config *config)
{
	fputs("disk = [", out);
	for (size_t i = 0; i < config->nr_disks; i++) {
		const struct disk *disk = &config->disks[i];
		const char *format = disk_format_name(disk->format);

		fprintf(out, "%s \"format=%s,vdev=%s,access=%s", i ? "," : "",
			disk->format == DISK_FORMAT_EMPTY ? "raw" : format, disk->vdev,
			disk->readwrite ? "rw" : "ro");
		if (disk->cdrom)
			fputs(",devtype=cdrom", out);
		if (disk->format != DISK_FORMAT_EMPTY)
			fprintf(out, ",target=/root/corpus/%zu.%s", i, format);
		else
			fputs(",target=", out);
		fputs("\"", out);
	}
	fputs(" ]\n", out);
}

static bool goes(const char *option, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(dropped_options); i++) {
		size_t n = strlen(dropped_options[i]);

		if (len >= n && strncmp(option, dropped_options[i], n) == 0)
			return true;
	}
	return false;
}

/* The options of one vif or vfb, without those that go. */
static void put_options(FILE *out, const char *spec, bool vif, size_t index)
{
	bool mac = false, any = false;

	fputc('"', out);
	while (*spec) {
		size_t skip = strspn(spec, ", "), len;

		spec += skip;
		len = strcspn(spec, ",");
		if (len && !goes(spec, len)) {
			mac |= strncmp(spec, "mac=", 4) == 0;
			fputs(any ? "," : "", out);
			any = true;
			if (strncmp(spec, "bridge=", 7) == 0)
				fputs("bridge=xenbr0", out);
			else
				fprintf(out, "%.*s", (int)len, spec);
		}
		spec += len;
	}
	if (vif && !mac)
		fprintf(out, "%smac=00:16:3e:c0:00:%02zx", any ? "," : "", index);
	fputc('"', out);
}

static void put_list(FILE *out, const struct cfg_setting *setting)
{
	bool vif = strcmp(setting->name, "vif") == 0;

	fprintf(out, "%s = [", setting->name);
	for (size_t i = 0; i < setting->value.nr; i++) {
		fputs(i ? ", " : " ", out);
		put_options(out, setting->value.items[i].text, vif, i);
	}
	fputs(" ]\n", out);
}

static const char *kernel_of(const struct domain_config *config)
{
	return config->type == DOMAIN_HVM ? "/srv/guests/vmlinuz" : "/xlite/guests/tiny";
}

/* One setting, as it is or as it must be here. */
static void put_setting(FILE *out, const struct cfg_setting *setting,
			const struct domain_config *config)
{
	const char *name = setting->name;

	if (strcmp(name, "disk") == 0) {
		put_disks(out, config);
	} else if ((strcmp(name, "vif") == 0 || strcmp(name, "vfb") == 0) &&
		   setting->value.kind == CFG_LIST) {
		put_list(out, setting);
	} else if (strcmp(name, "memory") == 0 || strcmp(name, "maxmem") == 0) {
		return;
	} else if (strcmp(name, "kernel") == 0) {
		/* Of an HVM guest: xm's way to name hvmloader, which is ignored, or a real one. */
		fprintf(out, "kernel = \"%s\"\n", config->type == DOMAIN_HVM && !config->kernel ?
			setting->value.text : kernel_of(config));
	} else if (strcmp(name, "ramdisk") == 0) {
		fprintf(out, "ramdisk = \"%s\"\n", config->type == DOMAIN_HVM ?
			"/srv/guests/initrd" : "/xlite/guests/tiny");
	} else if (strcmp(name, "p9") == 0) {
		fputs("p9 = [ \"tag=a,path=/root/corpus,security_model=none\" ]\n", out);
	} else if (strcmp(name, "channel") == 0) {
		fputs("channel = [ \"name=a,connection=socket,path=/run/corpus.sock\" ]\n", out);
	} else {
		fprintf(out, "%s = ", name);
		put_value(out, &setting->value);
		fputc('\n', out);
	}
}

static void put_config(FILE *out, const struct cfg *cfg, const struct domain_config *config)
{
	uint64_t mb = config->target_memkb / 1024, max = config->max_memkb / 1024;

	fputs("# left out:", out);
	for (size_t i = 0; i < cfg->nr; i++) {
		if (is_dropped(cfg->settings[i].name))
			fprintf(out, " %s", cfg->settings[i].name);
	}
	fputc('\n', out);
	for (size_t i = 0; i < cfg->nr; i++) {
		if (!is_dropped(cfg->settings[i].name))
			put_setting(out, &cfg->settings[i], config);
	}
	if (!cfg_find(cfg, "kernel") && config->type != DOMAIN_HVM)
		fprintf(out, "kernel = \"%s\"\n", kernel_of(config));
	if (!cfg_find(cfg, "uuid"))
		fputs("uuid = \"c0c0c0c0-0000-4000-8000-000000000001\"\n", out);
	fprintf(out, "memory = %llu\n", (unsigned long long)(mb < MOST_MB ? mb : MOST_MB));
	if (max > mb)
		fprintf(out, "maxmem = %d\n", 2 * MOST_MB);
}

int main(int argc, char **argv)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(config_warnings) struct config_warnings warnings = { .list = { .nr = 0 } };
	scoped(cfg) struct cfg cfg = CFG_INIT;
	struct err err = ERR_INIT;
	FILE *out;

	if (argc != 3) {
		fputs("usage: fit IN OUT\n", stderr);
		return 2;
	}
	if (cfg_parse_file(&cfg, argv[1], &err) < 0 ||
	    config_from_cfg(&cfg, NULL, &config, &warnings, &err) < 0 || !config.name) {
		fprintf(stderr, "%s: left out: %s\n", argv[1], err.msg);
		return STATUS_REFUSED;
	}
	config_defaults(&config);
	out = fopen(argv[2], "w");
	if (!out) {
		perror(argv[2]);
		return 1;
	}
	put_config(out, &cfg, &config);
	if (fclose(out) != 0) {
		perror(argv[2]);
		return 1;
	}
	return 0;
}
