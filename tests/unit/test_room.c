/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/room.h"

#include "base/scope.h"
#include "cmd/candidates.h"
#include "cmd/command.h"
#include "tests/unit/tap.h"

/* Whether domain 0 may be shrunk, by Xen's command line. */
static const struct { const char *commandline; bool may; } lines[] = {
	{ "", true },
	{ "console=com1", true },
	{ "dom0_mem=1024M", false },
	{ "dom0_mem=1024M,max:1024M dom0_max_vcpus=2", false },
	{ "console=com1 dom0_mem=max:1G", false },
	{ "console=com1 dom0_mem=", true },
	{ "dom0_mem=min:1G,max:2G", false },
	{ "dom0_mem=-512M", true },
	{ "dom0_mem=50%", true },
	{ "dom0_mem=1G+10%", true },
	{ "dom0_mem= console=com1", true },
	{ "xdom0_mem=1024M", true },
	{ "xdom0_mem=1 dom0_mem=1", false },
};

/* Which word of a usage text stands at a place, as completion reads it. */
static const struct { const char *usage; size_t place; const char *word; bool repeats; } words[] = {
	{ "<Domain> <DevId>", 0, "Domain", false },
	{ "<Domain> <DevId>", 1, "DevId", false },
	{ "<Domain> <DevId>", 2, NULL, false },
	{ "[option] <Domain> <vCPUs>", 0, "Domain", false },
	{ "<ConfigFile> [options] [vars]", 1, "vars", true },
	{ "<ConfigFile> [options] [vars]", 7, "vars", true },
	{ "[Domain, ...]", 3, "Domain, ...", true },
	{ "<Domain(s)>", 2, "Domain(s)", true },
	{ "list|show <Image>...", 0, "list|show", false },
	{ "list|show <Image>...", 4, "Image", true },
	{ "[options] <-a|Domain>", 0, "-a|Domain", false },
	{ "<BDF>|<NAME>", 0, "<BDF>|<NAME>", false },
	{ "[-f] [--json]", 0, NULL, false },
	{ "", 0, NULL, false },
};

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		is_int(room_auto(lines[i].commandline), lines[i].may, "'%s'", lines[i].commandline);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const struct command command = { .args = words[i].usage };
		struct usage_word word = { .len = 0 };
		bool found = usage_word(&command, words[i].place, &word);

		is_int(found, words[i].word != NULL, "'%s' has a word %zu", words[i].usage, words[i].place);
		if (!found || !words[i].word)
			continue;
		ok(word.len == strlen(words[i].word) && !strncmp(word.text, words[i].word, word.len),
		   "it is '%s': '%.*s'", words[i].word, (int)word.len, word.text);
		is_int(word.repeats, words[i].repeats, "and may repeat or not");
	}
	return tap_done();
}
