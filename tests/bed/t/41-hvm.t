#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# HVM guests: ten configs beside xl; a guest without firmware that runs, is ballooned and ends; what
# is refused before there is a domain; LONG: Debian's kernel through hvmloader and SeaBIOS.
# time-limit: 1800
. "$XLITE/lib.sh"
. "$XLITE/same.sh"

# A guest whose firmware is the tiny guest: there in a moment, by PV console.
bare() { config "$1" 'type="hvm"' memory=64 "firmware_override=\"$XLITE/guests/tiny\"" 'vga="none"' vnc=0 "${@:2}"; }
hvm() { config "$1" 'type="hvm"' memory=64 "${@:2}"; }

# What a line types at a guest's console.
type_at() { printf '%s\n' "$2" > "$(xenstore-read "/local/domain/$(xl domid "$1")/console/tty")"; }

# What is made up anew by each.
same_also()
{
	sed -i 's/\(generation-id = \)"[0-9]*:[0-9]*"/\1ID/' "$T/$1.store"
	sed -i '/"ms_vm_genid"/,/\]/d' "$T/$1.json"
}

same() { hvm h-same "${@:2}"; same_as_xl "$1" "$T/h-same.cfg" h-same; }	# same WHAT CONFIG-LINE...

printf 'not quite a table' > "$T/smbios"
printf 'nor this' > "$T/acpi"

same "nothing but a name"
like "what was compared is there" "$(< "$T/xlite.xen")$(< "$T/xlite.store")$(< "$T/xlite.qemu")" 'max_pages=.*: mode=.*hvm_info: apic 1 .*CPUID:.*hvmloader/bios.*-xen-domid'
same "viridian, timers, vcpus" viridian=1 hpet=0 vpt_align=0 'timer_mode="one_missed_tick_pending"' vcpus=2 maxvcpus=4
same "viridian's groups, nested, no apic" 'viridian=["defaults","synic","stimer","!crash_ctl"]' nestedhvm=1 apic=0
same "another card, no acpi" 'vga="stdvga"' videoram=32 acpi=0 acpi_s3=0 acpi_s4=0 acpi_laptop_slate=1
same "memory on demand" maxmem=128
same "a hole, memory above 4 GiB" mmio_hole=1024 maxmem=3584
same "processor and clock" pae=0 nx=0 'tsc_mode="always_emulate"' rtc_timeoffset=3600 localtime=1 'cpuid="host,avx=0"'
same "tables of its own" "smbios_firmware=\"$T/smbios\"" 'ms_vm_genid="generate"'
same "direct kernel boot, ports" 'kernel="/srv/guests/vmlinuz"' 'ramdisk="/srv/guests/initrd"' 'extra="a b"' 'boot="dc"' 'serial="pty"' usb=1 'usbdevice="tablet"'
same "altp2m, firmware by path" 'altp2m="mixed"' 'firmware="seabios"' 'bios_path_override="/usr/share/seabios/bios.bin"' 'bios="seabios"' xen_platform_pci=0 shadow_memory=16

# libxl puts acpi_firmware into the guest's memory map as if it lay at 0, where hvmloader finds it
# in the way; ours does not. The rest is the same.
hvm h-acpi "acpi_firmware=\"$T/acpi\""
run xlite create -q -p "$T/h-acpi.cfg"
is "acpi_firmware" "$rc:$(xenstore-read "/local/domain/$(xl domid h-acpi)/hvmloader/acpi/length")" "0:0x8"
run xlite destroy h-acpi

# QEMU is started before there is memory, and populates none; where memory comes on demand, after.
early()	# early MEMORY-LINE: whether QEMU is there while memory is populated
{
	bare h-early "$1"
	XLITE_STOP_AT=xc_dom_boot_mem_init xlite-fault create -q -p "$T/h-early.cfg" &
	within "$1: create is at the memory" 60 grep -q '^State:.*stopped' "/proc/$!/status"
	pgrep -f -- '-xen-domid' > /dev/null
	model=$?
	kill -CONT $!
	wait $!
	is "$1: created" $? 0
	run xlite destroy h-early
}
early memory=64
is "QEMU starts early" $model 0
early 'maxmem=128'
is "with memory on demand it does not" $model 1

# The buttons of one that does not listen. This Xen has no reset for xl to send.
bare h-button 'on_reboot="preserve"'
xlite create -q -p -e "$T/h-button.cfg"
run xl shutdown -F h-button
said="$rc:$out:$err"
run xlite shutdown -F h-button
is "shutdown -F: as xl" "$rc:$out:$err" "$said"
run xlite reboot -F h-button
like "reboot -F" "$rc:$err" '^0:.*sending ACPI reset button event'
ok "ends it with the reason of a reboot" wait_for 20 eval '[[ $(xl list h-button) == *sr-* ]]'
xlite destroy h-button

# ACPI's buttons, in the register that shows what was pressed: Xen's PM1a_STS, bits 8 and 9, at 0x1f40
# as long as no firmware has moved it.
bare h-pressed
xlite create -q "$T/h-pressed.cfg"
console_has h-pressed 'tiny: ready'
pressed() { type_at "$1" 'port 8000'; console_has "$1" "port 8000 = $2"; }
pressed h-pressed 0
run xlite trigger h-pressed power
is "trigger power" "$rc:$err" "0:"
pressed h-pressed 256
run xlite trigger h-pressed sleep
is "trigger sleep" "$rc:$err" "0:"
pressed h-pressed 768
xlite destroy h-pressed
bare h-forced
xlite create -q -p "$T/h-forced.cfg"
run xlite shutdown -F h-forced
like "shutdown -F" "$rc:$err" '^0:.*sending ACPI power button event'
xlite unpause h-forced
console_has h-forced 'tiny: ready'
pressed h-forced 256
xlite destroy h-forced

# Runs, talks, follows its target, ends.
bare h-run memory=64 maxmem=128 vcpus=2
run xlite create -q -p "$T/h-run.cfg"
is "create" "$rc" 0 || diag "$err"
run xlite shutdown h-run
like "it does not listen yet" "$rc:$err" '^1:.*PV control interface not available.*Use "-F"'
run xlite unpause h-run
console_has h-run 'tiny: hvm, 128 MiB'
console_has h-run 'balloon 64512 KiB'
type_at h-run mem
console_has h-run 'tiny: mem 64'
run xlite mem-set -w h-run 96
is "mem-set up" "$rc:$err" "0:"
console_has h-run 'balloon 98304 KiB'
run xlite mem-set -w h-run 48
is "mem-set down" "$rc:$err" "0:"
console_has h-run 'balloon 49152 KiB'
type_at h-run fill
console_has h-run 'tiny: filled'
run xlite shutdown -w h-run
is "shutdown" "$rc" 0 || diag "$err"
console_has h-run 'tiny: shutdown poweroff'
xen_gone h-run || xlite destroy h-run

# Memory on both sides of a hole, more than the host has: only its map is there.
bare h-high maxmem=5000 mmio_hole=2048
run xlite create -q "$T/h-high.cfg"
is "memory above 4 GiB" "$rc" 0 || diag "$err"
console_has h-high 'tiny: hvm, 5000 MiB'
run xlite destroy h-high

# Made by one tool, ended by the other.
bare h-two
run xl create -q "$T/h-two.cfg"
is "xl creates" "$rc" 0 || diag "$err"
like "xlite lists" "$(xlite list h-two)" 'h-two +[0-9]+ +6[34] '
run xlite destroy h-two
is "xlite destroys" "$rc:$err" "0:"
run xlite create -q "$T/h-two.cfg"
run xl destroy h-two
is "xl destroys" "$rc:$err" "0:"
xlite cleanup > /dev/null 2>&1

# Refused before there is a domain; the message says what and why.
refused() { hvm h-no "${@:3}"; create_refused h-no "$1" "$2"; }	# refused WHAT MESSAGE CONFIG-LINE...
refused "129 vcpus" "an HVM guest cannot have 129 vcpus: 128 is the most" vcpus=1 maxvcpus=129
refused "too little memory for its card" "memory is 128 MiB, but an HVM guest needs at least 136 MiB: 8 and 128 for its video card" 'vga="qxl"' memory=128
refused "a card with too little" "videoram is 4 MiB, but this vga needs 8 MiB" videoram=4
refused "OVMF" "'/usr/share/ovmf/OVMF.fd' was built without support for Xen, guests hang in it: use bios=\"seabios\", or give an OvmfXen image with bios_path_override" 'bios="ovmf"'
refused "rombios" "bios=\"rombios\" was qemu-xen-traditional's: use seabios" 'bios="rombios"'
refused "no such firmware" "firmware: cannot open '/nowhere': No such file or directory" 'firmware_override="/nowhere"'
refused "no such BIOS" "bios: cannot open '/nowhere': No such file or directory" 'bios="seabios"' 'bios_path_override="/nowhere"'
refused "a BIOS as firmware" "'/usr/share/seabios/bios.bin' is not a kernel: neither ELF nor bzImage nor gzip" 'firmware_override="/usr/share/seabios/bios.bin"'
refused "no such kernel" "kernel: cannot open '/nowhere': No such file or directory" 'kernel="/nowhere"'
refused "a ramdisk alone" "ramdisk belongs to a kernel, and the config gives none" 'ramdisk="/srv/guests/initrd"'
refused "groups without base" "viridian: the other groups need the group base" 'viridian=["synic"]'
refused "altp2m, on demand" "altp2m is not possible with memory less than maxmem" 'altp2m="mixed"' maxmem=128
hvm h-no hap=0
run xlite create -q -p "$T/h-no.cfg"
like "no shadow paging in Debian's Xen" "$rc:$err" '^3:.*hap=0, and this hypervisor has no shadow paging'

[ -n "${LONG-}" ] || { done_testing; exit; }

# A secondary table of its own: Name (XLTE, One).
perl -e '$t = pack("a4 L C C a6 a8 L a4 L", "SSDT", 42, 2, 0, "XLITE", "TEST", 1, "TEST", 1) . "\x08XLTE\x01";
	substr($t, 9, 1) = chr(-unpack("%32C*", $t) & 255); print $t' > "$T/ssdt"
# Debian's kernel by way of hvmloader, SeaBIOS and QEMU's loader, which takes minutes here (noearly: as
# in t/44). Memory on demand and a video card: had QEMU allocated that before Xen knew the target, the
# guest would not get far.
linux h-linux 'type="hvm"' 'extra="console=hvc0 quiet pci=noearly"' \
	vcpus=2 maxvcpus=3 memory=240 maxmem=272 'vga="stdvga"' vnc=0 rtc_timeoffset=7200 localtime=1 "acpi_firmware=\"$T/ssdt\"" 'smbios=["system_product_name=xlite guest"]'
run env TZ=EAST-1 xlite create -q "$T/h-linux.cfg"
is "Linux" "$rc" 0 || diag "$err"
console_has h-linux 'guest: ready' 1200
GUEST_LIMIT=120 guest h-linux 'cat /sys/hypervisor/guest_type /sys/devices/system/cpu/online /sys/devices/system/cpu/possible'
is "an HVM guest, two of three vcpus" "$out" $'HVM\n0-1\n0-2'
GUEST_LIMIT=120 guest h-linux 'grep MemTotal /proc/meminfo; cd /sys/firmware/acpi/tables; echo *'
like "memory, tables" "$out" 'MemTotal: +[12][0-9]{5} kB.*DSDT.*FACP.*HPET'
GUEST_LIMIT=120 guest h-linux 'cat /sys/class/dmi/id/product_name; grep -l XLTE /sys/firmware/acpi/tables/SSDT*'
like "among them ours, and the name that it was given" "$out" '^xlite guest.*/SSDT'
GUEST_LIMIT=120 guest h-linux 'date +%s'
ahead=$((out - $(date +%s)))
is "its clock is two hours ahead of the host's zone" "$(((ahead + 60) / 120 * 120))" 10800 || diag "$ahead s"
run xlite mem-set -w h-linux 160
is "mem-set" "$rc:$err" "0:"
run_limit 120 xlite shutdown -w h-linux
is "shutdown" "$rc" 0 || diag "$err"
xen_gone h-linux || xlite destroy h-linux
done_testing
