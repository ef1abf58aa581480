/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Creates in a row, a hundred by each: what guests that are there already cost. Each makes its own
 * guests, so that what it keeps for each (xl: a process) counts. tests/bench/plot draws it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

enum { LAST = 10 };

#define MOST_OF_FLOOR 1.2

static void one_row(int who, const char *tool, const char *kernel, const char *config,
		    struct set *set)
{
	char name[16], setting[32], text[4096];

	for (unsigned int i = 0; i < set->rounds; i++) {
		snprintf(name, sizeof(name), "row%u", i);
		snprintf(setting, sizeof(setting), "name=\"%s\"", name);
		set->us[CREATE][who][i] = who == FLOOR ?
			RUN(text, tool, "create", kernel, "8", name) :
			RUN(text, tool, "create", "-pq", config, setting, "memory=8");
	}
	for (unsigned int i = set->rounds; i-- > 0;) {
		snprintf(name, sizeof(name), "row%u", i);
		RUN(text, who == XLITE ? "xlite" : "xl", "destroy", name);
	}
}

static double last_ms(const struct set *set, int who)
{
	struct set last = { .rounds = set->rounds < LAST ? set->rounds : LAST };

	memcpy(last.us[CREATE][who], &set->us[CREATE][who][set->rounds - last.rounds],
	       last.rounds * sizeof(last.us[CREATE][who][0]));
	return median_ms(&last, CREATE, who);
}

bool curve(const char *const tools[CONTENDERS], const char *kernel, const char *config,
	   unsigned int creates)
{
	static struct set set;
	double ratio;

	set.rounds = creates;
	for (int who = 0; who < CONTENDERS; who++) {
		one_row(who, tools[who], kernel, config, &set);
		printf(",\n  {\"scenario\": \"curve\", \"who\": \"%s\", \"us\": [", tools[who]);
		for (unsigned int i = 0; i < creates; i++)
			printf("%s%ld", i ? ", " : "", set.us[CREATE][who][i]);
		printf("]}");
		fflush(stdout);
	}
	ratio = last_ms(&set, XLITE) / last_ms(&set, FLOOR);
	fprintf(stderr, "create -p, the last of %3u in a row   %8.1f %8.1f %8.1f %23.2f <= %.2f%s\n",
		creates, last_ms(&set, XL), last_ms(&set, XLITE), last_ms(&set, FLOOR), ratio,
		MOST_OF_FLOOR, ratio > MOST_OF_FLOOR ? "!" : "");
	return ratio > MOST_OF_FLOOR;
}
