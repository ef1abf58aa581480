/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* omcheck: whether stdin is OpenMetrics; how many samples, or what is wrong. */
#include "tests/openmetrics.h"

int main(void)
{
	static struct openmetrics om;
	static char text[4 * 1024 * 1024];
	size_t len = fread(text, 1, sizeof(text) - 1, stdin);

	text[len] = '\0';
	if (!openmetrics_check(&om, text)) {
		printf("%s (after sample %u, family '%s')\n", om.why ? om.why : "no samples",
		       om.samples, om_family(&om));
		return 1;
	}
	printf("%u samples\n", om.samples);
	return 0;
}
