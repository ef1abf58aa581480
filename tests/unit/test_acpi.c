/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ACPI tables of PVH guests: what stands where, and what ACPICA's tools think of them:
 * iasl takes them apart, compiles the DSDT again, and acpiexec loads and evaluates it.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"
#include "builders/acpi.h"
#include "tap.h"

#define BASE UINT64_C(0xfc000000)

static uint64_t number(const struct bytes *b, size_t at, size_t bytes)
{
	const uint8_t *data = b->data;
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= at + i < b->len ? (uint64_t)data[at + i] << 8 * i : 0;
	return value;
}

static uint8_t sum(const struct bytes *b, size_t start, size_t len)
{
	uint8_t total = 0;

	for (size_t i = 0; i < len; i++)
		total = (uint8_t)(total + number(b, start + i, 1));
	return total;
}

/* The table at a guest's address: its offset, after the checks that hold for all. */
static size_t check_table(const struct bytes *b, uint64_t addr, const char *signature)
{
	size_t at = addr - BASE, len = number(b, at + 4, 4);

	ok(addr >= BASE && at + len <= b->len && at % 16 == 0, "%s lies within, aligned", signature);
	ok(at < b->len && memcmp((const char *)b->data + at, signature, 4) == 0, "%s is one",
	   signature);
	is_int(sum(b, at, len), 0, "%s: checksum", signature);
	return at;
}

static void check_madt(const struct bytes *b, size_t madt, const struct acpi_spec *spec)
{
	unsigned int right = 0;

	is_int(number(b, madt + 4, 4), 44 + spec->nr_vcpus * 8, "MADT: one entry a vcpu");
	is_int(number(b, madt + 36, 4), 0xfee00000, "MADT: local APIC");
	is_int(number(b, madt + 40, 4), 0, "MADT: no 8259");
	for (unsigned int i = 0; i < spec->nr_vcpus; i++) {
		size_t e = madt + 44 + i * 8;

		right += number(b, e, 2) == 0x0800 && number(b, e + 2, 1) == i &&
			number(b, e + 3, 1) == i * 2 &&
			number(b, e + 4, 4) == (i < spec->nr_online);
	}
	is_int(right, spec->nr_vcpus, "MADT: entries");
}

static void write_table(const struct bytes *b, size_t at, const char *dir, const char *name)
{
	struct err err = ERR_INIT;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.dat", dir, name);
	is_int(file_replace(path, (const char *)b->data + at, number(b, at + 4, 4), 0600, &err), 0,
	       "writes %s", name);
}

/* A shell command that must succeed and prints why it did not. */
static void check_command(const char *what, const char *dir, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && { %s; } >log 2>&1 </dev/null || "
		 "{ sed 's/^/# /' log; false; }", dir, command);
	is_int(system(line), 0, "%s", what);
}

/* What a guest would get for an object below \_SB. */
static void check_value(const char *dir, const char *object, unsigned int value)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "acpiexec -b 'evaluate \\_SB.%s' dsdt.dat && "
		 "grep -q 'Integer. = %016X' log && ! grep -i error log", object, value);
	check_command("acpiexec loads and evaluates the DSDT", dir, command);
}

static void check_with_acpica(const struct bytes *b, size_t dsdt, size_t fadt, size_t madt,
			      size_t xsdt, const struct acpi_spec *spec)
{
	char dir[] = "/tmp/xlite-test.XXXXXX", command[256];

	if (system("command -v iasl acpiexec >/dev/null") != 0) {
		ok(true, "ACPICA's tools # SKIP no iasl here (package acpica-tools)");
		return;
	}
	if (!ok(mkdtemp(dir) != NULL, "a folder"))
		return;
	write_table(b, dsdt, dir, "dsdt");
	write_table(b, fadt, dir, "facp");
	write_table(b, madt, dir, "apic");
	write_table(b, xsdt, dir, "xsdt");
	check_command("iasl reads all tables", dir,
		      "for t in *.dat; do iasl -d $t || exit; done; "
		      "! grep -iE 'error|warning|invalid|checksum' log");
	check_command("iasl compiles the DSDT again", dir,
		      "iasl -p again dsdt.dsl && grep -q '0 Errors, 0 Warnings' log");
	/* Its own name and a new checksum go into the first 36 bytes. */
	check_command("iasl compiles the FADT to the same bytes", dir,
		      "iasl -p again2 facp.dsl && cmp -i 36 again2.aml facp.dat");
	check_command("iasl compiles the MADT to the same bytes", dir,
		      "iasl -p again3 apic.dsl && cmp -i 36 again3.aml apic.dat");
	snprintf(command, sizeof(command), "CP%02X._STA", spec->nr_vcpus - 1);
	check_value(dir, command, spec->nr_online == spec->nr_vcpus ? 0xf : 0);
	snprintf(command, sizeof(command), "CP%02X._UID", spec->nr_vcpus - 1);
	check_value(dir, command, spec->nr_vcpus - 1);
	check_value(dir, "PWRB._HID", 0x0c0cd041);
	check_value(dir, "SLPB._HID", 0x0e0cd041);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	is_int(system(command), 0, "away");
}

static void test_tables(unsigned int nr_vcpus, unsigned int nr_online)
{
	struct acpi_spec spec = { .base = BASE, .nr_vcpus = nr_vcpus, .nr_online = nr_online };
	scoped(bytes) struct bytes b = BYTES_INIT;
	size_t xsdt, fadt, madt, dsdt;
	struct err err = ERR_INIT;

	printf("# %u vcpus, %u online\n", nr_vcpus, nr_online);
	if (!is_int(acpi_tables(&spec, &b, &err), 0, "tables"))
		return;
	ok(memcmp(b.data, "RSD PTR ", 8) == 0, "RSDP first");
	is_int(sum(&b, 0, 20), 0, "RSDP: old checksum");
	is_int(sum(&b, 0, ACPI_RSDP_SIZE), 0, "RSDP: checksum");
	is_int(number(&b, 15, 1), 2, "RSDP: revision");
	xsdt = check_table(&b, number(&b, 24, 8), "XSDT");
	is_int(number(&b, xsdt + 4, 4), 36 + 2 * 8, "XSDT: two tables");
	fadt = check_table(&b, number(&b, xsdt + 36, 8), "FACP");
	madt = check_table(&b, number(&b, xsdt + 44, 8), "APIC");
	dsdt = check_table(&b, number(&b, fadt + 140, 8), "DSDT");
	is_int(number(&b, fadt + 40, 4), BASE + dsdt, "FADT: the DSDT's 32-bit address");
	is_int(number(&b, fadt + 109, 2), 0x24, "FADT: no VGA, no CMOS RTC");
	is_int(number(&b, fadt + 112, 4) >> 20 & 1, 1, "FADT: reduced hardware");
	check_madt(&b, madt, &spec);
	check_with_acpica(&b, dsdt, fadt, madt, xsdt, &spec);
}

int main(void)
{
	test_tables(1, 1);
	test_tables(4, 2);
	test_tables(ACPI_MAX_VCPUS, ACPI_MAX_VCPUS);
	return tap_done();
}
