/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pattern is compiled for a machine that follows all ways at once (after Pike). */
#include "regex.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"

enum op { OP_CHAR, OP_ANY, OP_SET, OP_START, OP_END, OP_SAVE, OP_JUMP, OP_SPLIT, OP_MATCH };

struct inst {
	enum op op;
	int x, y;		/* targets (SPLIT: x first); SAVE: the slot; CHAR: the byte */
	uint8_t set[32];	/* OP_SET: a bit for each byte */
};

struct program {
	struct inst inst[REGEX_SIZE_MAX];
	int nr;
	const char *p;		/* of the pattern, not compiled yet */
	int groups, depth;
	bool failed;
};

enum { SLOTS = 2 * REGEX_GROUPS, DEPTH_MAX = 200, REPEAT_MAX = 64 };

static int emit(struct program *g, enum op op, int x, int y)
{
	if (g->nr == REGEX_SIZE_MAX) {
		g->failed = true;
		return 0;
	}
	g->inst[g->nr] = (struct inst){ .op = op, .x = x, .y = y };
	return g->nr++;
}

/* Makes room for one instruction at place at; targets behind it move along. */
static void insert(struct program *g, int at, enum op op, int x, int y)
{
	if (g->nr == REGEX_SIZE_MAX) {
		g->failed = true;
		return;
	}
	memmove(g->inst + at + 1, g->inst + at, (size_t)(g->nr - at) * sizeof(g->inst[0]));
	g->nr++;
	for (int i = at + 1; i < g->nr; i++) {
		struct inst *in = &g->inst[i];

		if (in->op == OP_JUMP || in->op == OP_SPLIT)
			in->x += in->x >= at;
		if (in->op == OP_SPLIT)
			in->y += in->y >= at;
	}
	g->inst[at] = (struct inst){ .op = op, .x = x, .y = y };
}

static void set_add(uint8_t *set, unsigned int low, unsigned int high)
{
	for (unsigned int c = low; c <= high && c < 256; c++)
		set[c / 8] |= (uint8_t)(1u << c % 8);
}

static void compile_set(struct program *g)
{
	struct inst *in = &g->inst[emit(g, OP_SET, 0, 0)];
	bool negate = *++g->p == '^';

	g->p += negate;
	for (const char *start = g->p; *g->p && (*g->p != ']' || g->p == start); g->p++) {
		unsigned int low = (unsigned char)*g->p, high = low;

		if (g->p[1] == '-' && g->p[2] && g->p[2] != ']') {
			high = (unsigned char)g->p[2];
			g->p += 2;
		}
		set_add(in->set, low, high);
	}
	g->failed |= *g->p != ']';
	g->p += *g->p == ']';
	for (size_t i = 0; negate && i < sizeof(in->set); i++)
		in->set[i] = (uint8_t)~in->set[i];
}

static void compile_either(struct program *g);

static void compile_group(struct program *g)
{
	int group = ++g->groups;

	g->p++;
	if (group < REGEX_GROUPS)
		emit(g, OP_SAVE, 2 * group, 0);
	compile_either(g);
	if (group < REGEX_GROUPS)
		emit(g, OP_SAVE, 2 * group + 1, 0);
	g->failed |= *g->p != ')';
	g->p += *g->p == ')';
}

static void compile_atom(struct program *g)
{
	switch (*g->p) {
	case '(': compile_group(g); return;
	case '[': compile_set(g); return;
	case '.': emit(g, OP_ANY, 0, 0); break;
	case '^': emit(g, OP_START, 0, 0); break;
	case '$': emit(g, OP_END, 0, 0); break;
	case '\\':
		g->p += !!g->p[1];
		__attribute__((fallthrough));
	default:
		emit(g, OP_CHAR, (unsigned char)*g->p, 0);
	}
	g->p++;
}

/* A copy of the instructions from start up to end, behind everything. */
static void copy(struct program *g, const struct inst *from, int start, int end)
{
	int shift = g->nr - start;

	for (int i = 0; i < end - start; i++) {
		struct inst in = from[i];

		if (in.op == OP_JUMP || in.op == OP_SPLIT)
			in.x += shift;
		if (in.op == OP_SPLIT)
			in.y += shift;
		g->inst[emit(g, in.op, 0, 0)] = in;
	}
}

/* The atom from start on, any number of times, or at most once. */
static void repeat(struct program *g, int start, char how)
{
	int end;

	if (how == '+') {
		emit(g, OP_SPLIT, start, g->nr + 1);
		return;
	}
	insert(g, start, OP_SPLIT, 0, 0);
	if (how == '*')
		emit(g, OP_JUMP, start, 0);
	end = g->nr;
	g->inst[start].x = start + 1;
	g->inst[start].y = end;
}

/* {2}, {2,}, {2,4}; false: it is no such thing. */
static bool bounds(struct program *g, long *low, long *high)
{
	char *end;

	if (g->p[1] < '0' || g->p[1] > '9')
		return false;
	*low = *high = strtol(g->p + 1, &end, 10);
	if (*end == ',')
		*high = end[1] == '}' ? (end++, -1) : strtol(end + 1, &end, 10);
	g->failed |= *end != '}' || *low > REPEAT_MAX || *high > REPEAT_MAX ||
		     (*high >= 0 && *high < *low);
	g->p = *end ? end + 1 : end;
	return true;
}

static void repeat_counted(struct program *g, int start, long low, long high)
{
	scoped(free) struct inst *atom = NULL;
	int end = g->nr;

	atom = malloc((size_t)(end - start + 1) * sizeof(*atom));
	if (!atom || g->failed) {
		g->failed = true;
		return;
	}
	memcpy(atom, g->inst + start, (size_t)(end - start) * sizeof(*atom));
	g->nr = start;
	for (long i = 0; i < low && !g->failed; i++)
		copy(g, atom, start, end);
	for (long i = low; (i < high || (high < 0 && i == low)) && !g->failed; i++) {
		int at = g->nr;

		copy(g, atom, start, end);
		repeat(g, at, high < 0 ? '*' : '?');
	}
}

static void compile_piece(struct program *g)
{
	int start = g->nr;
	long low, high;

	compile_atom(g);
	while (!g->failed) {
		if (*g->p && strchr("*+?", *g->p))
			repeat(g, start, *g->p++);
		else if (*g->p == '{' && bounds(g, &low, &high))
			repeat_counted(g, start, low, high);
		else
			return;
	}
}

static void compile_either(struct program *g)
{
	int start = g->nr;

	if (++g->depth > DEPTH_MAX)
		g->failed = true;
	while (*g->p && *g->p != '|' && *g->p != ')' && !g->failed)
		compile_piece(g);
	if (*g->p == '|' && !g->failed) {
		int jump;

		insert(g, start, OP_SPLIT, start + 1, 0);
		jump = emit(g, OP_JUMP, 0, 0);
		g->inst[start].y = g->nr;
		g->p++;
		compile_either(g);
		g->inst[jump].x = g->nr;
	}
	g->depth--;
}

struct thread {
	int pc;
	int slots[SLOTS];
};

struct threads {
	struct thread t[REGEX_SIZE_MAX + 1];
	int nr;
};

struct machine {
	const struct program *g;
	struct threads lists[2];
	int seen[REGEX_SIZE_MAX];	/* the step at which an instruction was last added, from 1 */
	int step, len;
	struct { int pc; int slot, old; } stack[4 * REGEX_SIZE_MAX];
};

static bool passes(const struct machine *m, const struct inst *in, int at)
{
	return in->op == OP_START ? at == 0 : at == m->len;
}

/* Follows what needs no character, with a stack of its own; slots are put back as it unwinds. */
static void add_thread(struct machine *m, struct threads *to, int pc, int at, int slots[SLOTS])
{
	int top = 0;

	m->stack[top].pc = pc;
	m->stack[top++].slot = -1;
	while (top) {
		const struct inst *in;

		pc = m->stack[--top].pc;
		if (m->stack[top].slot >= 0) {
			slots[m->stack[top].slot] = m->stack[top].old;
			continue;
		}
		if (m->seen[pc] == m->step)
			continue;
		m->seen[pc] = m->step;
		in = &m->g->inst[pc];
		switch (in->op) {
		case OP_SPLIT:
			m->stack[top].pc = in->y;
			m->stack[top++].slot = -1;
			__attribute__((fallthrough));
		case OP_JUMP:
			m->stack[top].pc = in->x;
			m->stack[top++].slot = -1;
			break;
		case OP_SAVE:
			m->stack[top].slot = in->x;
			m->stack[top++].old = slots[in->x];
			slots[in->x] = at;
			m->stack[top].pc = pc + 1;
			m->stack[top++].slot = -1;
			break;
		case OP_START:
		case OP_END:
			if (passes(m, in, at)) {
				m->stack[top].pc = pc + 1;
				m->stack[top++].slot = -1;
			}
			break;
		default:
			to->t[to->nr].pc = pc;
			memcpy(to->t[to->nr++].slots, slots, SLOTS * sizeof(*slots));
		}
	}
}

static bool takes(const struct inst *in, unsigned char c)
{
	return in->op == OP_ANY || (in->op == OP_CHAR && in->x == c) ||
	       (in->op == OP_SET && in->set[c / 8] >> c % 8 & 1);
}

/* Moves all threads over the character at place at; true when one of them had matched. */
static bool advance(struct machine *m, struct threads *from, struct threads *to, const char *text,
		    int at, int best[SLOTS])
{
	to->nr = 0;
	m->step++;
	for (int i = 0; i < from->nr; i++) {
		struct thread *t = &from->t[i];
		const struct inst *in = &m->g->inst[t->pc];

		if (in->op == OP_MATCH) {
			/* Those behind it are less wanted. */
			memcpy(best, t->slots, sizeof(t->slots));
			best[1] = at;
			return true;
		}
		if (at < m->len && takes(in, (unsigned char)text[at]))
			add_thread(m, to, t->pc + 1, at + 1, t->slots);
	}
	return false;
}

static bool run(struct machine *m, const char *text, int best[SLOTS])
{
	struct threads *from = &m->lists[0], *to = &m->lists[1];
	bool matched = false;

	m->step = 1;
	for (int at = 0; at <= m->len; at++) {
		struct threads *swap = from;

		if (!matched) {
			int slots[SLOTS];

			memset(slots, 0xff, sizeof(slots));
			slots[0] = at;
			add_thread(m, from, 0, at, slots);
		}
		matched |= advance(m, from, to, text, at, best);
		from = to;
		to = swap;
		if (matched && !from->nr)
			break;
	}
	return matched;
}

int regex_search(const char *pattern, const char *text, struct regex_match groups[REGEX_GROUPS])
{
	scoped(free) struct program *g = calloc(1, sizeof(*g));
	scoped(free) struct machine *m = calloc(1, sizeof(*m));
	size_t len = strlen(text);
	int best[SLOTS];

	if (!g || !m || len > REGEX_TEXT_MAX)
		return -1;
	g->p = pattern;
	compile_either(g);
	emit(g, OP_MATCH, 0, 0);
	if (g->failed || *g->p)
		return -1;
	m->g = g;
	m->len = (int)len;
	if (!run(m, text, best))
		return 0;
	for (int i = 0; i < REGEX_GROUPS; i++)
		groups[i] = (struct regex_match){ best[2 * i], best[2 * i + 1] };
	return 1;
}
