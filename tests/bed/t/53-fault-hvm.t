#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Calls that fail, kills and interrupts in create and destroy of an HVM guest with its QEMU, an
# emulated disk and an emulated card (tests/fault). Every so many of them; LONG: every second, all
# 1200 take 80 minutes.
# time-limit: 2400
. "$XLITE/lib.sh"

LONG_STEP=2

truncate -s 1M "$T/a.img"
config fault 'type="hvm"' memory=64 'vga="none"' "disk=['$T/a.img,raw,hda,rw']" "vif=['bridge=xenbr0']"

sweep_some 8 "create: a call fails, it says which, nothing stays" create-fail "$T/fault.cfg" fault
sweep_some 40 "create: so with requests to xenstored" create-store "$T/fault.cfg" fault
sweep_some 11 "create: so with file calls" create-file "$T/fault.cfg" fault
sweep_some 29 "create: interrupted before a call, nothing stays" create-int "$T/fault.cfg" fault
sweep_some 19 "create: killed before a call, cleanup removes the rest" create-kill "$T/fault.cfg" fault
sweep_some 60 "create: killed before a call, the next one succeeds" create-again "$T/fault.cfg" fault
sweep_some 11 "destroy: a call fails, a second destroy finishes it" destroy-fail "$T/fault.cfg" fault
sweep_some 23 "destroy: so with requests to xenstored" destroy-store "$T/fault.cfg" fault
sweep_some 23 "destroy: killed before a call, a second one finishes it" destroy-kill "$T/fault.cfg" fault
done_testing
