#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# PVH guests: what they get, beside xl; memory on demand; what is refused before there is a
# domain; Debian's kernel with one vcpu and with four, some of them taken away and given back.
# time-limit: 1500
. "$XLITE/lib.sh"
. "$XLITE/same.sh"

pvh() { tiny "$1" 'type="pvh"' memory=32 "${@:2}"; }

same() { pvh p-same "${@:2}"; same_as_xl "$1" "$T/p-same.cfg" p-same; }	# same WHAT CONFIG-LINE...

xl debug-keys h || skip_all "no hypervisor"
same "one vcpu" vcpus=1 'extra="say=a b"'
same "a PV kernel in pvshim" pvshim=1 memory=96 'pvshim_extra="loglvl=all"' "ramdisk=\"$XLITE/guests/tiny\""
same "vcpus, maxmem, a ramdisk" vcpus=2 maxvcpus=4 memory=32 maxmem=96 "ramdisk=\"$XLITE/guests/tiny\""
truncate -s 4M "$T/p-same.img"
qemu-img create -q -f qcow2 "$T/p-same.qcow2" 8M
mkdir "$T/p-share"
same "a disk and a network" "disk=['$T/p-same.img,raw,xvda,w']" "vif=['mac=00:16:3e:09:40:02']"
same "a disk for QEMU and a framebuffer" "disk=['$T/p-same.qcow2,qcow2,xvdb,w']" 'vfb=["vncunused=1"]'
same "no ACPI" acpi=0
same "a shared folder" "p9=['tag=share,path=$T/p-share,security_model=none']"
same "cpuid, tsc_mode" 'cpuid="host,avx=0,family=5"' 'tsc_mode="native"'
same "nestedhvm, altp2m" nestedhvm=0 'altp2m="external"'
same "timers, words for QEMU" 'timer_mode="one_missed_tick_pending"' 'device_model_args=["-trace","a"]' \
	'device_model_args_hvm=["-none-of-it"]' 'device_model_args_pv=["-seed","7"]' 'vfb=["vncunused=1"]'
like "what was compared is there" "$(< "$T/xlite.xen")" "max_pages=.*mode=.*CPUID:"

# Runs, talks, ends.
pvh p-run 'extra="say=hello mem"'
run xlite create -q "$T/p-run.cfg"
is "create" "$rc:$err" "0:"
console_has p-run "tiny: pvh, 32 MiB, cmdline 'say=hello mem'"
console_has p-run '^hello'
run xlite trigger p-run power
is "no power button" "$rc:$err" "1:xlite: domain $(xl domid p-run) is a PVH guest, without the hardware for 'power': use shutdown"
run xlite trigger p-run s3resume
like "no S3" "$rc:$err" "^1:.*without the hardware for 's3resume'"
run xlite trigger p-run nmi 3
like "nmi for a vcpu that it has not" "$rc:$err" '^1:.*has no vcpu 3'
run xlite trigger p-run init
like "no INIT in this Xen" "$rc:$err" '^1:.*this hypervisor cannot send the init trigger'
run xlite trigger p-run 0
is "no such trigger" "$rc:$err" '1:Invalid trigger "0"'
run xlite shutdown -w p-run
is "shutdown" "$rc" 0 || diag "$err"
xen_gone p-run || xlite destroy p-run

# A reset ends it with the reason of a reboot, PV as PVH; an NMI arrives, which tiny tells as PVH.
for line in 'type="pvh"' 'type="pv"'; do
	pvh p-reset "$line" 'on_reboot="preserve"'
	run xlite create -q "$T/p-reset.cfg"
	console_has p-reset 'tiny: ready'
	if [ "$line" = 'type="pvh"' ]; then
		run xlite trigger p-reset nmi
		is "nmi" "$rc:$err" "0:"
		console_has p-reset '^tiny: nmi'
	fi
	run xlite trigger p-reset reset
	is "reset" "$rc:$err" "0:"
	like "is a reboot" "$(xl list p-reset | tail -n 1)" 'sr- '
	run xlite destroy p-reset
	rm -f "$(console_log p-reset)"
done

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

# Where the guest finds ACPI tables, and what its memory map has: 1 RAM, 2 the rings, 3 ACPI. Linux
# that does not say that it reads the start info (tiny with its name) gets a pointer where a BIOS
# would have it, too.
acpi()		# acpi WHAT MAP CONFIG-LINE...
{
	pvh p-acpi 'extra="map"' "${@:3}"
	run xlite create -q "$T/p-acpi.cfg"
	is "$1" "$rc:$err" "0:"
	console_has p-acpi "^tiny: map rsdp=$2.?\$"
	run xlite destroy p-acpi
	rm -f "$(console_log p-acpi)"
}
# patched NAME FROM TO: a copy of tiny, with other bytes in its notes
patched()
{
	LC_ALL=C sed "s/$2/$3/" "$XLITE/guests/tiny" > "$T/$1"
	nok "$1: other bytes" cmp -s "$XLITE/guests/tiny" "$T/$1"
}
acpi "ACPI" 'fc000000 types=1,3,2'
acpi "acpi=0" '0 types=1,2' acpi=0
patched old-linux 'xlite-tiny\x00' 'linux\x00\x00\x00\x00\x00\x00'
acpi "ACPI for a Linux before 4.20" 'fffc0 types=1,3,1,3,2' "kernel=\"$T/old-linux\""

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
patched no-pvh '\x12\x00\x00\x00Xen\x00' '\x7f\x00\x00\x00Xen\x00'	# XEN_ELFNOTE_PHYS32_ENTRY
auto "a kernel that cannot" pv "kernel=\"$T/no-pvh\""
pvh p-dry 'type="auto"'
run xlite create -n "$T/p-dry.cfg"
like "create -n of auto" "$rc:$out" '^0:.*"type": "pvh"'

# Refused before there is a domain; the message says what and why.
refused() { pvh p-no "${@:3}"; create_refused p-no "$1" "$2"; }	# refused WHAT MESSAGE CONFIG-LINE...
refused "129 vcpus" "a PVH guest cannot have 129 vcpus: 128 is the most" vcpus=1 maxvcpus=129
refused "a kernel without PVH" "kernel '$XLITE/guests/pv32' cannot run as a PVH guest: it was built without PVH support (Linux: CONFIG_PVH)" "kernel=\"$XLITE/guests/pv32\""
refused "passthrough" "passthrough is not possible for PVH guests: Xen has none for them" 'passthrough="enabled"'
refused "no pvshim" "pvshim: cannot open '/no/shim': No such file or directory" pvshim=1 'pvshim_path="/no/shim"'
refused "a pvshim that is none" "kernel '$XLITE/guests/pv32' cannot run as a PVH guest: it was built without PVH support (Linux: CONFIG_PVH)" pvshim=1 "pvshim_path=\"$XLITE/guests/pv32\""
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
qemu-img create -q -f qcow2 "$T/p-one.qcow2" 8M
linux p-one 'type="pvh"' memory=192 maxmem=256 'extra="console=hvc0"' 'vfb=["vnc=1"]' \
	"disk=['$T/p-one.img,raw,xvda,w', '$T/p-one.qcow2,qcow2,xvdb,w']" "vif=['mac=00:16:3e:09:40:01']"
run xlite create -q "$T/p-one.cfg"
is "Linux" "$rc" 0 || diag "$err"	# a busy host is told what is waited for
console_has p-one 'guest: ready' 300
log=$(tr -d '\r\000' < "$(console_log p-one)")
like "runs as PVH" "$log" 'Booting kernel on Xen PVH'
like "has our tables" "$log" 'ACPI: DSDT 0x[0-9A-F]+ [0-9A-F]+ .v02 Xen    PVH '
unlike "and nothing to say against them" "$log" 'ACPI( BIOS)? (Error|Warning)|Firmware Bug|ACPI: Unable'
GUEST_LIMIT=120 guest p-one 'dmesg | grep "e820: [ru]"'
like "says what it does with the memory map" "$out" 'e820: remove'
unlike "which is in order" "$out" 'e820: (remove|update) .mem 0x0*(feff|fc0)'
GUEST_LIMIT=120 guest p-one 'ls /sys/bus/acpi/devices /sys/firmware/acpi/tables'
like "processor and buttons" "$out" 'ACPI0007:00.*PNP0C0C:00.*PNP0C0E:00'
GUEST_LIMIT=120 guest p-one 'grep -c ^processor /proc/cpuinfo'
is "one processor" "$out" 1
GUEST_LIMIT=120 guest p-one 'grep xvd /proc/partitions | sort -k 4; cat /sys/class/net/eth0/address'
like "its disks, one served by QEMU, and its network" "$out" $' 4096 xvda\n.* 8192 xvdb\n00:16:3e:09:40:01'
exec 4<> /dev/tcp/127.0.0.1/5900
read -r -t 30 -n 3 -u 4 rfb
exec 4>&-
is "its framebuffer answers" "$rfb" RFB
run xlite shutdown -w p-one
is "shutdown" "$rc" 0 || diag "$err"
xen_gone p-one || xlite destroy p-one

# Four, on a host of two: all come up while Linux boots, which takes minutes when the host is busy.
# To bring vcpus back later is for user space (udev), to take them away for the kernel.
linux p-four 'type="pvh"' vcpus=4 'on_reboot="preserve"'
bring_up='for i in 2 3; do echo 1 > /sys/devices/system/cpu/cpu$i/online; done'
online() { GUEST_LIMIT=60 guest p-four 'cat /sys/devices/system/cpu/online'; [ "$out" = "$1" ]; }
faulted() { xl dmesg | grep -q "(XEN) d${id}v[0-9]* Triple fault"; }
ready_or_faulted() { grep -aq 'guest: ready' "$(console_log p-four)" || faulted; }
four()		# one life; what it shows
{
	rm -f "$(console_log p-four)"
	console='' first='' interrupts='' fewer='' seen='' again=''
	run xlite create -q "$T/p-four.cfg"
	created=$rc:$err
	id=$(xlite domid p-four)
	wait_for 400 ready_or_faulted
	! faulted || return
	console=$(tr -d '\r\000' < "$(console_log p-four)")
	online 0-3
	first=$out
	GUEST_LIMIT=120 guest p-four 'grep -c ^processor /proc/cpuinfo; grep -E "timer|ERR" /proc/interrupts'
	interrupts=$out
	run xlite vcpu-set p-four 2
	wait_for 60 online 0-1
	! faulted || return
	fewer=$out
	seen=$(xl list p-four | awk 'NR == 2 { print $4 }')
	run xlite vcpu-set -i p-four 4
	GUEST_LIMIT=120 guest p-four "$bring_up"
	wait_for 60 online 0-3
	again=$out
}
# Now and then the bed's emulated processor has a vcpu of a guest triple-fault (of xl's, too), and
# a busy host lets one of four wait for seconds while another spins for it: not in every life.
stuck='soft lockup|rcu.*stall|not responding'
for life in 1 2 3; do
	four
	why=$(xl dmesg | grep -m 1 "d${id}v[0-9]* Triple fault" || grep -Em 1 "$stuck" <<< "$console") ||
		break
	diag "life $life: $why"
	[ "$life" = 3 ] || xlite destroy p-four
done
is "Linux, four vcpus" "$created" "0:"
like "it is up" "$console" 'guest: ready'
is "all online" "$first" 0-3
unlike "nobody waits for anybody" "$console" "$stuck"
like "/proc/cpuinfo, and /proc/interrupts: a timer on each" "$interrupts" '^4.*timer0.*timer1.*timer2.*timer3'
like "and no errors" "$interrupts" 'ERR: +0'
is "vcpu-set 2" "$fewer" 0-1
is "vcpus that Xen still sees" "$seen" 2
is "vcpu-set 4" "$again" 0-3
run xlite destroy p-four
is "destroy" "$rc:$err" "0:"
rm -rf /var/cache/xlite
done_testing
