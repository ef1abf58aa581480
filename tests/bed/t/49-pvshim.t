#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's kernel as a PV guest of a hypervisor inside a PVH guest; that one panics on the CPU of
# the usual bed. 40-pvh.t compares such a guest with xl's.
# machine: server
# time-limit: 600
. "$XLITE/lib.sh"

linux s-shim 'type="pvh"' pvshim=1 'pvshim_extra="loglvl=all"' memory=384
run xlite create -q "$T/s-shim.cfg"
is "create" "$rc:$err" "0:"
console_has s-shim 'guest: ready' 400
console_has s-shim 'Command line: pv-shim console=xen,pv loglvl=all'
GUEST_LIMIT=120 guest s-shim 'cat /sys/hypervisor/guest_type /proc/cmdline'
is "a PV guest with the config's command line" "$out" $'PV\nconsole=hvc0 quiet'
run xlite shutdown -w s-shim
is "shutdown" "$rc" 0 || diag "$err"
xen_gone s-shim || xlite destroy s-shim
done_testing
