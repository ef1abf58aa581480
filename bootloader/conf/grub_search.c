/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GRUB's search and probe. */
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "grub.h"
#include "text.h"

enum search_by { BY_FILE, BY_LABEL, BY_UUID, BY_PARTUUID };

struct search {
	enum search_by by;
	bool set;
	const char *var;
	const char *hint;
};

static void search_option(void *arg, const char *name, char *value)
{
	struct search *s = arg;

	if (strcmp(name, "--set") == 0 || strcmp(name, "-s") == 0) {
		s->set = true;
		s->var = value;
	} else if (strcmp(name, "--hint") == 0 || strcmp(name, "-h") == 0) {
		if (!s->hint && value)
			s->hint = value;
	} else if (strcmp(name, "--file") == 0 || strcmp(name, "-f") == 0) {
		s->by = BY_FILE;
	} else if (strcmp(name, "--label") == 0 || strcmp(name, "-l") == 0) {
		s->by = BY_LABEL;
	} else if (strcmp(name, "--fs-uuid") == 0 || strcmp(name, "-u") == 0) {
		s->by = BY_UUID;
	} else if (strcmp(name, "--part-uuid") == 0 || strcmp(name, "-p") == 0) {
		s->by = BY_PARTUUID;
	}
}

static unsigned int search_run(struct grub *g, const struct search *s, const char *what)
{
	const struct source *source = g->menu->source;
	unsigned int first = SOURCE_NO_DEVICE;
	struct err ignored = ERR_INIT;

	if (s->hint) {
		char *hint = arena_string(&g->menu->arena, s->hint);

		/* A hint may end in a comma, which means all partitions of the disk. */
		if (hint && *hint && hint[strlen(hint) - 1] == ',')
			hint[strlen(hint) - 1] = '\0';
		first = hint ? grub_device(hint, g) : SOURCE_NO_DEVICE;
	}
	if (first == SOURCE_NO_DEVICE)
		first = g->home;
	if (grub_step(g, &ignored) < 0)
		return SOURCE_NO_DEVICE;
	switch (s->by) {
	case BY_LABEL: return source_by_label(source, what, first);
	case BY_UUID: return source_by_uuid(source, what, first);
	case BY_PARTUUID: return source_by_partuuid(source, what, first);
	case BY_FILE: break;
	}
	return *what == '/' ? source_by_file(source, what, SOURCE_FILE, first) : SOURCE_NO_DEVICE;
}

/* "-sfu": short options of search in one word, each as one of its own. */
static int split_short(struct grub *g, const struct grub_args *args, struct grub_args *out,
		       struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < args->n && rc == 0; i++) {
		char *w = args->v[i];

		if (w[0] != '-' || w[1] == '-' || strlen(w) < 3 ||
		    strspn(w + 1, "fluspn") != strlen(w + 1)) {
			rc = grub_args_add(g, out, w, err);
			continue;
		}
		for (const char *c = w + 1; *c && rc == 0; c++)
			rc = grub_args_add(g, out, arena_format(&g->menu->arena, "-%c", *c), err);
	}
	return rc;
}

static const struct grub_option search_options[] = {
	{ "--file", false, false }, { "-f", false, false }, { "--label", false, false },
	{ "-l", false, false }, { "--fs-uuid", false, false }, { "-u", false, false },
	{ "--part-uuid", false, false }, { "-p", false, false },
	{ "--set", true, true }, { "-s", true, true }, { "--hint", true, false },
	{ "-h", true, false }, { "--hint-ieee1275", true, false }, { "--hint-bios", true, false },
	{ "--hint-baremetal", true, false }, { "--hint-efi", true, false },
	{ "--hint-arc", true, false }, { .name = NULL },
};

/* Sets var to the device's name; GRUB prints it when there is no --set. */
static int found(struct grub *g, const char *var, unsigned int dev, struct err *err)
{
	char name[256];

	if (dev == SOURCE_NO_DEVICE)
		return 1;
	source_device_name(g->menu->source, dev, name, sizeof(name));
	return var ? grub_set(g, var, name, err) : 0;
}

static int cmd_search(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		      struct err *err)
{
	struct grub_args split = { .n = 0 }, rest = { .n = 0 };
	struct search s = { .by = BY_FILE };
	size_t what = 0;
	int rc = split_short(g, args, &split, err);

	(void)cmd;
	if (rc == 0)
		rc = grub_options(g, &split, search_options, search_option, &s, &rest, err);
	if (rc < 0)
		return rc;
	if (!rest.n)
		return 1;
	/* "--set root NAME", as old scripts have it; then "NAME HINT...". */
	if (rest.n > 1 && s.set && !s.var)
		s.var = rest.v[what++];
	if (rest.n > what + 1 && !s.hint)
		s.hint = rest.v[what + 1];
	if (s.set && !s.var)
		s.var = "root";
	return found(g, s.var, search_run(g, &s, rest.v[what]), err);
}

/* search.fs_uuid UUID [VAR [HINT]], also with '_' for '.'. */
static int cmd_search_by(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
			 struct err *err)
{
	const char *how = args->v[0] + 7;
	struct search s = {
		.by = strcmp(how, "file") == 0 || strcmp(how, "fs_file") == 0 ? BY_FILE :
		      strcmp(how, "fs_uuid") == 0 ? BY_UUID :
		      strcmp(how, "part_uuid") == 0 ? BY_PARTUUID : BY_LABEL,
		.var = args->n > 2 ? args->v[2] : NULL,
		.hint = args->n > 3 ? args->v[3] : NULL,
	};

	(void)cmd;
	if (args->n < 2)
		return 1;
	return found(g, s.var, search_run(g, &s, args->v[1]), err);
}

struct probe {
	const char *var;
	const char *what;
};

static void probe_option(void *arg, const char *name, char *value)
{
	struct probe *p = arg;

	if (strcmp(name, "--set") == 0 || strcmp(name, "-s") == 0)
		p->var = value;
	else
		p->what = name;
}

static const char *probe_value(const struct source_device *d, const char *what)
{
	static const char *const tables[] = { "none", "msdos", "gpt" };
	const struct {
		const char *longer, *shorter, *value;
	} table[] = {
		{ "--fs-uuid", "-u", d->uuid }, { "--label", "-l", d->label },
		{ "--fs", "-f", d->fs && str_starts(d->fs, "ext") ? "ext2" :
				d->fs && strcmp(d->fs, "vfat") == 0 ? "fat" : d->fs },
		{ "--part-uuid", "-P", d->partuuid }, { "--partmap", "-p", tables[d->table % 3] },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(what, table[i].longer) == 0 || strcmp(what, table[i].shorter) == 0)
			return table[i].value;
	}
	return NULL;
}

static int cmd_probe(struct grub *g, const struct grub_args *args, const struct grub_cmd *cmd,
		     struct err *err)
{
	static const struct grub_option options[] = {
		{ "--set", true, false }, { "-s", true, false }, { "--fs-uuid", false, false },
		{ "-u", false, false }, { "--label", false, false }, { "-l", false, false },
		{ "--fs", false, false }, { "-f", false, false }, { "--part-uuid", false, false },
		{ "--partmap", false, false }, { "-p", false, false }, { "-P", false, false },
		{ .name = NULL },
	};
	struct grub_args rest = { .n = 0 };
	struct probe p = { .var = NULL };
	const char *value = NULL;
	unsigned int dev;
	int rc = grub_options(g, args, options, probe_option, &p, &rest, err);

	(void)cmd;
	if (rc < 0)
		return rc;
	dev = rest.n ? grub_device(rest.v[0], g) : SOURCE_NO_DEVICE;
	if (dev != SOURCE_NO_DEVICE && p.what)
		value = probe_value(&g->menu->source->devices[dev], p.what);
	if (!value)
		return 1;
	return p.var ? grub_set(g, p.var, value, err) : 0;
}

const struct grub_command grub_search_commands[] = {
	{ "search", cmd_search }, { "search.file", cmd_search_by },
	{ "search.fs_label", cmd_search_by }, { "search.fs_uuid", cmd_search_by },
	{ "search.part_uuid", cmd_search_by }, { "search_fs_file", cmd_search_by },
	{ "search_label", cmd_search_by }, { "search_fs_uuid", cmd_search_by },
	{ "probe", cmd_probe }, { .name = NULL },
};
