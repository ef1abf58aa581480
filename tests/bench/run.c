/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "toolstack/base/scope.h"

void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(2);
}

long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

long run(const char *const *argv, char *const *env, char *text, size_t size, long *peak_kb)
{
	scoped(fd) int out = memfd_create("out", MFD_CLOEXEC);
	char *args[10] = { NULL };
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	long start, end;
	int status;
	ssize_t len;
	pid_t pid;

	for (size_t i = 0; argv[i] && i < ARRAY_SIZE(args) - 1; i++)
		args[i] = strdup(argv[i]);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	start = now_us();
	if (posix_spawnp(&pid, args[0], &actions, NULL, args, env) != 0)
		die(args[0]);
	wait4(pid, &status, 0, &usage);
	end = now_us();
	if (peak_kb)
		*peak_kb = usage.ru_maxrss;
	posix_spawn_file_actions_destroy(&actions);
	len = pread(out, text, size - 1, 0);
	text[len < 0 ? 0 : len] = '\0';
	if (status != 0) {
		fprintf(stderr, "bench: %s %s: status %#x\n", args[0], args[1], status);
		exit(2);
	}
	for (size_t i = 0; args[i]; i++)
		free(args[i]);
	return end - start;
}

void write_config(const char *path, const char *text)
{
	scoped(file) FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fflush(f) != 0)
		die(path);
}

void make_image(const char *path)
{
	scoped(fd) int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, 1 << 20) < 0)
		die(path);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The value below which part/4 of them are. */
static double quartile(const double *values, unsigned int nr, unsigned int part)
{
	double sorted[MAX_ROUNDS];

	memcpy(sorted, values, nr * sizeof(*values));
	qsort(sorted, nr, sizeof(*sorted), by_value);
	return sorted[(nr - 1) * part / 4];
}

double median_ms(const struct set *set, enum what what, int who)
{
	double ms[MAX_ROUNDS];

	for (unsigned int i = 0; i < set->rounds; i++)
		ms[i] = (double)set->us[what][who][i] / 1000;
	return quartile(ms, set->rounds, 2);
}

double median_ratio(const struct set *set, enum what what, int who, int other)
{
	double ratio[MAX_ROUNDS];

	for (unsigned int i = 0; i < set->rounds; i++)
		ratio[i] = (double)set->us[what][who][i] / (double)set->us[what][other][i];
	return quartile(ratio, set->rounds, 2);
}

unsigned int spread(const struct set *set, enum what what, int who)
{
	double us[MAX_ROUNDS];

	for (unsigned int i = 0; i < set->rounds; i++)
		us[i] = (double)set->us[what][who][i];
	return (unsigned int)(100 * (quartile(us, set->rounds, 3) - quartile(us, set->rounds, 1)) /
			      quartile(us, set->rounds, 2));
}
