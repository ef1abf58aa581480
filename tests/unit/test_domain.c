/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pure parts of what is done to domains: limits, the escape key, userdata files. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "domain/balloon.h"
#include "domain/console.h"
#include "domain/userdata.h"
#include "tap.h"

static void test_plan(void)
{
	static const struct {
		struct balloon now;
		uint64_t want, target;
		const char *msg;
	} cases[] = {
		{ { 1, 65536, 65536, 0 }, 32768, 32768, NULL },
		{ { 1, 65536, 65536, 0 }, 65536, 65536, NULL },
		{ { 1, 65536, 65536, 0 }, 65537, 0,
		  "domain 1: 64 MiB is more than its maximum, 64 MiB (maxmem, or mem-max)" },
		{ { 1, 57344, 65536, 8192 }, 65536, 57344, NULL },
		{ { 1, 57344, 65536, 8192 }, 8192, 0,
		  "domain 1: 8192 KiB is not more than its video memory, 8192 KiB" },
		{ { 0, 1048576, 1048576, 0 }, 131072, 131072, NULL },
		{ { 0, 1048576, 1048576, 0 }, 131071, 0, "domain 0 cannot run with less than 128 MiB" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		uint64_t target = 0;
		int rc = balloon_plan(&cases[i].now, cases[i].want, &target, &err);

		is_int(rc, cases[i].msg ? -EINVAL : 0, "plan %zu", i);
		is_int(target, cases[i].target, "plan %zu: target", i);
		if (cases[i].msg)
			is_str(err.msg, cases[i].msg, "plan %zu: message", i);
	}
}

static void test_escape(void)
{
	static const struct { const char *text; int rc; int key; } cases[] = {
		{ "^]", 0, 0x1d }, { "^a", 0, 1 }, { "^A", 0, 1 }, { "^?", 0, 0x7f },
		{ "^@", 0, 0 }, { "q", 0, 'q' }, { "^", 0, '^' }, { "", -EINVAL, 0 },
		{ "ab", -EINVAL, 0 }, { "^ab", -EINVAL, 0 }, { "^1", -EINVAL, 0 },
	};
	bool found;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char key = 0;

		is_int(console_parse_escape(cases[i].text, &key), cases[i].rc, "key '%s'",
		       cases[i].text);
		is_int((unsigned char)key, cases[i].key, "key '%s' is", cases[i].text);
	}
	is_int(console_find_escape("ab\x1d" "cd", 5, 0x1d, &found), 2, "data before the key");
	ok(found, "the key");
	is_int(console_find_escape("abcd", 4, 0x1d, &found), 4, "all of it is data");
	ok(!found, "no key");
}

static bool exists(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

#define ID "7.00010203-0405-0607-0809-0a0b0c0d0e0f"

static void test_userdata_files(const struct userdata *ud, const char *dir)
{
	scoped(json) json_t *json = NULL;
	scoped(json) json_t *again = NULL;
	scoped(bytes) struct bytes bytes = BYTES_INIT;
	struct err err = ERR_INIT;
	char path[256];

	is_int(userdata_read(ud, &json, &err), -ENOENT, "nothing there");
	is_int(json_from_text("{\"a\": [1]}", 10, &json, &err), 0, "a tree");
	is_int(userdata_write(ud, json, &err), 0, "writes it, and the folder");
	snprintf(path, sizeof(path), "%s/userdata-d." ID ".libxl-json", dir);
	is_int(file_read(path, 1000, &bytes, &err), 0, "the name is libxl's");
	ok(bytes.len > 1 && ((const char *)bytes.data)[bytes.len - 1] == '\0',
	   "its last byte is NUL");
	is_int(userdata_read(ud, &again, &err), 0, "reads it again");
	ok(json_equal(json, again), "the same tree");
	is_int(truncate(path, 3), 0, "cut");
	json_decref(take(again));
	ok(userdata_read(ud, &again, &err) < 0 && strstr(err.msg, ".libxl-json: line "),
	   "a cut file is named: %s", err.msg);
}

static void test_userdata_lock(const struct userdata *ud, const char *dir)
{
	struct err err = ERR_INIT;
	char path[256];

	{
		scoped(userdata_lock) struct userdata_lock lock = USERDATA_LOCK_INIT;
		int fd = -1;

		is_int(userdata_lock(ud, &lock, &err), 0, "locks");
		snprintf(path, sizeof(path), "%s/userdata-l." ID ".domain-userdata-lock", dir);
		is_int(file_lock(path, 0, &fd, &err), -EWOULDBLOCK, "libxl's file is locked");
		is_int(userdata_remove_all(ud, &err), 0, "removes all else");
		ok(!exists(dir, "userdata-d." ID ".libxl-json"), "the configuration is gone");
		ok(!exists(dir, "userdata-d." ID ".xl"), "what others stored too");
		ok(exists(dir, "userdata-d.70.00010203-0405-0607-0809-0a0b0c0d0e0f.xl"),
		   "another domain's is not");
		ok(access(path, F_OK) == 0, "the lock's file stays while it is held");
	}
	ok(access(path, F_OK) < 0, "and goes with the lock");
}

static void test_userdata(void)
{
	char dir[] = "/tmp/xlite-test.XXXXXX", sub[64], command[128];
	struct userdata ud = { .domid = 7 };
	struct err err = ERR_INIT;

	for (uint8_t i = 0; i < 16; i++)
		ud.uuid[i] = i;
	if (!ok(mkdtemp(dir) != NULL, "a folder"))
		return;
	snprintf(sub, sizeof(sub), "%s/xen", dir);
	ud.dir = sub;
	test_userdata_files(&ud, sub);
	snprintf(command, sizeof(command), "%s/userdata-d." ID ".xl", sub);
	is_int(file_replace(command, "x", 1, 0600, &err), 0, "somebody's data");
	snprintf(command, sizeof(command),
		 "%s/userdata-d.70.00010203-0405-0607-0809-0a0b0c0d0e0f.xl", sub);
	is_int(file_replace(command, "x", 1, 0600, &err), 0, "another domain's data");
	test_userdata_lock(&ud, sub);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	is_int(system(command), 0, "away");
}

int main(void)
{
	test_plan();
	test_escape();
	test_userdata();
	return tap_done();
}
