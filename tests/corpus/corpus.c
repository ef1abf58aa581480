/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check-corpus: config files from the wild, read as `create -n` reads them and
 * compared with what Debian's xl 4.17 made of them: the verdict, every value of the
 * JSON and the order of its fields, and xl's own warnings. Then Xen's vectors for
 * disk and vif specs. Usage: corpus FOLDER (the one that holds xlcfg/).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "config/cfg.h"
#include "config/config.h"
#include "config/disk.h"
#include "config/nic.h"
#include "tests/unit/tap.h"

enum { MAX_FILE = 1024 * 1024 };

struct totals {
	int accepted, refused, lenient, same_json, warnings;
};

/*
 * What xl refuses and xlite takes on purpose (issues: CR LF, a comment without line end, xend's
 * forced sharing of a disk).
 */
static const char *const lenient[] = {
	"crlf.cfg", "eof-comment-no-newline.cfg", "engineyard-ey00-s00348.cfg",
};

static bool is_lenient(const char *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(lenient); i++) {
		if (strcmp(file, lenient[i]) == 0)
			return true;
	}
	return false;
}

static int read_config(const char *path, struct domain_config *config,
		       struct config_warnings *warnings, struct err *err)
{
	scoped(cfg) struct cfg cfg = CFG_INIT;
	int rc = cfg_parse_file(&cfg, path, err);

	return rc < 0 ? rc : config_from_cfg(&cfg, NULL, config, warnings, err);
}

/* The expected file's text in our layout; "@RANDOM@" becomes our uuid. */
static char *expected_text(const char *path, json_t *ours)
{
	scoped(bytes) struct bytes text = BYTES_INIT;
	scoped(json) json_t *json = NULL;
	struct err err = ERR_INIT;
	char *out = NULL;
	json_t *c_info;

	if (file_read(path, MAX_FILE, &text, &err) < 0 ||
	    json_from_text(text.data, text.len, &json, &err) < 0)
		return NULL;
	c_info = json_object_get(json, "c_info");
	json_object_set(c_info, "uuid", json_object_get(json_object_get(ours, "c_info"), "uuid"));
	return json_to_text(json, &out, &err) < 0 ? NULL : out;
}

/* What a JSON text says must survive the way through the struct and back. */
static void check_round_trip(const char *file, json_t *json, const char *text)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(json) json_t *again = NULL;
	scoped(free) char *again_text = NULL;
	struct err err = ERR_INIT;

	if (config_from_json(json, &config, &err) < 0 ||
	    config_to_json(&config, &again, &err) < 0 || json_to_text(again, &again_text, &err) < 0)
		ok(false, "%s: JSON read back: %s", file, err.msg);
	else
		is_str(again_text, text, "%s: JSON read back", file);
}

static void check_json(const char *folder, const char *file, struct domain_config *config,
		       struct totals *totals)
{
	scoped(free) char *path = str_format("%s/xl-4.17-dryrun/%.*s.json", folder,
					     (int)(strlen(file) - 4), file);
	scoped(json) json_t *json = NULL;
	scoped(free) char *want = NULL;
	scoped(free) char *got = NULL;
	struct err err = ERR_INIT;

	/* create -n makes a uuid up, and so does xl. */
	if (!config->uuid_given)
		memset(config->uuid, 0x42, sizeof(config->uuid));
	if (config_to_json(config, &json, &err) < 0 || json_to_text(json, &got, &err) < 0) {
		ok(false, "%s: no JSON: %s", file, err.msg);
		return;
	}
	want = expected_text(path, json);
	if (want)
		totals->same_json += is_str(got, want, "%s: JSON as xl's", file);
	check_round_trip(file, json, got);
}

static bool was_warned(const struct config_warnings *w, const char *text)
{
	for (size_t i = 0; i < w->list.nr; i++) {
		if (strstr(w->list.items[i], text))
			return true;
	}
	return false;
}

/* Each line that starts with "WARNING: " in xl's stderr is part of one of ours. */
static void check_warnings(const char *folder, const char *file, const struct config_warnings *w,
			   struct totals *totals)
{
	scoped(free) char *path = str_format("%s/xl-4.17-dryrun/%.*s.stderr", folder,
					     (int)(strlen(file) - 4), file);
	scoped(bytes) struct bytes text = BYTES_INIT;
	struct err err = ERR_INIT;
	char *save = NULL;

	if (file_read(path, MAX_FILE, &text, &err) < 0)
		return;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "WARNING: ", 9) == 0)
			totals->warnings +=
				ok(was_warned(w, line + 9), "%s: warns '%.60s'", file, line + 9);
	}
}

static void check_file(const char *folder, char *line, struct totals *totals)
{
	scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
	scoped(config_warnings) struct config_warnings warnings = { .list = { .nr = 0 } };
	struct err err = ERR_INIT;
	char *rest = line;
	const char *file = strsep(&rest, "\t");
	scoped(free) char *path = str_format("%s/%s", folder, file);
	const char *verdict;
	bool want, got;

	strsep(&rest, "\t");	/* source */
	strsep(&rest, "\t");	/* kind */
	verdict = strsep(&rest, "\t");
	if (!verdict || !path)
		return;
	got = read_config(path, &config, &warnings, &err) == 0;
	want = strcmp(verdict, "accept") == 0 || is_lenient(file);
	if (!ok(got == want, "%s: %s", file, want ? "accepted" : "refused") && !got)
		printf("#   %s\n", err.msg);
	if (!got && want == got)
		printf("# %s\n", err.msg);
	totals->accepted += got;
	totals->refused += !got;
	totals->lenient += is_lenient(file) && got;
	if (got) {
		check_json(folder, file, &config, totals);
		check_warnings(folder, file, &warnings, totals);
	}
}

static int to_json(const char *kind, const char *spec, json_t **out, struct err *err)
{
	struct disk disk = DISK_INIT;
	struct nic nic = NIC_INIT;
	int rc;

	if (strcmp(kind, "disk") == 0) {
		rc = disk_parse(spec, NULL, &disk, err);
		if (rc == 0)
			rc = disk_to_json(&disk, out, err);
		disk_free(&disk);
		return rc;
	}
	rc = nic_parse(spec, NULL, &nic, err);
	if (rc == 0)
		rc = nic_to_json(&nic, out, err);
	nic_free(&nic);
	return rc;
}

/* Several arguments are several pieces of one spec, as on block-attach's command line. */
static void check_vector(const char *kind, const char *line, int *passed)
{
	scoped(json) json_t *vector = json_loads(line, 0, NULL);
	scoped(json) json_t *got = NULL;
	scoped(strbuf) struct strbuf spec = STRBUF_INIT;
	scoped(free) char *got_text = NULL;
	scoped(free) char *want_text = NULL;
	json_t *args = json_object_get(vector, "args"), *expect = json_object_get(vector, "expect");
	bool good = json_integer_value(json_object_get(vector, "rc")) == 0;
	struct err err = ERR_INIT;
	int rc;

	for (size_t i = 0; i < json_array_size(args); i++)
		strbuf_printf(&spec, "%s%s", i ? "," : "",
			      json_string_value(json_array_get(args, i)));
	rc = to_json(kind, spec.s ? spec.s : "", &got, &err);
	if (!ok((rc == 0) == good, "%s '%s': %s", kind, spec.s, good ? "accepted" : "refused")) {
		printf("#   %s\n", err.msg);
		return;
	}
	if (rc < 0) {
		++*passed;
		return;
	}
	/* The vectors hold what differs from the default in any order. */
	got_text = json_dumps(got, JSON_SORT_KEYS);
	want_text = json_dumps(expect, JSON_SORT_KEYS);
	*passed += is_str(got_text, want_text, "%s '%s': value", kind, spec.s);
}

static int check_vectors(const char *folder, const char *kind, int *total)
{
	scoped(free) char *path = str_format("%s/%s-parse-cases.jsonl", folder, kind);
	scoped(bytes) struct bytes text = BYTES_INIT;
	struct err err = ERR_INIT;
	char *save = NULL;
	int passed = 0;

	if (!ok(file_read(path, MAX_FILE, &text, &err) == 0, "%s vectors", kind))
		return 0;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		++*total;
		check_vector(kind, line, &passed);
	}
	return passed;
}

int main(int argc, char **argv)
{
	scoped(free) char *folder =
		str_format("%s/xlcfg", argc > 1 ? argv[1] : "../shared/corpora");
	scoped(free) char *path = str_format("%s/MANIFEST.tsv", folder);
	scoped(bytes) struct bytes text = BYTES_INIT;
	struct totals totals = { 0 };
	struct err err = ERR_INIT;
	int disks = 0, nics = 0, disk_ok, nic_ok, files = 0;
	char *save = NULL;

	if (file_read(path, MAX_FILE, &text, &err) < 0) {
		printf("1..0 # SKIP no corpus here (%s)\n", err.msg);
		return 0;
	}
	strtok_r(text.data, "\n", &save);	/* the column names */
	for (char *line = strtok_r(NULL, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		files++;
		check_file(folder, line, &totals);
	}
	disk_ok = check_vectors(folder, "disk", &disks);
	nic_ok = check_vectors(folder, "vif", &nics);
	printf("# %d files: %d accepted (%d of them by leniency), %d refused; JSON equal to xl's: "
	       "%d; "
	       "warnings of xl's: %d\n",
	       files, totals.accepted, totals.lenient, totals.refused, totals.same_json,
	       totals.warnings);
	printf("# vectors: disk %d of %d, vif %d of %d\n", disk_ok, disks, nic_ok, nics);
	return tap_done();
}
