#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that does to its own nodes what it likes: values that are garbage or huge, nodes that are
# missing, states that never stand still, lies about the backend. Whatever is done to its devices
# ends in time and in little memory, says what is wrong, and another guest sees nothing of it.
# time-limit: 240
. "$XLITE/lib.sh"

node() { xenstore-read "$1" 2> /dev/null; }
typed()		# typed NAME LINE
{
	printf '%s\n' "$2" > "$(node "/local/domain/$(xl domid "$1")/console/tty")"
}
told()		# told LINE ANSWER: the hostile guest has done it
{
	typed hos "$1"
	console_has hos "$2"
}
# 64 MiB and a minute are enough for any of these, also on a busy machine.
bounded()
{
	local from=$SECONDS

	run timeout -k 1 60 bash -c 'ulimit -v 65536; exec "$@"' bounded "$@"
	took=$((SECONDS - from))
}
in_time()
{
	[ "$rc" != 124 ] && [ "$rc" -lt 126 ] && [ ${#out} -lt 4000 ] && [ ${#err} -lt 2000 ] &&
		[[ $err != *[Mm]emory* ]]
}
calm_state()	# all of the other guest's devices
{
	xenstore-ls -fp | grep "^/local/domain/$calm/device\|^/local/domain/0/backend/[a-z]*/$calm/"
	ls -d "/sys/class/net/xenbr0/brif/vif$calm."* "/sys/bus/xen-backend/devices/v"*"-$calm-"*
}

for i in a b c d calm; do truncate -s 4M "$T/$i.img"; done
tiny calm "disk=[\"$T/calm.img,raw,xvda,rw\"]" 'vif=[""]'
tiny hos "disk=[\"$T/a.img,raw,xvda,rw\", \"$T/b.img,raw,xvdb,rw\", \"$T/c.img,raw,xvdc,rw\",
	\"$T/d.img,raw,xvdd,rw\"]" 'vif=["",""]'
ok "a calm guest" xlite create -q "$T/calm.cfg"
ok "and a hostile one" xlite create -q "$T/hos.cfg"
console_has calm 'tiny: ready'
console_has hos 'tiny: ready'
calm=$(xl domid calm) id=$(xl domid hos)
back=/local/domain/0/backend
before=$(calm_state)

# Garbage, a value as long as there can be, a lie.
told "write device/vbd/51712/state garbage" 'write device/vbd/51712/state done'
told "huge device/vbd/51712/ring-ref" 'huge device/vbd/51712/ring-ref done'
told "huge device/vbd/51728/state" 'huge device/vbd/51728/state done'
told "write device/vbd/51744/backend $back/vbd/$calm/51712" 'write device/vbd/51744/backend done'
told "write device/vbd/51744/backend-id $calm" 'write device/vbd/51744/backend-id done'
told "huge device/vif/0/mac" 'huge device/vif/0/mac done'
told "rm device/vbd/51760" 'rm device/vbd/51760 done'
for list in devices 'devices --json' block-list network-list; do
	# shellcheck disable=SC2086
	bounded xlite $list hos
	ok "$list: $rc in $took s, ${#out} bytes" eval 'in_time && [ "$rc" = 0 ] && [ -n "$out" ]'
done
# The kernel takes what is no number for a frontend that has gone.
bounded xlite block-detach --timeout 10 hos xvda
is "a state of garbage: the device goes ($took s)" "$rc:$(node "$back/vbd/$id/51712/state")" "0:"
bounded xlite block-detach --timeout 1 hos xvdb
like "a huge one is named" "$rc:$err" "^1:.*disk 'xvdb': the guest still uses it: frontend Unknown"
bounded xlite block-detach --force --timeout 1 hos xvdb
is "which --force takes away ($took s)" "$rc:$(node "$back/vbd/$id/51728/state")" "0:"
bounded xlite block-detach --force --timeout 0 hos xvdc
is "the one that lies as well" "$rc:$(node "$back/vbd/$id/51744/state")" "0:"
bounded xlite block-detach --timeout 10 hos xvdd
is "nobody waits for a frontend that has gone ($took s)" "$rc:$(node "$back/vbd/$id/51760/state")" "0:"
is "the calm guest's are as they were" "$(calm_state)" "$before"

# States that never stand still, against the clock; the guest's one vcpu is busy with it.
told "churn device/vif/0/state" 'churn device/vif/0/state'
bounded xlite devices hos
ok "devices of a guest that flickers" eval 'in_time && [ "$rc" = 0 ] && [ -n "$out" ]'
bounded xlite network-detach --timeout 2 hos 0
ok "a detach from it: $rc in $took s: $err" in_time
bounded xlite network-attach hos bridge=xenbr0
ok "an attach to it: $rc in $took s: $err" in_time
run xlite create -qp "$T/hos.cfg"
like "its name is taken as ever" "$rc:$err" "^3:.*a domain called 'hos' exists already"
bounded xlite destroy hos
is "it is destroyed ($took s)" "$rc:$out" "0:"
is "no node of it is left" "$(xenstore-ls -fp | grep "/${id}[/ ]")" ""
is "no link" "$(compgen -G "/sys/class/net/vif$id.*")" ""

is "the calm guest's are still as they were" "$(calm_state)" "$before"
typed calm 'say still here'
console_has calm '^still here'
run xlite destroy calm
is "and it goes as any other" "$rc:$out" "0:"
done_testing
