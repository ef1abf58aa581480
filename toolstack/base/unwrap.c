/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unwrap.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "scope.h"
#include "unpack.h"

/* Linux boot protocol: offsets into the first sectors. */
enum {
	BZ_SETUP_SECTS = 0x1f1, BZ_BOOT_FLAG = 0x1fe, BZ_MAGIC = 0x202, BZ_VERSION = 0x206,
	BZ_PAYLOAD_OFFSET = 0x248, BZ_PAYLOAD_LENGTH = 0x24c, BZ_HEADER_END = 0x250,
	BZ_KERNEL_VERSION = 0x20e,	/* of a text, from 0x200 on */
	BZ_VERSION_PAYLOAD = 0x0208,	/* the first with the two payload fields */
	ZBOOT_OFFSET = 8, ZBOOT_SIZE = 12, ZBOOT_END = 0x40,
};

static uint32_t le16(const uint8_t *p)
{
	return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

enum unwrap_kind unwrap_probe(const void *data, size_t len)
{
	const uint8_t *p = data;

	if (len >= 4 && memcmp(p, "\x7f" "ELF", 4) == 0)
		return UNWRAP_ELF;
	if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		return UNWRAP_GZIP;
	if (len >= ZBOOT_END && memcmp(p, "MZ\0\0zimg", 8) == 0)
		return UNWRAP_ZBOOT;
	if (len >= BZ_HEADER_END && le16(p + BZ_BOOT_FLAG) == 0xaa55 &&
	    memcmp(p + BZ_MAGIC, "HdrS", 4) == 0)
		return UNWRAP_BZIMAGE;
	return UNWRAP_UNKNOWN;
}

static int cut_out(const uint8_t **data, size_t *len, size_t start, size_t size, struct err *err)
{
	if (start > *len || size > *len - start)
		return fail(err, EINVAL, "it is truncated: %zu bytes, its header wants %zu", *len,
			    start + size);
	*data += start;
	*len = size;
	return 0;
}

static int bzimage_payload(const uint8_t **data, size_t *len, struct err *err)
{
	const uint8_t *p = *data;
	size_t start, size;

	if (le16(p + BZ_VERSION) < BZ_VERSION_PAYLOAD)
		return fail(err, EOPNOTSUPP, "its boot protocol %u.%02u is older than 2.08 (Linux "
			    "2.6.26): the kernel inside cannot be found", p[BZ_VERSION + 1],
			    p[BZ_VERSION]);
	start = ((size_t)(p[BZ_SETUP_SECTS] ? p[BZ_SETUP_SECTS] : 4) + 1) * 512 +
		le32(p + BZ_PAYLOAD_OFFSET);
	size = le32(p + BZ_PAYLOAD_LENGTH);
	return cut_out(data, len, start, size, err);
}

/* EFI programs that unpack a kernel (Linux, drivers/firmware/efi/libstub/zboot-header.S). */
static int zboot_payload(const uint8_t **data, size_t *len, struct err *err)
{
	return cut_out(data, len, le32(*data + ZBOOT_OFFSET), le32(*data + ZBOOT_SIZE), err);
}

static int payload(const uint8_t **data, size_t *len, struct err *err)
{
	switch (unwrap_probe(*data, *len)) {
	case UNWRAP_BZIMAGE:
		return bzimage_payload(data, len, err);
	case UNWRAP_ZBOOT:
		return zboot_payload(data, len, err);
	case UNWRAP_ELF:
	case UNWRAP_GZIP:
		return 0;
	default:
		return fail(err, EINVAL, "it is not a kernel: neither ELF nor bzImage nor gzip");
	}
}

static bool is_elf(const uint8_t *data, size_t len)
{
	return len >= 4 && memcmp(data, "\x7f" "ELF", 4) == 0;
}

static int unwrap_to(const uint8_t *in, size_t len, struct unpacked *out, struct err *err)
{
	int rc = payload(&in, &len, err);

	if (rc < 0)
		return rc;
	/* CONFIG_KERNEL_UNCOMPRESSED, and tools that pack kernels for speed. */
	rc = is_elf(in, len) ? unpacked_copy(in, len, out, err) : unpack(in, len, out, err);
	if (rc < 0)
		return rc;
	return is_elf(out->data, out->len) ? 0 :
		fail(err, EINVAL, "what it unpacks to is not an ELF file");
}

int unwrap(const void *data, size_t len, struct bytes *elf, struct err *err)
{
	scoped(unpacked) struct unpacked out = UNPACKED_HEAP(UNWRAP_MAX);
	int rc = unwrap_to(data, len, &out, err);

	if (rc < 0)
		return rc;
	elf->len = out.len;
	elf->data = take(out.data);
	return 0;
}

int unwrap_into(const void *data, size_t len, void *buf, size_t size, size_t *elf_len,
		struct err *err)
{
	struct unpacked out = UNPACKED_FIXED(buf, size);
	int rc = unwrap_to(data, len, &out, err);

	if (rc == 0)
		*elf_len = out.len;
	return rc;
}

const char *unwrap_packing(const void *data, size_t len)
{
	struct err ignored = ERR_INIT;
	const uint8_t *in = data;

	return payload(&in, &len, &ignored) == 0 ? unpack_format(in, len) : NULL;
}

const char *unwrap_version(const void *data, size_t len, char *buf, size_t size)
{
	const uint8_t *p = data;
	size_t at, n = 0;

	buf[0] = '\0';
	if (unwrap_probe(data, len) != UNWRAP_BZIMAGE || !le16(p + BZ_KERNEL_VERSION))
		return buf;
	at = 0x200 + (size_t)le16(p + BZ_KERNEL_VERSION);
	for (; at + n < len && n + 1 < size && p[at + n]; n++)
		buf[n] = (char)p[at + n];
	buf[n] = '\0';
	return buf;
}
