/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of Hyper-V's interface an HVM guest (Windows) finds: HVM_PARAM_VIRIDIAN. Pure. */
#ifndef DOMAIN_VIRIDIAN_H
#define DOMAIN_VIRIDIAN_H

#include <stdint.h>

#include "base/err.h"

struct hvm_config;

/* 0: nothing of it. -EINVAL when groups are given without base, or both on and off. */
int viridian_mask(const struct hvm_config *hvm, uint64_t *mask, struct err *err) must_check;

#endif
