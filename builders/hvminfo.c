/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hvminfo.h"

#include <stdint.h>
#include <string.h>
#include <xen/hvm/hvm_info_table.h>

void hvminfo_set(struct hvm_info_table *info, unsigned int max_vcpus, unsigned int online,
		 bool apic)
{
	const uint8_t *bytes = (const uint8_t *)info;
	uint8_t sum = 0;

	info->apic_mode = apic;
	info->nr_vcpus = max_vcpus;
	memset(info->vcpu_online, 0, sizeof(info->vcpu_online));
	for (unsigned int i = 0; i < online && i < HVM_MAX_VCPUS; i++)
		info->vcpu_online[i / 8] |= (uint8_t)(1u << i % 8);
	for (uint32_t i = 0; i < info->length && i < sizeof(*info); i++)
		sum = (uint8_t)(sum + bytes[i]);
	info->checksum = (uint8_t)(info->checksum - sum);
}
