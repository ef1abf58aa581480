/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernels in every wrapping, made here with the compressors themselves; then damaged. */
#include <bzlib.h>
#include <errno.h>
#include <lz4hc.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/scope.h"
#include "builders/unwrap.h"
#include "tap.h"

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

static size_t pack_lzo(unsigned char *out)
{
	memcpy(out, "\x89LZO\0\r\n\x1a\n", 9);
	return 9;
}

static const struct {
	const char *name;
	size_t (*pack)(unsigned char *out);
} formats[] = {
	{ "gzip", pack_gzip }, { "xz", pack_xz }, { "lzma", pack_lzma }, { "zstd", pack_zstd },
	{ "lz4", pack_lz4 }, { "bzip2", pack_bzip2 }, { "nothing", pack_none },
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

static void test_formats(unsigned char *image)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		scoped(bytes) struct bytes out = BYTES_INIT;
		struct err err = ERR_INIT;
		size_t len = wrap(image, formats[i].pack);

		is_int(unwrap_probe(image, len), UNWRAP_BZIMAGE, "a bzImage is one");
		is_int(unwrap_copy(image, len, &out, &err), 0, "%s", formats[i].name);
		ok(out.len >= ELF_LEN && memcmp(out.data, elf, ELF_LEN) == 0, "same bytes");
	}
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

static void test_messages(unsigned char *image)
{
	scoped(bytes) struct bytes out = BYTES_INIT;
	struct err err = ERR_INIT;
	size_t len = wrap(image, pack_lzo);

	is_int(unwrap_copy(image, len, &out, &err), -EOPNOTSUPP, "lzo is refused");
	is_str(err.msg, "its LZO compression is not supported", "by name");
	len = wrap(image, pack_gzip);
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
	test_messages(image);
	free(image);
	return tap_done();
}
