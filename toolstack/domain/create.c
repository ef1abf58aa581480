/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "create.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/json.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/wait.h"
#include "builders/builder.h"
#include "claim.h"
#include "config/config.h"
#include "cpuid.h"
#include "destroy.h"
#include "devices/device.h"
#include "layout.h"
#include "lookup.h"
#include "platform.h"
#include "runfile.h"
#include "userdata.h"
#include "xen/domctl.h"
#include "xen/host.h"
#include "xen/nodes.h"
#include "xen/xen.h"

/* What libxl lets a domain have on top, for its special pages. */
#define MAXMEM_SLACK_KB 1024

/* What libxl sets where the config says nothing. */
#define DEFAULT_EVTCHN_PORT 1023

/* Memory of a domain that has just been destroyed comes back within moments. */
#define MEMORY_WAIT_MS 3000

/* A domain that is not complete yet: leaving its scope destroys it. */
struct unfinished {
	struct xen *xen;	/* NULL: nothing to undo */
	uint32_t domid;
	uint8_t uuid[16];
	struct runfile *runfile;
};

static void scoped_unfinished(struct unfinished *u)
{
	struct err err;

	if (!u->xen)
		return;
	if (domain_destroy_unfinished(u->xen, u->domid, u->uuid, &err) == 0)
		return;
	/* The record stays, so that the next create of the name or a cleanup tries again. */
	log_warn("could not undo the unfinished domain %u: %s (try: xlite cleanup)", u->domid,
		 err.msg);
	runfile_unlock(u->runfile);
}

int domain_check_config(const struct domain_config *config, struct err *err)
{
	int rc;

	if (!config->name)
		return fail(err, EINVAL, "the config gives no name");
	rc = config_check_name(config->name, err);
	if (rc < 0)
		return rc;
	rc = platform_check(config, err);
	if (rc < 0)
		return rc;
	if (config->bootloader)
		return fail(err, EOPNOTSUPP, "bootloader '%s' is not supported yet: give a kernel",
			    config->bootloader);
	if (!config->kernel)
		return fail(err, EINVAL, "the config gives neither kernel nor bootloader");
	if (config->target_memkb < 1024)
		return fail(err, EINVAL, "memory is %" PRIu64 " KiB: a domain needs at least 1 MiB",
			    config->target_memkb);
	if (config->target_memkb > config->max_memkb)
		return fail(err, EINVAL, "memory (%" PRIu64 " MiB) is more than maxmem (%" PRIu64
			    " MiB)", config->target_memkb >> 10, config->max_memkb >> 10);
	return 0;
}

static int check_interrupted(struct err *err)
{
	return wait_interrupted() ? fail(err, EINTR, "interrupted") : 0;
}

/* Memory that comes back by itself: Xen still wipes it, or a domain is just dying. */
static int memory_is_coming(struct xen *xen, const struct host_memory *mem, bool *coming,
			    struct err *err)
{
	scoped(free) struct domctl_info *list = NULL;
	size_t nr;
	int rc = domctl_list(xen, &list, &nr, err);

	*coming = mem->scrub_kb > 0;
	for (size_t i = 0; rc == 0 && i < nr; i++)
		*coming |= list[i].dying;
	return rc;
}

/* Waits a little for memory that is on its way back; then says what is missing. */
static int check_memory(struct xen *xen, const struct domain_config *config,
			const struct platform *platform, struct err *err)
{
	uint64_t need = config->target_memkb + platform->overhead_kb;
	int64_t deadline = wait_deadline(MEMORY_WAIT_MS);

	for (;;) {
		struct host_memory mem;
		uint64_t available;
		bool coming;
		int rc = host_memory(xen, &mem, err);

		if (rc < 0)
			return rc;
		available = mem.free_kb > mem.claimed_kb ? mem.free_kb - mem.claimed_kb : 0;
		if (need <= available)
			return 0;
		rc = memory_is_coming(xen, &mem, &coming, err);
		if (rc < 0)
			return rc;
		if (!coming || wait_now_ms() >= deadline)
			return fail(err, ENOMEM, "not enough memory: needs %" PRIu64 " MiB, %" PRIu64
				    " MiB free; give some back with mem-set (of another domain or "
				    "of Domain-0), or make memory= smaller", (need + 1023) >> 10,
				    available >> 10);
		rc = wait_poll(NULL, 0, wait_deadline(10));
		if (rc == -EINTR)
			return check_interrupted(err);
	}
}

/* xenstored's default (--quota-nodes): what a guest owns beyond it cannot be written any more. */
#define STORE_QUOTA 1000
#define GUEST_OWN_NODES 24	/* those of layout.c, and what Linux adds without devices */

static void warn_quota(const struct domain_config *config, const struct devices *devices)
{
	size_t nr = GUEST_OWN_NODES + devices_guest_nodes(devices);

	if (nr > STORE_QUOTA)
		log_warn("'%s' will own about %zu xenstore nodes, more than xenstored allows a "
			 "guest by default (%d): some of its devices will not work", config->name,
			 nr, STORE_QUOTA);
}

/* Reads the kernel, which has the last word on type="auto", and plans what follows from it. */
static int load_image(struct xen *xen, struct domain_config *config, struct image **image,
		      struct platform *platform, struct err *err)
{
	struct host_guests guests = { .pv = true };
	struct builder_spec spec = {
		.type = config->type == DOMAIN_PV ? BUILDER_PV : BUILDER_PVH,
		.kernel = config->kernel,
		.ramdisk = config->ramdisk,
		.cmdline = config->cmdline,
		.memory_kb = config->target_memkb,
		.max_memory_kb = config->max_memkb,
		.max_vcpus = config->max_vcpus,
		.vcpus = config->vcpus,
		.acpi = config->acpi != TRI_FALSE,
		.claim = config->claim_mode != TRI_FALSE,
	};
	int rc = config->type == DOMAIN_PV ? 0 : host_guests(xen, &guests, err);

	if (rc < 0)
		return rc;
	if (config->type_auto)
		spec.type = platform_may_be_pvh(config, &guests) ? BUILDER_AUTO : BUILDER_PV;
	rc = builder_load(xen, &spec, image, err);
	if (rc < 0)
		return rc;
	if (config->type_auto)
		config->type = builder_type(*image) == BUILDER_PVH ? DOMAIN_PVH : DOMAIN_PV;
	config->type_auto = false;
	return platform_plan(config, &guests, platform, err);
}

static int32_t grant_limit(uint32_t given)
{
	return given == CONFIG_GRANT_DEFAULT ? -1 : (int32_t)given;
}

static int make_domain(struct xen *xen, const struct domain_config *config,
		       const struct platform *platform, uint32_t *domid, struct err *err)
{
	struct domctl_create create = {
		.pv = platform->pv,
		.hap = platform->hap,
		.oos_off = platform->oos_off,
		.nested_virt = !platform->pv && config->nested_hvm == TRI_TRUE,
		.msr_relaxed = config->msr_relaxed == TRI_TRUE,
		.vpmu = config->vpmu == TRI_TRUE,
		.max_vcpus = config->max_vcpus,
		.max_evtchn_port = config->max_event_channels ? config->max_event_channels :
			DEFAULT_EVTCHN_PORT,
		.max_grant_frames = grant_limit(config->max_grant_frames),
		.max_maptrack_frames = grant_limit(config->max_maptrack_frames),
		.grant_version = config->max_grant_version > 0 ?
			(unsigned int)config->max_grant_version : 0,
	};

	memcpy(create.uuid, config->uuid, sizeof(create.uuid));
	return domctl_create(xen, &create, domid, err);
}

/* vcpus, limits, time, channels, cpuid: everything before memory. */
static int set_up_domain(struct xen *xen, const struct domain_config *config,
			 const struct platform *platform, uint32_t domid, uint32_t store_domid,
			 struct layout_facts *facts, struct err *err)
{
	int rc;

	rc = domctl_max_vcpus(xen, domid, config->max_vcpus, err);
	if (rc < 0)
		return rc;
	rc = domctl_set_max_mem(xen, domid, config->target_memkb + MAXMEM_SLACK_KB, err);
	if (rc < 0)
		return rc;
	if (platform->pv)
		rc = domctl_set_memmap_limit(xen, domid, config->max_memkb, err);
	else
		rc = platform_set_up(xen, domid, config, platform, err);
	if (rc < 0)
		return rc;
	rc = domctl_set_tsc_mode(xen, domid, (unsigned int)config->tsc_mode, err);
	if (rc < 0)
		return rc;
	rc = domctl_evtchn_alloc(xen, domid, store_domid, &facts->store_port, err);
	if (rc < 0)
		return rc;
	rc = domctl_evtchn_alloc(xen, domid, facts->console_domid, &facts->console_port, err);
	if (rc < 0)
		return rc;
	return domain_set_cpuid(xen, domid, config, err);
}

/* The domain that runs a daemon; 0 where nothing is said. */
static int daemon_domid(struct xen *xen, const char *path, uint32_t *domid, struct err *err)
{
	uint64_t value = 0;
	int rc = store_read_u64(xen, NULL, path, &value, err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	*domid = (uint32_t)value;
	return 0;
}

static int write_userdata(const struct domain_config *config, uint32_t domid, struct err *err)
{
	scoped(userdata_lock) struct userdata_lock lock = USERDATA_LOCK_INIT;
	scoped(json) struct json_t *json = NULL;
	struct userdata ud = { .domid = domid };
	int rc;

	memcpy(ud.uuid, config->uuid, sizeof(ud.uuid));
	rc = config_to_json(config, &json, err);
	if (rc < 0)
		return rc;
	rc = userdata_lock(&ud, &lock, err);
	if (rc < 0)
		return rc;
	return userdata_write(&ud, json, err);
}

/* Everything between "exists" and "complete". */
static int build_domain(struct xen *xen, const struct domain_config *config,
			const struct platform *platform, struct image *image,
			struct devices *devices, uint32_t domid, struct err *err)
{
	scoped(store_nodes) struct store_nodes before = STORE_NODES_INIT;
	scoped(store_nodes) struct store_nodes after = STORE_NODES_INIT;
	struct layout_facts facts = { .domid = domid };
	struct builder_channel store = { 0 }, console;
	struct builder_rings rings;
	int rc;

	uuid_unparse_lower(config->uuid, facts.uuid);
	clock_gettime(CLOCK_REALTIME, &facts.start);
	rc = daemon_domid(xen, "/tool/xenstored/domid", &store.domid, err);
	if (rc < 0)
		return rc;
	rc = daemon_domid(xen, "/tool/xenconsoled/domid", &facts.console_domid, err);
	if (rc < 0)
		return rc;
	rc = set_up_domain(xen, config, platform, domid, store.domid, &facts, err);
	if (rc < 0)
		return rc;
	rc = devices_open(devices, domid, err);
	if (rc < 0)
		return rc;
	layout_domain(&before, config, &facts);
	devices_nodes(devices, &before);
	rc = store_nodes_write(&before, domid, err);
	if (rc == 0)
		rc = devices_start(devices, err);
	if (rc == 0)
		rc = check_interrupted(err);
	if (rc < 0)
		return rc;
	store.port = facts.store_port;
	console = (struct builder_channel){ facts.console_domid, facts.console_port };
	rc = builder_build(xen, image, domid, &store, &console, &rings, err);
	if (rc < 0)
		return rc;
	facts.store_gfn = rings.store_gfn;
	facts.console_gfn = rings.console_gfn;
	layout_rings(&after, &facts);
	rc = store_nodes_write(&after, domid, err);
	if (rc < 0)
		return rc;
	rc = store_introduce(xen, domid, rings.store_gfn, facts.store_port, err);
	if (rc == 0)
		rc = devices_connect(devices, err);
	if (rc < 0)
		return rc;
	return write_userdata(config, domid, err);
}

int domain_create(struct xen *xen, struct domain_config *config, uint32_t *out, struct err *err)
{
	scoped(image) struct image *image = NULL;
	scoped(runfile) struct runfile rf = RUNFILE_INIT;
	scoped(unfinished) struct unfinished undo = { .runfile = &rf };
	scoped(devices) struct devices devices = { .find_domain = domain_lookup };
	struct runfile_record record = { .creating = true };
	struct platform platform;
	uint32_t domid;
	int rc;

	if (!config->uuid_given && uuid_is_null(config->uuid))
		uuid_generate_random(config->uuid);
	memcpy(record.uuid, config->uuid, sizeof(record.uuid));
	rc = load_image(xen, config, &image, &platform, err);
	if (rc < 0)
		return rc;
	rc = claim_name(xen, config->name, config->uuid, &rf, err);
	if (rc < 0)
		return rc;
	rc = devices_prepare(&devices, xen, config, err);
	if (rc < 0)
		return rc;
	warn_quota(config, &devices);
	rc = check_memory(xen, config, &platform, err);
	if (rc < 0)
		return rc;
	rc = make_domain(xen, config, &platform, &domid, err);
	if (rc < 0)
		return rc;
	undo.xen = xen;
	undo.domid = domid;
	memcpy(undo.uuid, config->uuid, sizeof(undo.uuid));
	record.domid = domid;
	rc = runfile_write(&rf, &record, err);
	if (rc < 0)
		return rc;
	rc = build_domain(xen, config, &platform, image, &devices, domid, err);
	if (rc < 0)
		return rc;
	rc = check_interrupted(err);
	if (rc < 0)
		return rc;
	record.creating = false;
	rc = runfile_write(&rf, &record, err);
	if (rc < 0)
		return rc;
	undo.xen = NULL;
	runfile_unlock(&rf);
	*out = domid;
	return 0;
}
