#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks and networks beside Debian's xl: the same store, and each tool's devices in the other's hands
# time-limit: 600
. "$XLITE/lib.sh"

uuid=33333333-2222-3333-4444-555555555555

# What differs by design, each with its reason:
#	ring-ref, start_time, tty	of one domain and not of another
#	node, physical-device*		which loop device was free
known='(ring-ref|start_time|/console/tty|/node|/physical-device(-path)?) = '
# and in the stored config:
#	colo_restore_enable	libxl stores the default
known_json='/"(domid|colo_restore_enable)"/d; s/,$//'

# The store below and about a domain, with its number made equal, without what is known to differ.
dump()		# dump DOMID FILE
{
	xenstore-ls -fp | sed -E -e "s,(/domain/|/libxl/)$1([/ \"]),\\1N\\2,g" \
		-e "s,(backend/[a-z0-9]*/)$1([/ ]),\\1N\\2,g" -e "s/([(,][nrwb])$1\\b/\\1N/g" \
		-e "s/(domid|frontend-id) = \"$1\"/\\1 = N/" -e "s/vif$1\\./vifN./" \
		-e "s#$known\"[^\"]*\"#\\1#" | sort > "$2"
	grep -q '/domain/N/device/vif/1/mac' "$2" || fail "the store of domain $1"
}

settled()	# settled DOMID: every backend has come as far as it can with no guest running
{
	local state

	for state in $(xenstore-ls -f /local/domain/0/backend |
		sed -n "s,.*/\\(vbd\\|vif\\)/$1/[0-9]*/state = ,,p"); do
		[ "$state" = '"2"' ] || return
	done
}

lists()		# lists: both tools say the same of the domain
{
	local list want

	for list in block-list network-list; do
		run xl $list same
		want=$rc:$out
		run xlite $list same
		is "$list after $1" "$rc:$out" "$want"
	done
}

truncate -s 1M "$T/a" "$T/b" "$T/c"
loop=$(losetup -f --show "$T/b")
tiny same vcpus=1 uuid="\"$uuid\"" "disk=['$T/a,raw,xvda,w','phy:$loop,hdb,r']" \
	"vif=['mac=00:16:3e:33:00:01','mac=00:16:3e:33:00:02,bridge=xenbr0,rate=1MB/s,ip=10.9.3.2,vifname=v33']"

same()		# same COMMAND...: both tools, to the byte
{
	local want

	run xl "$@"
	want="$rc:$out"
	run xlite "$@"
	is "$*" "$rc:$out" "$want"
}

patient()	# patient COMMAND...: xl gives its scripts 40 s, and a busy machine may need more
{
	for _ in 1 2 3; do
		run "$@"
		[[ $rc != 0 && $err == *'because of timeout'* ]] || break
	done
}

words()		# of a domain "same" that stands: what is printed, and said of mistakes
{
	local front=/local/domain/$id/device

	same -N block-attach same /x raw xvdc w
	same -N block-attach same target=/x,y=z vdev=xvdc format=qcow2
	same -N block-attach same phy:/dev/x,xvdc,r
	same -N network-attach same
	same -N network-attach same ip=10.9.3.4 script=vif-route rate=1MB/s
	same block-list nope
	same network-list nope
	same block-detach same xvdz
	is "what is not there" "$err" "Error: Device xvdz not connected."
	same network-detach same 7
	is "nor there" "$err" "Unknown device 7."
	run xlite network-detach same x
	is "no number (xl takes it for 0)" "$rc:$err" "1:Unknown device x."
	run xlite block-attach same "$T/a" raw xvda w
	is "a device that is there already" "$rc:$out" "1:"
	like "is named" "$err" xvda
	run xlite devices same
	like "devices: a disk" "$out" "vbd +51712 xvda +0 vbd +Initialising InitWait +params=$T/a mode=w"
	like "devices: a vif" "$out" 'vif +1 - +0 vif +Initialising InitWait +mac=00:16:3e:33:00:02 bridge=xenbr0 ip=10.9.3.2 vifname=v33'
	run xlite devices --json same
	like "devices --json" "$out" '"kind": "vbd",
        "devid": 832,
        "backend_domid": 0,
        "backend_kind": "vbd",
        "vdev": "hdb",'

	# What a hostile guest can write.
	xenstore-write "$front/vbd/51712/state" $'\033[2J\nx' \
		"$front/vif/0/tx-ring-ref" 99999999999999999999
	run xlite block-list same
	like "a state that is none" "$out" $'\n51712 0 +[0-9]+ +-1 +-1 +-1 '
	run xlite network-list same
	like "or too large" "$out" $'\n0 +0 +00:16:3e:33:00:01 +0 +1 +-1 +-1/-1 '
	run xlite devices same
	like "is shown as it is, harmlessly" "$out" 'xvda +0 vbd +\\x1b\[2J\\x0ax +InitWait'
	run xlite devices --json same
	like "and is no number" "$out" '"frontend_state": null'
	xenstore-write "$front/vbd/51712/state" 1
	xenstore-rm "$front/vif/0/tx-ring-ref"
}

declare -A other=([xl]=xlite [xlite]=xl)
for tool in xl xlite; do
	: > "$T/$tool.made"
	: > "$T/$tool.attached"
	patient $tool create -q -p "$T/same.cfg"
	is "$tool creates" "$rc:$out" "0:" || { diag "$err"; continue; }
	id=$(xl domid same)
	wait_for 10 xenstore-read "/local/domain/$id/console/tty"
	wait_for 20 settled "$id"
	dump "$id" "$T/$tool.made"
	lists "$tool's create"
	xl list -l same > "$T/$tool.list"
	[ $tool = xl ] || words

	patient $tool block-attach same "$T/c" raw xvdc w
	is "$tool attaches a disk" "$rc:$out" "0:" || diag "$err"
	patient $tool network-attach same mac=00:16:3e:33:00:03 rate=2MB/s
	is "$tool attaches a vif" "$rc:$out" "0:" || diag "$err"
	wait_for 20 settled "$id"
	dump "$id" "$T/$tool.attached"
	lists "$tool's attach"
	xl list -l same > "$T/$tool.list2"

	# No guest runs that would close its end.
	run ${other[$tool]} block-detach -f same xvdc
	is "${other[$tool]} detaches the disk" "$rc:$out" "0:" || diag "$err"
	run ${other[$tool]} network-detach same 00:16:3e:33:00:03
	is "${other[$tool]} detaches the vif" "$rc:$out" "0:" || diag "$err"
	dump "$id" "$T/$tool.again"
	is "and nothing is left of them" "$(diff "$T/$tool.made" "$T/$tool.again")" ""
	is "nor in the stored config" "$(xl list -l same | diff "$T/$tool.list" -)" ""
	run ${other[$tool]} destroy same
	is "${other[$tool]} destroys it" "$rc:$out" "0:" || diag "$err"
	wait_for 10 xen_gone same
done
is "the same store after create" "$(diff "$T/xl.made" "$T/xlite.made")" ""
is "the same store after attach" "$(diff "$T/xl.attached" "$T/xlite.attached")" ""
is "the same stored config" \
	"$(diff <(sed -E "$known_json" "$T/xl.list2") <(sed -E "$known_json" "$T/xlite.list2"))" ""
losetup -d "$loop"
run xlite cleanup
# vif-bridge takes the name of a renamed vif for a domain's number.
xenstore-rm /local/domain/v33
xenstore-rm /local/domain/0/error 2> /dev/null
rm -f /run/xen-hotplug/block
done_testing
