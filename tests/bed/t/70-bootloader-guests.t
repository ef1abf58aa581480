#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bootloader="pygrub" with disks as distributions lay them out, made by their own tools: XFS with
# Fedora's entries, btrfs with a default subvolume, extlinux on ext4, a unified kernel on an ESP.
# Linux comes up with the default entry's command line, and with that of a chosen one.
# time-limit: 900
. "$XLITE/lib.sh"

has=
kernel=/srv/guests/vmlinuz
initrd=/srv/guests/initrd
words='console=hvc0 quiet'

# disk FILE TYPE MIB MKFS...: a GPT disk with one file system, mounted at $T/mnt
disk()
{
	local offset=$((1 << 20)) size=$(($3 << 20))

	truncate -s $((size + 2 * offset)) "$T/$1"
	printf 'label: gpt\nstart=2048, size=%d, type=%s\n' $((size / 512)) "$2" | sfdisk -q "$T/$1"
	loop=$(losetup -f --show -o $offset --sizelimit $size "$T/$1")
	"${@:4}" "$loop" > "$T/mkfs.log" 2>&1
	mkdir -p "$T/mnt"
	mount "$loop" "$T/mnt"
}

disk_done() { umount "$T/mnt" && losetup -d "$loop"; }

# What a slow machine makes xlite say is no matter here.
calm() { grep -v '^waiting for' <<< "$err"; }

# boots NAME DISK CMDLINE [LINE...]: a guest from it has this command line, and what $has tells
boots()
{
	config "$1" memory=256 'bootloader="pygrub"' "disk=['$T/$2,raw,xvda,w']" "${@:4}"
	run xlite create -q "$T/$1.cfg"
	is "$1: created" "$rc:$(calm)" "0:" || return
	console_has "$1" 'guest: ready' 120
	guest "$1" 'cat /proc/cmdline'
	is "$1: its command line" "$out" "$3"
	if [ -n "$has" ]; then
		guest "$1" "md5sum < $has"
		is "$1: $has" "$out" "$(md5sum < "$T$has")"
	fi
	run xlite destroy "$1"
	is "$1: destroyed" "$rc:$(calm)" "0:"
}

linux_type=0FC63DAF-8483-4772-8E79-3D69D8477DE4
esp_type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B

# Fedora: /boot is a file system of its own; GRUB reads entries, one of which was saved.
disk xfs "$linux_type" 320 mkfs.xfs -q
mkdir -p "$T/mnt/loader/entries" "$T/mnt/grub2"
cp "$kernel" "$T/mnt/vmlinuz-6.1.0-1.fc40.x86_64"
cp "$initrd" "$T/mnt/initramfs-6.1.0-1.fc40.x86_64.img"
id=0123456789abcdef0123456789abcdef
for version in 6.1.0-1 6.0.9-2; do
	cat > "$T/mnt/loader/entries/$id-$version.fc40.x86_64.conf" <<-EOT
	title Fedora Linux ($version.fc40.x86_64) 40 (Forty)
	version $version.fc40.x86_64
	linux /vmlinuz-6.1.0-1.fc40.x86_64
	initrd /initramfs-6.1.0-1.fc40.x86_64.img
	options \$kernelopts say=$version \$tuned_params
	grub_users \$grub_users
	grub_arg --unrestricted
	grub_class fedora
	EOT
done
{
	printf '# GRUB Environment Block\nsaved_entry=%s\nkernelopts=%s\nboot_success=0\n' \
		"$id-6.0.9-2.fc40.x86_64" "$words"
	printf '#%.0s' {1..1024}
} | head -c 1024 > "$T/mnt/grub2/grubenv"
cat > "$T/mnt/grub2/grub.cfg" <<'EOT'
set pager=1
if [ -f ${config_directory}/grubenv ]; then
  load_env -f ${config_directory}/grubenv
elif [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="${saved_entry}"
fi
if [ x"${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
export menuentry_id_option
terminal_output console
if [ x$feature_timeout_style = xy ] ; then
  set timeout_style=menu
  set timeout=5
else
  set timeout=5
fi
insmod blscfg
blscfg
EOT
disk_done
boots g-xfs xfs "$words say=6.0.9-2"
boots g-xfs-1 xfs "$words say=6.1.0-1" 'type="pvh"' \
	"bootloader_args=['--entry=$id-6.1.0-1.fc40.x86_64']"

# Everything in the default subvolume, packed; the chosen entry is in a submenu.
disk btrfs "$linux_type" 120 mkfs.btrfs -q
btrfs -q subvolume create "$T/mnt/@"
btrfs subvolume set-default "$T/mnt/@"
umount "$T/mnt"
mount -o compress-force=zstd "$loop" "$T/mnt"
mkdir -p "$T/mnt/boot/grub2"
cp "$kernel" "$T/mnt/boot/vmlinuz-default"
cp "$initrd" "$T/mnt/boot/initrd-default"
cat > "$T/mnt/boot/grub2/grub.cfg" <<EOT
set btrfs_relative_path="y"
export btrfs_relative_path
set default=0
menuentry 'openSUSE' --class opensuse \$menuentry_id_option 'gnulinux-simple' {
	insmod btrfs
	search --no-floppy --fs-uuid --set=root $(blkid -p -s UUID -o value "$loop")
	linux /boot/vmlinuz-default $words say=btrfs
	initrd /boot/initrd-default
}
submenu 'Advanced options' {
	menuentry 'openSUSE, recovery' {
		linux /boot/vmlinuz-default $words say=recovery
		initrd /boot/initrd-default
	}
}
EOT
disk_done
boots g-btrfs btrfs "$words say=btrfs" 'type="pvh"'
boots g-btrfs-1 btrfs "$words say=recovery" 'bootloader_args=["--entry=1>0"]'

disk ext4 "$linux_type" 40 mke2fs -q -t ext4
mkdir -p "$T/mnt/boot/extlinux"
cp "$kernel" "$T/mnt/boot/vmlinuz"
# Two archives: of gzipped ones Xen's own loader keeps the first.
gzip -1 < "$initrd" > "$T/mnt/boot/initrd.img"
head -c 100001 /dev/urandom > "$T/second"
(cd "$T" && echo second | busybox cpio -o -H newc 2> /dev/null | gzip) > "$T/mnt/boot/second.img"
cat > "$T/mnt/boot/extlinux/extlinux.conf" <<EOT
DEFAULT linux
TIMEOUT 50
PROMPT 0
LABEL linux
	MENU LABEL Linux
	LINUX ../vmlinuz
	APPEND initrd=../initrd.img $words say=extlinux
LABEL old
	MENU LABEL Linux, the old one
	KERNEL /boot/vmlinuz
	INITRD /boot/initrd.img,/boot/second.img
	APPEND $words say=old
EOT
disk_done
boots g-ext ext4 "$words say=extlinux" 'type="pvh"'
has=/second
boots g-ext-1 ext4 "$words say=old" 'bootloader_args=["--entry=old"]'
has=

# What systemd's stub and objcopy make of kernel, ramdisk and command line.
uki()
{
	printf 'NAME="Debian"\nID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian %s"\n' "$1" > "$T/osrel"
	printf '%s say=%s' "$words" "$1" > "$T/cmdline"
	objcopy --add-section .osrel="$T/osrel" --change-section-vma .osrel=0x20000 \
		--add-section .cmdline="$T/cmdline" --change-section-vma .cmdline=0x30000 \
		--add-section .linux="$kernel" --change-section-vma .linux=0x2000000 \
		--add-section .initrd="$initrd" --change-section-vma .initrd=0x3000000 \
		/usr/lib/systemd/boot/efi/linuxx64.efi.stub "$T/mnt/EFI/Linux/$1.efi"
}
disk esp "$esp_type" 60 mkfs.vfat -F 32
mkdir -p "$T/mnt/EFI/Linux" "$T/mnt/loader"
uki first
uki second
printf 'timeout 3\ndefault second.efi\n' > "$T/mnt/loader/loader.conf"
disk_done
boots g-uki esp "$words say=second" 'type="pvh"'
boots g-uki-1 esp "$words say=first" 'bootloader_args=["--entry=first.efi"]'
done_testing
