/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Passwords of boot menus: plain, crypt(3)'s, and GRUB 2's PBKDF2 with HMAC-SHA-512 (RFC 8018). */
#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/str.h"
#include "conf.h"
#include "sha512.h"

enum {
	ROUNDS_MAX = 1000000,	/* a second or two of work, whatever the guest wrote */
	SALT_MAX = 256, HASH_MAX = 256, TYPED_MAX = 1024,
};

/* Takes the same time wherever a and b differ. */
static bool same(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

static bool same_text(const char *a, const char *b)
{
	size_t len = strlen(a);

	return strlen(b) == len && same(a, b, len);
}

/* crypt's own rounds= is up to 999,999,999. */
static bool crypt_bounded(const char *secret)
{
	const char *rounds = strstr(secret, "$rounds=");

	if (!str_starts(secret, "$1$") && !str_starts(secret, "$5$") && !str_starts(secret, "$6$"))
		return false;
	return !rounds || strtoul(rounds + 8, NULL, 10) <= ROUNDS_MAX;
}

static bool check_crypt(const char *secret, const char *typed)
{
	scoped(free) struct crypt_data *data = calloc(1, sizeof(*data));
	const char *hash;

	if (!data || !crypt_bounded(secret))
		return false;
	/* Not crypt_r(): a sanitizer's wrapper of that finds it in shared libraries only. */
	hash = crypt_rn(typed, secret, data, sizeof(*data));
	return hash && same_text(hash, secret);
}

struct hmac {
	struct sha512 inner, outer;
};

static void hmac_start(struct hmac *h, const char *key, size_t len)
{
	unsigned char block[SHA512_BLOCK] = { 0 };

	if (len > sizeof(block)) {
		struct sha512 s;

		sha512_start(&s);
		sha512_add(&s, key, len);
		sha512_end(&s, block);
	} else {
		memcpy(block, key, len);
	}
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	sha512_start(&h->inner);
	sha512_add(&h->inner, block, sizeof(block));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	sha512_start(&h->outer);
	sha512_add(&h->outer, block, sizeof(block));
}

static void hmac_end(struct hmac *h, unsigned char mac[SHA512_SIZE])
{
	sha512_end(&h->inner, mac);
	sha512_add(&h->outer, mac, SHA512_SIZE);
	sha512_end(&h->outer, mac);
}

/* Block n (from 1) of the derived key. */
static void pbkdf2_block(const struct hmac *key, const unsigned char *salt, size_t salt_len,
			 unsigned int n, unsigned long rounds, unsigned char out[SHA512_SIZE])
{
	unsigned char number[4] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16),
				    (unsigned char)(n >> 8), (unsigned char)n };
	unsigned char u[SHA512_SIZE];
	struct hmac h = *key;

	sha512_add(&h.inner, salt, salt_len);
	sha512_add(&h.inner, number, sizeof(number));
	hmac_end(&h, u);
	memcpy(out, u, SHA512_SIZE);
	for (unsigned long i = 1; i < rounds; i++) {
		h = *key;
		sha512_add(&h.inner, u, SHA512_SIZE);
		hmac_end(&h, u);
		for (size_t j = 0; j < SHA512_SIZE; j++)
			out[j] ^= u[j];
	}
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Hex digits up to end; 0: none, an odd number, or more than max bytes. */
static size_t from_hex(const char *s, char end, unsigned char *out, size_t max)
{
	size_t len = 0;

	while (*s != end) {
		int high = digit(s[0]), low = high < 0 ? -1 : digit(s[1]);

		if (low < 0 || len == max)
			return 0;
		out[len++] = (unsigned char)(high << 4 | low);
		s += 2;
	}
	return len;
}

/* "grub.pbkdf2.sha512.10000.SALT.HASH" */
static bool check_pbkdf2(const char *secret, const char *typed)
{
	static const char start[] = "grub.pbkdf2.sha512.";
	unsigned char salt[SALT_MAX], want[HASH_MAX], got[HASH_MAX + SHA512_SIZE];
	size_t salt_len, want_len;
	unsigned long rounds;
	struct hmac key;
	char *p;

	if (!str_starts(secret, start) || digit(secret[sizeof(start) - 1]) < 0)
		return false;
	rounds = strtoul(secret + sizeof(start) - 1, &p, 10);
	if (*p != '.' || !rounds || rounds > ROUNDS_MAX)
		return false;
	salt_len = from_hex(p + 1, '.', salt, sizeof(salt));
	if (!salt_len)
		return false;
	want_len = from_hex(p + 2 + 2 * salt_len, '\0', want, sizeof(want));
	if (!want_len)
		return false;
	hmac_start(&key, typed, strlen(typed));
	for (size_t at = 0; at < want_len; at += SHA512_SIZE)
		pbkdf2_block(&key, salt, salt_len, (unsigned int)(at / SHA512_SIZE + 1), rounds,
			     got + at);
	return same(got, want, want_len);
}

bool boot_user_check(const struct boot_user *user, const char *typed)
{
	if (strlen(typed) > TYPED_MAX)
		return false;
	switch (user->kind) {
	case BOOT_SECRET_PLAIN: return same_text(user->secret, typed);
	case BOOT_SECRET_CRYPT: return check_crypt(user->secret, typed);
	case BOOT_SECRET_PBKDF2: return check_pbkdf2(user->secret, typed);
	}
	return false;
}
