#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# As 50-fault.t, with every single call: only in `make check-long`
# time-limit: 1200
. "$XLITE/lib.sh"

[ -n "$LONG" ] || skip_all "only in make check-long"
tiny fault
tiny faultp 'type="pvh"' memory=32
for sweep in create-fail create-store create-file create-int create-kill create-again \
	destroy-fail destroy-store destroy-file destroy-kill; do
	for name in fault faultp; do
		run sweep "$sweep" "$T/$name.cfg" $name
		is "$name: ${out##*$'\n'}" "$rc$err" 0 || diag "$out"
	done
done
done_testing
