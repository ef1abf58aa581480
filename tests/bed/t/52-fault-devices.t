#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Calls that fail, kills and interrupts in create and destroy with two disks and two vifs, and in
# attach and detach (tests/fault). Every so many of them; LONG: every third, all 1700 take 90 minutes.
# time-limit: 2400
. "$XLITE/lib.sh"

LONG_STEP=3

truncate -s 1M "$T/a.img" "$T/b.img" "$T/c.img"
tiny fault "disk=['$T/a.img,raw,xvda,rw', '$T/b.img,raw,xvdb,r']" "vif=['', 'bridge=xenbr0']"
cp "$T/fault.cfg" "$T/devices.cfg"
tiny fault
cp "$T/fault.cfg" "$T/bare.cfg"

with=("$T/devices.cfg" fault)
sweep_some 21 "create: a call fails, it says which, nothing stays" create-fail "${with[@]}"
sweep_some 90 "create: so with requests to xenstored" create-store "${with[@]}"
sweep_some 31 "create: so with file calls" create-file "${with[@]}"
sweep_some 47 "create: interrupted before a call, nothing stays" create-int "${with[@]}"
sweep_some 41 "create: killed before a call, cleanup removes the rest" create-kill "${with[@]}"
sweep_some 110 "create: killed before a call, the next one succeeds" create-again "${with[@]}"
sweep_some 15 "destroy: a call fails, a second destroy finishes it" destroy-fail "${with[@]}"
sweep_some 41 "destroy: so with requests to xenstored" destroy-store "${with[@]}"
sweep_some 45 "destroy: killed before a call, a second one finishes it" destroy-kill "${with[@]}"
for kind in "block format=raw,vdev=xvdc,target=$T/c.img xvdc" "network bridge=xenbr0 0"; do
	# shellcheck disable=SC2206
	with=("$T/bare.cfg" fault $kind)
	kind=${kind%% *}
	sweep_some 14 "$kind-attach: a call fails, nothing stays" attach-fail "${with[@]}"
	sweep_some 51 "$kind-attach: so with requests to xenstored" attach-store "${with[@]}"
	sweep_some 21 "$kind-attach: so with file calls" attach-file "${with[@]}"
	sweep_some 44 "$kind-attach: interrupted" attach-int "${with[@]}"
	sweep_some 31 "$kind-attach: killed, a detach removes the rest" attach-kill "${with[@]}"
	sweep_some 13 "$kind-detach: a call fails, a second one finishes it" detach-fail "${with[@]}"
	sweep_some 31 "$kind-detach: so with requests to xenstored" detach-store "${with[@]}"
	sweep_some 33 "$kind-detach: killed, a second one finishes it" detach-kill "${with[@]}"
done
done_testing
