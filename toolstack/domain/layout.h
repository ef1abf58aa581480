/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The store nodes of a domain, as libxl lays them out (Xen 4.17, measured with
 * xenstore-ls -fp). Pure: a config and a few numbers in, a list of nodes out.
 */
#ifndef DOMAIN_LAYOUT_H
#define DOMAIN_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct domain_config;
struct store_nodes;

struct layout_facts {
	uint32_t domid;
	char uuid[37];			/* text */
	struct timespec start;		/* when the build began, CLOCK_REALTIME */
	uint32_t store_port, console_port, console_domid;
	uint64_t store_gfn, console_gfn;	/* known after the build, */
	uint64_t acpi_address, smbios_address;	/* as are tables in the guest's memory, */
	uint32_t acpi_length, smbios_length;	/* 0: none */
	uint64_t target_kb;		/* memory/target of a domain that has its memory; 0: new */
	const char *tty;		/* of a console that xenconsoled has still; or NULL */
};

/* First: what others may have left goes, and its own folder is there, with its permissions. */
void layout_root(struct store_nodes *nodes, const struct domain_config *config,
		 const struct layout_facts *facts);
/* Everything else that can stand before the memory is built. */
void layout_domain(struct store_nodes *nodes, const struct domain_config *config,
		   const struct layout_facts *facts);

/* After the build: the rings that xenstored and xenconsoled connect to, and tables. */
void layout_rings(struct store_nodes *nodes, const struct layout_facts *facts);

/* The roots of all that a domain owns in the store, each removed by one request. */
#define LAYOUT_ROOTS 5
#define LAYOUT_PATH_LEN 64
size_t layout_roots(uint32_t domid, const char *uuid,
		    char roots[LAYOUT_ROOTS][LAYOUT_PATH_LEN]);

#endif
