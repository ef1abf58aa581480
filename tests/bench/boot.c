/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading kernels out of a disk: Debian's pygrub in xl's place, cat as the floor. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "run.h"

#define BOOT_DIR "/root/bench-boot"
#define BOOT_IMAGE BOOT_DIR "/disk"
#define MEMORY "/tmp/bench-boot"	/* in dom0's tmpfs */

enum { SPARE_MIB = 32 };

/* GPT and ext4, as an installed guest has it, with files of 8 and 32 MiB. */
void boot_disk(bool there)
{
	static const char make[] = "set -e; mkdir -p " BOOT_DIR "/out " BOOT_DIR "/root/boot/grub\n"
		"cd " BOOT_DIR "; cp /srv/guests/vmlinuz root/boot/vmlinuz\n"
		"head -c 32M /dev/urandom > root/boot/initrd.img\n"
		"printf 'set default=0\\nset timeout=0\\nmenuentry \"Linux\" {\\n\\tlinux /boot/vmlinuz "
		"root=/dev/xvda1 ro\\n\\tinitrd /boot/initrd.img\\n}\\n' > root/boot/grub/grub.cfg\n"
		"truncate -s 64M part; mke2fs -q -t ext4 -d root part; truncate -s 66M disk\n"
		"printf 'label: gpt\\nstart=2048, size=131072\\n' | sfdisk -q disk\n"
		"dd if=part of=disk bs=1M seek=1 conv=notrunc status=none; rm part\n";

	if (system(there ? make : "rm -r " BOOT_DIR) != 0)
		die(BOOT_DIR);
}

static const char *pygrub(void)
{
	static const char *const places[] = { "/usr/lib/xen-4.17/bin/pygrub",
		"/usr/lib/xen-4.20/bin/pygrub" };

	return places[access(places[0], X_OK) < 0];
}

void one_boot(int who, struct set *set, unsigned int round)
{
	char text[16384];
	long us;

	if (who == XLITE) {
		set->us[BOOT_FIND][who][round] = RUN(text, "xlite", "boot", "list", BOOT_IMAGE);
		set->us[BOOT_READ][who][round] = RUN(text, "xlite", "boot", "show", "--raw",
						     BOOT_IMAGE);
		set->us[BOOT_COPY][who][round] = RUN(text, "xlite", "boot", "extract", "--raw", "-k",
						     BOOT_DIR "/out/k", "-r", BOOT_DIR "/out/r",
						     BOOT_IMAGE);
		set->us[BOOT_UNPACK][who][round] = RUN(text, "xlite", "boot", "extract", "-k",
						       BOOT_DIR "/out/k", "-r", BOOT_DIR "/out/r",
						       BOOT_IMAGE);
		return;
	}
	us = who == XL ? RUN(text, pygrub(), "-q", "--output-format=simple0",
			     "--output-directory=" BOOT_DIR "/out", BOOT_IMAGE) :
		RUN(text, "sh", "-c", "exec cat " BOOT_DIR "/root/boot/vmlinuz " BOOT_DIR
		    "/root/boot/initrd.img > " MEMORY);
	for (enum what what = BOOT_FIND; what <= BOOT_UNPACK; what++)
		set->us[what][who][round] = us;
	if (system("rm -f " BOOT_DIR "/out/* " MEMORY) != 0)
		die(BOOT_DIR);
}

/* Of the reader, beyond the two files themselves: it has the kernel mapped, not the ramdisk. */
bool peak_memory(void)
{
	struct stat kernel;
	char text[16384];
	long spare_kb;

	run((const char *const[]){ "xlite", "boot", "extract", "--raw", "-k", BOOT_DIR "/out/k", "-r",
				   BOOT_DIR "/out/r", BOOT_IMAGE, NULL }, environ, text, sizeof(text),
	    &spare_kb);
	if (stat(BOOT_DIR "/out/k", &kernel) < 0)
		die(BOOT_DIR);
	spare_kb -= kernel.st_size / 1024;
	fprintf(stderr, "%-36s %17.1f          xlite <= %d%s\n", "reader's memory beyond files, MiB",
		(double)spare_kb / 1024, SPARE_MIB, spare_kb > SPARE_MIB * 1024 ? "!" : "");
	return spare_kb > SPARE_MIB * 1024;
}
