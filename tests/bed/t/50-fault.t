#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Calls that fail, kills and interrupts, one by one, in create and destroy (tests/fault)
# Every so many of them; 51-fault-all.t: all.
# time-limit: 1800
. "$XLITE/lib.sh"

LONG=	# 51-fault-all.t is for that
tiny fault
tiny faultp 'type="pvh"' memory=32

sweep_some 4 "create: a call fails, it says which, nothing stays" create-fail "$T/fault.cfg" fault
sweep_some 8 "create: so with requests to xenstored" create-store "$T/fault.cfg" fault
sweep_some 6 "create: so with file calls" create-file "$T/fault.cfg" fault
sweep_some 8 "create: interrupted before a call, nothing stays" create-int "$T/fault.cfg" fault
sweep_some 8 "create: killed before a call, cleanup removes the rest" create-kill "$T/fault.cfg" fault
sweep_some 16 "create: killed before a call, the next one of the name succeeds" create-again "$T/fault.cfg" fault
sweep_some 5 "destroy: a call fails, a second destroy finishes it" destroy-fail "$T/fault.cfg" fault
sweep_some 4 "destroy: so with requests to xenstored" destroy-store "$T/fault.cfg" fault
sweep_some 4 "destroy: so with file calls" destroy-file "$T/fault.cfg" fault
sweep_some 8 "destroy: killed before a call, a second one and cleanup finish it" destroy-kill "$T/fault.cfg" fault
# PVH: the first calls are the same.
sweep_some 9 "PVH: a call fails, it says which, nothing stays" create-fail "$T/faultp.cfg" faultp
sweep_some 25 "PVH: killed before a call, cleanup removes the rest" create-kill "$T/faultp.cfg" faultp
sweep_some 25 "PVH: interrupted before a call, nothing stays" create-int "$T/faultp.cfg" faultp
sweep_some 12 "PVH: a call fails, a second destroy finishes it" destroy-fail "$T/faultp.cfg" faultp
sweep_some 25 "PVH: killed before a call, a second destroy finishes it" destroy-kill "$T/faultp.cfg" faultp
done_testing
