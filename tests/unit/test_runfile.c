/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Run files in a folder of our own: claims, locks, debris, renames under the lock. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "domain/runfile.h"
#include "tap.h"

static const uint8_t uuid_a[16] = { 1, 2, 3 }, uuid_b[16] = { 9 };

static void write_record(struct runfile *rf, const uint8_t uuid[16], bool creating, uint32_t domid)
{
	struct runfile_record record = { .creating = creating, .domid = domid };
	struct err err = ERR_INIT;

	memcpy(record.uuid, uuid, sizeof(record.uuid));
	is_int(runfile_write(rf, &record, &err), 0, "a record is written");
}

static void test_life(const char *dir)
{
	struct runfile rf = RUNFILE_INIT, second = RUNFILE_INIT;
	struct runfile_record record;
	struct err err = ERR_INIT;
	bool found = true;

	is_int(runfile_read(dir, "g", &record, &err), -ENOENT, "no file at first");
	is_int(runfile_lock(dir, "g", &rf, &found, &record, &err), 0, "locked");
	ok(!found, "a new file holds no record");
	is_int(runfile_read(dir, "g", &record, &err), -ENOENT, "nor do readers see one");
	write_record(&rf, uuid_a, true, 0);
	is_int(runfile_read(dir, "g", &record, &err), 0, "now they do");
	ok(record.creating && record.domid == 0, "creating, number unknown");
	ok(memcmp(record.uuid, uuid_a, 16) == 0, "the uuid");
	is_int(runfile_lock(dir, "g", &second, &found, &record, &err), -EBUSY, "locked is busy");
	is_str(err.msg, "another xlite is just creating a domain called 'g'", "and says why");
	write_record(&rf, uuid_a, false, 4294967295u);
	is_int(runfile_read(dir, "g", &record, &err), 0, "complete");
	ok(!record.creating && record.domid == 4294967295u, "a long number replaced a short one");
	record = (struct runfile_record){
		.unwatched = true, .domid = 9, .restarts = 123456, .started = 4102444800,
	};
	is_int(runfile_write(&rf, &record, &err), 0, "written again");
	is_int(runfile_read(dir, "g", &record, &err), 0, "and read");
	ok(record.unwatched && !record.creating && record.restarts == 99999 &&
	   record.started == 4102444800, "unwatched; restarts, with a limit, and since when");
	write_record(&rf, uuid_a, false, 4294967295u);
	runfile_unlock(&rf);
	runfile_drop(dir, "g", 4294967295u, uuid_b);
	is_int(runfile_read(dir, "g", &record, &err), 0, "another uuid's drop leaves it");
	runfile_drop(dir, "g", 8, uuid_a);
	is_int(runfile_read(dir, "g", &record, &err), 0, "so does another number's");
	runfile_drop(dir, "g", 4294967295u, uuid_a);
	is_int(runfile_read(dir, "g", &record, &err), -ENOENT, "its own removes it");
}

/* A process that is killed while it holds the lock leaves a record and no lock. */
static void test_debris(const char *dir)
{
	struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	struct err err = ERR_INIT;
	bool found = false;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct runfile mine = RUNFILE_INIT;
		struct runfile_record r = { .creating = true, .domid = 7 };

		if (runfile_lock(dir, "k", &mine, &found, &record, &err) == 0 &&
		    runfile_write(&mine, &r, &err) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status), "the child was killed");
	is_int(runfile_lock(dir, "k", &rf, &found, &record, &err), 0, "its lock went with it");
	ok(found && record.creating && record.domid == 7, "its record says what it was at");
	runfile_remove(&rf);
	is_int(runfile_read(dir, "k", &record, &err), -ENOENT, "removed");
}

/* What says neither "creating" nor "complete" must not get a domain destroyed. */
static void test_damaged(const char *dir)
{
	static const char text[] = "creatinx 01020300-0000-0000-0000-000000000000          7\n";
	struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	struct err err = ERR_INIT;
	bool found = true;

	is_int(runfile_lock(dir, "d", &rf, &found, &record, &err), 0, "locked");
	is_int(pwrite(rf.fd, text, strlen(text), 0), (long)strlen(text), "a damaged record");
	is_int(runfile_read(dir, "d", &record, &err), -ENOENT, "is none");
	runfile_remove(&rf);
}

static void test_list(const char *dir)
{
	static const char *const names[] = { ".", "with blank", "g.dom", "\xc3\xa4" };
	struct runfile_entry *list = NULL;
	struct err err = ERR_INIT;
	size_t nr = 1;

	is_int(runfile_list("/nonexistent-folder", &list, &nr, &err), 0, "no folder: no entries");
	is_int(nr, 0, "none");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct runfile rf = RUNFILE_INIT;
		struct runfile_record old;
		bool found;

		is_int(runfile_lock(dir, names[i], &rf, &found, &old, &err), 0, "%s", names[i]);
		write_record(&rf, uuid_b, false, (uint32_t)i + 1);
		runfile_unlock(&rf);
	}
	is_int(runfile_list(dir, &list, &nr, &err), 0, "listed");
	is_int(nr, ARRAY_SIZE(names), "all of them");
	for (size_t i = 0; i < nr; i++)
		is_str(list[i].name, names[list[i].record.domid - 1], "under its own name");
	runfile_list_free(list, nr);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		runfile_drop(dir, names[i], (uint32_t)i + 1, uuid_b);
}

/* Who sees to a guest's end, and what one that was killed leaves. */
static void test_ends(const char *dir)
{
	struct runfile end = RUNFILE_INIT;
	struct err err = ERR_INIT;
	int status;
	pid_t pid;

	ok(!runfile_has_end(dir, "g"), "nobody is at its end");
	is_int(runfile_lock_end(dir, "g", &end, &err), 0, "now we are");
	ok(runfile_has_end(dir, "g"), "which shows");
	runfile_sweep_ends(dir);
	ok(runfile_has_end(dir, "g"), "nobody sweeps it away");
	runfile_remove(&end);
	ok(!runfile_has_end(dir, "g"), "it goes with the lock");
	pid = fork();
	if (pid == 0) {
		is_int(runfile_lock_end(dir, "g", &end, &err), 0, "a child");
		raise(SIGKILL);
	}
	waitpid(pid, &status, 0);
	ok(runfile_has_end(dir, "g"), "one that is killed leaves it");
	runfile_sweep_ends(dir);
	ok(!runfile_has_end(dir, "g"), "until it is swept away");
}

int main(void)
{
	char dir[] = "/tmp/xlite-runfile-XXXXXX";

	if (!mkdtemp(dir))
		return 1;
	test_life(dir);
	test_debris(dir);
	test_damaged(dir);
	test_list(dir);
	test_ends(dir);
	ok(rmdir(dir) == 0, "nothing is left in the folder");
	return tap_done();
}
