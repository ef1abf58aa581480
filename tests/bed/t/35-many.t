#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many devices: 100 disks and 32 vifs in a config, a Linux guest with 60 disks
# time-limit: 600
. "$XLITE/lib.sh"

# disk_list NR: $disks, NR images of 1 MiB and a list for a config
disk_list()
{
	local i

	disks=
	for ((i = 0; i < $1; i++)); do
		truncate -s 1M "$T/$i.img"
		disks+="\"$T/$i.img,raw,d${i}p0,rw\","
	done
	disks="disk=[$disks]"
}

loops() { local l=(/sys/block/loop*/loop/backing_file); [ -e "${l[0]}" ] && echo ${#l[@]} || echo 0; }

printf -v vifs '"bridge=xenbr0",%.0s' {1..32}
disk_list 100
tiny many "$disks" "vif=[$vifs]"
run xlite create -p "$T/many.cfg"
is "create -p with 100 disks and 32 vifs" "$rc" 0 || diag "$err"
like "the guest's quota is spoken of" "$err" "more than xenstored allows"
run xlite domid many
id=$out
links=(/sys/class/net/vif"$id".*)
is "32 links, each on the bridge" "${#links[@]} $(cat /sys/class/net/vif"$id".*/master/ifindex | wc -l)" \
	"32 32"
is "100 loop devices" "$(loops)" 100
run xlite block-list many
is "block-list has a line for each and a head" "$(wc -l <<< "$out")" 101
run xlite destroy many
is "destroy" "$rc" 0
is "no link is left" "$(echo /sys/class/net/vif"$id".*)" "/sys/class/net/vif$id.*"
ok "no loop device is left" wait_for 10 eval '[ "$(loops)" = 0 ]'

disk_list 60
# blkfront keeps some 4 MiB for each
linux sixty memory=768 "$disks"
run nofork xlite create -e "$T/sixty.cfg"
is "create of a Linux guest with 60 disks, without a helper process" "$rc" 0 || diag "$err"
unlike "nothing about its quota" "$err" "xenstored"
console_has sixty 'guest: ready' 240
guest sixty 'until [ "$(ls -d /sys/block/xvd* | wc -l)" = 60 ]; do sleep 1; done
	for d in /dev/xvd*; do dd if=$d of=/dev/null bs=4k count=1 2> /dev/null && echo good; done | sort | uniq -c'
like "it reads them all" "$out" '^ *60 good$'
run xlite destroy sixty
is "destroy while it runs" "$rc" 0
done_testing
