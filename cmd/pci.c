/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pci-assignable-add, -remove, -list; pci-attach, pci-detach, pci-list. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/wait.h"
#include "command.h"
#include "config/pci.h"
#include "devices.h"
#include "devices/pci.h"
#include "domain/attach.h"
#include "output.h"

struct pci_options {
	bool names, rebind, force, json;
	const char *name;
	struct option_uint timeout;
};

/* Only an address: "[DDDD:]BB:DD.F". Exit status 2, as xl's, when it is none. */
static int read_bdf(struct cmd *cmd, const char *word, struct pci_bdf *bdf, struct err *err)
{
	scoped(pci) struct pci_dev dev = PCI_INIT;
	int rc = pci_parse(word, NULL, &dev, err);

	if (rc == 0 && (dev.name || dev.vdevfn || dev.vfunc_mask != 1 || strchr(word, ',')))
		rc = fail(err, EINVAL, "bad pci address '%.60s', expected [DDDD:]BB:DD.F", word);
	if (rc < 0) {
		cmd->fail_status = COMMAND_EXIT_USAGE;
		return rc;
	}
	*bdf = (struct pci_bdf){ dev.domain, dev.bus, dev.dev, dev.func };
	return 0;
}

static int run_assignable_add(struct cmd *cmd, struct err *err)
{
	const struct pci_options *opts = cmd->options;
	struct pci_bdf bdf;
	int rc = read_bdf(cmd, cmd->words[0], &bdf, err);

	return rc < 0 ? rc : pci_assignable_add(&cmd->xen, &bdf, opts->name, err);
}

static int run_assignable_remove(struct cmd *cmd, struct err *err)
{
	const struct pci_options *opts = cmd->options;
	const char *word = cmd->words[0];
	struct err unknown;	/* then it is an address */
	struct pci_bdf bdf;
	int rc = 0;

	if (pci_find_name(&cmd->xen, word, &bdf, &unknown) < 0)
		rc = read_bdf(cmd, word, &bdf, err);
	return rc < 0 ? rc : pci_assignable_remove(&cmd->xen, &bdf, opts->rebind, err);
}

static int print_json(json_t *rows, bool failed, struct err *err)
{
	scoped(json) json_t *owned = rows;

	return owned && !failed ? output_json(owned, err) : fail_nomem(err);
}

static int assignable_json(const struct pci_assignable *list, size_t nr, struct err *err)
{
	json_t *rows = json_array();
	bool failed = false;
	char text[PCI_BDF_LEN];

	for (size_t i = 0; i < nr; i++)
		failed |= json_array_append_new(rows, json_pack("{s:s, s:s?}", "bdf",
			pci_bdf_text(&list[i].bdf, text), "name", list[i].name)) < 0;
	return print_json(rows, failed, err);
}

static int run_assignable_list(struct cmd *cmd, struct err *err)
{
	const struct pci_options *opts = cmd->options;
	struct pci_assignable *list = NULL;
	char text[PCI_BDF_LEN], name[128];
	size_t nr = 0;
	int rc = pci_assignable_list(&cmd->xen, &list, &nr, err);

	/* Without xen-pciback there is none: no failure, as with xl. */
	if (rc == -ENOENT) {
		log_warn("%s", err->msg);
		rc = 0;
	}
	if (rc == 0 && opts->json)
		rc = assignable_json(list, nr, err);
	/* xl's line ends in a blank, or in the name after it. */
	for (size_t i = 0; rc == 0 && !opts->json && i < nr; i++)
		printf("%s %s\n", pci_bdf_text(&list[i].bdf, text), opts->names && list[i].name ?
		       output_name(list[i].name, name, sizeof(name)) : "");
	pci_assignable_free(list, nr);
	return rc;
}

static int read_spec(struct cmd *cmd, struct pci_dev *dev, struct err *err)
{
	static const struct spec_defaults defaults = { .pci_rdm_policy = RDM_POLICY_STRICT };
	int rc = pci_parse(cmd->words[1], &defaults, dev, err);

	if (rc < 0)
		cmd->fail_status = COMMAND_EXIT_USAGE;
	return rc;
}

static int run_attach(struct cmd *cmd, struct err *err)
{
	scoped(pci) struct pci_dev dev = PCI_INIT;
	uint32_t domid;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = read_spec(cmd, &dev, err);
	if (rc == 0)
		rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = domain_attach(&cmd->xen, domid, device_kind_find("pci"), &dev, err);
	return cmd_done(cmd, "device", domid, cmd->words[1], rc);
}

static int run_detach(struct cmd *cmd, struct err *err)
{
	const struct pci_options *opts = cmd->options;
	scoped(pci) struct pci_dev dev = PCI_INIT;
	uint32_t domid;
	int timeout_ms, rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = read_spec(cmd, &dev, err);
	if (rc == 0)
		rc = device_timeout(&opts->timeout, &timeout_ms, err);
	if (rc == 0)
		rc = wait_catch_interrupts(err);
	if (rc == 0)
		rc = domain_detach_pci(&cmd->xen, domid, &dev, opts->force, timeout_ms, err);
	return cmd_done(cmd, "device", domid, cmd->words[1], rc);
}

static int slots_json(const struct pci_slot *slots, size_t nr, struct err *err)
{
	json_t *rows = json_array();
	bool failed = false;
	char text[PCI_BDF_LEN], vdev[8];

	for (size_t i = 0; i < nr; i++) {
		snprintf(vdev, sizeof(vdev), "%02x.%x", slots[i].vdevfn >> 3 & 0x1f,
			 slots[i].vdevfn & 7);
		failed |= json_array_append_new(rows, json_pack("{s:s, s:s}", "vdev", vdev, "bdf",
			pci_bdf_text(&slots[i].bdf, text))) < 0;
	}
	return print_json(rows, failed, err);
}

static int run_list(struct cmd *cmd, struct err *err)
{
	const struct pci_options *opts = cmd->options;
	scoped(free) struct pci_slot *slots = NULL;
	char text[PCI_BDF_LEN];
	uint32_t domid;
	size_t nr = 0;
	int rc = cmd_domain(cmd, cmd->words[0], &domid, err);

	if (rc == 0)
		rc = pci_slots(&cmd->xen, domid, &slots, &nr, err);
	if (rc < 0)
		return rc;
	if (opts->json)
		return slots_json(slots, nr, err);
	if (nr)
		printf("Vdev Device\n");
	for (size_t i = 0; i < nr; i++)
		printf("%02x.%01x %s\n", slots[i].vdevfn >> 3 & 0x1f, slots[i].vdevfn & 7,
		       pci_bdf_text(&slots[i].bdf, text));
	return 0;
}

#define AT(member) offsetof(struct pci_options, member)

static const struct option_row add_options[] = {
	{ 'n', "name", "NAME", "Name the assignable device", OPTION_STRING, AT(name) },
};

static const struct option_row remove_options[] = {
	{ 'r', NULL, NULL, "Give the device back to the driver that it came from", OPTION_FLAG,
	  AT(rebind) },
};

static const struct option_row assignable_options[] = {
	{ 'n', "show-names", NULL, "Display assignable device names where supplied", OPTION_FLAG,
	  AT(names) },
	{ 0, "json", NULL, "The same and the names as a JSON array", OPTION_FLAG, AT(json) },
};

static const struct option_row detach_options[] = {
	{ 'f', "force", NULL, "Remove it even if the domain does not release it", OPTION_FLAG,
	  AT(force) },
	{ 0, "timeout", "SECONDS", "As long as the domain may take (10)", OPTION_UINT,
	  AT(timeout) },
};

static const struct option_row list_options[] = {
	{ 0, "json", NULL, "The same as a JSON array", OPTION_FLAG, AT(json) },
};

const struct command cmd_pci_assignable_add = {
	.name = "pci-assignable-add", .args = "[options] <BDF>",
	.help = "Make a device assignable for pci-passthru", .needs = NEED_XEN | NEED_STORE,
	.min = 1, .max = 1, .modifies = true, COMMAND_OPTIONS(add_options),
	.run = run_assignable_add,
};

const struct command cmd_pci_assignable_remove = {
	.name = "pci-assignable-remove", .args = "[options] <BDF>|NAME",
	.help = "Remove a device from being assignable", .needs = NEED_XEN | NEED_STORE,
	.min = 1, .max = 1, .modifies = true, COMMAND_OPTIONS(remove_options),
	.run = run_assignable_remove,
};

const struct command cmd_pci_assignable_list = {
	.name = "pci-assignable-list", .args = "[options]",
	.help = "List all the assignable pci devices", .needs = NEED_XEN | NEED_STORE,
	COMMAND_OPTIONS(assignable_options), .run = run_assignable_list,
};

const struct command cmd_pci_attach = {
	.name = "pci-attach", .args = "<Domain> <PCI_SPEC_STRING>",
	.help = "Insert a new pass-through pci device", .needs = NEED_XEN | NEED_STORE,
	.min = 2, .max = 2, .modifies = true, .run = run_attach,
};

const struct command cmd_pci_detach = {
	.name = "pci-detach", .args = "[options] <Domain> <PCI_SPEC_STRING>",
	.help = "Remove a domain's pass-through pci device", .needs = NEED_XEN | NEED_STORE,
	.min = 2, .max = 2, .modifies = true, COMMAND_OPTIONS(detach_options), .run = run_detach,
};

const struct command cmd_pci_list = {
	.name = "pci-list", .args = "<Domain>",
	.help = "List pass-through pci devices for a domain", .needs = NEED_XEN | NEED_STORE,
	.min = 1, .max = 1, COMMAND_OPTIONS(list_options), .run = run_list,
};
