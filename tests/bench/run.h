/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What bench's scenarios are made of: a command's time, and what many of them amount to. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

enum { XL, XLITE, FLOOR, CONTENDERS, MAX_ROUNDS = 100 };

enum what { CREATE, DESTROY, LIST, BLOCK_ATTACH, BLOCK_DETACH, NETWORK_ATTACH, NETWORK_DETACH,
	BOOT_FIND, BOOT_READ, BOOT_COPY, BOOT_UNPACK, REBOOT, WHATS };

/* One set of rounds: us[what][contender][round], microseconds. */
struct set {
	unsigned int rounds, spread;	/* spread: percent, see spread() */
	long us[WHATS][CONTENDERS][MAX_ROUNDS];
};

/* Exit status 2. */
__attribute__((noreturn)) void die(const char *what);

long now_us(void);

/*
 * Microseconds from spawn to exit, which must be good; what it printed goes to text. *peak_kb
 * (may be NULL): its memory, or that of a process that it waited for.
 */
long run(const char *const *argv, char *const *env, char *text, size_t size, long *peak_kb);

#define RUN(text, ...) \
	run((const char *const[]){ __VA_ARGS__, NULL }, environ, text, sizeof(text), NULL)

void write_config(const char *path, const char *text);
/* A file of a MiB of zeros. */
void make_image(const char *path);

/* Of all rounds: the median; in the ratio's, that of each round's own. */
double median_ms(const struct set *set, enum what what, int who);
double median_ratio(const struct set *set, enum what what, int who, int other);
/* How many percent of the median the middle half spreads over. */
unsigned int spread(const struct set *set, enum what what, int who);

/* Reading kernels out of a disk: boot.c */

/* Makes, removes the disk. */
void boot_disk(bool there);
void one_boot(int who, struct set *set, unsigned int round);
/* Prints what the reader takes beyond the two files; whether that is more than it may. */
bool peak_memory(void);

/* A tiny guest that reboots, until its successor answers: reboot.c. */
void reboot_once(int who, const char *tool, const char *config, struct set *set,
		 unsigned int round);

/*
 * So many creates in a row by each of tools[], at most MAX_ROUNDS: curve.c. Prints them; whether
 * the last ones take too long.
 */
bool curve(const char *const tools[CONTENDERS], const char *kernel, const char *config,
	   unsigned int creates);

#endif
