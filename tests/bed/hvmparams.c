/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hvmparams DOMID - every HVM parameter of a domain that is not 0, "NUMBER VALUE" a line; and of
 * one that has not run, what hvmloader will read
 *
 * Numbers are Xen's HVM_PARAM_*, public/hvm/params.h. What cannot be read is "NUMBER ERROR".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xen/hvm/hvm_info_table.h>
#include <xen/hvm/params.h>

/* hvmloader's table; a PVH guest has none. */
static void show_info(uint32_t domid)
{
	xenforeignmemory_handle *fmem = xenforeignmemory_open(NULL, 0);
	xen_pfn_t gfn = HVM_INFO_PFN;
	char *page = fmem ? xenforeignmemory_map(fmem, domid, PROT_READ, 1, &gfn, NULL) : NULL;
	const struct hvm_info_table *info;

	if (!page)
		return;
	info = (const struct hvm_info_table *)(page + HVM_INFO_OFFSET);
	if (memcmp(info->signature, "HVM INFO", sizeof(info->signature)) == 0)
		printf("hvm_info: apic %u vcpus %u online %#x low %#x high %#x reserved %#x\n",
		       info->apic_mode, info->nr_vcpus, info->vcpu_online[0], info->low_mem_pgend,
		       info->high_mem_pgend, info->reserved_mem_pgstart);
	xenforeignmemory_unmap(fmem, page, 1);
	xenforeignmemory_close(fmem);
}

int main(int argc, char **argv)
{
	xc_interface *xc = argc == 2 ? xc_interface_open(NULL, NULL, 0) : NULL;

	if (!xc) {
		fprintf(stderr, "hvmparams: %s\n", argc == 2 ? strerror(errno) : "usage: DOMID");
		return 1;
	}
	for (uint32_t param = 0; param < HVM_NR_PARAMS; param++) {
		uint64_t value = 0;

		if (xc_hvm_param_get(xc, (uint32_t)atoi(argv[1]), param, &value) < 0)
			printf("%u %s\n", param, strerror(errno));
		else if (value)
			printf("%u %#llx\n", param, (unsigned long long)value);
	}
	show_info((uint32_t)atoi(argv[1]));
	xc_interface_close(xc);
	return 0;
}
