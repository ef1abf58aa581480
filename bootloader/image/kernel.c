/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/elfnote.h"
#include "base/scope.h"
#include "base/unwrap.h"
#include "bootloader/blk/bytes.h"
#include "bootloader/bootloader.h"

void kernel_describe(const void *data, size_t len, struct boot_kernel_info *info)
{
	static const char *const names[] = {
		[UNWRAP_UNKNOWN] = "", [UNWRAP_ELF] = "ELF", [UNWRAP_BZIMAGE] = "bzImage",
		[UNWRAP_GZIP] = "gzip", [UNWRAP_ZBOOT] = "zboot",
	};

	enum unwrap_kind kind = unwrap_probe(data, len);

	snprintf(info->wrapping, sizeof(info->wrapping), "%s", names[kind]);
	info->is_linux = kind == UNWRAP_BZIMAGE || kind == UNWRAP_ZBOOT;
	unwrap_version(data, len, info->version, sizeof(info->version));
}

static const char *machine_name(unsigned int machine)
{
	static const struct {
		unsigned int machine;
		const char *name;
	} names[] = {
		{ EM_ARM, "ARM" }, { EM_AARCH64, "ARM64" }, { EM_RISCV, "RISC-V" },
		{ EM_PPC64, "POWER" }, { EM_S390, "S/390" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].machine == machine)
			return names[i].name;
	}
	return "another machine";
}

int kernel_check(const void *elf, size_t len, struct boot_kernel_info *info, struct err *err)
{
	const uint8_t *p = elf;
	uint64_t end = elfnote_segments_end(elf, len);
	unsigned int machine;

	if (len < sizeof(Elf32_Ehdr))
		return fail(err, EINVAL, "it is truncated: %zu bytes", len);
	machine = get_le16(p + offsetof(Elf32_Ehdr, e_machine));
	if (p[EI_DATA] != ELFDATA2LSB || (machine != EM_386 && machine != EM_X86_64))
		return fail(err, ENOEXEC, "it is a kernel for %s", machine_name(machine));
	if (end > len)
		return fail(err, EINVAL, "it is truncated: %zu bytes of at least %" PRIu64, len,
			    end);
	info->bits = p[EI_CLASS] == ELFCLASS64 ? 64 : 32;
	info->modes = elfnote_modes(elf, len);
	info->is_linux |= elfnote_is_linux(elf, len);
	return 0;
}
