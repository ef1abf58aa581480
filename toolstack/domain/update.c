/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "update.h"

#include <errno.h>
#include <string.h>

#include "affinity.h"
#include "base/file.h"
#include "base/log.h"
#include "base/scope.h"
#include "config/cfg.h"
#include "config/conf.h"
#include "config/config.h"
#include "create.h"
#include "paths.h"
#include "userdata.h"
#include "xen/domctl.h"

/* As xl names it. */
#define KIND "xl"

int update_parse(struct xen *xen, const char *origin, const char *text, size_t len,
		 struct domain_config *config, struct err *err)
{
	scoped(config_warnings) struct config_warnings warnings = { 0 };
	scoped(affinity_host) struct affinity_host host = AFFINITY_HOST_INIT;
	scoped(xl_conf) struct xl_conf conf = XL_CONF_INIT;
	scoped(cfg) struct cfg cfg = CFG_INIT;
	const struct config_options options = { .conf = &conf, .host = &host.host };
	int rc = xl_conf_read(XL_CONF_PATH, &conf, &warnings, err);

	if (rc == 0)
		rc = affinity_host(xen, &host, err);
	if (rc == 0)
		rc = cfg_parse(&cfg, origin, text, len, err);
	if (rc == 0)
		rc = affinity_say_vcpus(&cfg, &conf, err);
	if (rc == 0)
		rc = config_from_cfg(&cfg, &options, config, &warnings, err);
	if (rc == 0)
		rc = config_check_supported(&cfg, config, &warnings, err);
	if (rc == 0)
		rc = paths_check_absolute(config, err);
	for (size_t i = 0; i < warnings.list.nr; i++)
		log_warn("%s", warnings.list.items[i]);
	return rc;
}

int update_store(struct xen *xen, uint32_t domid, const char *text, size_t len, struct err *err)
{
	scoped(userdata_lock) struct userdata_lock lock = USERDATA_LOCK_INIT;
	struct userdata ud = { .domid = domid };
	struct domctl_info info;
	int rc = domctl_info(xen, domid, &info, err);

	if (rc < 0)
		return rc;
	memcpy(ud.uuid, info.uuid, sizeof(ud.uuid));
	rc = userdata_lock(&ud, &lock, err);
	/* Whoever held the lock may have ended it. */
	if (rc == 0)
		rc = domctl_info(xen, domid, &info, err);
	if (rc == 0 && memcmp(ud.uuid, info.uuid, sizeof(ud.uuid)) != 0)
		rc = fail(err, ENOENT, "domain %u has gone", domid);
	return rc < 0 ? rc : userdata_write_bytes(&ud, KIND, text, len, err);
}

static int apply(struct xen *xen, const struct bytes *text, struct domain_config *config,
		 struct err *err)
{
	scoped(domain_config) struct domain_config updated = DOMAIN_CONFIG_INIT;
	int rc = update_parse(xen, "updated config", text->data, text->len, &updated, err);

	if (rc < 0)
		return rc;
	free(updated.name);
	updated.name = config->name ? strdup(config->name) : NULL;
	memcpy(updated.uuid, config->uuid, sizeof(updated.uuid));
	updated.uuid_given = true;
	config_defaults(&updated);
	/* What the old one is given up for. */
	rc = domain_check_config(&updated, err);
	if (rc == 0)
		rc = paths_check_there(&updated, err);
	if (rc < 0)
		return rc;
	config_free(config);
	*config = updated;
	updated = (struct domain_config)DOMAIN_CONFIG_INIT;
	return 1;
}

int update_apply(struct xen *xen, uint32_t domid, const uint8_t uuid[16],
		 struct domain_config *config, struct err *err)
{
	scoped(bytes) struct bytes text = BYTES_INIT;
	struct userdata ud = { .domid = domid };
	int rc;

	memcpy(ud.uuid, uuid, sizeof(ud.uuid));
	rc = userdata_read_bytes(&ud, KIND, CFG_MAX_BYTES, &text, err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = apply(xen, &text, config, err);
	if (rc == -ENOMEM || rc == -EINTR || rc > 0)
		return rc;
	log_warn("domain %u: its updated config is not used: %s", domid, err->msg);
	return 0;
}
