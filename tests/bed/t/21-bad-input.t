#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every refusal: a clear message, the right exit status, nothing left.
# time-limit: 600
. "$XLITE/lib.sh"

# refused WHAT STATUS REGEX WORD...: create of the tiny guest with these settings fails so
refused()
{
	local what=$1 status=$2 regex=$3
	shift 3

	run_limit 100 xlite create -q "$T/b.cfg" "$@"
	like "$what: status" "$rc:$out" "^$status:$"
	like "$what: message" "$err" "$regex"
	is "$what: one line" "$(grep -c . <<< "$err")" 1
}

kernel() { refused "kernel: $1" "$2" "$3" "kernel=\"$4\""; }

tiny b
dir=$T/dir; mkdir "$dir"
: > "$T/empty"
mkfifo "$T/fifo"
truncate -s 1G "$T/zeros"
head -c 5000 "$XLITE/guests/tiny" > "$T/cut-elf"
head -c 200000 /srv/guests/vmlinuz > "$T/cut-bz"
head -c 300 /srv/guests/vmlinuz > "$T/cut-head"
cp /bin/true "$T/program"
printf 'hello\n' > "$T/text"
gzip -c /bin/true > "$T/gzipped"
head -c 2000 "$T/gzipped" > "$T/cut-gz"

kernel missing 3 "kernel: cannot open '/nonexistent': No such file" /nonexistent
kernel empty 6 "'$T/empty' is empty" "$T/empty"
kernel "a folder" 6 "it is a directory" "$dir"
kernel "a FIFO" 6 "it is a FIFO" "$T/fifo"
kernel "a device" 6 "it is a character device" /dev/zero
kernel "1 GiB of zeros" 6 "is not a kernel" "$T/zeros"
kernel "text" 6 "'$T/text' is not a kernel" "$T/text"
kernel "truncated ELF" 6 "$T/cut-elf" "$T/cut-elf"
kernel "truncated bzImage" 6 "$T/cut-bz.*truncated" "$T/cut-bz"
kernel "truncated header" 6 "$T/cut-head" "$T/cut-head"
kernel "truncated gzip" 6 "$T/cut-gz.*truncated" "$T/cut-gz"
kernel "no Xen notes" 6 "'$T/program' has no Xen notes" "$T/program"
kernel "no Xen notes, gzip'd" 6 "has no Xen notes" "$T/gzipped"
kernel "32-bit PV" 6 "'$XLITE/guests/pv32' is 32-bit: this hypervisor runs 64-bit" "$XLITE/guests/pv32"
kernel "an empty path" 3 "kernel: cannot open ''" ""

ramdisk() { refused "ramdisk: $1" "$2" "$3" "ramdisk=\"$4\""; }
ramdisk missing 3 "ramdisk: cannot open '/nonexistent': No such file" /nonexistent
ramdisk empty 6 "ramdisk '$T/empty' is empty" "$T/empty"
ramdisk "a folder" 6 "it is a directory" "$dir"
ramdisk "a FIFO" 6 "it is a FIFO" "$T/fifo"
ramdisk "1 GiB of zeros" 3 "ramdisk '$T/zeros' is larger than the domain's memory .16 MiB" "$T/zeros"

refused "memory 0" 1 "memory" memory=0
refused "memory 1" 3 "of 1 MiB: cannot load its kernel: segment kernel too large" memory=1
refused "memory 2^63" 1 "memory" memory=9223372036854775808
refused "memory -1" 1 "memory" 'memory="-1"'
refused "more than the host" 3 "needs 1000[0-9]* MiB, [0-9]+ MiB free" memory=1000000
refused "memory over maxmem" 1 "memory = 16 MiB is more than maxmem = 8 MiB" maxmem=8
refused "vcpus 0" 1 "vcpus" vcpus=0
refused "vcpus 10000" 1 "vcpus" vcpus=10000

long=$(printf 'n%.0s' {1..10000})
refused "name empty" 1 "name" 'name=""'
refused "name of 10,000 characters" 1 "too long: 10000 bytes" "name=\"$long\""
refused "name with a slash" 1 "contains a '/'" 'name="a/b"'
refused "name with a control character" 1 "control character" $'name="a\tb"'
refused "name of digits" 1 "taken for a domain number" 'name="17"'
refused "name taken" 3 "a domain called 'Domain-0' exists already" 'name="Domain-0"'
refused "a small hvm guest" 6 "memory is 12 MiB, but an HVM guest needs at least 16 MiB" 'type="hvm"' memory=12
refused "a bootloader" 6 "bootloader 'lilo' is not supported" 'bootloader="lilo"'
refused "a disk" [36] "disk 'xvda': '/dev/loop7' has no size" 'disk=["/dev/loop7,raw,xvda,rw"]'
refused "a vif" [36] "vif 0: bridge 'none' does not exist; there are: xenbr0" 'vif=["bridge=none"]'

# bad WHAT STATUS REGEX: the config file $T/x.cfg as it stands is refused
bad()
{
	run_limit 60 xlite create -q "$T/x.cfg"
	like "config $1: status" "$rc:$out" "^$2:$"
	like "config $1: message" "$err" "$3"
}

: > "$T/x.cfg"
bad "of 0 bytes" 1 "[Nn]ame"
truncate -s 100M "$T/x.cfg"
bad "of 100 MiB" 3 "x.cfg"
head -c 100000 /bin/bash > "$T/x.cfg"
bad "binary" 1 "x.cfg:1:"
{ printf 'a='; printf '[%.0s' {1..5000}; } > "$T/x.cfg"
bad "deeply nested" 1 "x.cfg:1:"
printf 'name="x"\nmemory=-3\n' > "$T/x.cfg"
bad "bare negative" 1 "x.cfg:2:8: .*near '-3'"
printf 'import os\n' > "$T/x.cfg"
bad "Python" 1 "x.cfg:1:"
run_limit 20 xlite create -q "$dir"
like "a folder for a config" "$rc:$err" "^[13]:.*directory"
run_limit 20 xlite create -q "$T/fifo"
like "a FIFO for a config" "$rc:$err" "^[13]:.*FIFO"
printf 'name="x"\nkernel="/k"\nmaxcpus=2\n' > "$T/x.cfg"
run xlite create -n -q "$T/x.cfg"
like "unknown key: hint" "$rc:$err" "^0:.*x.cfg:3.*maxcpus.*maxvcpus"
run xlite create -n -q --strict "$T/x.cfg"
like "unknown key: --strict" "$rc:$err" "^1:.*maxcpus"

run setpriv --reuid nobody --regid nogroup --clear-groups "$(command -v xlite)" list
like "not root" "$rc:$out:$err" "^1::.*not root"
run setpriv --reuid nobody --regid nogroup --clear-groups "$(command -v xlite)" help
is "help needs nobody" "$rc" 0

is "nothing was created" "$(xl list | wc -l)" 2
is "no run files" "$(ls /run/xlite 2> /dev/null)" ""
done_testing
