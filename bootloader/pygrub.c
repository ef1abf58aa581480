/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pygrub.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"
#include "bootloader.h"

enum {
	KERNEL_MAX_MIB = 256, RAMDISK_MAX_MIB = 1024,
	TIMEOUT_MS = 120000,	/* libxl's for a bootloader that it restricts */
};

enum format { FORMAT_SXP, FORMAT_SIMPLE, FORMAT_SIMPLE0 };

struct pygrub {
	const char *output, *folder, *entry, *kernel, *ramdisk, *args, *image;
	enum format format;
	bool list, dry, quiet;
	uint64_t offset;
	char root[100];		/* the device whose configuration is used */
};

/* A file that is removed again unless it is handed on. */
struct made {
	char path[BOOT_TEXT_MAX];
	bool keep;
};

static void scoped_made(struct made *m)
{
	int saved = errno;

	if (m->path[0] && !m->keep)
		unlink(m->path);
	errno = saved;
}

/*
 * libxenguest 4.17 gunzips a ramdisk that begins with gzip's mark, and keeps only the first
 * of several. Zeroes before it hide the mark, and Linux skips them; of others nobody knows.
 */
static bool has_to_hide(int ramdisk, const struct boot_result *r)
{
	unsigned char mark[2];

	return r->kernel.is_linux && pread(ramdisk, mark, sizeof(mark), 0) == sizeof(mark) &&
		mark[0] == 0x1f && mark[1] == 0x8b;
}

static int make(const struct pygrub *p, const char *name, int from, bool hide, struct made *m,
		struct err *err)
{
	static const char zeroes[4];
	scoped(fd) int fd = -1;
	int len = snprintf(m->path, sizeof(m->path), "%s/%s.XXXXXX", p->folder, name);

	if (len < 0 || (size_t)len >= sizeof(m->path)) {
		m->path[0] = '\0';
		return fail(err, ENAMETOOLONG, "the name of the output folder is too long");
	}
	fd = mkostemp(m->path, O_CLOEXEC);
	if (fd < 0) {
		m->path[0] = '\0';
		return fail_sys(err, errno, "cannot make a file in '%s'", p->folder);
	}
	if (hide && file_write_all(fd, zeroes, sizeof(zeroes)) < 0)
		return fail_sys(err, errno, "cannot write '%s'", m->path);
	return bootloader_copy(from, fd, m->path, err);
}

/* As Python's repr() for a text of bytes. */
static void add_quoted(struct strbuf *b, const char *key, const char *value)
{
	strbuf_printf(b, "(%s '", key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c < 0x20 || c >= 0x7f)
			strbuf_printf(b, "\\x%02x", c);
		else
			strbuf_printf(b, c == '\'' || c == '\\' ? "\\%c" : "%c", c);
	}
	strbuf_printf(b, "')");
}

/* A value with a line end in it would be another item (XSA-198). */
static int add_item(struct strbuf *b, enum format format, const char *key, const char *value,
		    struct err *err)
{
	if (!value[0])
		return 0;
	if (format == FORMAT_SXP) {
		add_quoted(b, key, value);
		return 0;
	}
	if (strchr(value, '\n'))
		return fail(err, EINVAL, "there is a line end in its %s", key);
	strbuf_printf(b, "%s %s", key, value);
	strbuf_add(b, format == FORMAT_SIMPLE0 ? "" : "\n", 1);
	return 0;
}

static int put_result(const struct pygrub *p, const char *kernel, const char *ramdisk,
		      const char *args, struct err *err)
{
	scoped(strbuf) struct strbuf b = STRBUF_INIT;
	scoped(fd) int fd = -1;
	bool to_stdout = !p->output || strcmp(p->output, "-") == 0;
	int rc;

	if (p->format == FORMAT_SXP)
		strbuf_printf(&b, "linux ");
	rc = add_item(&b, p->format, "kernel", kernel, err);
	if (rc == 0)
		rc = add_item(&b, p->format, "ramdisk", ramdisk, err);
	if (rc == 0)
		rc = add_item(&b, p->format, "args", args, err);
	if (rc < 0)
		return rc;
	if (p->format != FORMAT_SXP)
		strbuf_add(&b, p->format == FORMAT_SIMPLE0 ? "" : "\n", 1);
	if (b.failed)
		return fail_nomem(err);
	fd = to_stdout ? dup(STDOUT_FILENO) : open(p->output, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || file_write_all(fd, b.s, b.len) < 0)
		return fail_sys(err, errno, "cannot write '%s'", to_stdout ? "-" : p->output);
	return 0;
}

static void see_device(void *ctx, const struct boot_device_info *d)
{
	struct pygrub *p = ctx;

	if (d->chosen)
		snprintf(p->root, sizeof(p->root), "(%s)", d->name);
}

static void print_value(const char *name, const char *value)
{
	char text[4 * BOOT_CMDLINE_MAX];

	printf("%s: %s\n", name, value[0] ?
	       str_escape(value, strlen(value), text, sizeof(text)) : "None");
}

/* As pygrub does, with its "None" for what there is not; entries of submenus among the others. */
static void print_entry(void *ctx, const struct boot_entry_info *e)
{
	const struct pygrub *p = ctx;

	if (e->submenu)
		return;
	print_value("title", e->title);
	print_value("  root", p->root);
	print_value("  kernel", e->kernel_path);
	print_value("  args", e->cmdline);
	print_value("  initrd", e->ramdisk_path);
}

static void print_note(void *ctx, const char *note)
{
	char text[2048];

	(void)ctx;
	fprintf(stderr, "xlite-boot: note: %s\n", str_escape(note, strlen(note), text, sizeof(text)));
}

static int run(struct pygrub *p, struct err *err)
{
	scoped(fd) int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	scoped(boot_disks) struct boot_disks disks = BOOT_DISKS_INIT;
	const struct boot_callbacks cb = {
		p->list ? see_device : NULL, p->list ? print_entry : NULL, print_note, p,
	};
	const struct boot_options o = {
		.disks = disks.disks, .nr_disks = 1, .entry = p->entry, .flat = true,
		.kernel = p->kernel, .ramdisk = p->ramdisk,
		.action = p->list || p->dry ? BOOT_LIST : BOOT_LOAD,
		.kernel_max = (uint64_t)KERNEL_MAX_MIB << 20,
		.ramdisk_max = (uint64_t)RAMDISK_MAX_MIB << 20,
		.timeout_ms = TIMEOUT_MS,
		/* libxl gives a terminal also where nobody looks at it. */
		.terminal = p->list || p->dry || p->quiet || p->entry || !isatty(STDIN_FILENO) ?
			-1 : STDIN_FILENO,
		.alone = true,
	};
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	scoped(made) struct made kernel = { .keep = false };
	scoped(made) struct made ramdisk = { .keep = false };
	scoped(free) char *args = NULL;
	struct boot_result r;
	int rc;

	if (self < 0)
		return fail_sys(err, errno, "cannot open my own program");
	rc = bootloader_add_disk(&disks, p->image, BOOT_RAW, err);
	if (rc < 0)
		return rc;
	disks.disks[0].offset = p->offset;
	rc = bootloader_run(self, &o, &cb, &r, &files, err);
	if (rc < 0 || p->list)
		return rc;
	args = str_format("%s%s%s", r.cmdline, p->args && r.cmdline[0] ? " " : "",
			  p->args ? p->args : "");
	if (!args)
		return fail_nomem(err);
	if (p->dry)
		return put_result(p, r.kernel_path, r.ramdisk_path, args, err);
	rc = make(p, "boot_kernel", files.kernel, false, &kernel, err);
	if (rc == 0 && files.ramdisk >= 0)
		rc = make(p, "boot_ramdisk", files.ramdisk,
			  has_to_hide(files.ramdisk, &r), &ramdisk, err);
	if (rc == 0)
		rc = put_result(p, kernel.path, ramdisk.path, args, err);
	kernel.keep = ramdisk.keep = rc == 0;
	return rc;
}

static bool parse_format(const char *name, enum format *format)
{
	static const char *const names[] = { "sxp", "simple", "simple0" };

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*format = (enum format)i;
			return true;
		}
	}
	return false;
}

static bool parse_offset(const char *text, uint64_t *offset)
{
	char *end;

	errno = 0;
	*offset = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && !*end && !errno)
		return true;
	fprintf(stderr, "xlite-boot: --offset is a number of bytes, not '%s'\n", text);
	return false;
}

static int parse(int argc, char **argv, struct pygrub *p)
{
	enum { OUTPUT = 256, FORMAT, FOLDER, ENTRY, KERNEL, RAMDISK, ARGS, OFFSET, RUNAS,
	       IS_CONFIG };
	static const struct option options[] = {
		{ "quiet", no_argument, NULL, 'q' }, { "interactive", no_argument, NULL, 'i' },
		{ "list-entries", no_argument, NULL, 'l' }, { "not-really", no_argument, NULL, 'n' },
		{ "debug", no_argument, NULL, 'i' }, { "output", required_argument, NULL, OUTPUT },
		{ "output-format", required_argument, NULL, FORMAT },
		{ "output-directory", required_argument, NULL, FOLDER },
		{ "entry", required_argument, NULL, ENTRY },
		{ "kernel", required_argument, NULL, KERNEL },
		{ "ramdisk", required_argument, NULL, RAMDISK },
		{ "args", required_argument, NULL, ARGS },
		/* Our reader has a user of its own in any case. */
		{ "runas", required_argument, NULL, RUNAS },
		{ "offset", required_argument, NULL, OFFSET },
		{ "isconfig", no_argument, NULL, IS_CONFIG },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "qiln", options, NULL)) != -1) {
		switch (c) {
		case 'q': p->quiet = true; break;
		case 'i': case RUNAS: break;
		case 'l': p->list = true; break;
		case 'n': p->dry = true; break;
		case OUTPUT: p->output = optarg; break;
		case FOLDER: p->folder = optarg; break;
		case ENTRY: p->entry = optarg; break;
		case KERNEL: p->kernel = optarg; break;
		case RAMDISK: p->ramdisk = optarg; break;
		case ARGS: p->args = optarg; break;
		case FORMAT:
			if (!parse_format(optarg, &p->format))
				return -EINVAL;
			break;
		case OFFSET:
			if (!parse_offset(optarg, &p->offset))
				return -EINVAL;
			break;
		case IS_CONFIG:
			fputs("xlite-boot: --isconfig is not supported: it reads images\n", stderr);
			return -EINVAL;
		default:
			return -EINVAL;
		}
	}
	p->image = argv[optind];
	return argc - optind == 1 ? 0 : -EINVAL;
}

int pygrub_run(int argc, char **argv)
{
	struct pygrub p = { .folder = "/var/run/xen/pygrub" };
	struct err err = ERR_INIT;

	if (parse(argc, argv, &p) < 0)
		return 2;
	/* Only what is our own default is made; a folder that was named has to be there. */
	if (!p.list && !p.dry && strcmp(p.folder, "/var/run/xen/pygrub") == 0 &&
	    mkdir(p.folder, 0700) < 0 && errno != EEXIST && errno != ENOENT) {
		fprintf(stderr, "xlite-boot: cannot make '%s': %s\n", p.folder, strerror(errno));
		return 1;
	}
	if (run(&p, &err) < 0) {
		fprintf(stderr, "xlite-boot: %s\n", err.msg);
		return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
