/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors, strings, files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/scope.h"
#include "base/str.h"
#include "tap.h"
#include "xen/xen.h"

static void test_err(void)
{
	struct err err = ERR_INIT;
	char longer[2000];

	is_int(fail(&err, ENOENT, "no '%s'", "x"), -ENOENT, "fail returns -code");
	is_str(err.msg, "no 'x'", "its message");
	is_int(fail_in(&err, "disk %s", "xvda"), -ENOENT, "fail_in keeps the code");
	is_str(err.msg, "disk xvda: no 'x'", "context goes in front");
	is_int(fail(&err, 0, "?"), -EIO, "code 0 is EIO");
	fail_sys(&err, EACCES, "open");
	is_str(err.msg, "open: Permission denied", "the system's reason");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	fail_sys(&err, EACCES, "open %s", longer);
	ok(strstr(err.msg, "aaa: Permission denied"), "a long path does not push the reason out");
	fail(&err, EIO, "cause");
	fail_in(&err, "%s", longer);
	ok(strlen(err.msg) < sizeof(err.msg) && strstr(err.msg, ": cause"),
	   "a long context does not push the cause out");
	is_int(xen_version_mismatch(4, 99, &err), -EACCES, "another hypervisor");
	ok(strstr(err.msg, "built for Xen 4.") && strstr(err.msg, "hypervisor is Xen 4.99"),
	   "both versions are named");
}

static void test_numbers(void)
{
	static const struct {
		const char *text;
		uint64_t max, value;
		int rc;
	} cases[] = {
		{ "0", 10, 0, 0 }, { "10", 10, 10, 0 }, { "11", 10, 0, -ERANGE },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX, 0 },
		{ "18446744073709551616", UINT64_MAX, 0, -ERANGE },
		{ "99999999999999999999999999", UINT64_MAX, 0, -ERANGE },
		{ "", 10, 0, -EINVAL }, { "-1", 10, 0, -EINVAL }, { " 1", 10, 0, -EINVAL },
		{ "1x", 10, 0, -EINVAL }, { "5", 3, 0, -ERANGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 0;

		is_int(str_to_u64(cases[i].text, cases[i].max, &value), cases[i].rc, "'%s'",
		       cases[i].text);
		ok(value == cases[i].value, "its value");
	}
}

static void test_strings(void)
{
	char buf[16];

	is_int(str_distance("maxcpus", "maxvcpus"), 1, "one letter missing");
	is_int(str_distance("kenrel", "kernel"), 1, "two letters swapped");
	is_int(str_distance("", "abc"), 3, "all missing");
	is_int(str_distance("abc", "abc"), 0, "same");
	is_str(str_escape("a\033[m\xff", 5, buf, sizeof(buf)), "a\\x1b[m\\xff", "escapes");
	is_str(str_escape("aaaaaaaaaaaaaaaaaaaaaaaaa", 25, buf, sizeof(buf)), "aaaaaaaaa...",
	       "cut to fit");
}

static void test_files(void)
{
	char dir[] = "/tmp/xlite-base-XXXXXX", path[64], deep[64];
	scoped(bytes) struct bytes b = BYTES_INIT;
	struct err err = ERR_INIT;
	size_t size;
	int fd = -1, second = -1;

	if (!mkdtemp(dir))
		return;
	snprintf(path, sizeof(path), "%s/f", dir);
	snprintf(deep, sizeof(deep), "%s/x/y/z", dir);
	is_int(file_replace(path, "hello", 5, 0600, &err), 0, "a file is written");
	is_int(file_read(path, 5, &b, &err), 0, "and read");
	is_str((char *)b.data, "hello", "the same");
	is_int(file_read(path, 4, &b, &err), -EFBIG, "not beyond the limit");
	is_int(file_open_regular(dir, &size, &err), -EINVAL, "a folder is refused");
	ok(strstr(err.msg, "it is a directory"), "by name");
	is_int(file_lock(path, 1, &fd, &err), 0, "locked");
	is_int(file_lock(path, 0, &second, &err), -EWOULDBLOCK, "a second lock would wait");
	unlink(path);
	is_int(file_lock(path, 0, &second, &err), 0, "the lock is on what stands at the path");
	close(fd);
	close(second);
	unlink(path);
	mkfifo(path, 0600);
	is_int(file_open_regular(path, &size, &err), -EINVAL, "a FIFO does not block");
	unlink(path);
	is_int(file_mkdirs(deep, 0700, &err), 0, "folders are made");
	is_int(file_mkdirs(deep, 0700, &err), 0, "or are there");
	ok(rmdir(deep) == 0, "all of them");
	snprintf(deep, sizeof(deep), "rm -rf %s", dir);
	ok(system(deep) == 0, "cleaned up");
}

static void test_stem(void)
{
	is_int(str_stem("web.dom", ".dom"), 3, "what is before a suffix");
	is_int(str_stem("a.dom.dom", ".dom"), 5, "the last one");
	is_int(str_stem("web.domx", ".dom"), 0, "another one");
	is_int(str_stem(".dom", ".dom"), 0, "nothing before it");
	is_int(str_stem("", ".dom"), 0, "nothing at all");
}

/* Only where there is no Xen, which is where unit tests mostly run. */
static void test_no_xen(void)
{
	scoped(xen) struct xen xen = XEN_INIT;
	struct err err = ERR_INIT;

	if (access("/proc/xen", F_OK) == 0 || access("/sys/hypervisor/type", F_OK) == 0)
		return;
	ok(xen_open(&xen, &err) < 0, "no hypervisor to talk to");
	is_str(err.msg, "cannot talk to the hypervisor: this machine does not run Xen", "is said");
	ok(xen_open_store(&xen, &err) < 0, "nor a xenstored");
	ok(strstr(err.msg, "xenstored") != NULL, "which is said too: %s", err.msg);
}

int main(void)
{
	test_no_xen();
	test_err();
	test_numbers();
	test_strings();
	test_stem();
	test_files();
	return tap_done();
}
