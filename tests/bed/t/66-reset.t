#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Soft resets of PVH and HVM guests: the same domain with its memory goes on, and all that this host has
# of it is as after a create. Cut off, it is a restart; LONG=1: ten times.
# time-limit: 600
. "$XLITE/lib.sh"

events=/var/log/xen/xlite-events.log
rm -f $events*
domid_of() { xl domid "$1" 2> /dev/null; }
happened() { grep -q "\"event\":\"$2\",\"name\":\"$1\",\"domid\":$3,\"text\":\"$4" $events; }
successor_of() { local now; now=$(domid_of "$1") && [ "$now" != "$2" ]; }
said() { [ "$(tr -d '\000\r' < "$(console_log "$1")" | grep -cE "^$2\$")" = "$3" ]; }	# said NAME LINE TIMES
heard() { tr -d '\000\r' < "$(console_log "$1")" | grep -qx "$2"; }
answered() { timeout 20 xlite console "$1" <<< "say here $2" > /dev/null; wait_for 5 heard "$1" "here $2"; }
tell() { echo "$2" | timeout 20 xlite console "$1" > /dev/null; }
no_supervisor() { ! pgrep -f 'xlite supervise' > /dev/null; }

# What the store has of it, without what is each start's own and what mem-set writes for nobody.
nodes()
{
	{
		xenstore-ls -fp "/local/domain/$1"
		xenstore-ls -fp "/libxl/$1"
		xenstore-ls -fp "$(xenstore-read "/local/domain/$1/vm")"
		xenstore-ls -fp /local/domain/0/backend | grep "/$1/"
		xenstore-ls -fp "/local/domain/0/device-model/$1" 2> /dev/null
	} | grep -v '^/vm/[^/]*/memory ' | sed -E 's/(device-model-pid|start_time) = "[^"]*"/\1/' | sort
}

qemu_of() { xenstore-read "/local/domain/$1/image/device-model-pid" 2> /dev/null; }

for image in disk qdisk later; do truncate -s 1M "$T/$image.img"; done
disk="'$T/disk.img,raw,xvda,rw'"
qdisk="'format=raw,vdev=xvdb,backendtype=qdisk,target=$T/qdisk.img'"
vif='vif=["bridge=xenbr0,mac=00:16:3e:01:02:03"]'
firmware="firmware_override=\"$XLITE/guests/tiny\""
tiny r-pvh 'type="pvh"' memory=24 "disk=[$disk, $qdisk]" "$vif"
config r-hvm 'type="hvm"' memory=40 maxvcpus=2 vnc=1 "disk=[$disk, $qdisk]" "$vif" "$firmware"

reset()		# reset NAME: it and what there is of it before and after
{
	local name=$1 id qemu uuid

	console_has "$name" 'tiny: ready'
	run xlite block-attach "$name" "raw:$T/later.img" xvdc w
	is "$name: a disk that its config does not have" "$rc" 0 || diag "$err"
	tell "$name" fill
	console_has "$name" 'tiny: filled .*'
	id=$(domid_of "$name")
	qemu=$(qemu_of "$id")
	[ $name = r-pvh ] || is "$name: another vcpu, less memory" \
		"$(xlite vcpu-set $name 2 2>&1; xlite mem-set $name 38 2>&1)" ""
	nodes "$id" > "$T/before"
	# As one that just attaches a device has it.
	read -r _ uuid _ < "/run/xlite/$name.dom"
	exec 8> "/var/lib/xen/userdata-l.$id.$uuid.domain-userdata-lock"
	flock 8
	tell "$name" "exit 5"
	within "$name: nothing is taken apart under an attach" 20 grep -q -- '-> FLOCK' /proc/locks
	is "$name: all is there" "$(nodes "$id" | diff "$T/before" -)" ""
	rm "/var/lib/xen/userdata-l.$id.$uuid.domain-userdata-lock"
	exec 8>&-
	within "$name: runs again" 60 said "$name" 'tiny: ready' 2
	within "$name: is told" 20 happened "$name" restart "$id" "soft reset: the same domain goes on"
	ok "$name: and why" happened "$name" shutdown "$id" "soft_reset: soft-reset"
	is "$name: the same domain" "$(domid_of "$name")" "$id"
	nodes "$id" > "$T/after"
	is "$name: the store as before" "$(diff "$T/before" "$T/after")" ""
	isnt "$name: another QEMU" "$(qemu_of "$id")" "$qemu"
	ok "$name: which lives" kill -0 "$(qemu_of "$id")"
	tell "$name" check
	within "$name: its memory is as it was" 20 said "$name" 'tiny: check: 0 pages differ' 1
	tell "$name" "exit 1"
	within "$name: then a restart" 60 said "$name" 'tiny: ready' 3
	isnt "$name: which is another domain" "$(domid_of "$name")" "$id"
}

for name in r-pvh r-hvm; do
	run xlite create -q "$T/$name.cfg"
	is "$name: created" "$rc" 0
	reset $name
	run xlite destroy $name
	is "$name: destroyed" "$rc" 0
	rm -f "$(console_log $name)"
done

# Who stays in the foreground does it as well.
xlite create -qF "$T/r-pvh.cfg" 2> "$T/foreground" &
console_has r-pvh 'tiny: ready'
id=$(domid_of r-pvh)
xlite block-attach r-pvh "raw:$T/later.img" xvdc w
tell r-pvh "exit 5"
within "in the foreground: runs again" 60 said r-pvh 'tiny: ready' 2
is "the same domain" "$(domid_of r-pvh)" "$id"
is "with all its disks" "$(xl block-list r-pvh | wc -l)" 4
xl rename r-pvh r-other
tell r-other "exit 5"
both_said() { [ "$(cat "$(console_log r-pvh)" "$(console_log r-other)" 2> /dev/null | grep -ac '^tiny: ready')" = "$1" ]; }
within "renamed by xl: once more" 60 both_said 3
is "still the same" "$(domid_of r-other)" "$id"
tell r-other "exit 0"
within "and is looked after" 20 xen_gone r-other
wait $!
is "to its end" "$?" 0
rm -f "$(console_log r-pvh)" "$(console_log r-other)"

# It had gone on already when who did it was killed; or had not.
run xlite create -q "$T/r-pvh.cfg"
for how in runs paused; do
	id=$(domid_of r-pvh)
	within "a supervisor" 20 pgrep -fx 'xlite supervise'
	pkill -9 -fx 'xlite supervise'
	[ $how = runs ] || xlite pause r-pvh
	vm=$(xenstore-read "/local/domain/$id/vm")
	printf '{"domid":%d,"uuid":"%s","restarts":0,"soft_reset":true,"reason":5,"aside":"","aside_uuid":"%s","config":%s}' \
		"$id" "${vm#/vm/}" "${vm#/vm/}" "$(xlite list -l r-pvh | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)[0]["config"]))')" > /run/xlite/r-pvh.restart
	xlite supervise &
	within "its record is followed" 20 eval '! test -e /run/xlite/r-pvh.restart'
	[ $how = paused ] || within "is told" 20 happened r-pvh restart "$id" "soft reset"
	[ $how = paused ] || is "it is left alone" "$(domid_of r-pvh)" "$id"
done
within "half a reset: another domain" 60 successor_of r-pvh "$id"
run xlite destroy r-pvh

rounds=1
[ -z "$LONG" ] || rounds=10
run xlite create -q "$T/r-hvm.cfg"
console_has r-hvm 'tiny: ready'
cut=0
for ((round = 1; cut < rounds && round < rounds + 12; round++)); do
	tell r-hvm "exit 5"
	wait_for 20 pgrep -f 'xlite supervise --end'
	printf -v pause '0.%03d' $((RANDOM % 400))
	read -r -t "$pause" <> <(:)
	# It may be through.
	! pkill -9 -f 'xlite supervise --end' || cut=$((cut + 1))
	within "round $round, killed after $pause s: it answers" 60 answered r-hvm $round || break
	within "round $round: one of it" 20 eval '[ "$(xl list | wc -l)" = 3 ]'
	sed -i -E 's/ [0-9 ]{5} ( *[0-9]+)$/     0 \1/' /run/xlite/r-hvm.dom	# as in t/61
done
is "so often it was cut off" "$cut" "$rounds"
run xlite destroy r-hvm
is "destroyed" "$rc" 0
within "nothing left to look after" 30 no_supervisor
rm -f $events* /var/log/xen/xlite-supervisor.log*
done_testing
