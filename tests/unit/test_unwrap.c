/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernels in every wrapping, made here with the compressors themselves; then damaged. */
#include <bzlib.h>
#include <errno.h>
#include <lz4frame.h>
#include <lz4hc.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/scope.h"
#include "base/unwrap.h"
#include "image.h"

enum { ELF_LEN = 300000, CAP = 400000, PAYLOAD_AT = 3 * 512 + 0x40 };

static unsigned char elf[ELF_LEN];

static void put_le32(unsigned char *p, size_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static size_t pack_gzip(unsigned char *out)
{
	z_stream z = { .next_in = elf, .avail_in = ELF_LEN, .next_out = out, .avail_out = CAP };

	deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	deflate(&z, Z_FINISH);
	deflateEnd(&z);
	return CAP - z.avail_out;
}

static size_t pack_xz(unsigned char *out)
{
	size_t len = 0;

	return lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, elf, ELF_LEN, out, &len, CAP) ==
		LZMA_OK ? len : 0;
}

static size_t pack_lzma(unsigned char *out)
{
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_options_lzma opt;

	lzma_lzma_preset(&opt, 6);
	if (lzma_alone_encoder(&z, &opt) != LZMA_OK)
		return 0;
	z.next_in = elf;
	z.avail_in = ELF_LEN;
	z.next_out = out;
	z.avail_out = CAP;
	if (lzma_code(&z, LZMA_FINISH) != LZMA_STREAM_END)
		return 0;
	lzma_end(&z);
	return CAP - z.avail_out;
}

static size_t pack_zstd(unsigned char *out)
{
	return ZSTD_compress(out, CAP, elf, ELF_LEN, 19);
}

static size_t pack_lz4(unsigned char *out)
{
	int n = LZ4_compress_HC((char *)elf, (char *)out + 8, ELF_LEN, CAP - 8, 9);

	memcpy(out, "\x02\x21\x4c\x18", 4);
	put_le32(out + 4, (size_t)n);
	return (size_t)n + 8;
}

static size_t pack_bzip2(unsigned char *out)
{
	unsigned int len = CAP;

	return BZ2_bzBuffToBuffCompress((char *)out, &len, (char *)elf, ELF_LEN, 9, 0, 0) == BZ_OK ?
		len : 0;
}

static size_t pack_none(unsigned char *out)
{
	memcpy(out, elf, ELF_LEN);
	return ELF_LEN;
}

static size_t pack_lz4_frame(unsigned char *out)
{
	size_t n = LZ4F_compressFrame(out, CAP, elf, ELF_LEN, NULL);

	return LZ4F_isError(n) ? 0 : n;
}

static void put_be32(unsigned char *p, size_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (24 - 8 * i));
}

/* A run's length beyond what fits into the first byte. */
static size_t lzo_length(unsigned char *out, size_t first, size_t max, size_t len)
{
	size_t n = 0;

	if (len <= max) {
		out[n++] = (unsigned char)(first | len);
		return n;
	}
	out[n++] = (unsigned char)first;
	for (len -= max; len > 255; len -= 255)
		out[n++] = 0;
	out[n++] = (unsigned char)len;
	return n;
}

/* LZO1X of one block: literals, then what repeats at a distance of 256 (the data's own). */
static size_t lzo_block(unsigned char *out, const unsigned char *in, size_t len)
{
	size_t n = 0, lit = 0, at = 0;

	while (at < len) {
		size_t same = 0;

		while (at >= 256 && at + same < len && in[at + same] == in[at + same - 256])
			same++;
		if (same < 40 || at - lit < 4) {
			at++;
			continue;
		}
		n += lzo_length(out + n, 0, 15, at - lit - 3);
		memcpy(out + n, in + lit, at - lit);
		n += at - lit;
		n += lzo_length(out + n, 32, 31, same - 2);
		out[n++] = (unsigned char)(255 << 2 & 0xff);
		out[n++] = 255 >> 6;
		lit = at += same;
	}
	if (at > lit) {
		n += lzo_length(out + n, 0, 15, at - lit - 3);
		memcpy(out + n, in + lit, at - lit);
		n += at - lit;
	}
	memcpy(out + n, "\x11\0", 3);
	return n + 3;
}

/* As lzop -9 does, with the checksum that Linux skips. */
static size_t pack_lzo(unsigned char *out)
{
	enum { BLOCK = 100000 };
	static const unsigned char header[] = "\x89LZO\0\r\n\x1a\n" "\x10\x30\x20\x80\x09\x40\x03\x09"
		"\x03\0\0\x01" "\0\0\x81\xa4" "\0\0\0\0" "\0\0\0\0" "\x01x" "\0\0\0";
	unsigned char *p = out + sizeof(header);

	memcpy(out, header, sizeof(header));
	for (size_t at = 0; at < ELF_LEN; at += BLOCK) {
		size_t n = lzo_block(p + 12, elf + at, BLOCK);

		put_be32(p, BLOCK);
		put_be32(p + 4, n);
		put_be32(p + 8, adler32(1, elf + at, BLOCK));
		p += 12 + n;
	}
	put_be32(p, 0);
	return (size_t)(p + 4 - out);
}

static const struct {
	const char *name;
	size_t (*pack)(unsigned char *out);
} formats[] = {
	{ "gzip", pack_gzip }, { "xz", pack_xz }, { "lzma", pack_lzma }, { "zstd", pack_zstd },
	{ "lz4", pack_lz4 }, { "bzip2", pack_bzip2 }, { "lz4 frame", pack_lz4_frame },
	{ "lzo", pack_lzo }, { "nothing", pack_none },
};

/* A bzImage with two setup sectors; the build appends the unpacked size to the payload. */
static size_t wrap(unsigned char *image, size_t (*pack)(unsigned char *out))
{
	size_t len = pack(image + PAYLOAD_AT);

	memset(image, 0, PAYLOAD_AT);
	image[0x1f1] = 2;
	memcpy(image + 0x1fe, "\x55\xaa", 2);
	memcpy(image + 0x202, "HdrS\x0f\x02", 6);
	put_le32(image + 0x248, 0x40);
	put_le32(image + PAYLOAD_AT + len, ELF_LEN);
	put_le32(image + 0x24c, len + 4);
	return PAYLOAD_AT + len + 4;
}

static int unwrap_copy(const unsigned char *data, size_t len, struct bytes *out, struct err *err)
{
	/* A block of exactly this size: reading past its end is seen. */
	scoped(free) unsigned char *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	return unwrap(copy, len, out, err);
}

/* The same payload as what an EFI program unpacks. */
static size_t wrap_zboot(unsigned char *image, size_t (*pack)(unsigned char *out))
{
	size_t len = pack(image + PAYLOAD_AT);

	memset(image, 0, PAYLOAD_AT);
	memcpy(image, "MZ\0\0zimg", 8);
	put_le32(image + 8, PAYLOAD_AT);
	put_le32(image + 12, len);
	return PAYLOAD_AT + len;
}

static void test_formats(unsigned char *image)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		scoped(bytes) struct bytes out = BYTES_INIT;
		struct err err = ERR_INIT;
		size_t len = wrap(image, formats[i].pack);

		is_int(unwrap_probe(image, len), UNWRAP_BZIMAGE, "a bzImage is one");
		is_int(unwrap_copy(image, len, &out, &err), 0, "%s", formats[i].name);
		ok(out.len >= ELF_LEN && memcmp(out.data, elf, ELF_LEN) == 0, "same bytes");
		ok(i == ARRAY_SIZE(formats) - 1 ? !unwrap_packing(image, len) :
		   strncmp(formats[i].name, unwrap_packing(image, len), 3) == 0, "its name");
	}
}

static void test_zboot(unsigned char *image)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		scoped(bytes) struct bytes out = BYTES_INIT;
		struct err err = ERR_INIT;
		size_t len = wrap_zboot(image, formats[i].pack);

		is_int(unwrap_probe(image, len), UNWRAP_ZBOOT, "an EFI zboot program is one");
		is_int(unwrap_copy(image, len, &out, &err), 0, "%s", formats[i].name);
		ok(out.len >= ELF_LEN && memcmp(out.data, elf, ELF_LEN) == 0, "same bytes");
		is_int(unwrap_copy(image, len - 1, &out, &err), -EINVAL, "truncated");
	}
}

/* Into a buffer that has just enough, or not enough, room. */
static void test_limit(unsigned char *image)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		scoped(free) unsigned char *buf = malloc(ELF_LEN + 8);
		scoped(free) unsigned char *small = malloc(ELF_LEN - 1);
		struct err err = ERR_INIT;
		size_t len = wrap(image, formats[i].pack), got = 0;

		is_int(unwrap_into(image, len, buf, ELF_LEN + 8, &got, &err), 0, "%s: enough room: %s",
		       formats[i].name, err.msg);
		ok(got >= ELF_LEN && memcmp(buf, elf, ELF_LEN) == 0, "same bytes");
		is_int(unwrap_into(image, len, small, ELF_LEN - 1, &got, &err), -EFBIG,
		       "%s: not enough", formats[i].name);
		is_str(err.msg, "it is larger than 0 MiB", "its message");
	}
}

/* What a checksum is for. */
static void test_lzo_sum(unsigned char *image)
{
	scoped(bytes) struct bytes out = BYTES_INIT;
	struct err err = ERR_INIT;
	size_t len = wrap(image, pack_lzo);

	image[PAYLOAD_AT + 300] ^= 1;
	is_int(unwrap_copy(image, len, &out, &err), -EINVAL, "a changed byte of lzo data");
	is_str(err.msg, "its lzo data is truncated or damaged", "its message");
}

static void test_version(unsigned char *image)
{
	size_t len = wrap(image, pack_gzip);
	char buf[16];

	put_le32(image + 0x20e, 0x100);
	strcpy((char *)image + 0x300, "6.1.0-13 (debian)");
	is_str(unwrap_version(image, len, buf, sizeof(buf)), "6.1.0-13 (debia", "version, cut");
	is_str(unwrap_version(image, 0x304, buf, sizeof(buf)), "6.1.", "at the end of the file");
	is_str(unwrap_version("MZ", 2, buf, sizeof(buf)), "", "of something else");
}

static void test_damage(unsigned char *image)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats) - 1; i++) {
		size_t len = wrap(image, formats[i].pack);
		int bad = 0, tried = 0;

		/* The header says more than there is, or the stream ends early. */
		for (size_t cut = PAYLOAD_AT + 8; cut < len - 4; cut += len / 23 + 1) {
			scoped(bytes) struct bytes out = BYTES_INIT;
			struct err err = ERR_INIT;

			tried++;
			put_le32(image + 0x24c, cut - PAYLOAD_AT);
			if (unwrap_copy(image, cut, &out, &err) == 0 && out.len >= ELF_LEN)
				bad++;
			put_le32(image + 0x24c, len - PAYLOAD_AT);
			if (unwrap_copy(image, cut, &out, &err) == 0 ||
			    !strstr(err.msg, "truncated"))
				bad++;
		}
		ok(tried > 10 && bad == 0, "truncated is noticed");
	}
}

/* Of a file that is damaged. */
struct damage {
	unsigned char *out;	/* CAP bytes */
	bool sum, cut;
	unsigned int tried, noticed, bad;
};

/*
 * An error with a reason, or an ELF file of other bytes; where the format has a sum of what comes
 * out, and where something is missing, always an error unless nothing came of the change.
 */
static void try_unwrap(void *ctx, const void *data, size_t len)
{
	struct damage *d = ctx;
	struct err err = ERR_INIT;
	size_t got;
	int rc = unwrap_into(data, len, d->out, CAP, &got, &err);

	d->tried++;
	d->noticed += rc < 0;
	if (rc < 0)
		d->bad += !err.msg[0];
	else
		d->bad += d->cut || got < 4 || memcmp(d->out, "\x7f" "ELF", 4) != 0 ||
			(d->sum && (got < ELF_LEN || memcmp(d->out, elf, ELF_LEN) != 0));
}

static size_t wrap_not(unsigned char *image, size_t (*pack)(unsigned char *out))
{
	return pack(image);
}

/* Each wrapping of each format, cut and with bytes changed, half of them in what is in front. */
static void test_changed(unsigned char *image)
{
	static const struct {
		const char *name;
		size_t (*wrap)(unsigned char *image, size_t (*pack)(unsigned char *out));
	} wrappings[] = { { "bzImage", wrap }, { "zboot", wrap_zboot }, { "alone", wrap_not } };
	static const char *const summed[] = { "gzip", "xz", "bzip2", "lzo" };
	scoped(free) unsigned char *out = malloc(CAP);

	for (size_t i = 0; i < ARRAY_SIZE(wrappings) * ARRAY_SIZE(formats); i++) {
		size_t f = i % ARRAY_SIZE(formats), w = i / ARRAY_SIZE(formats);
		size_t len = wrappings[w].wrap(image, formats[f].pack);
		struct damage d = { .out = out }, cut = { .out = out, .cut = true };

		if (unwrap_probe(image, len) == UNWRAP_UNKNOWN)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(summed); k++)
			d.sum |= strcmp(formats[f].name, summed[k]) == 0;
		srandom((unsigned int)i + 1);
		image_change(image, len, PAYLOAD_AT, image_changes(), try_unwrap, &d);
		ok(d.bad == 0 && (f == ARRAY_SIZE(formats) - 1 || d.noticed > d.tried / 50),
		   "%s, %s: %u bytes changed, %u noticed, %u wrong", wrappings[w].name,
		   formats[f].name, d.tried, d.noticed, d.bad);
		/* An ELF file alone does not say here how long it should be. */
		cut.cut = unwrap_probe(image, len) != UNWRAP_ELF;
		image_cut(image, len, 40, try_unwrap, &cut);
		ok(cut.bad == 0, "%s, %s: cut %u times, %u wrong", wrappings[w].name, formats[f].name,
		   cut.tried, cut.bad);
	}
}

static void test_messages(unsigned char *image)
{
	scoped(bytes) struct bytes out = BYTES_INIT;
	struct err err = ERR_INIT;
	size_t len = wrap(image, pack_gzip);

	image[0x206] = 7;
	is_int(unwrap_copy(image, len, &out, &err), -EOPNOTSUPP, "an old boot protocol is refused");
	image[0x206] = 15;
	memcpy(image + PAYLOAD_AT, "????", 4);
	is_int(unwrap_copy(image, len, &out, &err), -EOPNOTSUPP, "unknown compression");
	is_str(err.msg, "its compression is not known", "its message");
	put_le32(image + 0x248, 0xffffffff);
	is_int(unwrap_copy(image, len, &out, &err), -EINVAL, "a payload outside of the file");
	is_int(unwrap_probe("", 0), UNWRAP_UNKNOWN, "no bytes");
	is_int(unwrap_probe("\x7f" "ELF", 4), UNWRAP_ELF, "four bytes of ELF");
	is_int(unwrap_probe("\x1f\x8b", 2), UNWRAP_GZIP, "two bytes of gzip");
}

int main(void)
{
	unsigned char *image = malloc(PAYLOAD_AT + CAP + 16);
	unsigned int seed = 1;

	/* Neither random nor constant, so that every format has something to do. */
	for (size_t i = 0; i < ELF_LEN; i++) {
		seed = seed * 1103515245 + 12345;
		elf[i] = i % 1000 < 500 ? (unsigned char)(seed >> 16) : (unsigned char)i;
	}
	memcpy(elf, "\x7f" "ELF", 4);
	test_formats(image);
	test_damage(image);
	test_zboot(image);
	test_limit(image);
	test_lzo_sum(image);
	test_version(image);
	test_messages(image);
	/* Text: few bytes of what is packed stand for themselves. */
	for (size_t i = 4; i < ELF_LEN; i += 8)
		snprintf((char *)elf + i, 9 < ELF_LEN - i ? 9 : ELF_LEN - i, "%7zu,", i * i / 3 % 999983);
	test_changed(image);
	free(image);
	return tap_done();
}
