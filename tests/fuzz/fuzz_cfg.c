/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libFuzzer: any bytes as a config file. Nothing may crash, hang or leak, and what
 * is accepted must survive the way to JSON and back unchanged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "config/cfg.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct domain_config *config)
{
	scoped(domain_config) struct domain_config again = DOMAIN_CONFIG_INIT;
	scoped(json) json_t *json = NULL;
	scoped(json) json_t *json2 = NULL;
	scoped(json) json_t *parsed = NULL;
	scoped(free) char *text = NULL;
	scoped(free) char *text2 = NULL;
	struct err err = ERR_INIT;

	if (config_to_json(config, &json, &err) < 0 || json_to_text(json, &text, &err) < 0)
		abort();
	/* Bytes that are no UTF-8 are printed as they are, but not read. */
	if (json_from_text(text, strlen(text), &parsed, &err) < 0)
		return;
	if (config_from_json(parsed, &again, &err) < 0) {
		fprintf(stderr, "%s\n%s", err.msg, text);
		abort();
	}
	if (config_to_json(&again, &json2, &err) < 0 || json_to_text(json2, &text2, &err) < 0)
		abort();
	if (strcmp(text, text2) != 0) {
		fprintf(stderr, "%s---\n%s", text, text2);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config_options how[] = { { .strict = false }, { .strict = true } };
	/* So that most inputs are whole configs; the text can replace all of it. */
	static const char *const start[] = {
		"name='f';kernel='k';type='pv'",
		"name='f';kernel='k';type='pvh'",
		"name='f';type='hvm'",
	};
	scoped(cfg) struct cfg cfg = CFG_INIT;
	struct err err = ERR_INIT;
	const char *first = start[size % ARRAY_SIZE(start)];

	if (cfg_parse(&cfg, "start", first, strlen(first), &err) < 0)
		abort();
	if (cfg_parse(&cfg, "fuzz", (const char *)data, size, &err) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		scoped(domain_config) struct domain_config config = DOMAIN_CONFIG_INIT;
		scoped(config_warnings) struct config_warnings w = { .list = { .nr = 0 } };

		if (config_from_cfg(&cfg, &how[i], &config, &w, &err) < 0)
			continue;
		round_trip(&config);
		/* May refuse; must not crash. */
		if (config_check_supported(&cfg, &config, &w, &err) < 0)
			continue;
		config_defaults(&config);
	}
	return 0;
}
