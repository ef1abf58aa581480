/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hvmparams DOMID - every HVM parameter of a domain that is not 0, "NUMBER VALUE" a line
 *
 * Numbers are Xen's HVM_PARAM_*, public/hvm/params.h. What cannot be read is "NUMBER ERROR".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xen/hvm/params.h>

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
	xc_interface_close(xc);
	return 0;
}
