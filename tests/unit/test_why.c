/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of a failure: which lines of Xen's, and the end of a log that a guest filled. */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "supervisor/why.h"
#include "tap.h"

static void test_xen_line(void)
{
	static const struct { const char *line; bool is; } cases[] = {
		{ "(XEN) d5v0 Triple fault - invoking HVM shutdown action 3", true },
		{ "(XEN) d5 attempted to change d5v0's CR4", true },
		{ "(d5) HVM Loader", true }, { "(XEN) d[5] x", false },
		{ "(XEN) Domain 5 (vcpu#0) crashed on cpu#0:", true },
		{ "(XEN) domain_crash called; domain 5 reported crashed", true },
		{ "(XEN) dom5: x", true }, { "(XEN) d5", true }, { "d5", true },
		{ "(XEN) d50v0 x", false }, { "(XEN) d15v0 x", false }, { "(XEN) rd5 x", false },
		{ "(XEN) Domain 55 crashed", false }, { "(XEN) d", false }, { "", false },
		{ "(XEN) 5", false }, { "(XEN) ad5 Domain 6", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_int(why_xen_line(cases[i].line, strlen(cases[i].line), 5), cases[i].is, "'%s'",
		       cases[i].line);
}

static void check_tail(const char *what, const char *text, size_t len, size_t most,
		       const char *const *want, size_t nr)
{
	struct why why = { .nr = 1 };

	ok(why_tail(&why.sources[0], text, len, most), "%s", what);
	is_int(why.sources[0].nr, nr, "%s: so many lines", what);
	for (size_t i = 0; i < nr && i < why.sources[0].nr; i++)
		is_str(why.sources[0].lines[i], want[i], "%s: line %zu", what, i);
	scoped_why(&why);
}

static void test_tail(void)
{
	static const char hostile[] = "\x1b]0;x\x07\x1b[2J\r\n\0\xc2\x9b" "1m\rb\r\n";
	static const char *const hostile_want[] = {
		"\\x1b]0;x\\x07\\x1b[2J", "\\x00\\xc2\\x9b1m\\x0db",
	};
	scoped(free) char *big = malloc(4000);

	check_tail("nothing", "", 0, 3, NULL, 0);
	check_tail("line ends alone", "\n\r\n", 3, 3, NULL, 0);
	check_tail("one without an end", "a", 1, 3, (const char *[]){ "a" }, 1);
	check_tail("fewer than asked for", "a\nb\n", 4, 3, (const char *[]){ "a", "b" }, 2);
	check_tail("more", "a\nb\n\nd\n", 7, 3, (const char *[]){ "b", "", "d" }, 3);
	check_tail("hostile", hostile, sizeof(hostile) - 1, 3, hostile_want, 2);
	memset(big, 'x', 4000);
	{
		struct why why = { .nr = 1 };

		ok(why_tail(&why.sources[0], big, 4000, 3) && why.sources[0].nr == 1 &&
		   strlen(why.sources[0].lines[0]) < WHY_LINE_MOST &&
		   strstr(why.sources[0].lines[0], "x..."), "a line that is too long is cut");
		scoped_why(&why);
	}
}

int main(void)
{
	test_xen_line();
	test_tail();
	return tap_done();
}
