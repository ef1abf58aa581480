/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "candidates.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "command.h"
#include "config/disk.h"
#include "config/keys.h"
#include "devices/device.h"
#include "devices/pci.h"
#include "domain/cpupool.h"
#include "domain/list.h"
#include "domain/lookup.h"

/* One item of a usage text and what stands behind it: "<...>", "[...]" or bare. */
static const char *next_item(const char *at, struct usage_word *word)
{
	int depth = 0;

	at += strspn(at, " ");
	word->text = at;
	for (; *at && (depth > 0 || *at != ' '); at++) {
		depth += *at == '<' || *at == '[';
		depth -= *at == '>' || *at == ']';
	}
	word->len = (size_t)(at - word->text);
	word->repeats = word->len > 3 && strncmp(at - 3, "...", 3) == 0;
	return at;
}

static bool is_text(const struct usage_word *word, const char *text)
{
	return word->len == strlen(text) && strncmp(word->text, text, word->len) == 0;
}

static bool has_text(const struct usage_word *word, const char *text)
{
	return memmem(word->text, word->len, text, strlen(text));
}

/* "[options]", "[-s]": these are in the table. */
static bool is_option(const struct usage_word *word)
{
	return is_text(word, "[options]") || is_text(word, "[option]") || word->text[0] == '-' ||
	       (word->len > 1 && word->text[0] == '[' && word->text[1] == '-');
}

static void strip_brackets(struct usage_word *word)
{
	if (word->repeats && word->text[word->len - 1] == '.')
		word->len -= 3;
	while (word->len > 1 && (word->text[0] == '<' || word->text[0] == '[') &&
	       (word->text[word->len - 1] == '>' || word->text[word->len - 1] == ']')) {
		/* "<BDF>|<NAME>" is no pair. */
		if (memchr(word->text + 1, word->text[0] == '<' ? '>' : ']', word->len - 2))
			return;
		word->text++;
		word->len -= 2;
	}
}

bool usage_word(const struct command *command, size_t nr, struct usage_word *word)
{
	const char *at = command->args ? command->args : "";
	size_t i = 0;

	while (*at) {
		struct usage_word next;

		at = next_item(at, &next);
		if (!next.len || is_option(&next))
			continue;
		strip_brackets(&next);
		next.repeats |= has_text(&next, "...") || has_text(&next, "(s)") ||
			is_text(&next, "vars");
		*word = next;
		if (i++ == nr)
			return true;
	}
	/* The last one may stand for all that follow. */
	return i && word->repeats;
}

/* What is being completed. */
struct asked {
	const struct command *command;
	char *const *words;		/* after the command; the last is being typed */
	size_t nr;
	const char *prefix;		/* = words[nr - 1] */
	const char *first;		/* the first word that is no option, NULL: none */
	size_t place;			/* which of the command's words it is */
	struct xen xen;			/* open only when: */
	bool host;
};

static void offer(const struct asked *a, const char *text, const char *what)
{
	/* One that a line cannot hold cannot be typed either. */
	if (!str_starts(text, a->prefix) || !*text || strpbrk(text, "\n\t"))
		return;
	printf("%s", text);
	if (what)
		printf("\t%.*s", (int)strcspn(what, "\n"), what);
	putchar('\n');
}

static void offer_commands(const struct asked *a)
{
	for (size_t i = 0; i < command_nr; i++)
		offer(a, command_list[i]->name, command_list[i]->help);
}

static void offer_options(const struct asked *a)
{
	for (size_t i = 0; i < a->command->nr_options; i++) {
		const struct option_row *row = &a->command->options[i];
		char text[64];

		if (!row->help)
			continue;
		snprintf(text, sizeof(text), "-%c", row->short_name);
		if (row->short_name)
			offer(a, text, row->help);
		snprintf(text, sizeof(text), "--%s", row->long_name);
		if (row->long_name)
			offer(a, text, row->help);
	}
	offer(a, "--help", "Explain the command");
}

static void offer_domains(struct asked *a)
{
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	struct err unused;

	if (domain_list_all(&a->xen, &list, &unused) < 0)
		return;
	for (size_t i = 0; i < list.nr; i++) {
		char what[32];

		snprintf(what, sizeof(what), "domain %u", list.items[i].info.domid);
		if (list.items[i].name)
			offer(a, list.items[i].name, what);
	}
}

static void offer_pools(struct asked *a)
{
	scoped(cpupool_list) struct cpupool_list list = CPUPOOL_LIST_INIT;
	struct err unused;

	if (cpupool_list_all(&a->xen, &list, &unused) < 0)
		return;
	for (size_t i = 0; i < list.nr; i++)
		if (list.items[i].name)
			offer(a, list.items[i].name, NULL);
}

/* Those of the kind that the command is about, by its name. */
static void offer_devices(struct asked *a)
{
	scoped(device_list) struct device_list list = DEVICE_LIST_INIT;
	bool vif = str_starts(a->command->name, "network-");
	struct err unused;
	uint32_t domid;

	if (!a->first || domain_lookup(&a->xen, a->first, &domid, &unused) < 0 ||
	    devices_list(&a->xen, domid, &list, &unused) < 0)
		return;
	for (size_t i = 0; i < list.nr; i++) {
		char text[DISK_VDEV_MAX > 16 ? DISK_VDEV_MAX : 16];

		if (strcmp(list.items[i].kind_name, vif ? "vif" : "vbd") != 0)
			continue;
		if (vif)
			snprintf(text, sizeof(text), "%u", list.items[i].devid);
		offer(a, vif ? text : disk_vdev(list.items[i].devid, text),
		      list.items[i].backend_kind);
	}
}

static void offer_bdf(const struct asked *a, const struct pci_bdf *bdf, const char *what)
{
	char text[16];

	snprintf(text, sizeof(text), "%04x:%02x:%02x.%x", bdf->domain, bdf->bus, bdf->dev,
		 bdf->func);
	offer(a, text, what);
	if (bdf->domain == 0)
		offer(a, text + 5, what);
}

/* A guest's, where it is to lose one; else those that guests can have. */
static void offer_pci(struct asked *a)
{
	scoped(free) struct pci_slot *slots = NULL;
	struct pci_assignable *list = NULL;
	struct err unused;
	uint32_t domid;
	size_t nr = 0;

	if (strcmp(a->command->name, "pci-detach") == 0) {
		if (a->first && domain_lookup(&a->xen, a->first, &domid, &unused) == 0 &&
		    pci_slots(&a->xen, domid, &slots, &nr, &unused) == 0)
			for (size_t i = 0; i < nr; i++)
				offer_bdf(a, &slots[i].bdf, NULL);
	} else if (pci_assignable_list(&a->xen, &list, &nr, &unused) == 0) {
		for (size_t i = 0; i < nr; i++)
			offer_bdf(a, &list[i].bdf, list[i].name);
		pci_assignable_free(list, nr);
	}
}

/* Where people keep them; what else there is the shell knows. */
static void offer_configs(const struct asked *a)
{
	static const char pattern[] = "/etc/xen/*.cfg";
	glob_t found = { .gl_pathc = 0 };

	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			offer(a, found.gl_pathv[i], NULL);
	}
	globfree(&found);
}

static void offer_keys(const struct asked *a)
{
	for (size_t i = 0; i < key_table_size; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s=", key_table[i].name);
		offer(a, text, key_table[i].help);
	}
}

/* "start|stop", "type=<type>": what has to be typed as it stands, which is in lower case. */
static void offer_literals(const struct asked *a, const struct usage_word *word)
{
	const char *at = word->text, *end = word->text + word->len;

	while (at < end) {
		size_t len = 0;
		char text[32];

		while (at + len < end && (islower((unsigned char)at[len]) ||
					  isdigit((unsigned char)at[len]) || at[len] == '-'))
			len++;
		if (at + len < end && at[len] == '=')
			len++;
		if (len && (at + len == end || at[len] == '|' || at[len - 1] == '=') &&
		    len < sizeof(text)) {
			memcpy(text, at, len);
			text[len] = '\0';
			offer(a, text, NULL);
		}
		at += len;
		while (at < end && *at++ != '|')
			continue;
	}
}

static void nothing(struct asked *a)
{
	(void)a;
}

/* What a word of a usage text stands for; the first that fits. */
static const struct meaning {
	const char *part;
	bool files;
	void (*offer)(struct asked *a);
} meanings[] = {
	{ "NewDomain", false, nothing },
	{ "Domain", false, offer_domains },
	{ "DOMAIN", false, offer_domains },
	{ "CPU Pool", false, offer_pools },
	{ "CPUPOOL", false, offer_pools },
	{ "DevId", false, offer_devices },
	{ "VirtualDevice", false, offer_devices },
	{ "BDF", false, offer_pci },
	{ "PCI_SPEC", false, offer_pci },
	{ "File", true, NULL },
	{ "FILE", true, NULL },
	{ "filename", true, NULL },
	{ "DIR", true, NULL },
	{ "path", true, NULL },
	{ "Image", true, NULL },
};

static const struct meaning *meaning_of(const struct usage_word *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		if (has_text(word, meanings[i].part))
			return &meanings[i];
	}
	return NULL;
}

static void print_word(struct asked *a, const struct usage_word *word)
{
	const struct meaning *meaning = meaning_of(word);

	puts(meaning && meaning->files ? "files" : "words");
	if (meaning && meaning->offer && a->host)
		meaning->offer(a);
	if (has_text(word, "ConfigFile"))
		offer_configs(a);
	if (is_text(word, "vars"))
		offer_keys(a);
	if (is_text(word, "Command") && strcmp(a->command->name, "help") == 0)
		offer_commands(a);
	if (!meaning)
		offer_literals(a, word);
}

/* The option that wants the word after it as its argument, or NULL. */
static const struct option_row *waiting(const struct command *command, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; word[0] == '-' && len > 1 && i < command->nr_options; i++) {
		const struct option_row *row = &command->options[i];

		if (!row->argument)
			continue;
		if (word[1] == '-' ? row->long_name && strcmp(row->long_name, word + 2) == 0 :
		    row->short_name && word[len - 1] == row->short_name)
			return row;
	}
	return NULL;
}

static const struct option_row *find_place(struct asked *a)
{
	const struct option_row *option = NULL;

	for (size_t i = 0; i + 1 < a->nr; i++) {
		bool argument = option;

		option = argument ? NULL : waiting(a->command, a->words[i]);
		if (argument || a->words[i][0] == '-')
			continue;
		if (!a->place++)
			a->first = a->words[i];
	}
	return option;
}

static void print_argument(struct asked *a, const struct option_row *option)
{
	struct usage_word word = { .text = option->argument, .len = strlen(option->argument) };

	print_word(a, &word);
}

int candidates_print(char *const *words, size_t nr, struct err *err)
{
	struct asked a = { .words = words, .nr = nr, .prefix = nr ? words[nr - 1] : "",
			   .xen = XEN_INIT };
	const struct option_row *option;
	struct usage_word word;
	const char *known;

	/* Global options have no arguments. */
	while (a.nr > 1 && a.words[0][0] == '-') {
		a.words++;
		a.nr--;
	}
	if (a.nr > 1) {
		a.command = command_find(command_list, command_nr, a.words[0], &known);
		a.words++;
		a.nr--;
		if (!a.command)
			return 0;
	}
	if (!a.command) {
		puts("words");
		offer_commands(&a);
		return 0;
	}
	/* Without a host there are no domains, and nothing that is worth a message. */
	a.host = xen_open(&a.xen, err) == 0 && xen_open_store(&a.xen, err) == 0;
	option = find_place(&a);
	if (option) {
		print_argument(&a, option);
	} else if (a.prefix[0] == '-') {
		puts("words");
		offer_options(&a);
	} else if (usage_word(a.command, a.place, &word)) {
		print_word(&a, &word);
	} else {
		puts("words");
	}
	xen_close(&a.xen);
	return 0;
}
