/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "create.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <uuid/uuid.h>

#include "affinity.h"
#include "base/json.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/wait.h"
#include "boot.h"
#include "bootload.h"
#include "builders/builder.h"
#include "claim.h"
#include "config/config.h"
#include "cpuid.h"
#include "destroy.h"
#include "devices/device.h"
#include "hostparts.h"
#include "layout.h"
#include "lookup.h"
#include "paths.h"
#include "placement.h"
#include "platform.h"
#include "room.h"
#include "runfile.h"
#include "userdata.h"
#include "xen/domctl.h"
#include "xen/host.h"
#include "xen/nodes.h"
#include "xen/store.h"
#include "xen/xen.h"

/* What libxl lets a domain have on top, for its special pages. */
#define MAXMEM_SLACK_KB 1024

/* What libxl sets where the config says nothing. */
#define DEFAULT_EVTCHN_PORT 1023

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

static int check_name(const struct domain_config *config, struct err *err)
{
	return config->name ? config_check_name(config->name, err) :
		fail(err, EINVAL, "the config gives no name");
}

static int check_kernel(const struct domain_config *config, struct err *err)
{
	if (config->type == DOMAIN_HVM)
		return 0;
	if (config->bootloader)
		return bootload_check(config, err);
	return config->kernel ? 0 :
		fail(err, EINVAL, "the config gives neither kernel nor bootloader");
}

static int check_sizes(const struct domain_config *config, struct err *err)
{
	if (config->target_memkb < 1024)
		return fail(err, EINVAL, "memory is %" PRIu64 " KiB: a domain needs at least 1 MiB",
			    config->target_memkb);
	if (config->target_memkb > config->max_memkb)
		return fail(err, EINVAL, "memory (%" PRIu64 " MiB) is more than maxmem (%" PRIu64
			    " MiB)", config->target_memkb >> 10, config->max_memkb >> 10);
	return 0;
}

const domain_config_check domain_config_checks[DOMAIN_CONFIG_CHECKS] = {
	check_name, platform_check, check_kernel, check_sizes, devices_check_config,
};

int domain_check_config(const struct domain_config *config, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < DOMAIN_CONFIG_CHECKS && rc == 0; i++)
		rc = domain_config_checks[i](config, err);
	return rc;
}

static int check_interrupted(struct err *err)
{
	return wait_interrupted() ? fail(err, EINTR, "interrupted") : 0;
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

static int32_t grant_limit(uint32_t given)
{
	return given == CONFIG_GRANT_DEFAULT ? -1 : (int32_t)given;
}

static int make_domain(struct xen *xen, const struct domain_config *config,
		       const struct platform *platform, uint32_t pool, uint32_t *domid,
		       struct err *err)
{
	struct domctl_create create = {
		.cpupool = pool,
		.pv = platform->pv,
		.pc = config->type == DOMAIN_HVM,
		.hap = platform->hap,
		.oos_off = platform->oos_off,
		.iommu = platform->iommu,
		.iommu_sync = platform->iommu_sync,
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

static int set_clock(struct xen *xen, const struct domain_config *config, uint32_t domid,
		     struct err *err)
{
	int32_t offset = platform_clock_offset(config, time(NULL));

	return offset ? domctl_set_time_offset(xen, domid, offset, err) : 0;
}

/* vcpus, limits, and what QEMU, which may start now, finds in the domain. */
static int set_up_domain(struct xen *xen, const struct domain_config *config,
			 const struct platform *platform, uint32_t domid, struct err *err)
{
	int rc;

	rc = domctl_max_vcpus(xen, domid, config->max_vcpus, err);
	if (rc == 0)
		rc = affinity_apply(xen, domid, config, err);
	if (rc == 0)
		rc = placement_apply(xen, domid, config,
				     config->target_memkb + platform->overhead_kb, err);
	if (rc < 0)
		return rc;
	rc = domctl_set_max_mem(xen, domid, config->target_memkb + MAXMEM_SLACK_KB, err);
	if (rc < 0)
		return rc;
	if (platform->pv)
		return domctl_set_memmap_limit(xen, domid, config->max_memkb, err);
	return platform_set_up(xen, domid, config, platform, err);
}

static int open_channel(struct xen *xen, uint32_t domid, const char *daemon,
			struct builder_channel *channel, struct err *err)
{
	int rc = store_daemon_domid(xen, daemon, &channel->domid, err);

	return rc < 0 ? rc : domctl_evtchn_alloc(xen, domid, channel->domid, &channel->port, err);
}

/* Time, channels, cpuid: the rest of what there is before memory, and QEMU need not wait for. */
static int set_up_rest(struct xen *xen, const struct domain_config *config, uint32_t domid,
		       struct builder_channel *store, struct builder_channel *console,
		       struct err *err)
{
	int rc = domctl_set_tsc_mode(xen, domid, (unsigned int)config->tsc_mode, err);

	if (rc == 0)
		rc = set_clock(xen, config, domid, err);
	if (rc == 0)
		rc = open_channel(xen, domid, "xenstored", store, err);
	if (rc == 0)
		rc = open_channel(xen, domid, "xenconsoled", console, err);
	return rc < 0 ? rc : domain_set_cpuid(xen, domid, config, err);
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

/* When only its folder is there; when all its nodes are; when its memory is. */
enum model_start { MODEL_FIRST, MODEL_EARLY, MODEL_LATE };

/*
 * QEMU is started early, since it takes its time; backends it watches. But the video memory that it
 * allocates must not be there before Xen has the target of what is populated on demand, or there
 * is none; nor before a claim that is not larger, which Xen refuses then.
 */
static enum model_start model_start(const struct domain_config *config,
				    const struct devices *devices)
{
	if (config->type == DOMAIN_HVM && (config->target_memkb < config->max_memkb ||
					   config->video_memkb >= config->target_memkb / 2))
		return MODEL_LATE;
	return config->type == DOMAIN_HVM && !devices_before_model(devices) ? MODEL_FIRST :
		MODEL_EARLY;
}

static void add_root(struct store_nodes *nodes, const struct domain_config *config,
		     const struct devices *devices, const struct layout_facts *facts)
{
	devices_stale(devices, facts->domid, nodes);
	layout_root(nodes, config, facts);
}

/* QEMU where it can be the first: its process is there, and starts when it can be found. */
static int start_model(const struct domain_config *config, struct devices *devices,
		       const struct layout_facts *facts, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	int rc;

	add_root(&nodes, config, devices, facts);
	rc = devices_model_nodes(devices, &nodes, err);
	if (rc == 0)
		rc = store_nodes_write(&nodes, facts->domid, err);
	return rc == 0 ? devices_start(devices, err) : rc;
}

/* All other nodes that need no memory of the domain. */
static int write_nodes(const struct domain_config *config, struct devices *devices,
		       const struct layout_facts *facts, enum model_start when, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	int rc;

	if (when != MODEL_FIRST)
		add_root(&nodes, config, devices, facts);
	layout_domain(&nodes, config, facts);
	devices_nodes(devices, &nodes);
	rc = store_nodes_write(&nodes, facts->domid, err);
	return rc == 0 && when == MODEL_EARLY ? devices_start(devices, err) : rc;
}

/* It has its memory: where its rings are, to the store and to xenstored. */
static int introduce(struct xen *xen, const struct builder_result *built,
		     struct layout_facts *facts, struct err *err)
{
	scoped(store_nodes) struct store_nodes nodes = STORE_NODES_INIT;
	int rc;

	facts->store_gfn = built->store_gfn;
	facts->console_gfn = built->console_gfn;
	facts->acpi_address = built->acpi.address;
	facts->acpi_length = built->acpi.length;
	facts->smbios_address = built->smbios.address;
	facts->smbios_length = built->smbios.length;
	layout_rings(&nodes, facts);
	rc = store_nodes_write(&nodes, facts->domid, err);
	return rc < 0 ? rc :
		store_introduce(xen, facts->domid, facts->store_gfn, facts->store_port, err);
}

/* Everything between "exists" and "complete". */
static int build_domain(struct xen *xen, const struct domain_config *config,
			const struct platform *platform, struct image *image,
			struct devices *devices, uint32_t domid, struct room *room,
			struct err *err)
{
	struct layout_facts facts = { .domid = domid };
	struct builder_channel store = { 0 }, console = { 0 };
	struct builder_result built;
	enum model_start when = model_start(config, devices);
	int rc;

	uuid_unparse_lower(config->uuid, facts.uuid);
	clock_gettime(CLOCK_REALTIME, &facts.start);
	rc = devices_open(devices, domid, err);
	if (rc == 0 && when == MODEL_FIRST)
		rc = devices_spawn_model(devices, err);
	if (rc == 0)
		rc = set_up_domain(xen, config, platform, domid, err);
	if (rc == 0 && when == MODEL_FIRST)
		rc = start_model(config, devices, &facts, err);
	if (rc == 0)
		rc = set_up_rest(xen, config, domid, &store, &console, err);
	if (rc == 0)
		rc = write_nodes(config, devices, &facts, when, err);
	if (rc == 0)
		rc = check_interrupted(err);
	if (rc < 0)
		return rc;
	facts.store_port = store.port;
	facts.console_port = console.port;
	rc = builder_build(xen, image, domid, &store, &console, &built, err);
	if (rc == 0 && when == MODEL_LATE)
		rc = devices_start(devices, err);
	if (rc < 0)
		return rc;
	/* QEMU still wants a video card's. */
	if (config->type != DOMAIN_HVM)
		room_unlock(room);
	rc = introduce(xen, &built, &facts, err);
	if (rc == 0)
		rc = hostparts_give(xen, domid, config, err);
	/* While QEMU and the backends come up. */
	if (rc == 0)
		rc = write_userdata(config, domid, err);
	if (rc == 0)
		rc = devices_connect(devices, err);
	room_unlock(room);
	return rc;
}

/* What is made up once and stored with the config, so that a restart finds it. */
static int make_ids(struct domain_config *config, struct err *err)
{
	struct hvm_config *hvm = &config->hvm;

	if (!config->uuid_given && uuid_is_null(config->uuid))
		uuid_generate_random(config->uuid);
	if (hvm->ms_vm_genid_generate && uuid_is_null(hvm->ms_vm_genid) &&
	    getrandom(hvm->ms_vm_genid, sizeof(hvm->ms_vm_genid), 0) < 0)
		return fail_sys(err, errno, "cannot make up a generation id");
	return 0;
}

int domain_create(struct xen *xen, struct domain_config *config, const struct create_how *how,
		  uint32_t *out, struct err *err)
{
	scoped(image) struct image *image = NULL;
	scoped(runfile) struct runfile rf = RUNFILE_INIT;
	scoped(room) struct room room = ROOM_INIT;
	scoped(unfinished) struct unfinished undo = { .runfile = &rf };
	scoped(devices) struct devices devices = { .find_domain = domain_lookup };
	struct runfile_record record = { .creating = true };
	struct platform platform;
	uint32_t domid, pool = 0;
	int rc;

	rc = make_ids(config, err);
	if (rc == 0)
		rc = paths_make_absolute(config, err);
	if (rc < 0)
		return rc;
	memcpy(record.uuid, config->uuid, sizeof(record.uuid));
	/* First: what a bootloader's disks need (script=) may be what a guest of that name runs on. */
	rc = claim_name(xen, config->name, config->uuid, how->successor, &rf, err);
	if (rc == 0)
		rc = boot_load(xen, config, how->terminal, &image, &platform, err);
	if (rc < 0)
		return rc;
	rc = devices_prepare(&devices, xen, config, err);
	if (rc < 0)
		return rc;
	warn_quota(config, &devices);
	rc = affinity_pool(xen, config, &pool, err);
	if (rc == 0)
		rc = room_make(xen, config->target_memkb + platform.overhead_kb, &room,
			       err);
	if (rc < 0)
		return rc;
	rc = make_domain(xen, config, &platform, pool, &domid, err);
	if (rc < 0)
		return rc;
	undo.xen = xen;
	undo.domid = domid;
	memcpy(undo.uuid, config->uuid, sizeof(undo.uuid));
	record.domid = domid;
	rc = runfile_write(&rf, &record, err);
	if (rc < 0)
		return rc;
	rc = build_domain(xen, config, &platform, image, &devices, domid, &room, err);
	if (rc < 0)
		return rc;
	rc = check_interrupted(err);
	if (rc < 0)
		return rc;
	record.creating = false;
	record.unwatched = !how->watched;
	record.restarts = how->restarts;
	record.started = time(NULL);
	rc = runfile_write(&rf, &record, err);
	if (rc < 0)
		return rc;
	undo.xen = NULL;
	room_used(&room);
	runfile_unlock(&rf);
	*out = domid;
	return 0;
}

int domain_hold(const char *name, struct runfile *rf, struct runfile_record *record,
		struct err *err)
{
	bool found;
	int rc = runfile_lock_patiently(RUNFILE_DIR, name, rf, &found, record, err);

	if (rc < 0 || found)
		return rc;
	runfile_remove(rf);
	return fail(err, ENOENT, "there is no domain '%s' that xlite made", name);
}

int domain_set_watched(const char *name, bool watched, struct err *err)
{
	struct runfile rf = RUNFILE_INIT;
	struct runfile_record record;
	int rc = domain_hold(name, &rf, &record, err);

	if (rc < 0)
		return rc;
	record.unwatched = !watched;
	rc = runfile_write(&rf, &record, err);
	runfile_unlock(&rf);
	return rc;
}
