/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "bootdisk.h"
#include "bootprog.h"
#include "config/config.h"

enum { KERNEL_MAX_MIB = 256, RAMDISK_MAX_MIB = 1024 };

void scoped_bootload(struct bootload *b)
{
	scoped_boot_files(&b->files);
	scoped_free(&b->cmdline);
	*b = (struct bootload)BOOTLOAD_INIT;
}

/* What pygrub knows and people give; its other options are libxl's to give. */
static int read_args(const struct domain_config *config, struct boot_options *o, int *terminal,
		     struct err *err)
{
	static const char *const ignored[] = { "-i", "--interactive", "--debug" };

	for (size_t i = 0; i < config->bootloader_args.nr; i++) {
		const char *arg = config->bootloader_args.items[i];
		bool known = false;

		for (size_t j = 0; j < ARRAY_SIZE(ignored); j++)
			known |= strcmp(arg, ignored[j]) == 0;
		if (str_starts(arg, "--entry="))
			o->entry = arg + strlen("--entry=");
		else if (strcmp(arg, "-q") == 0 || strcmp(arg, "--quiet") == 0)
			*terminal = -1;
		else if (!known)
			return fail(err, EINVAL, "bootloader_args: '%s' is not known (--entry=, -q)",
				    arg);
	}
	/* As with pygrub, who names an entry wants no menu. */
	if (o->entry)
		*terminal = -1;
	return 0;
}

/* A program of the host's; it gets the first disk, as with libxl. */
static bool is_program(const struct domain_config *config)
{
	return config->bootloader[0] == '/';
}

int bootload_check(const struct domain_config *config, struct err *err)
{
	const char *name = config->bootloader;
	struct boot_options options = { .entry = NULL };
	int terminal = -1, rc;

	if (is_program(config)) {
		rc = bootprog_check(name, err);
		if (rc < 0)
			return rc;
		rc = bootdisks_check_first(config, err);
		return rc < 0 ? fail_in(err, "bootloader '%s'", name) : 0;
	}
	if (strcmp(name, "pygrub") != 0 && strcmp(name, "xlite-boot") != 0)
		return fail(err, EOPNOTSUPP, "bootloader '%s' is not supported: \"pygrub\" and "
			    "\"xlite-boot\" both mean the one that comes with this program; any other "
			    "is named by its absolute path", name);
	rc = bootdisks_check(config, err);
	if (rc < 0)
		return fail_in(err, "bootloader '%s'", name);
	return read_args(config, &options, &terminal, err);
}

static void warn_note(void *ctx, const char *note)
{
	char text[2048];

	(void)ctx;
	log_warn("bootloader: %s", str_escape(note, strlen(note), text, sizeof(text)));
}

static void warn_device(void *ctx, const struct boot_device_info *d)
{
	scoped(strbuf) struct strbuf b = STRBUF_INIT;
	char name[4 * sizeof(d->name)];

	(void)ctx;
	bootloader_describe(d, &b);
	if (d->fs[0] || d->note[0])
		log_warn("bootloader: %s", b.failed ?
			 str_escape(d->name, strlen(d->name), name, sizeof(name)) : b.s);
}

/* Once more without reading kernels: what there is on each partition. */
static void explain(const struct domain_config *config, int program, struct boot_options options)
{
	const struct boot_callbacks callbacks = { .device = warn_device };
	scoped(boot_files) struct boot_files none = BOOT_FILES_INIT;
	struct boot_result result;
	struct err ignored = ERR_INIT;

	options.action = BOOT_LIST;
	options.terminal = -1;
	options.kernel = options.ramdisk = NULL;
	/* The first failure is the one to tell. */
	if (bootloader_run(program, &options, &callbacks, &result, &none, &ignored) < 0)
		log_debug("bootloader: %s", ignored.msg);
	bootdisks_explain(config);
}

static uint64_t at_most(uint64_t mib, const struct domain_config *config)
{
	uint64_t memory = config->target_memkb << 10;

	return memory < mib << 20 ? memory : mib << 20;
}

static int hand_over(const struct domain_config *config, struct bootload *b,
		     const struct boot_result *r, struct err *err)
{
	const char *more = config->cmdline ? config->cmdline : "";

	snprintf(b->kernel, sizeof(b->kernel), "/proc/self/fd/%d", b->files.kernel);
	if (b->files.ramdisk >= 0)
		snprintf(b->ramdisk, sizeof(b->ramdisk), "/proc/self/fd/%d", b->files.ramdisk);
	b->cmdline = str_format("%s%s%s", r->cmdline, *r->cmdline && *more ? " " : "", more);
	return b->cmdline ? 0 : fail_nomem(err);
}

static int run_reader(struct xen *xen, const struct domain_config *config, int terminal,
		      struct bootload *out, struct err *err)
{
	const struct boot_callbacks callbacks = { .note = warn_note };
	scoped(bootdisks) struct bootdisks disks = BOOTDISKS_INIT;
	scoped(bootload) struct bootload b = BOOTLOAD_INIT;
	scoped(fd) int program = -1;
	struct boot_options options = {
		.disks = disks.disks.disks, .action = BOOT_LOAD, .flat = true,
		.kernel = config->kernel, .ramdisk = config->ramdisk,
		.kernel_max = at_most(KERNEL_MAX_MIB, config),
		.ramdisk_max = at_most(RAMDISK_MAX_MIB, config), .timeout_ms = BOOTLOAD_TIMEOUT_MS,
	};
	struct boot_result result;
	char sandbox[80];
	int rc = read_args(config, &options, &terminal, err);

	if (rc == 0)
		rc = bootdisks_open(xen, config, BOOT_DISKS_MAX, &disks, err);
	if (rc < 0)
		return rc;
	program = bootloader_program(err);
	if (program < 0)
		return program;
	options.nr_disks = disks.disks.nr;
	options.terminal = terminal;
	rc = bootloader_run(program, &options, &callbacks, &result, &b.files, err);
	/* What took all its time once would do so again. */
	if (rc < 0 && rc != -EINTR && rc != -ETIMEDOUT && rc != -ETIME)
		explain(config, program, options);
	if (rc == 0)
		log_debug("bootloader: in a sandbox of %s",
			  bootloader_sandbox(&result, sandbox, sizeof(sandbox)));
	if (rc == 0)
		rc = hand_over(config, &b, &result, err);
	if (rc < 0)
		return rc;
	*out = b;
	b = (struct bootload)BOOTLOAD_INIT;
	return 0;
}

static int run_program(struct xen *xen, const struct domain_config *config, int terminal,
		       struct bootload *out, struct err *err)
{
	scoped(bootdisks) struct bootdisks first = BOOTDISKS_INIT;
	int rc = bootdisks_open(xen, config, 1, &first, err);

	return rc < 0 ? rc : bootprog_run(config, first.path, terminal,
					  at_most(KERNEL_MAX_MIB, config) +
					  at_most(RAMDISK_MAX_MIB, config), out, err);
}

int bootload_run(struct xen *xen, const struct domain_config *config, int terminal,
		 struct bootload *out, struct err *err)
{
	int rc = is_program(config) ? run_program(xen, config, terminal, out, err) :
		run_reader(xen, config, terminal, out, err);

	return rc < 0 ? fail_in(err, "bootloader '%s'", config->bootloader) : 0;
}
