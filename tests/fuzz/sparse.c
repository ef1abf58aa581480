/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sparse IMAGE >SEED: the form of images that fuzzers start from (sparse.h). */
#include <stdio.h>
#include <string.h>

enum { SECTOR = 512 };

static void put_le32(unsigned long v)
{
	for (int i = 0; i < 4; i++)
		putchar((int)(v >> 8 * i & 0xff));
}

int main(int argc, char **argv)
{
	static const char zero[SECTOR];
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	char buf[SECTOR];
	unsigned long nr = 0;

	if (!f || fseek(f, 0, SEEK_END) != 0)
		return 2;
	put_le32((unsigned long)ftell(f) / SECTOR);
	rewind(f);
	for (; fread(buf, SECTOR, 1, f) == 1; nr++) {
		if (memcmp(buf, zero, SECTOR) == 0)
			continue;
		put_le32(nr);
		fwrite(buf, SECTOR, 1, stdout);
	}
	return fclose(f) == 0 && fflush(stdout) == 0 ? 0 : 1;
}
