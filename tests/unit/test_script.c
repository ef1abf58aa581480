/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What needs no store: a script that fails is in tests/bed/t/32-net.t. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/str.h"
#include "base/wait.h"
#include "devices/script.h"

#include "tests/unit/tap.h"

static char dir[] = "/tmp/test_script.XXXXXX";

static void write_script(const char *name, mode_t mode, const char *text, char path[64])
{
	struct err err;

	snprintf(path, 64, "%s/%s", dir, name);
	if (file_replace(path, text, strlen(text), mode, &err) < 0)
		tap_ok(false, __FILE__, __LINE__, "%s", err.msg);
}

/* Pids and texts that scripts leave in files of dir. */
static void read_back(const char *name, struct bytes *out)
{
	char path[64];
	struct err err;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (file_read(path, 65536, out, &err) < 0)
		tap_ok(false, __FILE__, __LINE__, "%s", err.msg);
}

static void test_path(void)
{
	struct err err = ERR_INIT;
	char path[64], got[64], want[128];

	write_script("plain", 0644, "x", path);
	is_int(script_path(path, got, sizeof(got), &err), -EACCES, "not executable");
	snprintf(want, sizeof(want), "hotplug script '%s': Permission denied", path);
	is_str(err.msg, want, "not executable: message");
	is_int(script_path(dir, got, sizeof(got), &err), -EINVAL, "a folder");
	is_int(script_path("no-such-script", got, sizeof(got), &err), -ENOENT, "absent");
	is_str(err.msg, "hotplug script '/etc/xen/scripts/no-such-script': No such file or "
	       "directory", "absent: message");
	write_script("good", 0755, "#!/bin/sh\n", path);
	is_int(script_path(path, got, sizeof(got), &err), 0, "executable");
	is_str(got, path, "an absolute path stays");
	is_int(script_path(path, got, 8, &err), -ENAMETOOLONG, "too long");
}

static const char *const env[] = { "vif=vif3.0", "INHERITED=replaced", NULL };

static void test_environment(void)
{
	scoped(bytes) struct bytes text = BYTES_INIT;
	struct script_call call = {
		.action = "online", .extra = "type_if=vif", .type = "vif", .env = env,
		.backend = "/local/domain/0/backend/vif/3/0",
	};
	struct err err = ERR_INIT;
	char path[64], want[512];

	write_script("env", 0755, "#!/bin/sh\ncat\nexec > \"${0%/*}/out\"\n"
		     "echo \"$@,$script,$XENBUS_TYPE,$XENBUS_PATH,$XENBUS_BASE_PATH,$vif\"\n"
		     "env | grep -c ^INHERITED=\necho \"$INHERITED,$KEPT\"\n"
		     "test \"$(ps -o sid= -p $$ | tr -d ' ')\" = $$ && echo session\n", path);
	setenv("INHERITED", "from outside", 1);
	setenv("KEPT", "kept", 1);
	call.script = path;
	is_int(script_run(NULL, &call, 10000, &err), 0, "a script that ends well");
	read_back("out", &text);
	snprintf(want, sizeof(want), "online type_if=vif,%s,vif,backend/vif/3/0,backend,vif3.0\n"
		 "1\nreplaced,kept\nsession\n", path);
	is_str(text.data, want, "arguments and environment");
	call.script = "/nonexistent";
	is_int(script_run(NULL, &call, 10000, &err), -ENOENT, "nothing to run");
	is_str(err.msg, "cannot run hotplug script '/nonexistent': No such file or directory",
	       "nothing to run: message");
}

/* Orphans come to us (PR_SET_CHILD_SUBREAPER). */
static bool ends(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(10000);
	}
	return false;
}

static const char sleeper[] = "#!/bin/sh\nsleep 1000 &\necho $! > \"${0%/*}/pid\"\n"
	"mv \"${0%/*}/pid\" \"${0%/*}/child\"\nwait\n";

static void check_child(const char *what)
{
	scoped(bytes) struct bytes text = BYTES_INIT;
	char path[64];

	read_back("child", &text);
	ok(text.data && ends(atoi(text.data)), "%s: its child was killed as well", what);
	snprintf(path, sizeof(path), "%s/child", dir);
	unlink(path);
}

static void test_killed(void)
{
	struct script_call call = { .action = "add", .type = "vbd", .backend = "/x" };
	char path[64], child[64], want[256];
	struct err err = ERR_INIT;
	pid_t pid;

	write_script("hang", 0755, sleeper, path);
	call.script = path;
	is_int(script_run(NULL, &call, 500, &err), -ETIMEDOUT, "a script that hangs");
	snprintf(want, sizeof(want), "hotplug script '%s add' has not ended after 0.5 s and was "
		 "killed", path);
	is_str(err.msg, want, "hang: message");
	check_child("hang");

	is_int(wait_catch_interrupts(&err), 0, "signals are caught");
	snprintf(child, sizeof(child), "%s/child", dir);
	pid = fork();
	if (pid == 0) {
		while (access(child, F_OK) < 0)
			usleep(10000);
		kill(getppid(), SIGINT);
		_exit(0);
	}
	is_int(script_run(NULL, &call, 60000, &err), -EINTR, "interrupted");
	waitpid(pid, NULL, 0);
	check_child("interrupted");
	write_script("env", 0755, "#!/bin/sh\nsleep 0.2\n", path);
	call.script = path;
	call.action = "remove";
	is_int(script_run(NULL, &call, 10000, &err), 0, "afterwards what takes down still runs");
}

int main(void)
{
	log_level = LOG_WARN;
	if (!mkdtemp(dir) || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	test_path();
	test_environment();
	test_killed();
	for (const char *const *name = (const char *const[]){ "plain", "good", "env", "out", "hang",
							       NULL }; *name; name++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%s", dir, *name);
		unlink(path);
	}
	rmdir(dir);
	return tap_done();
}
