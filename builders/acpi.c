/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "acpi.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"

/* Tables of fixed size and what one processor adds to MADT and DSDT, with room to spare. */
enum { SIZE_FIXED = 1024, SIZE_VCPU = 64, TABLE_ALIGN = 16 };

/* Offsets in the header that all tables but the RSDP have. */
enum { HEAD_LENGTH = 4, HEAD_CHECKSUM = 9, HEAD_SIZE = 36 };

enum { LAPIC_BASE = 0xfee00000u };

struct writer {
	uint8_t *data;
	size_t len, cap;
};

static void put(struct writer *w, const void *data, size_t len)
{
	assert(len <= w->cap - w->len);
	memcpy(w->data + w->len, data, len);
	w->len += len;
}

static void poke(struct writer *w, size_t at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		w->data[at + i] = (uint8_t)(value >> 8 * i);
}

/* Little endian, as everything in ACPI. */
static void put_number(struct writer *w, uint64_t value, size_t bytes)
{
	assert(bytes <= w->cap - w->len);
	poke(w, w->len, value, bytes);
	w->len += bytes;
}

static void align(struct writer *w)
{
	while (w->len % TABLE_ALIGN)
		put_number(w, 0, 1);
}

/* All bytes of the range, the checksum's own among them, then add up to 0. */
static void set_checksum(struct writer *w, size_t start, size_t len, size_t at)
{
	uint8_t sum = 0;

	w->data[at] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + w->data[start + i]);
	w->data[at] = (uint8_t)-sum;
}

/* Returns where the table starts; close_table() fills in its length and checksum. */
static size_t open_table(struct writer *w, const char signature[4], unsigned int revision)
{
	size_t start;

	align(w);
	start = w->len;
	put(w, signature, 4);
	put_number(w, 0, 4);
	put_number(w, revision, 1);
	put_number(w, 0, 1);
	put(w, "Xen\0\0\0", 6);		/* OEM */
	put(w, "PVH\0\0\0\0\0", 8);	/* OEM's name of the table */
	put_number(w, 0, 4);		/* OEM revision */
	put(w, "XLIT", 4);		/* who made the table, and revision */
	put_number(w, 1, 4);
	assert(w->len - start == HEAD_SIZE);
	return start;
}

static void close_table(struct writer *w, size_t start)
{
	size_t len = w->len - start;

	poke(w, start + HEAD_LENGTH, len, 4);
	set_checksum(w, start, len, start + HEAD_CHECKSUM);
}

/* AML: opcodes and prefixes of those few things that are said here. */
enum {
	AML_NAME = 0x08, AML_BYTE = 0x0a, AML_DWORD = 0x0c, AML_STRING = 0x0d,
	AML_SCOPE = 0x10, AML_ROOT = '\\', AML_EXT = 0x5b, AML_EXT_DEVICE = 0x82,
};

/*
 * The length of a package stands before it: two bits for how many bytes follow the first,
 * four bits of length, then eight in each byte. Always three bytes here, for up to 1 MiB.
 */
static size_t open_package(struct writer *w)
{
	size_t start = w->len;

	put_number(w, 0, 3);
	return start;
}

static void close_package(struct writer *w, size_t start)
{
	size_t len = w->len - start;	/* counts itself */

	poke(w, start, 2u << 6 | (len & 0xf), 1);
	poke(w, start + 1, len >> 4, 2);
}

static void put_name(struct writer *w, const char name[4])
{
	put_number(w, AML_NAME, 1);
	put(w, name, 4);
}

static size_t open_device(struct writer *w, const char name[4])
{
	size_t start;

	put_number(w, AML_EXT, 1);
	put_number(w, AML_EXT_DEVICE, 1);
	start = open_package(w);
	put(w, name, 4);
	return start;
}

static void put_processor(struct writer *w, unsigned int vcpu, bool online)
{
	static const char hid[] = "ACPI0007", hex[] = "0123456789ABCDEF";
	const char name[4] = { 'C', 'P', hex[vcpu >> 4], hex[vcpu & 0xf] };
	size_t device = open_device(w, name);

	put_name(w, "_HID");
	put_number(w, AML_STRING, 1);
	put(w, hid, sizeof(hid));
	put_name(w, "_UID");
	put_number(w, AML_BYTE, 1);
	put_number(w, vcpu, 1);
	/*
	 * Present and working, or not there. That is how it starts: Xen has no way to tell
	 * a PVH guest more by ACPI, it hears of vcpu-set through xenstore.
	 */
	put_name(w, "_STA");
	put_number(w, AML_BYTE, 1);
	put_number(w, online ? 0xf : 0, 1);
	close_package(w, device);
}

/* id: an EISA id, PNP and four hexadecimal digits packed into 32 bits, most significant first. */
static void put_button(struct writer *w, const char name[4], const char id[4])
{
	size_t device = open_device(w, name);

	put_name(w, "_HID");
	put_number(w, AML_DWORD, 1);
	put(w, id, 4);
	close_package(w, device);
}

static size_t put_dsdt(struct writer *w, const struct acpi_spec *spec)
{
	size_t table = open_table(w, "DSDT", 2);	/* 2: integers have 64 bits */
	size_t scope;

	put_number(w, AML_SCOPE, 1);
	scope = open_package(w);
	put_number(w, AML_ROOT, 1);
	put(w, "_SB_", 4);
	for (unsigned int i = 0; i < spec->nr_vcpus; i++)
		put_processor(w, i, i < spec->nr_online);
	/* Nothing in Xen presses them yet; the guest has its drivers for them ready. */
	put_button(w, "PWRB", "\x41\xd0\x0c\x0c");	/* PNP0C0C */
	put_button(w, "SLPB", "\x41\xd0\x0c\x0e");	/* PNP0C0E */
	close_package(w, scope);
	close_table(w, table);
	return table;
}

/* Fixed offsets of the FADT; all that is not set is 0, "not there". */
enum {
	FADT_SIZE = 268, FADT_DSDT = 40, FADT_SCI = 46, FADT_C2_LATENCY = 96, FADT_C3_LATENCY = 98,
	FADT_BOOT_ARCH = 109, FADT_FLAGS = 112, FADT_X_DSDT = 140,
};

static size_t put_fadt(struct writer *w, uint64_t dsdt)
{
	/* Linux knows a PVH guest that came through a boot loader by these two. */
	enum { NO_VGA = 1 << 2, NO_CMOS_RTC = 1 << 5 };
	enum {
		WBINVD = 1 << 0, PROC_C1 = 1 << 2, NO_FIXED_POWER_BUTTON = 1 << 4,
		NO_FIXED_SLEEP_BUTTON = 1 << 5, NO_FIXED_RTC = 1 << 6, HW_REDUCED = 1 << 20,
	};
	size_t table = open_table(w, "FACP", 5);

	memset(w->data + w->len, 0, FADT_SIZE - HEAD_SIZE);
	w->len = table + FADT_SIZE;
	poke(w, table + FADT_DSDT, dsdt, 4);
	poke(w, table + FADT_X_DSDT, dsdt, 8);
	/* There is none; but Linux programs interrupt 0 as one when this says 0. */
	poke(w, table + FADT_SCI, 9, 2);
	/* Longer than 100 and 1000 us: there is no such state. */
	poke(w, table + FADT_C2_LATENCY, 0xfff, 2);
	poke(w, table + FADT_C3_LATENCY, 0xfff, 2);
	poke(w, table + FADT_BOOT_ARCH, NO_VGA | NO_CMOS_RTC, 2);
	poke(w, table + FADT_FLAGS, WBINVD | PROC_C1 | NO_FIXED_POWER_BUTTON |
	     NO_FIXED_SLEEP_BUTTON | NO_FIXED_RTC | HW_REDUCED, 4);
	close_table(w, table);
	return table;
}

/*
 * No PCAT_COMPAT flag, which libxl sets: it promises two 8259s, and a kernel that believes
 * it (Linux from 6.7) does not look whether they are there.
 */
static size_t put_madt(struct writer *w, const struct acpi_spec *spec)
{
	enum { LAPIC_TYPE = 0, LAPIC_SIZE = 8, LAPIC_ENABLED = 1 << 0 };
	size_t table = open_table(w, "APIC", 3);

	put_number(w, LAPIC_BASE, 4);
	put_number(w, 0, 4);
	for (unsigned int i = 0; i < spec->nr_vcpus; i++) {
		put_number(w, LAPIC_TYPE, 1);
		put_number(w, LAPIC_SIZE, 1);
		put_number(w, i, 1);		/* _UID in the DSDT */
		put_number(w, i * 2, 1);
		/* One that is not enabled may come later, below revision 6.3 of the FADT. */
		put_number(w, i < spec->nr_online ? LAPIC_ENABLED : 0, 4);
	}
	close_table(w, table);
	return table;
}

static size_t put_xsdt(struct writer *w, uint64_t fadt, uint64_t madt)
{
	size_t table = open_table(w, "XSDT", 1);

	put_number(w, fadt, 8);
	put_number(w, madt, 8);
	close_table(w, table);
	return table;
}

/* Into the place that was left for it. No RSDT: who reads revision 2 takes the XSDT. */
static void poke_rsdp(struct writer *w, uint64_t xsdt)
{
	enum { CHECKSUM = 8, OEM = 9, REVISION = 15, LENGTH = 20, XSDT = 24, EXT_CHECKSUM = 32 };
	enum { SIZE_OF_REVISION_1 = 20 };

	memcpy(w->data, "RSD PTR ", 8);
	memcpy(w->data + OEM, "Xen", 3);
	poke(w, REVISION, 2, 1);
	poke(w, LENGTH, ACPI_RSDP_SIZE, 4);
	poke(w, XSDT, xsdt, 8);
	set_checksum(w, 0, SIZE_OF_REVISION_1, CHECKSUM);
	set_checksum(w, 0, ACPI_RSDP_SIZE, EXT_CHECKSUM);
}

int acpi_tables(const struct acpi_spec *spec, struct bytes *tables, struct err *err)
{
	struct writer w = { .cap = SIZE_FIXED + (size_t)spec->nr_vcpus * SIZE_VCPU };
	size_t dsdt, fadt, madt, xsdt;

	assert(spec->nr_vcpus > 0 && spec->nr_vcpus <= ACPI_MAX_VCPUS);
	w.data = calloc(1, w.cap + 1);
	if (!w.data)
		return fail_nomem(err);
	w.len = ACPI_RSDP_SIZE;
	dsdt = put_dsdt(&w, spec);
	fadt = put_fadt(&w, spec->base + dsdt);
	madt = put_madt(&w, spec);
	xsdt = put_xsdt(&w, spec->base + fadt, spec->base + madt);
	poke_rsdp(&w, spec->base + xsdt);
	*tables = (struct bytes){ .data = w.data, .len = w.len };
	return 0;
}
