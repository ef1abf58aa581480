#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Linux guests with disks and networks: what they boot from, what they write, who hears whom
# time-limit: 900
. "$XLITE/lib.sh"

# sum FILE BYTES: of its beginning
sum() { local s; s=$(head -c "$2" "$1" | md5sum); echo "${s%% *}"; }
# inside FILE PATH: the text of PATH in the ext4 image
inside() { debugfs -R "cat $2" "$1" 2> /dev/null; }
# into PORT FILE: in the background, what somebody sends to dom0. nc ends the connection at the end
# of its input: here it has none.
mkfifo "$T/never"
into() { timeout 120 busybox nc -l -p "$1" > "$2" <> "$T/never" & }
listening() { grep -q "$(printf ':%04X 00000000:0000 0A' "$1")" /proc/net/tcp /proc/net/tcp6; }

ip addr add 10.9.0.1/24 dev xenbr0
ip addr add 10.9.1.1/24 dev xenbr0
# The three start together. la: a raw file, two disks, two vifs, one of them slow.
root_image "$T/la.img"
truncate -s 4M "$T/second"
linux la memory=128 'root="/dev/xvda"' "disk=['$T/la.img,raw,xvda,w','$T/second,,xvdb,w']" \
	"vif=['mac=00:16:3e:09:00:02,bridge=xenbr0','mac=00:16:3e:09:01:02,rate=50KB/s']"
# lb: a block device with a partition table, read-only; and a second one to write to.
truncate -s 18M "$T/lb.img"
printf 'start=2048,size=32768\n' | sfdisk -q "$T/lb.img"
dd if=/srv/guests/root of="$T/lb.img" bs=1M seek=1 conv=notrunc,sparse status=none
truncate -s 1M "$T/data"
root=$(losetup -f --show "$T/lb.img")
data=$(losetup -f --show "$T/data")
before=$(md5sum < "$T/lb.img")
linux lb memory=128 'root="/dev/xvda1 ro"' "disk=['phy:$root,xvda,r','phy:$data,xvdb,w']" \
	"vif=['mac=00:16:3e:09:00:03']"
# lc: qcow2.
qemu-img convert -q -f raw -O qcow2 /srv/guests/root "$T/lc.qcow2"
linux lc memory=128 'root="/dev/xvda"' "disk=['$T/lc.qcow2,qcow2,xvda,w']"

for name in la lb lc; do
	run xlite create -q "$T/$name.cfg"
	is "$name is created" "$rc:$out" "0:"
done
console_has la 'guest: root on /dev/xvda' 240
console_has lb 'guest: root on /dev/xvda1' 240
console_has lc 'guest: root on /dev/xvda' 240
for name in la lb lc; do console_has $name 'guest: ready'; done

# What they write is on the host's disks, now and after shutdown.
guest la 'echo from la > /file; dd if=/dev/urandom of=/dev/xvdb bs=64k count=8 2> /dev/null && sync &&
	dd if=/dev/xvdb bs=64k count=8 2> /dev/null | md5sum'
second=${out%% *}
is "the second disk, read by the host" "$(sum "$T/second" 524288)" "$second"
guest lb 'echo from lb > /dev/xvdb; sync'
is "a block device, read by the host" "$rc:$(head -n 1 "$T/data")" "0:from lb"
guest lb 'cat /sys/block/xvda/ro; echo no > /file'
like "lb cannot write to its root" "$rc:$out" '^1:1.*Read-only file system'
guest lb '! dd if=/dev/zero of=/dev/xvda bs=4k count=1 && ! mount -o remount,rw /'
is "whatever it tries" "$rc" 0
guest lc "echo from lc > /file; sync"
is "lc writes to its root" "$rc:$out" "0:"

# Disks that come and go.
truncate -s 3M "$T/third"
run xlite block-attach la "$T/third,raw,xvdc,w"
is "block-attach" "$rc:$out" "0:"
within "la has it" 20 guest la '[ "$(cat /sys/block/xvdc/size)" = 6144 ]'
guest la 'echo third > /dev/xvdc; sync'
is "and writes to it" "$rc" 0
is "on the host" "$(head -n 1 "$T/third")" third
run xl block-list la
want=$out
run xlite block-list la
is "block-list as xl's" "$out" "$want"
like "shows three" "$out" $'51712 .*\n51728 .*\n51744 '
root_image "$T/fourth"
run xlite block-attach la "$T/fourth,raw,xvdd,r"
is "one read-only" "$rc:$out" "0:"
within "la has that" 20 guest la '[ "$(cat /sys/block/xvdd/ro)" = 1 ]'
guest la 'mount -t ext4 -o ro /dev/xvdd /mnt'
is "and uses it" "$rc" 0
# One that is asked for while it is mounted is 36-detach's: Linux since 5.16 lets go even of
# that, sometimes at once.
guest la 'umount /mnt'
is "until la lets go of it" "$rc" 0
for vdev in xvdc xvdd; do
	run xlite block-detach la $vdev
	is "block-detach $vdev" "$rc:$out" "0:"
	within "$vdev is no more in la" 20 guest la "[ ! -e /sys/block/$vdev ]"
done
run xlite block-detach la xvdc
is "once" "$rc:$err" "1:Error: Device xvdc not connected."

# Networks.
for at in la:2 lb:3; do
	guest ${at%:*} "ip addr add 10.9.0.${at#*:}/24 dev eth0; ip link set eth0 up"
done
within "la hears dom0" 20 guest la 'ping -c 1 -W 2 10.9.0.1'
ok "dom0 hears lb" busybox ping -c 1 -W 5 10.9.0.3
within "la hears lb" 20 guest la 'ping -c 1 -W 2 10.9.0.3'
into 5001 "$T/sent"
wait_for 10 listening 5001
guest la 'dd if=/dev/urandom of=/tmp/x bs=64k count=8 2> /dev/null
	nc 10.9.0.1 5001 < /tmp/x; md5sum < /tmp/x | cut -c1-32'
wait
is "512 KiB by TCP, la to dom0" "$(sum "$T/sent" 1000000)" "$out"
guest lb 'mkfifo /tmp/never; nc -l -p 5002 > /tmp/y <> /tmp/never & sleep 1'
guest la 'nc 10.9.0.3 5002 < /tmp/x; md5sum < /tmp/x'
want=$out
within "la to lb" 30 guest lb '[ $(wc -c < /tmp/y) = 524288 ]'
guest lb 'md5sum < /tmp/y'
is "unchanged" "$out" "$want"

# The same bytes on a vif with and without a limit; the guest's clock measures.
took()
{
	into 5003 /dev/null
	wait_for 10 listening 5003
	guest la "read a b < /proc/uptime; nc $1 5003 < /tmp/x; read c b < /proc/uptime
		echo \$a \$c" || diag "$out"
	wait
	read -r a b <<< "$out"
	ms=$((10#${b/./} * 10 - 10#${a/./} * 10))
}
guest la 'ip addr add 10.9.1.2/24 dev eth1; ip link set eth1 up'
within "la hears dom0 on its second vif" 20 guest la 'ping -c 1 -W 2 10.9.1.1'
took 10.9.0.1
fast=$ms
took 10.9.1.1
diag "512 KiB: $fast ms, limited to 50 KB/s: $ms ms"
# 10.5 s, less what may go out at once in the beginning; no machine can be too slow for this.
ok "rate= slows it down" test "$ms" -gt 8000

run xlite network-link la 0 down
is "network-link down" "$rc:$out" "0:"
guest la 'ping -c 1 -W 1 10.9.0.1'
isnt "la hears nobody" "$rc" 0
guest la 'ping -c 1 -W 2 10.9.1.1'
is "but on the other" "$rc" 0
run xlite network-link la 0 up
within "and again" 20 guest la 'ping -c 1 -W 2 10.9.0.1'

run xlite network-attach lb mac=00:16:3e:09:00:13 bridge=xenbr0
is "network-attach" "$rc:$out" "0:"
within "lb has it" 20 guest lb '[ "$(cat /sys/class/net/eth1/address)" = 00:16:3e:09:00:13 ]'
guest lb 'ip addr add 10.9.1.3/24 dev eth1; ip link set eth1 up'
within "and hears dom0 there" 20 guest lb 'ping -c 1 -W 2 -I eth1 10.9.1.1'
run xl network-list lb
want=$out
run xlite network-list lb
is "network-list as xl's" "$out" "$want"
run xlite network-detach lb 00:16:3e:09:00:13
is "network-detach" "$rc:$out" "0:"
within "lb has it no more" 20 guest lb '[ ! -e /sys/class/net/eth1 ]'

run xlite sysrq lc h
is "sysrq" "$rc:$out:$err" "0::"
console_has lc 'sysrq: HELP'
for name in la lb lc; do run xlite shutdown $name; done
for name in la lb lc; do
	within "$name shuts down and goes" 120 xen_gone $name
done
is "la's file" "$(inside "$T/la.img" /file)" "from la"
is "la's second disk" "$(sum "$T/second" 524288)" "$second"
is "lb's data" "$(head -n 1 "$T/data")" "from lb"
is "lb's root is untouched" "$(md5sum < "$T/lb.img")" "$before"
qemu-img convert -q -f qcow2 -O raw "$T/lc.qcow2" "$T/lc.img"
is "lc's file, in its qcow2" "$(inside "$T/lc.img" /file)" "from lc"
losetup -d "$root"
losetup -d "$data"
ip addr flush dev xenbr0 scope global
rm -rf /var/cache/xlite
done_testing
