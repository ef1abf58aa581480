/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guests started several at a time; each "create" is this program itself, and its config's name
 * says what it does.
 */
#include "domain/autostart.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/wait.h"
#include "tap.h"

enum { PATIENCE_S = 60 };

/* A signal stays blocked over exec. */
static int create(const char *what)
{
	sigset_t mask;

	if (sigprocmask(SIG_BLOCK, NULL, &mask) < 0 || sigismember(&mask, SIGCHLD))
		return 9;
	alarm(PATIENCE_S);
	if (strcmp(what, "bad") == 0)
		return 3;
	if (strcmp(what, "good") == 0)
		return 0;
	/* As systemd does it, at any moment; and only who is told in turn ends. */
	if (strcmp(what, "interrupts") == 0)
		kill(getppid(), SIGTERM);
	for (;;)
		pause();
}

static const struct {
	const char *guests[5];
	unsigned int jobs;
	int rc;
	const char *msg;
} cases[] = {
	{ { "good" }, 1, 0, "" },
	{ { "good", "good", "good" }, 0, 0, "" },
	{ { "good", "bad", "good", "bad" }, 2, -EIO, "2 of 4 guests have not been started" },
	{ { "interrupts" }, 1, -EINTR, "interrupted" },
	{ { "interrupts", "waits", "waits", "waits" }, 4, -EINTR, "interrupted" },
	/* The last would wait for ever: nobody tells it. */
	{ { "waits", "interrupts", "waits" }, 2, -EINTR, "interrupted" },
	{ { "interrupts", "waits" }, 1, -EINTR, "interrupted" },
};

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "create") == 0)
		return create(argv[4]);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct autostart_guest guests[5] = { { .file = NULL } };
		struct autostart list = { .guests = guests };
		struct err err = ERR_INIT;
		int64_t start = wait_now_ms();
		char text[5][16];

		while (list.nr < 5 && cases[i].guests[list.nr]) {
			snprintf(text[list.nr], sizeof(text[0]), "%s", cases[i].guests[list.nr]);
			guests[list.nr].file = guests[list.nr].name = text[list.nr];
			list.nr++;
		}
		is_int(autostart_start(&list, cases[i].jobs, &err), cases[i].rc, "case %zu", i);
		is_str(err.msg, cases[i].msg, "its message");
		ok(wait_now_ms() - start < PATIENCE_S * 1000, "nobody was forgotten");
		wait_forgive();
	}
	return tap_done();
}
