#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# PVH guests: what they get, beside xl; memory on demand; what is refused before there is a
# domain; Debian's kernel with one vcpu and with four, some of them taken away and given back.
# time-limit: 1500
. "$XLITE/lib.sh"

pvh() { tiny "$1" 'type="pvh"' memory=32 "${@:2}"; }

# The store below and about a domain, with its number, uuid and times made equal.
dump()		# dump DOMID UUID FILE
{
	xenstore-ls -fp | sed -e "s/$2/UUID/g" -e "s,/domain/$1/,/domain/N/,g" -e "s,/domain/$1 ,/domain/N ,g" \
		-e "s,/domain/$1\",/domain/N\",g" -e "s,/libxl/$1\\([/ ]\\),/libxl/N\\1,g" \
		-e "s,/console/$1\\([/ ]\\),/console/N\\1,g" -e "s/r$1)/rN)/" -e "s/(n$1\\([,)]\\)/(nN\\1/" \
		-e 's/\(start_time\) = .*/\1/' -e "s/\\(domid\\|frontend-id\\) = \"$1\"/\\1 = N/" \
		-e 's,= "/dev/pts/[0-9]*",= PTS,' | sort > "$3"
}

# What Xen says of a domain: limits, vcpus, and what its processor can do. Two differences
# stay out: frame numbers, and nr_pages, since libxl's ACPI tables take eight pages more.
xen_view()	# xen_view DOMID FILE
{
	xl dmesg -c > /dev/null
	xl debug-keys q
	xl dmesg | sed -n "/General information for domain $1:/,/Notifying guest/p" |
		sed -n -e 's/nr_pages=[0-9]* *//' -e '/max_pages=\|paging\|vm_assist\|hap\|pause_flags\|affinity/p' |
		sed -e "s/domain $1/domain N/" -e 's/handle=[^ ]*//' -e 's/dirty_cpus={[^}]*}//' \
			-e 's/CPU[0-9]* \[/CPU [/' -e 's/dirty_cpu=[0-9]*//' > "$2"
	/usr/lib/xen-*/bin/xen-cpuid -p "$1" 2>&1 | sed "s/Domain $1/Domain N/" >> "$2"
}

same_as_xl()	# same_as_xl WHAT CONFIG-LINE...
{
	local what=$1 tool id vm
	shift

	pvh p-same "$@"
	for tool in xl xlite; do
		: > "$T/$tool.store"
		run $tool create -q -p "$T/p-same.cfg"
		is "$what: $tool creates" "$rc:$out" "0:" || { diag "$err"; return; }
		id=$(xl domid p-same)
		wait_for 10 xenstore-read "/local/domain/$id/console/tty"
		vm=$(xenstore-read "/local/domain/$id/vm")
		dump "$id" "${vm#/vm/}" "$T/$tool.store"
		tr -d '\000' < "/var/lib/xen/userdata-d.$id.${vm#/vm/}.libxl-json" |
			sed 's/"uuid": .*//' > "$T/$tool.json"
		xen_view "$id" "$T/$tool.view"
		run $tool destroy p-same
		wait_for 10 xen_gone p-same
	done
	is "$what: same store as with xl" "$(diff "$T/xl.store" "$T/xlite.store")" ""
	is "$what: same JSON" "$(diff "$T/xl.json" "$T/xlite.json")" ""
	is "$what: the same to Xen" "$(diff "$T/xl.view" "$T/xlite.view")" ""
}

xl debug-keys h || skip_all "no hypervisor"
same_as_xl "one vcpu" vcpus=1 'extra="say=a b"'
same_as_xl "vcpus, maxmem, a ramdisk" vcpus=2 maxvcpus=4 memory=32 maxmem=96 "ramdisk=\"$XLITE/guests/tiny\""
like "what was compared is there" "$(< "$T/xlite.view")" "max_pages=.*CPUID:"

# Runs, talks, ends.
pvh p-run 'extra="say=hello mem"'
run xlite create -q "$T/p-run.cfg"
is "create" "$rc:$err" "0:"
console_has p-run "tiny: pvh, 32 MiB, cmdline 'say=hello mem'"
console_has p-run '^hello'
run xlite shutdown -w p-run
is "shutdown" "$rc" 0 || diag "$err"
xen_gone p-run || xlite destroy p-run

# Memory comes on demand and follows mem-set.
pvh p-pod memory=32 maxmem=128
run xlite create -q "$T/p-pod.cfg"
is "memory < maxmem" "$rc:$err" "0:"
console_has p-pod 'pvh, 128 MiB'
console_has p-pod 'balloon 32768 KiB'
run xlite mem-set -w p-pod 64
is "mem-set up" "$rc:$err" "0:"
console_has p-pod 'balloon 65536 KiB'
run xlite mem-set -w p-pod 40
is "mem-set down" "$rc:$err" "0:"
run xlite destroy p-pod
is "destroy" "$rc:$err" "0:"

# Memory above the hole below 4 GiB, more than the host has: only its map is there.
pvh p-high memory=32 maxmem=6000 'extra="noballoon"'
run xlite create -q "$T/p-high.cfg"
is "maxmem above 4 GiB" "$rc:$err" "0:"
console_has p-high 'tiny: pvh, 6000 MiB'
run xlite destroy p-high
is "destroy" "$rc:$err" "0:"

# Without ACPI there is nothing in the memory map but RAM and the rings.
pvh p-acpi acpi=0
run xlite create -q "$T/p-acpi.cfg"
is "acpi=0" "$rc:$err" "0:"
console_has p-acpi 'tiny: ready'
run xlite destroy p-acpi

# type="auto": what the kernel can; more vcpus than PVH can have are PV's.
auto()		# auto WHAT TYPE CONFIG-LINE...
{
	pvh p-auto 'type="auto"' "${@:3}"
	run xlite create -q -p "$T/p-auto.cfg"
	is "auto, $1" "$rc:$err:$(xenstore-read "/libxl/$(xl domid p-auto)/type")" "0::$2"
	run xlite destroy p-auto
}
auto "a kernel that can" pvh
auto "too many vcpus" pv vcpus=1 maxvcpus=129
pvh p-dry 'type="auto"'
run xlite create -n "$T/p-dry.cfg"
like "create -n of auto" "$rc:$out" '^0:.*"type": "pvh"'

# Refused before there is a domain; the message says what and why.
refused()	# refused WHAT MESSAGE CONFIG-LINE...
{
	pvh p-no "${@:3}"
	run xlite create -q -p "$T/p-no.cfg"
	err=${err#xlite: }
	isnt "refused: $1" "$rc" 0
	is "in words" "${err#"cannot create 'p-no': "}" "$2"
	xen_gone p-no || xl destroy p-no
}
refused "129 vcpus" "a PVH guest cannot have 129 vcpus: 128 is the most" vcpus=1 maxvcpus=129
refused "a kernel without PVH" "kernel '$XLITE/guests/pv32' cannot run as a PVH guest: it was built without PVH support (Linux: CONFIG_PVH)" "kernel=\"$XLITE/guests/pv32\""
refused "passthrough" "passthrough is not possible for PVH guests: Xen has none for them" 'passthrough="enabled"'
refused "pvshim" 'pvshim is not supported yet: give a kernel with PVH support, or type="pv"' pvshim=1
refused "too small" "memory is 1 MiB, but the kernel alone needs 2 MiB" memory=1
pvh p-no memory=6000
run xlite create -q -p "$T/p-no.cfg"
like "not enough memory" "$rc:$err" '^3:.*not enough memory: needs 6[0-9]+ MiB, [0-9]+ MiB free'
pvh p-no hap=0
run xlite create -q -p "$T/p-no.cfg"
like "no shadow paging in Debian's Xen" "$rc:$err" '^3:.*hap=0, and this hypervisor has no shadow paging'

# vcpu-set: limits. The guest's part comes below.
pvh p-set vcpus=1 maxvcpus=4
run xlite create -q -p "$T/p-set.cfg"
run xlite vcpu-set p-set 3
is "more than the host has" "$rc:$err" "1:You are overcommmitting! You have 2 physical CPUs and want 3 vCPUs! Aborting, use --ignore-host to continue"
run xlite vcpu-set -i p-set 5
like "more than maxvcpus" "$rc:$err" '^1:.*cannot have 5 vcpus: 4 is its maximum'
run xlite vcpu-set -i p-set 0
like "none" "$rc:$err" '^1:.*cannot run without vcpus'
run xlite vcpu-set p-set 2x
like "no number" "$rc:$err" "^1:.*bad number of vcpus '2x'"
available() { for i in 0 1 2 3; do xenstore-read "/local/domain/$(xl domid p-set)/cpu/$i/availability"; done | tr '\n' ' '; }
run xlite vcpu-set -i p-set 3
is "three" "$rc:$err:$(available)" "0::online online online offline "
xl vcpu-set -i p-set 2
is "two by xl" "$(available)" "online online offline offline "
run xlite vcpu-set p-set 1
is "one" "$rc:$err:$(available)" "0::online offline offline offline "
run xlite destroy p-set

# Debian's kernel, one vcpu, its memory on demand, devices; what it thinks of the tables.
truncate -s 4M "$T/p-one.img"
linux p-one 'type="pvh"' memory=192 maxmem=256 'extra="console=hvc0"' \
	"disk=['$T/p-one.img,raw,xvda,w']" "vif=['mac=00:16:3e:09:40:01']"
run xlite create -q "$T/p-one.cfg"
is "Linux" "$rc:$err" "0:"
console_has p-one 'guest: ready' 300
log=$(tr -d '\r\000' < "$(console_log p-one)")
like "runs as PVH" "$log" 'Booting kernel on Xen PVH'
like "has our tables" "$log" 'ACPI: DSDT 0x[0-9A-F]+ [0-9A-F]+ .v02 Xen    PVH '
unlike "and nothing to say against them" "$log" 'ACPI( BIOS)? (Error|Warning)|Firmware Bug|ACPI: Unable'
unlike "its memory map is in order" "$log" 'e820: (remove|update) .mem 0x0*(feff|fc0)'
GUEST_LIMIT=120 guest p-one 'ls /sys/bus/acpi/devices /sys/firmware/acpi/tables'
like "processor and buttons" "$out" 'ACPI0007:00.*PNP0C0C:00.*PNP0C0E:00'
GUEST_LIMIT=120 guest p-one 'grep -c ^processor /proc/cpuinfo'
is "one processor" "$out" 1
GUEST_LIMIT=120 guest p-one 'grep xvda /proc/partitions; cat /sys/class/net/eth0/address'
like "its disk and its network" "$out" $' 4096 xvda\n00:16:3e:09:40:01'
run xlite shutdown -w p-one
is "shutdown" "$rc" 0 || diag "$err"
xen_gone p-one || xlite destroy p-one

# Four, on a host of two: two come up while Linux boots, two by hand. Until it has its clock it takes
# 250 timer interrupts a second on each, for which a busy emulated host has no time (xl's guests too).
# To bring vcpus back is for user space (udev) as well, to take them away for the kernel.
linux p-four 'type="pvh"' vcpus=4 'extra="console=hvc0 quiet maxcpus=2"'
run xlite create -q "$T/p-four.cfg"
is "Linux, four vcpus" "$rc:$err" "0:"
console_has p-four 'guest: ready' 400
online() { GUEST_LIMIT=60 guest p-four 'cat /sys/devices/system/cpu/online'; [ "$out" = "$1" ]; }
bring_up='for i in 2 3; do echo 1 > /sys/devices/system/cpu/cpu$i/online; done'
GUEST_LIMIT=120 guest p-four "$bring_up"
within "all online" 60 online 0-3
GUEST_LIMIT=120 guest p-four 'grep -c ^processor /proc/cpuinfo; grep -E "timer|ERR" /proc/interrupts'
like "/proc/cpuinfo, and /proc/interrupts: a timer on each" "$out" '^4.*timer0.*timer1.*timer2.*timer3'
like "and no errors" "$out" 'ERR: +0'
run xlite vcpu-set p-four 2
within "vcpu-set 2" 60 online 0-1
is "vcpus that Xen still sees" "$(xl list p-four | awk 'NR == 2 { print $4 }')" 2
run xlite vcpu-set -i p-four 4
GUEST_LIMIT=120 guest p-four "$bring_up"
within "vcpu-set 4" 60 online 0-3
run xlite destroy p-four
is "destroy" "$rc:$err" "0:"
rm -rf /var/cache/xlite
done_testing
