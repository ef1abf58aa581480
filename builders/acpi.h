/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ACPI tables for a PVH guest, which has no firmware that could make them. They say how
 * many processors there are, and that nothing else of a PC is: no PM1 registers, no
 * timers, no interrupt controller but the local APICs (ACPI calls that reduced hardware).
 * Pure: a few numbers in, the bytes out. After ACPI 6.4, chapters 5 (tables), 8.4
 * (processors) and 20.2 (AML).
 */
#ifndef BUILDERS_ACPI_H
#define BUILDERS_ACPI_H

#include <stdint.h>

#include "base/err.h"
#include "base/file.h"

/* The APIC id of vcpu n is n * 2 (libxenguest's cpuid policy), and 255 addresses all of them. */
#define ACPI_MAX_VCPUS 128

struct acpi_spec {
	uint64_t base;			/* guest physical address of the first byte */
	unsigned int nr_vcpus;		/* 1 .. ACPI_MAX_VCPUS */
	unsigned int nr_online;		/* those from 0 on that are there at start */
};

/*
 * RSDP, XSDT, FADT, MADT and DSDT as one piece. The RSDP is first, ACPI_RSDP_SIZE bytes
 * that are as good at any other place; the others follow at addresses from spec->base.
 */
#define ACPI_RSDP_SIZE 36
int acpi_tables(const struct acpi_spec *spec, struct bytes *tables, struct err *err) must_check;

#endif
