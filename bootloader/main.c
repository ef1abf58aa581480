/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xlite-boot: as `xlite-boot --reader` the sandboxed reader; else a command for people,
 * which starts itself as that: list, show and extract.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"
#include "bootloader.h"
#include "pygrub.h"
#include "sandbox.h"
#include "wire.h"

enum {
	KERNEL_MAX_MIB = 256, RAMDISK_MAX_MIB = 1024,
	TIMEOUT_MS = 60000,
};

struct options {
	const char *entry, *kernel, *ramdisk;
	const char *to_kernel, *to_ramdisk;
	enum boot_format format;
	bool verbose;
};

/* A text of the guest, safe to print; good until the next but three calls. */
static const char *safe(const char *s)
{
	static char ring[4][2 * BOOT_CMDLINE_MAX];
	static unsigned int next;
	char *buf = ring[next++ % ARRAY_SIZE(ring)];

	return str_escape(s, strlen(s), buf, sizeof(ring[0]));
}

static void print_device(void *ctx, const struct boot_device_info *d)
{
	(void)ctx;
	printf("%s: %s", safe(d->name), d->fs[0] ? safe(d->fs) : "-");
	if (d->label[0])
		printf(" label '%s'", safe(d->label));
	if (d->uuid[0])
		printf(" uuid %s", safe(d->uuid));
	if (d->note[0])
		printf(" (%s)", safe(d->note));
	if (d->chosen)
		printf(": %s", d->config[0] ? safe(d->config) : "no configuration, a kernel");
	putchar('\n');
}

static void print_entry(void *ctx, const struct boot_entry_info *e)
{
	(void)ctx;
	printf("%c %-6s %s%s%s\n", e->is_default ? '*' : ' ', safe(e->place), safe(e->title),
	       e->submenu ? " >" : "", e->locked ? " (locked)" : "");
}

static void print_note(void *ctx, const char *note)
{
	(void)ctx;
	fprintf(stderr, "xlite-boot: note: %s\n", safe(note));
}

static void print_result(const struct boot_result *r, const struct options *o)
{
	char text[80];

	printf("entry:    %s %s\n", safe(r->place), safe(r->title));
	printf("language: %s\n", safe(r->language));
	printf("kernel:   %s\n", safe(r->kernel_path));
	printf("ramdisk:  %s\n", safe(r->ramdisk_path));
	printf("args:     %s\n", safe(r->cmdline));
	if (o->verbose)
		fprintf(stderr, "xlite-boot: sandbox: %s\n", sandbox_text(r->sandbox, text,
									 sizeof(text)));
}

static int save(int fd, uint64_t size, const char *path, struct err *err)
{
	scoped(fd) int to = -1;
	char buf[65536];

	if (!path)
		return 0;
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0)
		return fail_sys(err, errno, "cannot write '%s'", path);
	for (uint64_t at = 0; at < size;) {
		size_t part = size - at < sizeof(buf) ? (size_t)(size - at) : sizeof(buf);
		ssize_t n = pread(fd, buf, part, (off_t)at);

		if (n <= 0 || file_write_all(to, buf, (size_t)n) < 0)
			return fail_sys(err, errno, "cannot write '%s'", path);
		at += (uint64_t)n;
	}
	return 0;
}

/* What the kernel has of the device may be older than what the guest wrote past it. */
static int open_disk(const char *path, enum boot_format format, struct boot_disk *disk,
		     struct err *err)
{
	struct stat st;

	disk->format = format;
	disk->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (disk->fd < 0)
		return fail_sys(err, errno, "cannot open '%s'", path);
	if (fstat(disk->fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return fail(err, EINVAL, "'%s' is neither a file nor a block device", path);
	if (S_ISBLK(st.st_mode))
		ioctl(disk->fd, BLKFLSBUF, 0);
	return 0;
}

static int run(const char *action, char **paths, size_t nr, const struct options *o,
	       struct err *err)
{
	bool list = strcmp(action, "list") == 0, extract = strcmp(action, "extract") == 0;
	const struct boot_callbacks callbacks = {
		list ? print_device : NULL, list ? print_entry : NULL,
		!extract || o->verbose ? print_note : NULL, NULL,
	};
	struct boot_disk disks[BOOT_DISKS_MAX];
	const struct boot_options options = {
		.disks = disks, .nr_disks = nr, .action = extract ? BOOT_LOAD : BOOT_LIST,
		.entry = o->entry, .kernel = o->kernel, .ramdisk = o->ramdisk,
		.kernel_max = (uint64_t)KERNEL_MAX_MIB << 20,
		.ramdisk_max = (uint64_t)RAMDISK_MAX_MIB << 20,
		.timeout_ms = TIMEOUT_MS, .terminal = -1,
	};
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	scoped(fd) int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct boot_result result;
	int rc;

	if (self < 0)
		return fail_sys(err, errno, "cannot open my own program");
	for (size_t i = 0; i < nr; i++) {
		rc = open_disk(paths[i], o->format, &disks[i], err);
		if (rc < 0)
			return rc;
	}
	rc = bootloader_run(self, &options, &callbacks, &result, &files, err);
	if (rc < 0)
		return rc;
	print_result(&result, o);
	if (extract)
		rc = save(files.kernel, result.kernel_size, o->to_kernel, err);
	if (extract && rc == 0 && files.ramdisk >= 0)
		rc = save(files.ramdisk, result.ramdisk_size, o->to_ramdisk, err);
	return rc;
}

static int usage(void)
{
	fputs("usage: xlite-boot list|show [-e ENTRY] IMAGE...\n"
	      "       xlite-boot extract [-e ENTRY] [-k KERNEL-FILE] [-r RAMDISK-FILE] IMAGE...\n"
	      "  -e, --entry=ENTRY   index, title, id, or \"1>2\" instead of the default\n"
	      "  -f, --format=raw|qcow2|vhd   what the images are, never guessed (raw)\n"
	      "  -K, --kernel=PATH   a kernel of the image instead of what its configuration says\n"
	      "  -R, --ramdisk=PATH\n"
	      "  -k, -r              where to write what was read\n"
	      "       xlite-boot [pygrub's options] IMAGE   as bootloader= of xl, without a menu\n"
	      "  -v                  what the sandbox is made of, notes\n", stderr);
	return 2;
}

static bool parse_format(const char *name, enum boot_format *format)
{
	static const char *const names[BOOT_FORMATS] = { "raw", "qcow2", "vhd" };

	for (unsigned int i = 0; i < BOOT_FORMATS; i++) {
		if (strcmp(name, names[i]) == 0) {
			*format = (enum boot_format)i;
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "entry", required_argument, NULL, 'e' },
		{ "format", required_argument, NULL, 'f' },
		{ "kernel", required_argument, NULL, 'K' },
		{ "ramdisk", required_argument, NULL, 'R' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .entry = NULL };
	struct err err = ERR_INIT;
	int c;

	if (argc == 2 && strcmp(argv[1], "--reader") == 0)
		return child_run();
	if (argc < 2 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
		return usage();
	if (strcmp(argv[1], "list") != 0 && strcmp(argv[1], "show") != 0 &&
	    strcmp(argv[1], "extract") != 0)
		return pygrub_run(argc, argv);
	optind = 2;
	while ((c = getopt_long(argc, argv, "e:f:K:R:k:r:v", options, NULL)) != -1) {
		switch (c) {
		case 'e': o.entry = optarg; break;
		case 'f':
			if (!parse_format(optarg, &o.format))
				return usage();
			break;
		case 'K': o.kernel = optarg; break;
		case 'R': o.ramdisk = optarg; break;
		case 'k': o.to_kernel = optarg; break;
		case 'r': o.to_ramdisk = optarg; break;
		case 'v': o.verbose = true; break;
		default: return usage();
		}
	}
	if (optind == argc || argc - optind > BOOT_DISKS_MAX)
		return usage();
	if (run(argv[1], argv + optind, (size_t)(argc - optind), &o, &err) < 0) {
		fprintf(stderr, "xlite-boot: %s\n", err.msg);
		return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
