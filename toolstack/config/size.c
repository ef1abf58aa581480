/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/size.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "config/spec.h"

int size_parse_kb(const char *text, uint64_t *kb, struct err *err)
{
	static const char units[] = "bkmgt", upper[] = "BKMGT";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] ? strchr(units, text[digits]) : units + 2;
	uint64_t n = 0;
	unsigned int shift;

	if (spec_check_text("memory size", text, err) < 0)
		return -err->code;
	if (!unit) {
		unit = strchr(upper, text[digits]);
		unit = unit ? units + (unit - upper) : NULL;
	}
	if (!digits || !unit || (text[digits] && text[digits + 1]))
		return fail(err, EINVAL, "bad memory size '%.60s', expected a number and one of "
			    "b, k, m, g, t (m if there is none)", text);
	shift = (unsigned int)(unit - units) * 10;
	for (size_t i = 0; i < digits; i++) {
		n = n * 10 + (uint64_t)(text[i] - '0');
		if (n > (uint64_t)INT64_MAX >> shift)
			return fail(err, ERANGE, "memory size '%.60s' is too large", text);
	}
	*kb = n << shift >> 10;
	return 0;
}
