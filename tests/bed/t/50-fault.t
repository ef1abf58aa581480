#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Calls that fail, kills and interrupts, one by one, in create and destroy (tests/fault)
# Some of them each time, others with the next commit; 51-fault-all.t: all.
# time-limit: 900
. "$XLITE/lib.sh"

read -r offset < "$XLITE/bin/fault-offset"
tiny fault
tiny faultp 'type="pvh"' memory=32

# sweep_some SWEEP STEP WHAT [NAME]: every STEPth call
sweep_some()
{
	run sweep -k "$2" -o "$offset" "$1" "$T/${4:-fault}.cfg" "${4:-fault}"
	is "$3 (${out##*$'\n'})" "$rc$err" 0 || diag "$out"
}

diag "offset $offset"
sweep_some create-fail 4 "create: a call fails, it says which, nothing stays"
sweep_some create-store 8 "create: so with requests to xenstored"
sweep_some create-file 6 "create: so with file calls"
sweep_some create-int 8 "create: interrupted before a call, nothing stays"
sweep_some create-kill 8 "create: killed before a call, cleanup removes the rest"
sweep_some create-again 16 "create: killed before a call, the next one of the name succeeds"
sweep_some destroy-fail 5 "destroy: a call fails, a second destroy finishes it"
sweep_some destroy-store 4 "destroy: so with requests to xenstored"
sweep_some destroy-file 4 "destroy: so with file calls"
sweep_some destroy-kill 8 "destroy: killed before a call, a second one and cleanup finish it"
# What is PVH's own: the first calls are the same.
sweep_some create-fail 9 "PVH: a call fails, it says which, nothing stays" faultp
sweep_some create-kill 25 "PVH: killed before a call, cleanup removes the rest" faultp
sweep_some destroy-fail 12 "PVH: a call fails, a second destroy finishes it" faultp
done_testing
