/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/elfnote.h"
#include "base/json.h"
#include "base/scope.h"
#include "bootloader.h"

enum {
	KERNEL_MAX_MIB = 256, RAMDISK_MAX_MIB = 1024,
	TIMEOUT_MS = 60000,
};

enum action { ACTION_LIST, ACTION_SHOW, ACTION_EXTRACT, ACTIONS };

struct tool {
	const char *prog;
	enum action action;
	const struct tool_options *options;
	json_t *json;		/* with --json: what is to be printed */
	struct err err;		/* the first that happened in a callback */
};

static void scoped_tool(struct tool *t)
{
	json_decref(t->json);
}

/* A text of the guest, safe to print; good until the next but three calls. */
static const char *safe(const char *s)
{
	static char ring[4][2 * BOOT_CMDLINE_MAX];
	static unsigned int next;
	char *buf = ring[next++ % ARRAY_SIZE(ring)];

	return str_escape(s, strlen(s), buf, sizeof(ring[0]));
}

/* Characters that JSON leaves as they are, but terminals do not: DEL, and U+0080 to U+009F. */
static bool has_controls(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	for (; *c; c++) {
		if (*c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f))
			return true;
	}
	return false;
}

/* A text of the guest as it is where it is UTF-8 that may be printed, else escaped. */
static json_t *guest_text(const char *s)
{
	json_t *text = has_controls(s) ? NULL : json_string(s);

	return text ? text : json_text(safe(s));
}

/* A member of an object, kind by its format: s text, i number, b boolean. */
struct member {
	const char *name;
	char kind;
	const char *text;
	uint64_t number;
};

static void add_members(struct tool *t, json_t *object, const struct member *members, size_t nr)
{
	int rc = 0;

	for (size_t i = 0; i < nr && rc == 0; i++) {
		const struct member *m = &members[i];

		rc = json_add(object, m->name, m->kind == 's' ? guest_text(m->text) :
			      m->kind == 'b' ? json_boolean(m->number) :
			      json_integer((json_int_t)m->number), &t->err);
	}
}

/* A new object in an array of the result. */
static json_t *append(struct tool *t, const char *array)
{
	json_t *object = json_object();

	if (object && json_array_append_new(json_object_get(t->json, array), object) == 0)
		return object;
	t->err = (struct err){ .code = ENOMEM, .msg = "out of memory" };
	return NULL;
}

static void print_device(void *ctx, const struct boot_device_info *d)
{
	scoped(strbuf) struct strbuf b = STRBUF_INIT;
	struct tool *t = ctx;
	const struct member members[] = {
		{ "device", 's', d->name, 0 }, { "fs", 's', d->fs, 0 },
		{ "uuid", 's', d->uuid, 0 }, { "label", 's', d->label, 0 },
		{ "note", 's', d->note, 0 }, { "config", 's', d->config, 0 },
		{ "language", 's', d->language, 0 }, { "entries", 'i', NULL, d->entries },
		{ "problem", 's', d->problem, 0 }, { "chosen", 'b', NULL, d->chosen },
	};

	if (t->json) {
		add_members(t, append(t, "devices"), members, ARRAY_SIZE(members));
		return;
	}
	bootloader_describe(d, &b);
	if (!b.failed)
		printf("%s%s\n", b.s, d->chosen ? " <- used" : "");
}

static void print_entry(void *ctx, const struct boot_entry_info *e)
{
	struct tool *t = ctx;
	const struct member members[] = {
		{ "place", 's', e->place, 0 }, { "title", 's', e->title, 0 },
		{ "id", 's', e->id, 0 }, { "submenu", 'b', NULL, e->submenu },
		{ "locked", 'b', NULL, e->locked }, { "default", 'b', NULL, e->is_default },
		/* Only a list looks into each. */
		{ "kernel", 's', e->kernel_path, 0 }, { "ramdisk", 's', e->ramdisk_path, 0 },
		{ "args", 's', e->cmdline, 0 },
	};

	if (t->json)
		add_members(t, append(t, "entries"), members,
			    ARRAY_SIZE(members) - (t->action == ACTION_LIST ? 0 : 3));
	else
		printf("%c %-6s %s%s%s\n", e->is_default ? '*' : ' ', safe(e->place),
		       safe(e->title), e->submenu ? " >" : "", e->locked ? " (locked)" : "");
}

static void print_note(void *ctx, const char *note)
{
	struct tool *t = ctx;

	if (!t->json)
		fprintf(stderr, "%s: note: %s\n", t->prog, safe(note));
	else if (json_array_append_new(json_object_get(t->json, "notes"), guest_text(note)) < 0)
		t->err = (struct err){ .code = ENOMEM, .msg = "out of memory" };
}

static const char *modes_text(unsigned int modes)
{
	static const char *const names[] = { "neither PV nor PVH", "PV", "PVH", "PV and PVH" };

	return names[modes & (ELFNOTE_PV | ELFNOTE_PVH)];
}

static void print_kernel(const struct boot_kernel_info *k)
{
	printf("%s%s", k->unified ? "unified image, " : "",
	       k->wrapping[0] ? safe(k->wrapping) : "unknown");
	if (strcmp(k->packing, k->wrapping) != 0 && k->packing[0])
		printf(" %s", safe(k->packing));
	if (k->version[0])
		printf(" of %s", safe(k->version));
	if (k->bits)
		printf(": %u bits, %s", k->bits, modes_text(k->modes));
	putchar('\n');
}

static void print_result(const struct boot_result *r)
{
	printf("entry:    %s %s\n", safe(r->place), safe(r->title));
	printf("language: %s\n", safe(r->language));
	printf("kernel:   %s\n", safe(r->kernel_path));
	printf("          ");
	print_kernel(&r->kernel);
	printf("ramdisk:  %s\n", safe(r->ramdisk_path));
	printf("args:     %s\n", safe(r->cmdline));
}

static void add_result(struct tool *t, const struct boot_result *r)
{
	const struct boot_kernel_info *k = &r->kernel;
	const struct member members[] = {
		{ "place", 's', r->place, 0 }, { "title", 's', r->title, 0 },
		{ "language", 's', r->language, 0 }, { "kernel", 's', r->kernel_path, 0 },
		{ "kernel_size", 'i', NULL, r->kernel_size },
		{ "wrapping", 's', k->wrapping, 0 }, { "packing", 's', k->packing, 0 },
		{ "version", 's', k->version, 0 }, { "unified", 'b', NULL, k->unified },
		{ "bits", 'i', NULL, k->bits }, { "pv", 'b', NULL, k->modes & ELFNOTE_PV },
		{ "pvh", 'b', NULL, k->modes & ELFNOTE_PVH },
		{ "ramdisk", 's', r->ramdisk_path, 0 },
		{ "ramdisk_size", 'i', NULL, r->ramdisk_size }, { "args", 's', r->cmdline, 0 },
	};
	json_t *object = json_object();

	if (json_add(t->json, "boots", object, &t->err) == 0)
		add_members(t, object, members, ARRAY_SIZE(members));
}

static int start_json(struct tool *t, struct err *err)
{
	static const char *const arrays[] = { "devices", "entries", "notes" };
	int rc = 0;

	if (!t->options->json)
		return 0;
	t->json = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(arrays) && rc == 0; i++)
		rc = json_add(t->json, arrays[i], json_array(), err);
	return rc;
}

static int print_json(struct tool *t, struct err *err)
{
	scoped(strbuf) struct strbuf b = STRBUF_INIT;

	if (t->err.code) {
		*err = t->err;
		return -err->code;
	}
	json_print(t->json, &b);
	if (b.failed)
		return fail_nomem(err);
	fputs(b.s, stdout);
	return 0;
}

static int save(int from, const char *path, struct err *err)
{
	scoped(fd) int to = -1;
	struct stat st;

	if (!path || from < 0)
		return 0;
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0)
		return fail_sys(err, errno, "cannot write '%s'", path);
	if (bootloader_copy(from, to, path, err) == 0)
		return 0;
	/* Half a file; a device or pipe is the caller's. */
	if (fstat(to, &st) == 0 && S_ISREG(st.st_mode))
		unlink(path);
	return -err->code;
}

static int run(struct tool *t, const struct boot_options *options, struct err *err)
{
	bool list = t->action == ACTION_LIST || t->options->json;
	const struct boot_callbacks callbacks = {
		list ? print_device : NULL, list ? print_entry : NULL,
		t->action != ACTION_EXTRACT || t->options->verbose ? print_note : NULL, t,
	};
	scoped(boot_files) struct boot_files files = BOOT_FILES_INIT;
	scoped(fd) int program = bootloader_program(err);
	struct boot_result result;
	char sandbox[80];
	int rc = program < 0 ? program :
		bootloader_run(program, options, &callbacks, &result, &files, err);

	if (rc == 0 && t->json)
		add_result(t, &result);
	else if (rc == 0 && t->action != ACTION_LIST)
		print_result(&result);
	if (rc == 0 && t->options->verbose)
		fprintf(stderr, "%s: sandbox: %s\n", t->prog,
			bootloader_sandbox(&result, sandbox, sizeof(sandbox)));
	if (rc == 0)
		rc = save(files.kernel, t->options->to_kernel, err);
	if (rc == 0)
		rc = save(files.ramdisk, t->options->to_ramdisk, err);
	/* Also when it failed: why shows in what was found until then. */
	if (t->json) {
		struct err why = *err;
		int printed = print_json(t, err);

		if (rc < 0)
			*err = why;
		else
			rc = printed;
	}
	return rc;
}

static int find_name(const char *const *names, size_t nr, const char *name, const char *what,
		     struct err *err)
{
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return fail(err, EINVAL, "'%s' is no %s", name, what);
}

int tool_run(const char *prog, const char *action, char *const *images, size_t nr,
	     const struct tool_options *o, struct err *err)
{
	static const char *const actions[ACTIONS] = { "list", "show", "extract" };
	static const char *const formats[BOOT_FORMATS] = { "raw", "qcow2", "vhd" };
	scoped(boot_disks) struct boot_disks disks = BOOT_DISKS_INIT;
	scoped(tool) struct tool t = { .prog = prog, .options = o, .err = ERR_INIT };
	struct boot_options options = {
		.disks = disks.disks, .nr_disks = nr, .entry = o->entry, .kernel = o->kernel,
		.ramdisk = o->ramdisk, .kernel_max = (uint64_t)KERNEL_MAX_MIB << 20,
		.ramdisk_max = (uint64_t)RAMDISK_MAX_MIB << 20, .raw = o->raw,
		.timeout_ms = TIMEOUT_MS, .terminal = -1,
	};
	int found = find_name(actions, ACTIONS, action, "action of list, show, extract", err);
	int format = find_name(formats, BOOT_FORMATS, o->format ? o->format : "raw",
			       "format of raw, qcow2, vhd", err);
	int rc = found < 0 ? found : format < 0 ? format : start_json(&t, err);

	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = bootloader_add_disk(&disks, images[i], (enum boot_format)format, err);
	if (rc < 0)
		return rc;
	t.action = (enum action)found;
	options.action = t.action == ACTION_LIST ? BOOT_LIST : BOOT_LOAD;
	return run(&t, &options, err);
}
