/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words that mean one domain, or all whose names match a pattern. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "command.h"
#include "domain/list.h"

/* dom0 is never meant by a pattern: what is done to groups would end or stop the host. */
static bool matches(const struct domain_entry *entry, const char *pattern)
{
	return entry->info.domid != 0 && entry->name && fnmatch(pattern, entry->name, 0) == 0;
}

static int find_matching(struct cmd *cmd, const char *pattern, uint32_t **domids, size_t *nr,
			 struct err *err)
{
	scoped(domain_list) struct domain_list list = DOMAIN_LIST_INIT;
	scoped(free) uint32_t *found = NULL;
	size_t count = 0;
	int rc = domain_list_all(&cmd->xen, &list, err);

	if (rc < 0)
		return rc;
	found = calloc(list.nr + 1, sizeof(*found));
	if (!found)
		return fail_nomem(err);
	for (size_t i = 0; i < list.nr; i++) {
		if (matches(&list.items[i], pattern))
			found[count++] = list.items[i].info.domid;
	}
	if (!count)
		return fail(err, ENOENT, "no domain's name matches '%s'", pattern);
	*domids = take(found);
	*nr = count;
	return 0;
}

int cmd_domains(struct cmd *cmd, const char *word, uint32_t **domids, size_t *nr, bool *group,
		struct err *err)
{
	bool pattern = strpbrk(word, "*?[") != NULL;
	uint32_t domid, *one;
	int rc = cmd_domain(cmd, word, &domid, err);

	*group = pattern && rc == -ENOENT;
	if (*group) {
		cmd->plain = false;
		return find_matching(cmd, word, domids, nr, err);
	}
	if (rc < 0)
		return rc;
	one = malloc(sizeof(*one));
	if (!one)
		return fail_nomem(err);
	*one = domid;
	*domids = one;
	*nr = 1;
	return 0;
}

int cmd_each_domain(struct cmd *cmd, const char *word,
		    int (*act)(struct cmd *cmd, uint32_t domid, struct err *err), struct err *err)
{
	scoped(free) uint32_t *domids = NULL;
	size_t nr = 0, failed = 0;
	int first = 0, rc;
	bool group;

	rc = cmd_domains(cmd, word, &domids, &nr, &group, err);
	if (rc < 0)
		return rc;
	if (!group)
		return act(cmd, domids[0], err);
	for (size_t i = 0; i < nr; i++) {
		rc = act(cmd, domids[i], err);
		if (rc == -EINTR)
			return rc;
		if (rc >= 0 || rc == -ENOENT)	/* gone since it was listed */
			continue;
		log_warn("domain %u: %s", domids[i], err->msg);
		first = first ? first : rc;
		failed++;
	}
	cmd->plain = false;
	return failed ? fail(err, -first, "%zu of %zu domains failed", failed, nr) : 0;
}
