/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack.h"

#include <bzlib.h>
#include <errno.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "lzo.h"
#include "scope.h"

enum {
	GROW_FIRST = 16 << 20,
	LZ4_BLOCK = 8 << 20,	/* unpacked, of the legacy format */
	LZO_BLOCK_MAX = 64 << 20,
	WINDOW_LOG_MAX = 27,	/* zstd -22 --ultra, as Linux uses it: 128 MiB */
};

static const uint64_t xz_memory_max = 512 << 20;

void scoped_unpacked(struct unpacked *u)
{
	int saved = errno;

	if (!u->fixed)
		free(u->data);
	errno = saved;
}

static int too_large(const struct unpacked *out, struct err *err)
{
	return fail(err, EFBIG, "it is larger than %zu MiB", out->max >> 20);
}

static int grow(struct unpacked *out, struct err *err)
{
	size_t want = out->cap ? out->cap * 2 : GROW_FIRST;
	void *data;

	if (out->cap >= out->max)
		return too_large(out, err);
	if (want > out->max)
		want = out->max;
	data = realloc(out->data, want);
	if (!data)
		return fail_nomem(err);
	out->data = data;
	out->cap = want;
	return 0;
}

/* Room for want bytes more, or for as many as are allowed at all; none is an error. */
static int make_room(struct unpacked *out, size_t want, size_t *room, struct err *err)
{
	while (out->cap - out->len < want) {
		int rc;

		if (out->cap == out->max && out->len < out->cap)
			break;
		rc = grow(out, err);
		if (rc < 0)
			return rc;
	}
	*room = out->cap - out->len;
	return 0;
}

static int damaged(struct err *err, const char *format)
{
	return fail(err, EINVAL, "its %s data is truncated or damaged", format);
}

int unpacked_copy(const void *data, size_t len, struct unpacked *out, struct err *err)
{
	size_t room;
	int rc = len ? make_room(out, len, &room, err) : 0;

	if (rc < 0 || !len)
		return rc;
	if (len > room)
		return too_large(out, err);
	memcpy(out->data + out->len, data, len);
	out->len += len;
	return 0;
}

static int unpack_gzip(const uint8_t *in, size_t len, struct unpacked *out, struct err *err)
{
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)in, .avail_in = (uInt)len };
	int rc = 0, r = Z_OK;
	size_t room;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)	/* 16: a gzip header */
		return fail_nomem(err);
	while (rc == 0 && r != Z_STREAM_END) {
		rc = make_room(out, 1, &room, err);
		if (rc < 0)
			break;
		z.next_out = out->data + out->len;
		z.avail_out = (uInt)room;
		r = inflate(&z, Z_NO_FLUSH);
		out->len = out->cap - z.avail_out;
		if (r != Z_OK && r != Z_STREAM_END)
			rc = r == Z_MEM_ERROR ? fail_nomem(err) : damaged(err, "gzip");
	}
	inflateEnd(&z);
	return rc;
}

static int unpack_lzma_any(lzma_stream *z, const char *format, const uint8_t *in, size_t len,
			   struct unpacked *out, struct err *err)
{
	lzma_ret r = LZMA_OK;
	size_t room;

	z->next_in = in;
	z->avail_in = len;
	while (r != LZMA_STREAM_END) {
		int rc = make_room(out, 1, &room, err);

		if (rc < 0)
			return rc;
		z->next_out = out->data + out->len;
		z->avail_out = room;
		r = lzma_code(z, LZMA_RUN);
		out->len = out->cap - z->avail_out;
		if (r == LZMA_MEM_ERROR || r == LZMA_MEMLIMIT_ERROR)
			return fail(err, ENOMEM, "its %s data needs more memory than there is",
				    format);
		if (r != LZMA_OK && r != LZMA_STREAM_END)
			return damaged(err, format);
	}
	return 0;
}

static int unpack_xz(const uint8_t *in, size_t len, struct unpacked *out, struct err *err)
{
	lzma_stream z = LZMA_STREAM_INIT;
	int rc;

	if (lzma_stream_decoder(&z, xz_memory_max, 0) != LZMA_OK)
		return fail_nomem(err);
	rc = unpack_lzma_any(&z, "xz", in, len, out, err);
	lzma_end(&z);
	return rc;
}

static int unpack_lzma(const uint8_t *in, size_t len, struct unpacked *out, struct err *err)
{
	lzma_stream z = LZMA_STREAM_INIT;
	int rc;

	if (lzma_alone_decoder(&z, xz_memory_max) != LZMA_OK)
		return fail_nomem(err);
	rc = unpack_lzma_any(&z, "lzma", in, len, out, err);
	lzma_end(&z);
	return rc;
}

static int unpack_bzip2(const uint8_t *in, size_t len, struct unpacked *out, struct err *err)
{
	bz_stream z = { .next_in = (char *)(uintptr_t)in, .avail_in = (unsigned int)len };
	int rc = 0, r = BZ_OK;
	size_t room;

	if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK)
		return fail_nomem(err);
	while (rc == 0 && r != BZ_STREAM_END) {
		rc = make_room(out, 1, &room, err);
		if (rc < 0)
			break;
		z.next_out = (char *)out->data + out->len;
		z.avail_out = (unsigned int)room;
		r = BZ2_bzDecompress(&z);
		out->len = out->cap - z.avail_out;
		if ((r != BZ_OK && r != BZ_STREAM_END) ||
		    (r == BZ_OK && z.avail_in == 0 && z.avail_out != 0))
			rc = r == BZ_MEM_ERROR ? fail_nomem(err) : damaged(err, "bzip2");
	}
	BZ2_bzDecompressEnd(&z);
	return rc;
}

static int unpack_zstd(const uint8_t *in, size_t len, struct unpacked *out, struct err *err)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer src = { .src = in, .size = len };
	size_t r = 1, room;
	int rc = 0;

	if (!z)
		return fail_nomem(err);
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	while (rc == 0 && r != 0) {
		ZSTD_outBuffer dst;

		rc = make_room(out, 1, &room, err);
		if (rc < 0)
			break;
		dst = (ZSTD_outBuffer){ .dst = out->data, .size = out->cap, .pos = out->len };
		r = ZSTD_decompressStream(z, &dst, &src);
		if (ZSTD_isError(r) || (dst.pos == out->len && src.pos == src.size && r != 0))
			rc = damaged(err, "zstd");
		out->len = dst.pos;
	}
	ZSTD_freeDStream(z);
	return rc;
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

/*
 * The legacy frame that Linux uses: magic, then blocks of {le32 size, data}, each
 * at most 8 MiB unpacked. The kernel build appends the unpacked size (le32), which
 * reads like one more block header: what is left then is too short for a block.
 */
static int unpack_lz4_legacy(const uint8_t *in, size_t len, struct unpacked *out, struct err *err)
{
	size_t room, start = out->len;

	for (size_t pos = 4; len - pos > 4;) {
		size_t size = le32(in + pos);
		int n, rc = make_room(out, LZ4_BLOCK, &room, err);

		if (rc < 0)
			return rc;
		pos += 4;
		if (size > len - pos || size > LZ4_COMPRESSBOUND(LZ4_BLOCK))
			return damaged(err, "lz4");
		n = LZ4_decompress_safe((const char *)in + pos, (char *)out->data + out->len,
					(int)size, room < LZ4_BLOCK ? (int)room : LZ4_BLOCK);
		if (n < 0 && room < LZ4_BLOCK)
			return too_large(out, err);
		if (n < 0)
			return damaged(err, "lz4");
		out->len += (size_t)n;
		pos += size;
	}
	return out->len > start ? 0 : damaged(err, "lz4");
}

static int unpack_lz4(const uint8_t *in, size_t len, struct unpacked *out, struct err *err)
{
	LZ4F_dctx *z;
	size_t r = 1, room;
	int rc = 0;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&z, LZ4F_VERSION)))
		return fail_nomem(err);
	while (rc == 0 && r != 0) {
		size_t taken = len;

		rc = make_room(out, 1, &room, err);
		if (rc < 0)
			break;
		r = LZ4F_decompress(z, out->data + out->len, &room, in, &taken, NULL);
		if (LZ4F_isError(r) || (r != 0 && !taken && !room))
			rc = damaged(err, "lz4");
		else
			out->len += room;
		in += taken;
		len -= taken;
	}
	LZ4F_freeDecompressionContext(z);
	return rc;
}

/* lzop's file format, which Linux wraps its lzo kernels in. */
enum {
	LZOP_MAGIC = 9, LZOP_VERSION_LEVEL = 0x0940,
	LZOP_ADLER_IN = 0x2, LZOP_CRC_IN = 0x200,	/* flags: checksums of what goes in, */
	LZOP_ADLER_OUT = 0x1, LZOP_CRC_OUT = 0x100,	/* and of what comes out */
	LZOP_FILTER = 0x800,
};

struct lzop {
	const uint8_t *in;
	size_t left;
};

static const uint8_t *lzop_take(struct lzop *z, size_t len)
{
	const uint8_t *p = z->in;

	if (len > z->left)
		return NULL;
	z->in += len;
	z->left -= len;
	return p;
}

static bool lzop_number(struct lzop *z, uint32_t *value)
{
	const uint8_t *p = lzop_take(z, 4);

	*value = p ? be32(p) : 0;
	return p;
}

/* Versions, method and level, flags, filter, mode, time, name, checksum. */
static bool lzop_header(struct lzop *z, uint32_t *flags)
{
	const uint8_t *p = lzop_take(z, LZOP_MAGIC + 4);
	bool levels = p && (p[LZOP_MAGIC] << 8 | p[LZOP_MAGIC + 1]) >= LZOP_VERSION_LEVEL;

	/* The version that is needed, method, level. */
	if (!p || !lzop_take(z, levels ? 4 : 1) || !lzop_number(z, flags) ||
	    (*flags & LZOP_FILTER && !lzop_take(z, 4)))
		return false;
	p = lzop_take(z, levels ? 12 : 8);
	if (p)
		p = lzop_take(z, 1);
	return p && lzop_take(z, *p) && lzop_take(z, 4);
}

/* Of one block: the checksums that its header has, of what comes out. */
static bool lzop_sums(struct lzop *z, uint32_t flags, bool packed, uint32_t *adler, uint32_t *crc)
{
	uint32_t ignored;

	return (!(flags & LZOP_ADLER_OUT) || lzop_number(z, adler)) &&
		(!(flags & LZOP_CRC_OUT) || lzop_number(z, crc)) &&
		(!(packed && flags & LZOP_ADLER_IN) || lzop_number(z, &ignored)) &&
		(!(packed && flags & LZOP_CRC_IN) || lzop_number(z, &ignored));
}

/* 1: a block, 0: the end. */
static int lzop_block(struct lzop *z, uint32_t flags, struct unpacked *out, struct err *err)
{
	uint32_t size, packed, adler = 0, crc = 0;
	const uint8_t *in;
	size_t room;
	int rc;

	if (!lzop_number(z, &size))
		return damaged(err, "lzo");
	if (!size)
		return 0;
	if (size > LZO_BLOCK_MAX || !lzop_number(z, &packed) || packed > size ||
	    !lzop_sums(z, flags, packed < size, &adler, &crc))
		return damaged(err, "lzo");
	in = lzop_take(z, packed);
	rc = in ? make_room(out, size, &room, err) : damaged(err, "lzo");
	if (rc < 0)
		return rc;
	if (size > room)
		return too_large(out, err);
	if (packed == size)
		memcpy(out->data + out->len, in, size);
	else if (lzo_unpack(in, packed, out->data + out->len, size) != (ssize_t)size)
		return damaged(err, "lzo");
	if ((flags & LZOP_ADLER_OUT && adler32(1, out->data + out->len, size) != adler) ||
	    (flags & LZOP_CRC_OUT && crc32(0, out->data + out->len, size) != crc))
		return damaged(err, "lzo");
	out->len += size;
	return 1;
}

static int unpack_lzo(const uint8_t *data, size_t len, struct unpacked *out, struct err *err)
{
	struct lzop z = { data, len };
	uint32_t flags;
	int rc;

	if (!lzop_header(&z, &flags))
		return damaged(err, "lzo");
	do
		rc = lzop_block(&z, flags, out, err);
	while (rc > 0);
	return rc;
}

static const struct {
	const char *magic;
	size_t len;
	const char *name;
	int (*unpack)(const uint8_t *in, size_t len, struct unpacked *out, struct err *err);
} formats[] = {
	{ "\x1f\x8b", 2, "gzip", unpack_gzip },
	{ "\xfd" "7zXZ", 5, "xz", unpack_xz },
	{ "\x5d\x00\x00", 3, "lzma", unpack_lzma },
	{ "\x28\xb5\x2f\xfd", 4, "zstd", unpack_zstd },
	{ "\x02\x21\x4c\x18", 4, "lz4", unpack_lz4_legacy },
	{ "\x04\x22\x4d\x18", 4, "lz4", unpack_lz4 },
	{ "BZh", 3, "bzip2", unpack_bzip2 },
	{ "\x89LZO\0\r\n\x1a\n", LZOP_MAGIC, "lzo", unpack_lzo },
};

const char *unpack_format(const void *data, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (len >= formats[i].len && memcmp(data, formats[i].magic, formats[i].len) == 0)
			return formats[i].name;
	}
	return NULL;
}

int unpack(const void *data, size_t len, struct unpacked *out, struct err *err)
{
	/* Their libraries count in 32 bits. */
	if (len > UINT32_MAX || out->max > UINT32_MAX)
		return too_large(out, err);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (len >= formats[i].len && memcmp(data, formats[i].magic, formats[i].len) == 0)
			return formats[i].unpack(data, len, out, err);
	}
	return fail(err, EOPNOTSUPP, "its compression is not known");
}
