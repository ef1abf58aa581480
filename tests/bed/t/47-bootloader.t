#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bootloader=: a guest's kernel out of its own disk, the entry that is wanted, with xlite and with
# Debian's xl; what is said when there is nothing to boot.
# time-limit: 600
. "$XLITE/lib.sh"

# What the disk has: two entries and two kernels in GRUB's configuration.
mkdir -p "$T/root/boot/grub"
cp "$XLITE/guests/tiny" "$T/root/boot/vmlinuz-tiny"
gzip -c "$XLITE/guests/tiny" > "$T/root/boot/vmlinuz-gz"
cat > "$T/root/boot/grub/grub.cfg" <<'EOT'
set default=0
set timeout=5
menuentry 'First' --id first {
	linux /boot/vmlinuz-tiny say=first
}
menuentry 'Second' --id second {
	linux /boot/vmlinuz-gz say=second
}
EOT
truncate -s 8M "$T/part"
mke2fs -q -t ext4 -d "$T/root" "$T/part"
truncate -s 10M "$T/gpt"
printf 'label: gpt\nstart=2048, size=16384\n' | sfdisk -q "$T/gpt"
dd if="$T/part" of="$T/gpt" bs=1M seek=1 conv=notrunc status=none
qemu-img convert -f raw -O qcow2 "$T/gpt" "$T/qcow2"

# boots NAME DISK [LINE...]: writes $T/NAME.cfg
boots()
{
	printf '%s\n' "name=\"$1\"" memory=32 vcpus=1 'bootloader="pygrub"' "disk=['$2']" "${@:3}" > "$T/$1.cfg"
}

dead() { ! kill -0 "$1" 2> /dev/null; }

# What a slow machine makes xlite say is no matter here.
calm() { grep -vE '^waiting for|domain [0-9]+ is still dying' <<< "$err"; }

# works NAME CMDLINE: it is created and runs with that
works()
{
	run xlite create -q "$T/$1.cfg"
	is "$1: created" "$rc:$(calm)" "0:" || return
	console_has "$1" "cmdline '$2'"
	run xlite destroy "$1"
	is "$1: destroyed" "$rc:$(calm)" "0:"
}

boots b-part "$T/part,raw,xvda,w"
works b-part say=first
boots b-gpt "$T/gpt,raw,xvda,w" 'type="pvh"' 'bootloader_args=["--entry=1"]'
works b-gpt say=second
boots b-qcow "$T/qcow2,qcow2,xvda,w" 'bootloader="xlite-boot"' 'extra="say=more"'
works b-qcow 'say=first say=more'
boots b-kernel "$T/part,raw,xvda,w" 'kernel="/boot/vmlinuz-gz"' 'extra="say=own"'
works b-kernel say=own

# Of several disks the first that has something to boot.
truncate -s 8M "$T/empty"
mke2fs -q -t ext4 "$T/empty"
LC_ALL=C sed 's/say=first/say=other/' "$T/part" > "$T/other"
boots b-order '' "disk=['$T/empty,raw,xvda,w', '$T/gpt,raw,xvdb,w', '$T/other,raw,xvdc,w']"
works b-order say=first

# The same without a guest.
run xlite boot list "$T/empty" "$T/gpt"
like "boot list" "$rc:$out" '^0:.*First.*Second'
run xlite boot show --json -e second "$T/gpt"
like "boot show" "$rc:$out" '^0:.*say=second'
run xlite boot extract -k "$T/kernel" -e second "$T/gpt"
is "boot extract" "$rc:$err" "0:"
ok "unpacked" cmp "$T/kernel" "$XLITE/guests/tiny"
# What a guest wrote past this host's cache of the device is seen.
loop=$(losetup -f --show "$T/gpt")
run xlite boot list "$loop"
like "a block device" "$rc:$out" '^0:.*First.*Second'
cat "$loop" > /dev/null
at=$(grep -abo "'First'" "$T/gpt" | cut -d: -f1)
printf "'Prima'" | dd of="$T/gpt" bs=1 seek="$at" conv=notrunc status=none
run xlite boot list "$loop"
like "that has changed" "$rc:$out" '^0:.*Prima.*Second'
printf "'First'" | dd of="$T/gpt" bs=1 seek="$at" conv=notrunc status=none
losetup -d "$loop"

# A disk that its script brings up is there for the reader, and gone before the domain has it.
cat > "$T/block-own" <<'EOT'
#!/bin/sh
params=$(xenstore-read "$XENBUS_PATH/params")
mode=$(xenstore-read "$XENBUS_PATH/mode")
dev=$(losetup -j "$params" | cut -d: -f1)
echo "$1 $mode ${dev:+up}" >> "${0%/*}/block.log"
case $1 in
add) dev=$(losetup -f --show "$params") || exit 1
	xenstore-write "$XENBUS_PATH/physical-device" "7:$(printf %x "${dev#/dev/loop}")" \
		"$XENBUS_PATH/hotplug-status" connected
	[ "${params##*/}" != slow ] || : > "$params.there"
	while [ -e "$params.there" ]; do sleep 0.1; done ;;
remove) [ -z "$dev" ] || losetup -d "$dev" ;;
esac
EOT
chmod +x "$T/block-own"
boots b-script "script=$T/block-own,vdev=xvda,access=rw,target=$T/gpt"
works b-script say=first
is "what its script was told" "$(< "$T/block.log")" $'add r \nremove r up\nadd w \nremove w up'
: > "$T/block.log"
xlite create -q "$T/b-script.cfg"
run xlite create -q "$T/b-script.cfg"
like "one whose guest runs" "$rc:$(calm)" "^3:.*a domain called 'b-script' exists already"
run xlite check "$T/b-script.cfg"
like "a look at its config" "$out" 'what it boots is not looked at'
is "disturb nobody" "$(< "$T/block.log")" $'add r \nremove r up\nadd w '
xlite destroy b-script 2> /dev/null
boots b-script "script=$T/block-own,vdev=xvda,access=rw,target=$T/none"
run xlite create -q -p "$T/b-script.cfg"
like "one that fails" "$rc:$(calm)" "^3:.*bootloader 'pygrub': disk xvda: hotplug script '.*' failed"
: > "$T/block.log"
truncate -s 1M "$T/slow"
boots b-script "script=$T/block-own,vdev=xvda,access=rw,target=$T/slow"
xlite create -q "$T/b-script.cfg" 2> /dev/null &
pid=$!
within "one that takes its time" 30 test -e "$T/slow.there"
kill -KILL $pid
wait $pid 2> /dev/null
rm "$T/slow.there"
no_script() { ! pgrep -f "$T/block-own" > /dev/null; }
within "the script ends" 30 no_script
run xlite cleanup
is "its create was killed" "$rc:$out:$(calm)" "0:removed the trace of an unfinished create of b-script
removed the disk '$T/slow' of an unfinished create's bootloader:"
is "and its script told" "$(< "$T/block.log")" $'add r \nremove r up'
is "nothing stays" "$(xenstore-list /local/domain/0 | grep bootloader; losetup -j "$T/slow")" ""

# The stored config keeps the bootloader: a restart reads the disk again.
boots b-again "$T/part,raw,xvda,w" 'on_reboot="restart"'
run xlite create -q "$T/b-again.cfg"
console_has b-again 'tiny: ready'
id=$(xl domid b-again)
sed 's/say=first/say=third/' "$T/root/boot/grub/grub.cfg" > "$T/grub.cfg"
debugfs -w -R "rm /boot/grub/grub.cfg" "$T/part" 2> /dev/null
debugfs -w -R "write $T/grub.cfg /boot/grub/grub.cfg" "$T/part" > /dev/null 2>&1
echo "exit 1" | timeout 20 xlite console b-again > /dev/null
console_has b-again "cmdline 'say=third'"
isnt "another domain" "$(xl domid b-again)" "$id"
run xlite destroy b-again
is "destroyed" "$rc:$(calm)" "0:"

# Refused before there is a domain, in words.
boots b-no "$T/part,raw,xvda,w" 'bootloader="other"'
run xlite create -q -p "$T/b-no.cfg"
like "another bootloader" "$rc:$err" "^6:.*bootloader 'other' is not supported"
boots b-no "$T/part,raw,xvda,w" 'bootloader_args=["--entry=nothing"]'
run xlite create -q -p "$T/b-no.cfg"
like "no such entry" "$rc:$err" "^3:.*bootloader 'pygrub': .*nothing"
boots b-no "$T/empty,raw,xvda,w"
run xlite create -q -p "$T/b-no.cfg"
like "nothing to boot" "$rc:$err" "^3:.*bootloader 'pygrub': "
like "what is there is named" "$err" "hd0.*ext4"
is "no domain" "$(xl list | awk 'NR > 1 { print $1 }')" Domain-0

# Another program, by its path: libxl's arguments, Debian's pygrub, and xl with the same one.
mkdir -p "$T/bin"
cat > "$T/bin/loader" <<'EOT'
#!/bin/bash
printf '%s\n' "$@" | sed 's#=/.*#=/#' > "${0%/*}/args"
tty > "${0%/*}/tty"
exec /usr/lib/xen-4.17/bin/pygrub "$@"
EOT
printf '#!/bin/sh\nwhile :; do echo again; done &\nexec %s/loader "$@"\n' "$T/bin" > "$T/bin/noisy"
printf '#!/bin/sh\necho one; echo its last words; exit 3\n' > "$T/bin/broken"
printf '#!/bin/sh\nsleep 1000 & echo $! > %s/sleeper; wait\n' "$T" > "$T/bin/slow"
chmod +x "$T/bin"/*
boots b-prog "$T/part,raw,xvda,w" "bootloader=\"$T/bin/loader\"" 'bootloader_args=["--entry=1"]' 'extra="say=more"'
works b-prog 'say=second say=more'
like "it has a terminal" "$(cat "$T/bin/tty")" '^/dev/pts/'
cp "$T/bin/args" "$T/ours"
run xl create -q -p "$T/b-prog.cfg"
is "the same with xl" "$rc" 0
run xl destroy b-prog
is "the same arguments but for the paths" "$(cat "$T/ours")" "$(cat "$T/bin/args")"
# What it leaves behind writes without end, and our caller does not care for its children.
boots b-noisy "$T/part,raw,xvda,w" "bootloader=\"$T/bin/noisy\""
run_limit 100 env --ignore-signal=CHLD xlite create -q -p "$T/b-noisy.cfg"
is "a child that it leaves is ended" "$rc:$(calm)" "0:"
run xlite destroy b-noisy
boots b-no "$T/part,raw,xvda,w" "bootloader=\"$T/bin/broken\""
run xlite create -q -p "$T/b-no.cfg"
like "one that fails" "$rc:$err" "^3:.*bootloader '$T/bin/broken': it ended with status 3: its last words"
run xlite why b-no
like "why tells it, too" "$rc:$out" "^0:.*bootloader '$T/bin/broken': it ended with status 3: its last words"
boots b-no "$T/part,raw,xvda,w" "bootloader=\"$T/bin/slow\""
xlite create -q -p "$T/b-no.cfg" 2> "$T/slow.err" &
pid=$!
within "one that takes its time" 20 test -s "$T/sleeper"
kill -TERM $pid
rc=0
wait $pid || rc=$?
like "interrupted" "$rc:$(cat "$T/slow.err")" "^[1-9].*bootloader '$T/bin/slow': interrupted"
within "all of it is gone" 10 dead "$(cat "$T/sleeper")"
boots b-no "$T/part,raw,xvda,w" 'bootloader="/usr/bin/no-such-loader"'
run xlite create -q -p "$T/b-no.cfg"
like "one that is not there" "$rc:$err" "^[36]:.*bootloader '/usr/bin/no-such-loader': No such file"
boots b-no "$T/qcow2,qcow2,xvda,w" "bootloader=\"$T/bin/loader\""
run xlite create -q -p "$T/b-no.cfg"
like "a disk that it could not read" "$rc:$err" "^[36]:.*must be raw"

# The reader as xl's bootloader.
boots b-xl "$T/gpt,raw,xvda,w" "bootloader=\"$XLITE/bin/xlite-boot\""
run xl create -q "$T/b-xl.cfg"
is "xl with our reader" "$rc" 0 || diag "$err"
console_has b-xl "cmdline 'say=first'"
run xl destroy b-xl

# create -c: the menu, on the terminal, and then the guest's console.
boots b-menu "$T/gpt,raw,xvda,w"
(
	wait_for 30 grep -q Second "$T/menu.log"
	printf '\033[B'
	wait_for 5 false
	printf '\r'
	wait_for 60 grep -q 'tiny: ready' "$T/menu.log"
	printf '\035'
) | timeout 120 script -qfec "xlite create -q -c $T/b-menu.cfg" "$T/menu.log" > /dev/null
like "the menu has both" "$(tr -d '\000' < "$T/menu.log")" 'First.*Second'
console_has b-menu "cmdline 'say=second'"
run xlite destroy b-menu
is "destroyed" "$rc:$(calm)" "0:"
rm -f /var/log/xen/xlite-*.log
done_testing
