#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# devd in a driver domain: a Linux guest serves a disk and a vif to our guests; LONG=1: and to xl's.
# time-limit: 900
. "$XLITE/lib.sh"

refuse() { run xlite devd "$@"; like "in dom0: $*" "$rc:$err" "^1:xlite: this is the toolstack's domain"; }
refuse
refuse -F -p "$T/pid"
nok "no number is written" test -e "$T/pid"

# What it needs, as a tar file that is its disk: the kernel's backends, and xlite.
mkdir -p "$T/tools/mods"
cp "$XLITE/bin/xlite" "$T/tools/"
for module in xen-netback xen-blkback bridge loop; do
	modprobe --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
done | awk '!seen[$0]++' > "$T/list"
while read -r file; do
	cp "$file" "$T/tools/mods/"
	printf 'insmod /drv/mods/%s\n' "${file##*/}"
done < "$T/list" > "$T/tools/load"
tar -cf "$T/tools.img" -C "$T" --transform 's,^tools,drv,' tools
printf 'served by a file\n' > "$T/data"
truncate -s 1M "$T/data"
truncate -s +1M "$T/tools.img"

linux drv memory=384 driver_domain=1 "disk=['$T/tools.img,raw,xvda,r','$T/data,raw,xvdb,w']"
xlite create -q "$T/drv.cfg"
console_has drv 'guest: ready'
GUEST_LIMIT=120
guest drv 'cd /; tar -x -f /dev/xvda; sh /drv/load; mkdir -p /var/log /images; dd if=/dev/zero of=/images/a bs=64k count=16
	printf "served by a loop device\n" | dd of=/images/a conv=notrunc
	ip link add br7 type bridge && ip addr add 10.7.0.1/24 dev br7 && ip link set br7 up'
is "a driver domain" "$rc" 0 || diag "$out"
guest drv '/drv/xlite devd -p /var/log/pid && kill -0 $(cat /var/log/pid)'
is "devd goes to the background and writes its number" "$rc" 0 || diag "$out"
drv=$(xl domid drv)
backends() { xenstore-ls -f "/local/domain/$drv/backend" 2> /dev/null | grep -oE 'backend/[a-z]+/[0-9]+/[0-9]+' | sort -u | grep -c .; }

for tool in xlite ${LONG:+xl}; do
	linux "g-$tool" "disk=['backend=drv,vdev=xvda,format=raw,access=rw,target=/images/a',
		'backend=drv,vdev=xvdb,format=raw,access=ro,target=/dev/xvdb']" \
		"vif=['backend=drv,bridge=br7,mac=00:16:3e:07:00:01']"
	run "$tool" create -q "$T/g-$tool.cfg"
	is "$tool: a guest of it" "$rc" 0 || { diag "$err"; guest drv 'cat /var/log/xen/xldevd.log'; diag "$out"; }
	console_has "g-$tool" 'guest: ready'
	guest "g-$tool" 'head -c 24 /dev/xvda; head -c 17 /dev/xvdb'
	is "$tool: a file there, and a device" "$rc:$out" "0:served by a loop device"$'\n'"served by a file"
	guest "g-$tool" 'echo changed | dd of=/dev/xvda conv=notrunc,fsync; ip addr add 10.7.0.2/24 dev eth0; ip link set eth0 up'
	guest drv "head -c 7 /images/a; echo; printf 'served by a loop device\n' | dd of=/images/a conv=notrunc"
	is "$tool: written there" "${out%%$'\n'*}" changed
	ok "$tool: its vif is on the bridge there" wait_for 60 guest "g-$tool" 'ping -c 1 -W 2 10.7.0.1'
	run xlite block-detach "g-$tool" xvdb
	is "$tool: a detach" "$rc" 0 || diag "$err"
	is "$tool: what is left there" "$(backends)" 2
	run "$tool" destroy "g-$tool"
	is "$tool: destroy" "$rc" 0 || diag "$err"
	ok "$tool: nothing is left there" wait_for 30 eval '[ "$(backends)" = 0 ]'
	guest drv 'losetup -a; ls /sys/class/net | grep vif; :'
	is "$tool: no loop device, no link" "$rc:$out" "0:"
done

# What cannot be had is said on both sides; a devd that ends leaves what is up to the next.
linux g-bad "disk=['backend=drv,vdev=xvda,format=raw,access=rw,target=/images/none']"
run xlite create -q "$T/g-bad.cfg"
ok "an image that is not there: its log says so" wait_for 60 guest drv "grep -q 'none.: No such file' /var/log/xen/xldevd.log"
like "and the store" "$(xenstore-ls "/local/domain/$drv/backend/vbd")" 'hotplug-error = ".*No such file'
guest drv '/drv/xlite devd'
like "one devd is enough" "$out" 'xlite: devd runs already'
xlite destroy g-bad 2> /dev/null
linux g-next "disk=['backend=drv,vdev=xvda,format=raw,access=rw,target=/images/a']"
run xlite create -q "$T/g-next.cfg"
console_has g-next 'guest: ready'
guest drv 'kill $(cat /var/log/pid); while kill -0 $(cat /var/log/pid 2> /dev/null) 2> /dev/null; do sleep 0.1; done; /drv/xlite devd'
is "another devd" "$rc" 0
guest g-next 'head -c 6 /dev/xvda; echo'
is "the disk works on" "$out" served
xlite destroy g-next
ok "the next one removes it" wait_for 30 eval '[ "$(backends)" = 0 ]'
xlite destroy drv
done_testing
