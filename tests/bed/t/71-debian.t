#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Debian guest as it is installed, with the grub.cfg that its own update-grub makes, comes up to its
# login by bootloader="pygrub", PV and PVH; and its recovery entry, which is in a submenu.
# Minutes a boot: LONG only.
# brings-long: debian
. "$XLITE/lib.sh"
[ -n "${LONG-}" ] || skip_all "takes half an hour: LONG=1"
GUEST_LIMIT=300
disk=/srv/guests/debian

# update-grub takes loop0 to loop9 for an installer's, and root= from where udev says what is there.
loop=/dev/loop10
part=${loop}p1
[ -e $loop ] || mknod $loop b 7 10
losetup -P $loop "$disk"
IFS=: read -r major minor < /sys/block/loop10/loop10p1/dev
[ -e $part ] || mknod $part b "$major" "$minor"
uuid=$(blkid -p -s UUID -o value $part)
mkdir -p "$T/mnt" /dev/disk/by-uuid
ln -sf $part "/dev/disk/by-uuid/$uuid"
mount $part "$T/mnt"
for dir in dev proc sys; do mount --bind /$dir "$T/mnt/$dir"; done
run chroot "$T/mnt" update-grub
is "the guest's own update-grub" "$rc" 0 || diag "$err"
for dir in dev proc sys; do umount "$T/mnt/$dir"; done
kernel=$(basename "$T"/mnt/boot/vmlinuz-*)
ok "a menu with a submenu" grep -q "^submenu 'Advanced options" "$T/mnt/boot/grub/grub.cfg"
umount "$T/mnt"
losetup -d $loop
rm "/dev/disk/by-uuid/$uuid"

words="root=UUID=$uuid ro"
run xlite boot list "$disk"
like "the menu" "$rc:$out" '^0:.*Debian GNU/Linux.*recovery mode'
# console NAME: what its console is
console() { xenstore-read "/local/domain/$(xlite domid "$1")/console/tty"; }
for type in pv pvh; do
	name=d-$type
	config $name memory=320 "type=\"$type\"" 'bootloader="pygrub"' "disk=['$disk,raw,xvda,w']"
	ok "$name: created" xlite create -q "$T/$name.cfg"
	console_has $name 'guest login:' 1500
	printf 'root\n' > "$(console $name)"
	console_has $name 'root@guest:.*#' 600
	guest $name 'cat /proc/cmdline'
	is "$name: by its own entry" "$out" "$words console=hvc0 quiet"
	guest $name '. /etc/os-release; echo "$(uname -r) $ID"'
	is "$name: Debian's kernel and Debian" "$out" "${kernel#vmlinuz-} debian"
	ok "$name: shutdown" xlite shutdown -w $name
	ok "$name: is gone" wait_for 60 xen_gone $name
done
config d-one memory=320 'type="pvh"' 'bootloader="pygrub"' 'bootloader_args=["--entry=1>1"]' \
	"disk=['$disk,raw,xvda,w']"
ok "recovery: created" xlite create -q "$T/d-one.cfg"
console_has d-one 'Press Enter for maintenance' 1500
printf '\n' > "$(console d-one)"
console_has d-one 'root@guest:.*#' 600
guest d-one 'cat /proc/cmdline'
is "the recovery entry" "$out" "$words single console=hvc0"
ok "destroyed" xlite destroy d-one
rm "$disk"
done_testing
