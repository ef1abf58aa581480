/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unwrap.h"

#include <bzlib.h>
#include <errno.h>
#include <limits.h>
#include <lz4.h>
#include <lzma.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/scope.h"

/* Linux boot protocol: offsets into the first sectors. */
enum {
	BZ_SETUP_SECTS = 0x1f1, BZ_BOOT_FLAG = 0x1fe, BZ_MAGIC = 0x202, BZ_VERSION = 0x206,
	BZ_PAYLOAD_OFFSET = 0x248, BZ_PAYLOAD_LENGTH = 0x24c, BZ_HEADER_END = 0x250,
	BZ_VERSION_PAYLOAD = 0x0208,	/* the first with the two payload fields */
};

static uint32_t le16(const uint8_t *p)
{
	return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

/* An output buffer that grows up to UNWRAP_MAX. */
static int grow(struct bytes *out, size_t *cap, struct err *err)
{
	size_t want = *cap ? *cap * 2 : (size_t)16 << 20;
	void *data;

	if (*cap >= UNWRAP_MAX)
		return fail(err, EFBIG, "unpacks to more than %zu MiB", UNWRAP_MAX >> 20);
	if (want > UNWRAP_MAX)
		want = UNWRAP_MAX;
	data = realloc(out->data, want);
	if (!data)
		return fail_nomem(err);
	out->data = data;
	*cap = want;
	return 0;
}

static int truncated(struct err *err, const char *format)
{
	return fail(err, EINVAL, "its %s data is truncated or damaged", format);
}

static int unpack_gzip(const uint8_t *in, size_t len, struct bytes *out, struct err *err)
{
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)in, .avail_in = (uInt)len };
	size_t cap = 0;
	int rc = 0, r;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)	/* 16: a gzip header */
		return fail_nomem(err);
	do {
		if (out->len == cap)
			rc = grow(out, &cap, err);
		if (rc < 0)
			break;
		z.next_out = (Bytef *)out->data + out->len;
		z.avail_out = (uInt)(cap - out->len);
		r = inflate(&z, Z_NO_FLUSH);
		out->len = cap - z.avail_out;
		if (r != Z_OK && r != Z_STREAM_END)
			rc = truncated(err, "gzip");
	} while (rc == 0 && r != Z_STREAM_END);
	inflateEnd(&z);
	return rc;
}

static int unpack_lzma_any(lzma_stream *z, const char *format, const uint8_t *in, size_t len,
			   struct bytes *out, struct err *err)
{
	size_t cap = 0;
	lzma_ret r;

	z->next_in = in;
	z->avail_in = len;
	do {
		if (out->len == cap) {
			int rc = grow(out, &cap, err);

			if (rc < 0)
				return rc;
		}
		z->next_out = (uint8_t *)out->data + out->len;
		z->avail_out = cap - out->len;
		r = lzma_code(z, LZMA_RUN);
		out->len = cap - z->avail_out;
		if (r == LZMA_MEM_ERROR || r == LZMA_MEMLIMIT_ERROR)
			return fail(err, ENOMEM, "not enough memory to unpack %s", format);
		if (r != LZMA_OK && r != LZMA_STREAM_END)
			return truncated(err, format);
	} while (r != LZMA_STREAM_END);
	return 0;
}

static int unpack_xz(const uint8_t *in, size_t len, struct bytes *out, struct err *err)
{
	lzma_stream z = LZMA_STREAM_INIT;
	int rc;

	if (lzma_stream_decoder(&z, UNWRAP_MAX, 0) != LZMA_OK)
		return fail_nomem(err);
	rc = unpack_lzma_any(&z, "xz", in, len, out, err);
	lzma_end(&z);
	return rc;
}

static int unpack_lzma(const uint8_t *in, size_t len, struct bytes *out, struct err *err)
{
	lzma_stream z = LZMA_STREAM_INIT;
	int rc;

	if (lzma_alone_decoder(&z, UNWRAP_MAX) != LZMA_OK)
		return fail_nomem(err);
	rc = unpack_lzma_any(&z, "lzma", in, len, out, err);
	lzma_end(&z);
	return rc;
}

static int unpack_bzip2(const uint8_t *in, size_t len, struct bytes *out, struct err *err)
{
	bz_stream z = { .next_in = (char *)(uintptr_t)in, .avail_in = (unsigned int)len };
	size_t cap = 0;
	int rc = 0, r;

	if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK)
		return fail_nomem(err);
	do {
		if (out->len == cap)
			rc = grow(out, &cap, err);
		if (rc < 0)
			break;
		z.next_out = (char *)out->data + out->len;
		z.avail_out = (unsigned int)(cap - out->len);
		r = BZ2_bzDecompress(&z);
		out->len = cap - z.avail_out;
		if ((r != BZ_OK && r != BZ_STREAM_END) ||
		    (r == BZ_OK && z.avail_in == 0 && z.avail_out != 0))
			rc = truncated(err, "bzip2");
	} while (rc == 0 && r != BZ_STREAM_END);
	BZ2_bzDecompressEnd(&z);
	return rc;
}

static int unpack_zstd(const uint8_t *in, size_t len, struct bytes *out, struct err *err)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer src = { .src = in, .size = len };
	size_t cap = 0, r = 1;
	int rc = 0;

	if (!z)
		return fail_nomem(err);
	/* Linux uses windows of up to 128 MiB (zstd -22 --ultra). */
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 27);
	while (rc == 0 && r != 0) {
		ZSTD_outBuffer dst;

		if (out->len == cap)
			rc = grow(out, &cap, err);
		if (rc < 0)
			break;
		dst = (ZSTD_outBuffer){ .dst = out->data, .size = cap, .pos = out->len };
		r = ZSTD_decompressStream(z, &dst, &src);
		if (ZSTD_isError(r) || (dst.pos == out->len && src.pos == src.size && r != 0))
			rc = truncated(err, "zstd");
		out->len = dst.pos;
	}
	ZSTD_freeDStream(z);
	return rc;
}

/*
 * The legacy frame that Linux uses: magic, then blocks of {le32 size, data}, each
 * at most 8 MiB unpacked. The kernel build appends the unpacked size (le32), which
 * reads like one more block header: what is left then is too short for a block.
 */
static int unpack_lz4(const uint8_t *in, size_t len, struct bytes *out, struct err *err)
{
	const size_t block_max = (size_t)8 << 20;
	size_t cap = 0, pos = 4;

	while (len - pos > 4) {
		size_t size = le32(in + pos);
		int n;

		pos += 4;
		if (size > len - pos || size > LZ4_COMPRESSBOUND(block_max))
			return truncated(err, "lz4");
		while (cap - out->len < block_max) {
			int rc = grow(out, &cap, err);

			if (rc < 0)
				return rc;
		}
		n = LZ4_decompress_safe((const char *)in + pos, (char *)out->data + out->len,
					(int)size, (int)block_max);
		if (n < 0)
			return truncated(err, "lz4");
		out->len += (size_t)n;
		pos += size;
	}
	return out->len ? 0 : truncated(err, "lz4");
}

/* CONFIG_KERNEL_UNCOMPRESSED, and tools that pack kernels for speed. */
static int copy_elf(const uint8_t *in, size_t len, struct bytes *out, struct err *err)
{
	out->data = malloc(len);
	if (!out->data)
		return fail_nomem(err);
	memcpy(out->data, in, len);
	out->len = len;
	return 0;
}

static int unpack_lzo(const uint8_t *in, size_t len, struct bytes *out, struct err *err)
{
	(void)in, (void)len, (void)out;
	return fail(err, EOPNOTSUPP, "its LZO compression is not supported");
}

static const struct {
	const char *magic;
	size_t len;
	int (*unpack)(const uint8_t *in, size_t len, struct bytes *out, struct err *err);
} formats[] = {
	{ "\x7f" "ELF", 4, copy_elf },
	{ "\x1f\x8b", 2, unpack_gzip },
	{ "\xfd" "7zXZ", 5, unpack_xz },
	{ "\x5d\x00\x00", 3, unpack_lzma },
	{ "\x28\xb5\x2f\xfd", 4, unpack_zstd },
	{ "\x02\x21\x4c\x18", 4, unpack_lz4 },
	{ "BZh", 3, unpack_bzip2 },
	{ "\x89LZO", 4, unpack_lzo },
};

enum unwrap_kind unwrap_probe(const void *data, size_t len)
{
	const uint8_t *p = data;

	if (len >= 4 && memcmp(p, "\x7f" "ELF", 4) == 0)
		return UNWRAP_ELF;
	if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		return UNWRAP_GZIP;
	if (len >= BZ_HEADER_END && le16(p + BZ_BOOT_FLAG) == 0xaa55 &&
	    memcmp(p + BZ_MAGIC, "HdrS", 4) == 0)
		return UNWRAP_BZIMAGE;
	return UNWRAP_UNKNOWN;
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
	if (start > *len || size > *len - start)
		return fail(err, EINVAL, "it is truncated: %zu bytes, its header wants %zu", *len,
			    start + size);
	*data = p + start;
	*len = size;
	return 0;
}

int unwrap(const void *data, size_t len, struct bytes *elf, struct err *err)
{
	scoped(bytes) struct bytes out = BYTES_INIT;
	const uint8_t *in = data;
	int rc;

	if (unwrap_probe(data, len) == UNWRAP_BZIMAGE) {
		rc = bzimage_payload(&in, &len, err);
		if (rc < 0)
			return rc;
	}
	if (len > UNWRAP_MAX)
		return fail(err, EFBIG, "it is larger than %zu MiB", UNWRAP_MAX >> 20);
	rc = -ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(formats) && rc == -ENOENT; i++) {
		if (len >= formats[i].len && memcmp(in, formats[i].magic, formats[i].len) == 0)
			rc = formats[i].unpack(in, len, &out, err);
	}
	if (rc == -ENOENT)
		return fail(err, EOPNOTSUPP, "its compression is not known");
	if (rc < 0)
		return rc;
	if (unwrap_probe(out.data, out.len) != UNWRAP_ELF)
		return fail(err, EINVAL, "what it unpacks to is not an ELF file");
	elf->len = out.len;
	elf->data = take(out.data);
	return 0;
}
