#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# PCI devices for guests: assignable ones, beside xl and with its ones; PV and HVM, from the config
# and while they run; what is refused; i/o ports, interrupts and i/o memory. Linux as the guest.
# machine: server
# time-limit: 2400
. "$XLITE/lib.sh"
. "$XLITE/same.sh"
need_throwaway

# Three functions of e1000: one device that is on a net, and one of two functions.
net=0000:00:08.0 two=0000:00:09.0 three=0000:00:09.1
driver() { local path; path=$(readlink "/sys/bus/pci/devices/$1/driver"); echo "${path##*/}"; }
drivers() { echo "$(driver $net) $(driver $two) $(driver $three)"; }
info() { xenstore-ls -f /libxl/pci 2> /dev/null | sort; }
state() { xenstore-read "/local/domain/0/backend/pci/$1/0/state" 2> /dev/null; }
ready() { [ "$(state "$id")" = 3 ]; }
# Both ends have done with what there was last.
connected() { [ "$(state "$id")$(xenstore-read "/local/domain/$id/device/pci/0/state")" = 44 ]; }
# Of the e1000s here none can be reset, which is said; QEMU's start and a slow guest as well.
said() { err=$(grep -v '^waiting for\|has no reset$\|is assignable already$' <<< "$err"); }
xlite_ok()	# xlite_ok WHAT WORD...
{
	run xlite "${@:2}"
	said
	is "$1" "$rc:$out:$err" "0::"
}
xl_ok() { run xl "${@:2}"; is "$1" "$rc:$out" "0:" || diag "$err"; }
refused()	# refused WHAT STATUS REGEX WORD...
{
	run xlite "${@:4}"
	said
	like "refused: $1" "$rc:$err" "^$2:xlite: .*$3"
}
nothing_left()
{
	is "$1: no device in use" "$(info | grep domid)$(xenstore-ls -f | grep -E '^/local/domain/[0-9]+/(backend|device)/pci/')" ""
}

# Without the driver that holds them.
run xlite pci-assignable-list
is "no xen-pciback: status as xl's" "$rc:$out" "0:"
like "and said" "$err" 'xen-pciback is not loaded'
refused "xen-pciback is not loaded" 1 "PCI device $net: xen-pciback, which .* \(modprobe xen-pciback\)" \
	pci-assignable-add $net
modprobe -a xen-pciback e1000
is "all have a driver" "$(drivers)" "e1000 e1000 e1000"

# Assignable: each tool undoes the other.
xlite_ok "one is made assignable" pci-assignable-add 00:08.0
xlite_ok "one with a name" pci-assignable-add -n duo $two
info > "$T/info"
is "their drivers" "$(drivers)" "pciback pciback e1000"
for list in pci-assignable-list "pci-assignable-list -n"; do
	# shellcheck disable=SC2086
	is "$list" "$(xlite $list)" "$(xl $list | sort)"
done
run xlite pci-assignable-list --json
like "as JSON" "$out" '"bdf": "0000:00:09.0",
        "name": "duo"'
xlite_ok "the same again changes the name" pci-assignable-add -n solo $two
is "solo" "$(xlite pci-assignable-list -n | tail -n 1)" "$two solo"
xl_ok "xl gives ours back" pci-assignable-remove -r $net
xl_ok "by name" pci-assignable-remove -r solo
is "to their drivers" "$(drivers)" "e1000 e1000 e1000"
xenstore-rm /libxl/pci	# xl leaves empty folders
xl_ok "xl makes one assignable" pci-assignable-add $net
xl_ok "and one with a name" pci-assignable-add -n duo $two
is "the same in the store" "$(info)" "$(< "$T/info")"
xlite_ok "xlite gives xl's back" pci-assignable-remove -r 00:08.0
xlite_ok "by name" pci-assignable-rem -r duo
is "to their drivers" "$(drivers)" "e1000 e1000 e1000"
is "nothing is left in the store" "$(info)" ""
xlite_ok "without a driver after that" pci-assignable-add $three
xlite_ok "it stays without one" pci-assignable-remove $three
is "and has none" "$(driver $three)" ""
xlite_ok "but its driver is known" pci-assignable-add $three
xlite_ok "later" pci-assignable-remove -r $three
is "it is back" "$(driver $three)" e1000
exec 8< /sys/bus/pci/devices/$net
flock 8
refused "one that somebody else is at" 1 "PCI device $net is just being given to a guest, or" pci-assignable-remove $net
exec 8<&-
refused "no address" 2 "bad pci address 'x'" pci-assignable-add x
refused "no such device" 1 "PCI device 0000:00:1e.0: there is none of that address" \
	pci-assignable-add 00:1e.0
refused "the host's bridge" 1 "PCI device 0000:00:00.0 is a bridge" pci-assignable-add 00:00.0
refused "a bad name" 1 "a name has neither blanks" pci-assignable-add -n 'a b' $net
is "which changes nothing" "$(drivers)$(info)" "e1000 e1000 e1000"
run xlite pci-assignable-add
is "no words" "$rc" 2

# A guest that never looks at them: the store and Xen beside xl. devices NAME: as Xen has them.
parts()
{
	xl dmesg -c > /dev/null
	xl debug-keys q
	xl dmesg | sed -n "/General information for domain $1:/,/Memory pages/p" |
		grep -E 'Interrupts \{|I/O (Memory|Ports) *\{|passthrough' | sed 's/^(XEN) *//'
}
for dev in $net $two $three; do xlite pci-assignable-add "$dev"; done
xlite pci-assignable-add -n duo $two
same()		# same WHAT CONFIG-LINE...
{
	local tool id

	tiny p-same 'uuid="45454545-2222-3333-4444-555555555555"' "${@:2}"
	for tool in xl xlite; do
		run $tool create -q -p "$T/p-same.cfg"
		is "$1: $tool creates" "$rc:$out" "0:" || { diag "$err"; return; }
		id=$(xl domid p-same)
		settled "$id"
		[ -z "$(state "$id")" ] || wait_for 10 ready
		store_of "$id" > "$T/$tool.store"
		grep -q '/pci/' "$T/$tool.store" || [ -z "$(state "$id")" ] || fail "$1: no device"
		# Of one that was found by its name xlite stores the address too: by it, it is detached.
		json_of "$id" | sed '/"dev": 9/d' > "$T/$tool.json"
		parts "$id" > "$T/$tool.parts"
		is "$1: pci-list" "$(xlite pci-list p-same)" "$(xl pci-list p-same)"
		is "$1: none of them is assignable" "$(xlite pci-assignable-list | sort)" "$(xl pci-assignable-list | sort)"
		# xl waits 10 s for the guest and leaves its nodes.
		run xlite destroy p-same
		said
		is "$1: xlite destroys $tool's" "$rc:$err" "0:"
		nothing_left "$1"
	done
	is "$1: the same store" "$(diff "$T/xl.store" "$T/xlite.store")" ""
	is "$1: the same stored config" "$(diff "$T/xl.json" "$T/xlite.json")" ""
	is "$1: the same parts of the machine" "$(diff "$T/xl.parts" "$T/xlite.parts")" ""
}
same "one device" "pci=['00:08.0']"
like "what was compared is there" "$(< "$T/xlite.parts")" 'I/O Ports +\{ [0-9a-f]+-[0-9a-f]+ '
same "two, with options" "pci=['00:08.0@7,permissive=1,msitranslate=1','name=duo,rdm_policy=relaxed,power_mgmt=1']"
same "e820_host" "pci=['00:08.0']" e820_host=1 maxmem=32
same "no device" 'passthrough="sync_pt"'
same "other parts" "ioports=['2f8-2ff','3e8']" "irqs=[3]" "iomem=['fd000,2']"
like "are there" "$(< "$T/xlite.parts")" 'I/O Ports +\{ 2f8-2ff, 3e8'
xl pci-assignable-list > "$T/list"
is "all are assignable again" "$(wc -l < "$T/list")" 3

# All functions of one device; seized ones stay assignable.
xlite pci-assignable-remove -r $three
tiny p-all "pci=['00:09.*,seize=1','$net']"
xlite_ok "all functions" create -q -p "$T/p-all.cfg"
is "each is there, function 0 last" "$(xlite pci-list p-all)" "Vdev Device
00.0 $three
00.0 $two
00.0 $net"
is "xl sees them" "$(xl pci-list p-all)" "$(xlite pci-list p-all)"
run xlite pci-list --json p-all
like "as JSON" "$out" '"bdf": "0000:00:09.1"'
is "its last driver is remembered" "$(xenstore-read /libxl/pci/0000-00-09-1/driver_path)" /sys/bus/pci/drivers/e1000
id=$(xl domid p-all)

# Refused, before there is a domain.
no()		# no WHAT STATUS REGEX CONFIG-LINE...
{
	tiny p-no "${@:4}"
	refused "$1" "$2" "$3" create -q -p "$T/p-no.cfg"
	ok "$1: no domain" xen_gone p-no
}
no "QEMU without its rights" 6 'dm_restrict=1 and PCI devices are not possible together' "pci=['00:08.0']" 'type="hvm"' \
	dm_restrict=1
no "in use" 3 "PCI device $net is in use by domain $id" "pci=['00:08.0']"
refused "removing one in use" 1 "PCI device $net is in use by domain $id" pci-assignable-remove -r $net
refused "attaching it again" 1 "PCI device $net is attached to domain $id already" pci-attach p-all $net
refused "detaching another" 1 "PCI device 0000:00:02.0 is not attached to domain $id" pci-detach p-all 00:02.0

# The guest's JSON cannot be written: what was attached goes again; what was detached is gone, and a
# second one says so in the JSON as well.
unwritable()	# unwritable WHAT BEFORE WORD...: its status and message, with BEFORE before it
{
	local json

	json=$(compgen -G "/var/lib/xen/userdata-d.$id.*.libxl-json")
	mkdir "$json.new"
	run xlite "${@:3}"
	said
	is "$1" "$rc:$err" "1:xlite: $2cannot create '$json.new': Is a directory"
	rmdir "$json.new"
}
in_json() { json_of "$id" | grep -c '"dev": [89]'; }
xlite_ok "one goes" pci-detach -f p-all $net
unwritable "a JSON that cannot be written, attach" "" pci-attach p-all $net
is "it is not attached" "$(xlite pci-list p-all | grep -c $net):$(in_json):$(info | grep -c domid)" 0:1:2
is "but assignable" "$(xlite pci-assignable-list)" "$net "
xlite_ok "the next time it is" pci-attach p-all $net
gone="is detached, but not for the guest's next start: "
unwritable "detach" "PCI device $net $gone" pci-detach -f p-all $net
is "it is gone, but from the JSON" "$(xlite pci-list p-all | grep -c $net):$(in_json)" 0:2
xlite_ok "a second one" pci-detach -f p-all $net
is "finishes it" "$(in_json)" 1
refused "a third" 1 "PCI device $net is not attached to domain $id" pci-detach -f p-all $net
xlite_ok "all functions go" pci-detach -f p-all '00:09.*'
is "of which the JSON knows" "$(in_json)" 0
xlite_ok "each of them comes" pci-attach p-all $two
xlite_ok "by itself" pci-attach p-all $three
unwritable "all functions" "PCI device $two $gone" pci-detach -f p-all '00:09.*'
is "they are gone, but from the JSON" "$(xlite pci-list p-all):$(in_json)" :2
xlite_ok "a second one" pci-detach -f p-all '00:09.*'
is "finishes it" "$(in_json)" 0
xlite_ok "all at once again" pci-attach p-all '00:09.*'
xlite_ok "one of them goes" pci-detach -f p-all $three
is "the other stays, also in the JSON" "$(xlite pci-list p-all | grep -c $two):$(in_json):$(
	json_of "$id" | grep -c '"func": 1\|"vfunc_mask": 4294967295')" 1:1:0
xlite_ok "destroy" destroy p-all
nothing_left "all functions"
tiny p-first 'passthrough="enabled"'
xlite create -q -p "$T/p-first.cfg"
id=$(xl domid p-first)
unwritable "and the first device of a guest" "" pci-attach p-first $net
is "nothing of it stays" "$(xlite pci-list p-first):$(in_json)" ":0"
nothing_left "the first device"
xlite destroy p-first
is "seized ones stay assignable" "$(xlite pci-assignable-list | wc -l)" 3
xlite pci-assignable-remove -r $net
no "not assignable" 3 "PCI device $net is not assignable: .*pci-assignable-add" "pci=['00:08.0']"
no "twice" 3 "PCI device $two is given twice" "pci=['00:09.0','name=duo']"
no "a bridge" 6 "PCI device 0000:00:00.0 is a bridge" "pci=['00:00.0']"
no "no such name" 3 "no PCI device of the name 'nobody'" "pci=['name=nobody']"
no "PVH" 6 'PVH' 'type="pvh"' memory=64 "pci=['$two']"
no "passthrough=disabled" 6 'passthrough="disabled"' 'passthrough="disabled"' "pci=['$two']"
no "HVM, memory on demand" 6 'memory .64 MiB. less than maxmem' 'type="hvm"' memory=64 maxmem=128 "pci=['$two']"
no "HVM, all functions anywhere" 6 "00:09.\*: all functions together need a slot" 'type="hvm"' memory=64 "pci=['00:09.*']"
tiny p-plain
xlite create -q -p "$T/p-plain.cfg"
refused "a domain without IOMMU" 1 "domain $(xl domid p-plain) has no IOMMU" pci-attach p-plain $two
xlite destroy p-plain
nothing_left "refused ones"

# A create that fails late and one that is killed.
printf '#!/bin/sh\nexit 3\n' > "$T/model"
chmod +x "$T/model"
tiny p-fail "pci=['$two']" 'vnc=1' "device_model_override=\"$T/model\"" 'device_model_version="qemu-xen"'
run xlite create -q -p "$T/p-fail.cfg"
said
like "a create that fails" "$rc:$err" '^3:.*QEMU has ended with status 3'
nothing_left "a create that fails"
mkfifo "$T/block"
printf '#!/bin/bash\nread -r x <> %s\n' "$T/block" > "$T/model"
xlite create -q -p "$T/p-fail.cfg" 2> /dev/null &
wait_for 30 xenstore-read /libxl/pci/0000-00-09-0/domid
kill -9 $!
wait $! 2> /dev/null
like "killed, it leaves the device in use" "$(info)" 'domid'
run xlite cleanup
nothing_left "cleanup"
is "the device is assignable" "$(xlite pci-assignable-list | grep -c $two)" 1

# What a backend's nodes do not tell right is not in the way of the guest's end.
tiny p-broken "pci=['$two']"
for what in dev-0 dev-0=garbage num_devs=3 num_devs=many num_devs=1000; do
	xlite create -q -p "$T/p-broken.cfg" 2> /dev/null
	back=/local/domain/0/backend/pci/$(xl domid p-broken)/0
	if [[ $what == *=* ]]; then
		xenstore-write "$back/${what%=*}" "${what#*=}"
	else
		xenstore-rm "$back/$what"
	fi
	run xlite destroy p-broken
	said
	like "$what: destroyed, and told" "$rc:$err" '^0:xlite: warning: '
	ok "$what: gone" xen_gone p-broken
	nothing_left "$what"
done

# Linux, PV: a net through one device; others come and go.
xlite pci-assignable-add $net
linux p-lin "pci=['$net']"
GUEST_LIMIT=120
# pcifront waits two seconds for each answer of the backend, and takes none for a device without
# memory; a bed with a busy neighbour may be slower.
no_answer() { grep -aq 'pciback not responding' "$(console_log p-lin)" && diag "its backend was too slow"; }
for try in 1 2 3; do
	rm -f "$(console_log p-lin)"
	xlite_ok "Linux" create -q "$T/p-lin.cfg"
	id=$(xl domid p-lin)
	console_has p-lin 'guest: ready' 200
	guest p-lin 'modprobe xen-pcifront; until ls /sys/bus/pci/devices | grep .; do sleep 1; done; cat /sys/bus/pci/devices/*/device'
	[ $try != 3 ] && no_answer || break
	xlite destroy p-lin
done
pings="modprobe -a e1000; for d in /sys/class/net/eth*; do
	if grep -q 52:54:00:12:00:01 \$d/address; then n=\${d##*/}; fi; done
	ip addr add 10.0.2.20/24 dev \$n; ip link set \$n up
	i=0; until ping -c 1 -w 2 10.0.2.2 > /dev/null || [ \$i = 20 ]; do i=\$((i + 1)); done; [ \$i -lt 20 ]"
like "it sees the device" "$out" '0000:00:00.0.*0x100e'
within "both ends are connected" 100 connected
guest p-lin "$pings"
is "and its net answers" "$rc" 0 || diag "$out"
xlite_ok "another is attached" pci-attach p-lin $two
within "seen" 100 guest p-lin 'ls -d /sys/bus/pci/devices/0000:00:01.0'
within "through" 100 connected
xl_ok "and one by xl" pci-attach p-lin $three
within "seen" 100 guest p-lin 'ls -d /sys/bus/pci/devices/0000:00:01.1'
within "through" 100 connected
is "both tools list them" "$(xlite pci-list p-lin)" "$(xl pci-list p-lin)"
is "all of them" "$(xlite pci-list p-lin | wc -l)" 4
is "and so does the stored config" "$(xl list -l p-lin | grep -c '"dev": [89]')" 3
xlite_ok "xlite takes xl's" pci-detach --timeout 100 p-lin $three
guest p-lin 'ls /sys/bus/pci/devices'
is "the guest has let go of it" "${out//[$'\n ']/}" 0000:00:00.00000:00:01.0
within "through" 100 connected
is "the stored config has let go" "$(xl list -l p-lin | grep -c '"dev": [89]')" 2
is "it is assignable" "$(xlite pci-assignable-list)" "$three "
guest p-lin 'ping -c 1 -w 20 10.0.2.2'
is "the first one works on" "$rc" 0
xlite_ok "the first one goes as well" pci-detach --timeout 100 p-lin $net
within "through" 100 connected
is "one is left" "$(xlite pci-list p-lin)" "Vdev Device
00.0 $two"
# A guest that is slow to see what xen-pciback says: it must not be asked for more before.
xlite sched-credit2 -d p-lin -c 3
xlite_ok "the last one" pci-detach --timeout 250 p-lin $two
xlite sched-credit2 -d p-lin -c 0
is "none is left" "$(xlite pci-list p-lin)$(xl pci-list p-lin)" ""
nothing_left "detach"
is "nor in the stored config" "$(xl list -l p-lin | grep -c pcidevs)" 0
xlite_ok "again the first" pci-attach p-lin $net
within "connected" 100 connected
guest p-lin "$pings"
is "its net answers again" "$rc" 0 || diag "$out"
xlite pause p-lin
refused "one that stands still" 1 "PCI devices: its backend is still in state Reconfiguring" pci-attach p-lin $two
refused "which whoever comes next is told" 1 \
	"an earlier change is still under way: its backend is still in state Reconfiguring$" pci-attach p-lin $three
xlite_ok "destroyed in use" destroy p-lin
nothing_left "Linux"

# HVM, with a guest that never looks: QEMU has them, where they were wanted.
config p-bare 'type="hvm"' memory=64 "firmware_override=\"$XLITE/guests/tiny\"" 'vga="none"' vnc=0 \
	"pci=['$net@6']"
vdev() { xlite pci-list "$1" | sed -n "s/^\(.*\) $2\$/\1/p"; }
for tool in xl xlite; do
	run $tool create -q -p "$T/p-bare.cfg"
	is "HVM: $tool creates" "$rc:$out" "0:" || diag "$err"
	id=$(xl domid p-bare)
	settled "$id"
	store_of "$id" | grep pci > "$T/$tool.store"
	json_of "$id" | sed -n '/pcidevs/,/]/p' > "$T/$tool.json"
	parts "$id" > "$T/$tool.parts"
	[ $tool = xlite ] || xlite destroy p-bare 2> /dev/null
done
for what in store json parts; do
	is "HVM: the same $what" "$(diff "$T/xl.$what" "$T/xlite.$what")" ""
done
like "what was compared is there" "$(< "$T/xlite.store")$(< "$T/xlite.json")" 'vdevfn-0 = "30".*"vdevfn": 48'
is "it is where it was wanted" "$(vdev p-bare $net)" 06.0
xlite_ok "another is attached" pci-attach p-bare $two,permissive=1
is "whose configuration it may write" "$(< /sys/bus/pci/drivers/pciback/permissive)" $two
like "QEMU has chosen a place" "$(vdev p-bare $two)" '^[01][0-9a-f]\.0$'
xl_ok "and one by xl" pci-attach p-bare $three
is "both tools list them" "$(xlite pci-list p-bare)" "$(xl pci-list p-bare)"
refused "the guest keeps it" 1 'does not let go of it' pci-detach --timeout 2 p-bare $two
run xlite pci-detach -f --timeout 2 p-bare $three
like "-f" "$rc:$err" '^0:.*removed all the same'
is "two are left" "$(xlite pci-list p-bare | wc -l)" 3
is "one is assignable" "$(xlite pci-assignable-list)" "$three "
xlite_ok "destroyed in use" destroy p-bare
nothing_left "HVM"
is "QEMU has ended" "$(pgrep -f -- '-xen-domid')" ""

# HVM Linux takes minutes to boot.
if [ -n "${LONG-}" ]; then
linux p-hvm 'type="hvm"' "pci=['$net@6']" 'vga="none"' vnc=0
xlite_ok "HVM Linux" create -q "$T/p-hvm.cfg"
console_has p-hvm 'guest: ready' 900
GUEST_LIMIT=300
guest p-hvm 'cat /sys/bus/pci/devices/0000:00:06.0/device'
is "it sees the device there" "$out" 0x100e
guest p-hvm "$pings"
is "and its net answers" "$rc" 0 || diag "$out"
xlite_ok "another is attached" pci-attach p-hvm $two
slot=$(vdev p-hvm $two)
within "seen there" 300 guest p-hvm "cat /sys/bus/pci/devices/0000:00:$slot/device"
xlite_ok "and detached" pci-detach --timeout 300 p-hvm $two
guest p-hvm "ls /sys/bus/pci/devices"
like "the guest still says what it has" "$rc:$out" '^0:.*0000:00:06\.0'
unlike "that one is gone" "$out" "0000:00:$slot"
xl_ok "xl attaches one" pci-attach p-hvm $two
within "seen" 300 guest p-hvm "cat /sys/bus/pci/devices/0000:00:$(vdev p-hvm $two)/device"
xlite_ok "xlite takes it" pci-detach --timeout 300 p-hvm $two
xlite_ok "destroyed in use" destroy p-hvm
nothing_left "HVM Linux"
fi

for dev in $net $two $three; do xlite pci-assignable-remove -r "$dev"; done
is "all are back" "$(drivers)" "e1000 e1000 e1000"
is "and nobody remembers" "$(info)" ""
modprobe -r e1000
xenstore-rm /local/domain/0/error 2> /dev/null
rm -f /var/log/xen/qemu-dm-*
done_testing
