/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A strict reader of the OpenMetrics text format 1.0, as far as xlite writes it: gauge, counter,
 * info and stateset, no timestamps, no exemplars. Used by the unit test, where it is held against
 * bad texts too, and in dom0 on what a real host says.
 */
#ifndef TESTS_OPENMETRICS_H
#define TESTS_OPENMETRICS_H

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OM_NAMES = 256, OM_SERIES = 4096, OM_NAME = 96, OM_LINE = 4096 };

struct openmetrics {
	char names[OM_NAMES][OM_NAME];		/* families, also those that are closed */
	unsigned int nr_names;
	char type[16];				/* of the open family */
	bool has_type, has_unit, has_help, has_sample;
	char *series[OM_SERIES];		/* name and labels of all samples */
	unsigned int nr_series;
	unsigned int samples;
	bool ended;
	const char *why;			/* the first thing that is wrong */
};

static inline bool om_wrong(struct openmetrics *om, const char *why)
{
	if (!om->why)
		om->why = why;
	return false;
}

static inline size_t om_name_len(const char *s, bool colon)
{
	size_t n = 0;

	if (!isalpha((unsigned char)*s) && *s != '_' && !(colon && *s == ':'))
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_' || (colon && s[n] == ':'))
		n++;
	return n;
}

static inline const char *om_family(const struct openmetrics *om)
{
	return om->nr_names ? om->names[om->nr_names - 1] : "";
}

/* A line about a family: the open one, or a new one that was never there before. */
static inline bool om_open(struct openmetrics *om, const char *name, size_t len)
{
	if (!len || len >= OM_NAME)
		return om_wrong(om, "a family's name");
	if (strlen(om_family(om)) == len && strncmp(om_family(om), name, len) == 0)
		return om->has_sample ? om_wrong(om, "a description after samples") : true;
	for (unsigned int i = 0; i < om->nr_names; i++) {
		if (strlen(om->names[i]) == len && strncmp(om->names[i], name, len) == 0)
			return om_wrong(om, "a family in two places");
	}
	if (om->nr_names == OM_NAMES)
		return om_wrong(om, "too many families for this reader");
	snprintf(om->names[om->nr_names++], OM_NAME, "%.*s", (int)len, name);
	om->has_type = om->has_unit = om->has_help = om->has_sample = false;
	strcpy(om->type, "unknown");
	return true;
}

static inline bool om_type(struct openmetrics *om, const char *type)
{
	static const char *const types[] = { "gauge", "counter", "info", "stateset" };

	if (om->has_type)
		return om_wrong(om, "two types");
	om->has_type = true;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(types[i], type) == 0) {
			snprintf(om->type, sizeof(om->type), "%s", type);
			return true;
		}
	}
	return om_wrong(om, "a type that is none");
}

static inline bool om_unit(struct openmetrics *om, const char *unit)
{
	size_t name = strlen(om_family(om)), len = strlen(unit);

	if (om->has_unit)
		return om_wrong(om, "two units");
	om->has_unit = true;
	if (strcmp(om->type, "info") == 0 || strcmp(om->type, "stateset") == 0)
		return om_wrong(om, "a unit of what has none");
	if (!len || name <= len + 1 || om_family(om)[name - len - 1] != '_' ||
	    strcmp(om_family(om) + name - len, unit) != 0)
		return om_wrong(om, "a unit that the name does not end with");
	return true;
}

/* "# HELP name text" and its like; "# EOF". */
static inline bool om_comment(struct openmetrics *om, const char *line)
{
	const char *name, *rest;
	size_t len;

	if (strcmp(line, "# EOF") == 0)
		return om->ended = true;
	if (strncmp(line, "# HELP ", 7) && strncmp(line, "# TYPE ", 7) &&
	    strncmp(line, "# UNIT ", 7))
		return om_wrong(om, "a comment");
	name = line + 7;
	len = om_name_len(name, true);
	rest = name + len;
	if (*rest++ != ' ' || !om_open(om, name, len))
		return om_wrong(om, "no blank after a family's name");
	if (line[2] == 'T')
		return om_type(om, rest);
	if (line[2] == 'U')
		return om_unit(om, rest);
	if (om->has_help)
		return om_wrong(om, "two helps");
	om->has_help = true;
	return true;
}

static inline const char *om_suffix(const struct openmetrics *om)
{
	return strcmp(om->type, "counter") == 0 ? "_total" :
	       strcmp(om->type, "info") == 0 ? "_info" : "";
}

/* After the '{': the end of the labels, or NULL. *state: whether one is called as the family. */
static inline const char *om_labels(struct openmetrics *om, const char *s, bool *state)
{
	char seen[16][OM_NAME];
	unsigned int nr = 0;

	while (*s != '}') {
		size_t len = om_name_len(s, false);

		if (!len || len >= OM_NAME || nr == 16 || s[len] != '=' || s[len + 1] != '"')
			return om_wrong(om, "a label"), NULL;
		snprintf(seen[nr], OM_NAME, "%.*s", (int)len, s);
		for (unsigned int i = 0; i < nr; i++) {
			if (strcmp(seen[i], seen[nr]) == 0)
				return om_wrong(om, "a label twice"), NULL;
		}
		*state |= strcmp(seen[nr++], om_family(om)) == 0;
		for (s += len + 2; *s != '"'; s++) {
			if (!*s || (*s == '\\' && !strchr("\\\"n", *++s)) || !*s)
				return om_wrong(om, "a label's value"), NULL;
			if ((unsigned char)*s < 0x20)
				return om_wrong(om, "a control character"), NULL;
		}
		s++;
		if (*s == ',' && s[1] != '}')
			s++;
		else if (*s != '}')
			return om_wrong(om, "no comma between labels"), NULL;
	}
	return s + 1;
}

static inline bool om_value(struct openmetrics *om, const char *text, bool inf)
{
	char *end;
	double value;

	if (inf && strcmp(text, "+Inf") == 0)
		return true;
	if (!isdigit((unsigned char)*text))
		return om_wrong(om, "a value");
	value = strtod(text, &end);
	if (*end || value < 0)
		return om_wrong(om, "a value");
	if (!strcmp(om->type, "info") && value != 1)
		return om_wrong(om, "an info that is not 1");
	if (!strcmp(om->type, "stateset") && value != 0 && value != 1)
		return om_wrong(om, "a state that is neither 0 nor 1");
	return true;
}

static inline bool om_sample(struct openmetrics *om, const char *line)
{
	size_t len = om_name_len(line, true), family = strlen(om_family(om));
	const char *at = line + len;
	bool state = false;

	if (!om->has_type || !om->has_help || len < family ||
	    strncmp(line, om_family(om), family) != 0 || strlen(om_suffix(om)) != len - family ||
	    strncmp(line + family, om_suffix(om), len - family) != 0)
		return om_wrong(om, "a sample of another family, or with another suffix");
	if (*at == '{') {
		at = om_labels(om, at + 1, &state);
		if (!at)
			return false;
	}
	if (state != (strcmp(om->type, "stateset") == 0))
		return om_wrong(om, "a stateset without its label, or the reverse");
	if (*at != ' ')
		return om_wrong(om, "no blank before the value");
	for (unsigned int i = 0; i < om->nr_series; i++) {
		if (strlen(om->series[i]) == (size_t)(at - line) &&
		    strncmp(om->series[i], line, (size_t)(at - line)) == 0)
			return om_wrong(om, "a sample twice");
	}
	if (om->nr_series == OM_SERIES)
		return om_wrong(om, "too many samples for this reader");
	om->series[om->nr_series++] = strndup(line, (size_t)(at - line));
	om->has_sample = true;
	om->samples++;
	return om_value(om, at + 1, strcmp(om->type, "gauge") == 0);
}

/* Whether text is valid; why not is in om->why. om is filled with zeros by the caller. */
static inline bool openmetrics_check(struct openmetrics *om, const char *text)
{
	bool valid = true;

	while (valid && *text) {
		size_t len = strcspn(text, "\n");
		char line[OM_LINE];

		if (om->ended)
			valid = om_wrong(om, "text after # EOF");
		else if (text[len] != '\n')
			valid = om_wrong(om, "no line end");
		else if (len == 0 || len >= sizeof(line))
			valid = om_wrong(om, "an empty or a very long line");
		if (!valid)
			break;
		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		valid = *line == '#' ? om_comment(om, line) : om_sample(om, line);
		text += len + 1;
	}
	if (valid && !om->ended)
		valid = om_wrong(om, "no # EOF");
	for (unsigned int i = 0; i < om->nr_series; i++)
		free(om->series[i]);
	return valid && om->samples;
}

#endif
