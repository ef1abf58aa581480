#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's kernel as an HVM guest, started the way a PC starts: SeaBIOS and GRUB from a disk; a
# login at its serial port, another vcpu, ballooning, NMI; then from a CD, and without GRUB. Only in
# `make check-long`.
# time-limit: 3600
. "$XLITE/lib.sh"

[ -n "${LONG-}" ] || skip_all "only in make check-long"

# GRUB reads them through the BIOS, slowly.
boot_files() { cp /srv/guests/vmlinuz "$1"; gzip -c /srv/guests/initrd > "$1/initrd"; }

# A disk with an MBR, GRUB in the gap behind it, and a root file system with the kernel.
grub_disk()	# grub_disk FILE
{
	local lib=/usr/lib/grub/i386-pc root=$T/root

	mkdir -p "$root" "$T/mnt"
	mount -o loop,ro /srv/guests/root "$T/mnt"
	cp -a "$T/mnt/." "$root"
	umount "$T/mnt"
	mkdir -p "$root/boot/grub"
	boot_files "$root/boot"
	printf 'root:%s:0:0:root:/root:/bin/sh\n' "$(busybox mkpasswd -m sha512 secret)" > "$root/etc/passwd"
	printf '%s\n' 'ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100' >> "$root/etc/inittab"
	# noearly: to look through 256 buses port by port, all emulated twice, takes minutes.
	printf '%s\n' 'linux /boot/vmlinuz console=hvc0 quiet pci=noearly root=/dev/xvda1 from=disk' \
		'initrd /boot/initrd' boot > "$root/boot/grub/grub.cfg"
	truncate -s 49M "$1"
	mke2fs -q -t ext4 -O ^has_journal -E offset=1048576 -d "$root" "$1" 48M
	echo '2048,98304,L,*' | sfdisk -q "$1" > /dev/null 2>&1
	grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o "$T/core.img" biosdisk part_msdos \
		ext2 linux normal configfile boot
	dd if="$lib/boot.img" of="$1" bs=440 count=1 conv=notrunc status=none
	dd if="$T/core.img" of="$1" bs=512 seek=1 conv=notrunc status=none
}

grub_cd()	# grub_cd FILE
{
	local root=$T/cd

	mkdir -p "$root/boot/grub"
	boot_files "$root/boot"
	printf '%s\n' 'linux /boot/vmlinuz console=hvc0 quiet pci=noearly from=cd' 'initrd /boot/initrd' boot \
		> "$root/boot/grub/grub.cfg"
	grub-mkimage -O i386-pc-eltorito -p /boot/grub -o "$root/boot/eltorito.img" biosdisk \
		iso9660 linux normal configfile boot
	xorriso -as mkisofs -quiet -o "$1" -b boot/eltorito.img -no-emul-boot -boot-load-size 4 \
		-boot-info-table "$root" 2> /dev/null
}

hvm()	# hvm NAME LINE...
{
	config "$1" 'type="hvm"' memory=256 'vnc=0' "${@:2}"
	run xlite create -q "$T/$1.cfg"
	# A busy host is told that it is waited for QEMU.
	is "create $1" "$rc" 0 || diag "$err"
}

# Whoever attaches late has to press Enter to see the prompt again.
prompt() { echo >&5; grep -aq 'login: ' "$T/serial"; }

grub_disk "$T/disk.img"
# SeaBIOS reads IDE disks by single sectors without DMA: half an hour on a busy host.
hvm h-disk vcpus=1 maxvcpus=2 'serial="pty"' 'hdtype="ahci"' "disk=['$T/disk.img,raw,hda,rw']"
console_has h-disk 'guest: ready' 600
GUEST_LIMIT=120 guest h-disk 'cat /proc/cmdline; cat /sys/hypervisor/guest_type'
like "HVM, from its disk" "$out" 'from=disk.*HVM'

mkfifo "$T/keys"
xlite console -t serial h-disk < "$T/keys" > "$T/serial" 2>&1 &
exec 5> "$T/keys"
within "a prompt at the serial port" 120 prompt
echo root >&5
within "asks for the password" 60 grep -aq 'Password:' "$T/serial"
echo secret >&5
within "lets us in" 60 grep -aq '# ' "$T/serial"
echo 'echo log""ged-in-$(id -u)-$(tty)' >&5
within "is a shell on that port" 60 grep -aq 'logged-in-0-/dev/ttyS0' "$T/serial" ||
	diag "$(tail -n 20 "$T/serial")"
printf '\035' >&5
exec 5>&-
wait

run xlite vcpu-set h-disk 2
is "vcpu-set 2" "$rc:$err" "0:"
plugged() { GUEST_LIMIT=60 guest h-disk 'echo 1 > /sys/devices/system/cpu/cpu1/online; cat /sys/devices/system/cpu/online'; [[ $out == *0-1 ]]; }
within "and it runs" 120 plugged || diag "$out"
run xlite vcpu-set h-disk 1
like "none is taken away" "$rc:$err" '^1:.*2 vcpus plugged in: none can be taken away while it runs'

memory() { [ "$(xl list h-disk | awk 'NR == 2 { print $3 }')" -le "$1" ]; }
run xlite mem-set h-disk 200
is "mem-set" "$rc:$err" "0:"
within "gives memory back" 120 memory 201
run xlite mem-set h-disk 256
is "mem-set up" "$rc:$err" "0:"
# xl list tells it without the card's 8 MiB.
grown() { [ "$(xl list h-disk | awk 'NR == 2 { print $3 }')" -gt 247 ]; }
within "takes it again" 120 grown

run xlite trigger h-disk nmi
is "nmi" "$rc:$err" "0:"
nmi() { GUEST_LIMIT=60 guest h-disk 'dmesg | grep -c "NMI received"'; }
within "was received" 60 nmi
run xlite trigger h-disk s3resume
like "does not sleep" "$rc:$err" '^1:.*not in suspended state'
run xlite shutdown -w h-disk
is "shutdown" "$rc" 0 || diag "$err"
xen_gone h-disk || xlite destroy h-disk

grub_cd "$T/cd.iso"
hvm h-cd 'boot="d"' 'on_reboot="destroy"' "disk=['$T/disk.img,raw,hda,rw', '$T/cd.iso,raw,hdc,ro,cdrom']"
console_has h-cd 'guest: ready' 1800
GUEST_LIMIT=120 guest h-cd 'cat /proc/cmdline'
like "from its CD" "$out" 'from=cd'
run xlite trigger h-cd reset
is "reset" "$rc:$err" "0:"
ended() { xen_gone h-cd; }
within "ends it" 60 ended
xen_gone h-cd || xlite destroy h-cd
linux h-direct 'type="hvm"' vnc=0 'extra="console=hvc0 quiet pci=noearly"'
run xlite create -q "$T/h-direct.cfg"
is "create h-direct" "$rc" 0 || diag "$err"
console_has h-direct 'guest: ready' 600
run xlite destroy h-direct
is "destroy" "$rc:$err" "0:"
done_testing
