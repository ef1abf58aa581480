#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# firmware="pvgrub..": GRUB as a guest's kernel, which finds the rest in the guest's own disk. The
# tiny guest by PV's GRUB; PVH's can load Linux only, which takes minutes: LONG.
# time-limit: 600
. "$XLITE/lib.sh"

# disk NAME COMMANDS [FILE...]: an ext4 image with FILEs in /boot and a grub.cfg
disk()
{
	mkdir -p "$T/$1/boot/grub"
	printf '%s\n' 'set enable_progress_indicator=0' "$2" > "$T/$1/boot/grub/grub.cfg"
	[ $# -lt 3 ] || cp "${@:3}" "$T/$1/boot"
	truncate -s 32M "$T/$1.img"
	mke2fs -q -t ext4 -O ^has_journal -d "$T/$1" "$T/$1.img"
}

# grub NAME TYPE FIRMWARE DISK [LINE...]
grub()
{
	config "$1" "type=\"$2\"" "firmware=\"$3\"" memory=128 "disk=['$T/$4.img,raw,xvda,r']" "${@:5}"
	run xlite create -q "$T/$1.cfg"
	is "$2 with $3" "$rc" 0 || diag "$err"
}

disk tiny $'linux /boot/tiny say=from.my.disk\nboot' "$XLITE/guests/tiny"
grub b-pv pv pvgrub64 tiny
console_has b-pv "tiny: pv.*cmdline .*say=from.my.disk" 200
run xlite destroy b-pv

disk halt $'echo "grub: in my disk"\nhalt'
grub b-pvh pvh pvgrub32 halt 'on_poweroff="preserve"'
console_has b-pvh 'grub: in my disk' 200
ended() { [[ $(xlite list b-pvh) == *'---s'* ]]; }
within "halt" 60 ended
run xlite destroy b-pvh
is "destroy" "$rc:$err" "0:"

# Refused by the config, or by what is not there.
refused()	# refused WHAT MESSAGE LINE...
{
	config b-no "${@:3}"
	run xlite create -q -p "$T/b-no.cfg"
	isnt "refused: $1" "$rc" 0
	like "in words" "$err" "$2"
	xen_gone b-no || xl destroy b-no
}
refused "64-bit GRUB as PVH" 'firmware pvgrub64 is for pv guests' 'type="pvh"' 'firmware="pvgrub64"'
refused "a kernel as well" 'both kernel and firmware specified' 'firmware="pvgrub64"' 'kernel="/x"'
refused "32-bit PV" "grub-i386-xen.bin' is 32-bit" 'firmware="pvgrub32"'

if [ -n "${LONG-}" ]; then
	disk linux $'linux /boot/vmlinuz console=hvc0 quiet from=grub\ninitrd /boot/initrd\nboot' \
		/srv/guests/vmlinuz /srv/guests/initrd
	for spec in pv:pvgrub64 pvh:pvgrub32; do
		grub b-linux "${spec%:*}" "${spec#*:}" linux memory=256
		console_has b-linux 'guest: ready' 900
		GUEST_LIMIT=120 guest b-linux 'cat /proc/cmdline'
		like "its command line" "$out" 'from=grub'
		run xlite destroy b-linux
		rm -f "$(console_log b-linux)"
	done
fi
done_testing
