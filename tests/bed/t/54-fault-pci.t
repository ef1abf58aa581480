#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Calls that fail, kills and interrupts while PCI devices come and go (tests/fault). Every
# so many of them; LONG: all.
# machine: server
# time-limit: 2400
. "$XLITE/lib.sh"
need_throwaway

modprobe xen-pciback
xlite pci-assignable-add 00:08.0
xlite pci-assignable-add 00:09.0
tiny fault "pci=['00:08.0']"
cp "$T/fault.cfg" "$T/pci.cfg"
tiny fault 'passthrough="enabled"'
cp "$T/fault.cfg" "$T/bare.cfg"

with=("$T/pci.cfg" fault)
sweep_some 17 "create: a call fails, it says which, nothing stays" create-fail "${with[@]}"
sweep_some 60 "create: so with requests to xenstored" create-store "${with[@]}"
# No sweep of file calls: a device that cannot be reset is a warning, as with libxl.
sweep_some 37 "create: killed before a call, cleanup removes the rest" create-kill "${with[@]}"
sweep_some 15 "destroy: a call fails, a second destroy finishes it" destroy-fail "${with[@]}"
sweep_some 41 "destroy: killed before a call, a second one finishes it" destroy-kill "${with[@]}"
for with in "$T/bare.cfg" "$T/pci.cfg"; do
	with=("$with" fault pci 00:09.0 00:09.0)
	what="pci-attach (${with[0]##*/})"
	sweep_some 14 "$what: a call fails, nothing stays" attach-fail "${with[@]}"
	sweep_some 51 "$what: so with requests to xenstored" attach-store "${with[@]}"
	sweep_some 31 "$what: killed, a detach removes the rest" attach-kill "${with[@]}"
	sweep_some 13 "pci-detach: a call fails, a second one finishes it" detach-fail "${with[@]}"
	sweep_some 33 "pci-detach: killed, a second one finishes it" detach-kill "${with[@]}"
done
xlite pci-assignable-remove 00:08.0
xlite pci-assignable-remove 00:09.0
done_testing
