/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PVH guests before Xen is asked: the note that makes a kernel one, limits, sizes. */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

#include "base/scope.h"
#include "base/elfnote.h"
#include "config/config.h"
#include "domain/platform.h"
#include "tap.h"
#include "xen/host.h"

struct note {
	uint32_t name_size, size, type;
	char name[4];
	uint32_t value;
};

static const struct note other = { 4, 4, XEN_ELFNOTE_ENTRY, "Xen", 0 };
static const struct note pvh = { 4, 4, XEN_ELFNOTE_PHYS32_ENTRY, "Xen", 0x1000000 };
static const struct note foreign = { 4, 4, XEN_ELFNOTE_PHYS32_ENTRY, "GNU", 0x1000000 };

/* A file of one class whose notes are found through a segment or through a section. */
#define FILE_OF(b)										\
static size_t file_of_##b(bool section, const struct note *first, const struct note *second,	\
			  uint8_t data[512])							\
{												\
	Elf##b##_Ehdr head = { .e_ident = { ELFMAG0, 'E', 'L', 'F', ELFCLASS##b, ELFDATA2LSB } };	\
	Elf##b##_Phdr segment = { .p_type = PT_NOTE, .p_filesz = 2 * sizeof(*first) };		\
	Elf##b##_Shdr part = { .sh_type = SHT_NOTE, .sh_size = 2 * sizeof(*first) };		\
	size_t at = sizeof(head) + (section ? sizeof(part) : sizeof(segment));			\
												\
	segment.p_offset = part.sh_offset = at;							\
	head.e_phoff = head.e_shoff = sizeof(head);						\
	head.e_phentsize = sizeof(segment);							\
	head.e_shentsize = sizeof(part);							\
	head.e_phnum = !section;								\
	head.e_shnum = section;									\
	memcpy(data, &head, sizeof(head));							\
	if (section)										\
		memcpy(data + sizeof(head), &part, sizeof(part));				\
	else											\
		memcpy(data + sizeof(head), &segment, sizeof(segment));				\
	memcpy(data + at, first, sizeof(*first));						\
	memcpy(data + at + sizeof(*first), second, sizeof(*second));				\
	return at + 2 * sizeof(*first);								\
}

FILE_OF(32)
FILE_OF(64)

/* Each prefix in memory of its own, so that the sanitizer sees a byte too far. */
static bool prefix_has(const uint8_t *data, size_t len)
{
	scoped(free) uint8_t *copy = malloc(len + !len);

	if (!copy)
		return false;
	memcpy(copy, data, len);
	return elfnote_has(copy, len, XEN_ELFNOTE_PHYS32_ENTRY);
}

static void test_notes(void)
{
	static const struct { const char *what; const struct note *first, *second; bool has; } cases[] = {
		{ "first", &pvh, &other, true }, { "second", &other, &pvh, true },
		{ "not there", &other, &other, false }, { "somebody else's", &foreign, &other, false },
	};
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (int form = 0; form < 4; form++) {
			uint8_t data[512] = { 0 };
			unsigned int found = 0;

			len = (form & 1 ? file_of_64 : file_of_32)(form & 2, cases[i].first,
								   cases[i].second, data);
			is_int(prefix_has(data, len), cases[i].has, "%s, %d bits, %s",
			       cases[i].what, form & 1 ? 64 : 32, form & 2 ? "section" : "segment");
			for (size_t n = 0; n < len; n++)
				found += prefix_has(data, n);
			is_int(found, 0, "and never in a truncated file");
		}
	}
	ok(!elfnote_has("", 0, XEN_ELFNOTE_PHYS32_ENTRY), "nothing");
}

/* A name and a value that claim to be longer than the file. */
static void test_hostile(void)
{
	struct note longer = pvh;
	uint8_t data[512] = { 0 };
	size_t len;

	longer.size = UINT32_MAX;
	len = file_of_64(false, &longer, &pvh, data);
	ok(!prefix_has(data, len), "a value that is too long");
	longer = other;
	longer.name_size = UINT32_MAX - 2;
	len = file_of_64(false, &longer, &pvh, data);
	ok(!prefix_has(data, len), "a name that is too long");
	len = file_of_64(false, &pvh, &pvh, data);
	memset(data + offsetof(Elf64_Ehdr, e_phoff), 0xff, 8);
	ok(!prefix_has(data, len), "headers far away");
	len = file_of_64(false, &pvh, &pvh, data);
	memset(data + sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset), 0xff, 8);
	ok(!prefix_has(data, len), "notes far away");
	len = file_of_64(false, &pvh, &pvh, data);
	data[EI_CLASS] = 9;
	ok(!prefix_has(data, len), "no class that exists");
}

static void test_check(void)
{
	static const struct {
		struct domain_config config;
		int code;
		const char *msg;
	} cases[] = {
		{ { .type = DOMAIN_PV, .max_vcpus = 200 }, 0, NULL },
		{ { .type = DOMAIN_PVH, .max_vcpus = 128 }, 0, NULL },
		{ { .type = DOMAIN_PVH, .max_vcpus = 129 }, EINVAL,
		  "a PVH guest cannot have 129 vcpus: 128 is the most" },
		{ { .type = DOMAIN_PVH, .type_auto = true, .max_vcpus = 129 }, 0, NULL },
		{ { .type = DOMAIN_PVH, .type_auto = true, .passthrough = 2 }, 0, NULL },
		{ { .type = DOMAIN_PV, .video_memkb = 8192, .target_memkb = 4096 }, EINVAL,
		  "videoram (8 MiB) is all of memory (4 MiB)" },
		{ { .type = DOMAIN_PVH, .passthrough = 2 }, EINVAL,
		  "passthrough is not possible for PVH guests: Xen has none for them" },
		{ { .type = DOMAIN_PVH, .video_memkb = 4096, .target_memkb = 4096 }, EINVAL,
		  "videoram (4 MiB) is all of memory (4 MiB)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		is_int(platform_check(&cases[i].config, &err), -cases[i].code, "check %zu", i);
		if (cases[i].msg)
			is_str(err.msg, cases[i].msg, "check %zu: message", i);
	}
}

static void test_plan(void)
{
	static const struct host_guests none = { .pv = true },
		both = { .pv = true, .hvm = true, .hap = true, .shadow = true },
		hap = { .pv = true, .hvm = true, .hap = true },
		shadow = { .pv = true, .hvm = true, .shadow = true };
	static const struct {
		const struct host_guests *host;
		enum tri hap, oos;
		uint64_t shadow_kb;
		struct platform want;
		const char *msg;
	} cases[] = {
		/* 2 vcpus, 256 MiB: 2 MiB and a page a MiB */
		{ &both, TRI_DEFAULT, TRI_DEFAULT, CONFIG_MEMKB_DEFAULT,
		  { .hap = true, .paging_kb = 2048 + 1024, .overhead_kb = 2048 + 3072 }, NULL },
		{ &both, TRI_FALSE, TRI_FALSE, CONFIG_MEMKB_DEFAULT,
		  { .oos_off = true, .paging_kb = 2048 + 2048, .overhead_kb = 2048 + 4096 }, NULL },
		{ &shadow, TRI_DEFAULT, TRI_TRUE, CONFIG_MEMKB_DEFAULT,
		  { .paging_kb = 2048 + 2048, .overhead_kb = 2048 + 4096 }, NULL },
		{ &both, TRI_TRUE, TRI_DEFAULT, 8192,
		  { .hap = true, .paging_kb = 8192, .overhead_kb = 2048 + 8192 }, NULL },
		{ &hap, TRI_FALSE, TRI_DEFAULT, 0, { .pv = false },
		  "hap=0, and this hypervisor has no shadow paging" },
		{ &shadow, TRI_TRUE, TRI_DEFAULT, 0, { .pv = false },
		  "hap=1, but this host has no hardware assisted paging" },
		{ &none, TRI_DEFAULT, TRI_DEFAULT, 0, { .pv = false },
		  "this host cannot run PVH guests: its processors offer no virtualization, or the "
		  "firmware has switched it off" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain_config config = {
			.type = DOMAIN_PVH, .max_vcpus = 2, .max_memkb = 256 * 1024,
			.hap = cases[i].hap, .oos = cases[i].oos, .shadow_memkb = cases[i].shadow_kb,
		};
		struct platform got = { .pv = false };
		struct err err = ERR_INIT;
		int rc = platform_plan(&config, cases[i].host, &got, &err);

		is_int(rc, cases[i].msg ? -ENODEV : 0, "plan %zu", i);
		if (cases[i].msg)
			is_str(err.msg, cases[i].msg, "plan %zu: message", i);
		is_int(got.hap, cases[i].want.hap, "plan %zu: hap", i);
		is_int(got.oos_off, cases[i].want.oos_off, "plan %zu: oos", i);
		is_int(got.paging_kb, cases[i].want.paging_kb, "plan %zu: paging", i);
		is_int(got.overhead_kb, cases[i].want.overhead_kb, "plan %zu: overhead", i);
	}
}

static void test_auto(void)
{
	static const struct host_guests none = { .pv = true },
		both = { .pv = true, .hvm = true, .hap = true, .shadow = true };
	struct domain_config config = { .type = DOMAIN_PVH, .type_auto = true, .max_vcpus = 128 };
	struct platform platform = { .pv = false };
	struct err err = ERR_INIT;

	ok(platform_may_be_pvh(&config, &both), "PVH where the host can");
	ok(!platform_may_be_pvh(&config, &none), "not where it cannot");
	config.max_vcpus = 129;
	ok(!platform_may_be_pvh(&config, &both), "not with too many vcpus");
	config.type = DOMAIN_PV;
	is_int(platform_plan(&config, &none, &platform, &err), 0, "PV everywhere");
	ok(platform.pv && !platform.hap && platform.paging_kb == 0, "and without paging memory");
	is_int(platform.overhead_kb, 1024 + 129 * 1024, "what it costs");
}

int main(void)
{
	test_notes();
	test_hostile();
	test_check();
	test_plan();
	test_auto();
	return tap_done();
}
