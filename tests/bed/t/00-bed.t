#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The bed itself: Xen, the store, the console daemon, Debian's xl with a Linux guest
. "$XLITE/lib.sh"

run xl info xen_version
like "the hypervisor answers" "$out" '^4\.'
run xl list
like "only dom0 is there" "$out" $'^Name[^\n]*\nDomain-0 +0 [^\n]*$'
ok "xenstored answers" xenstore-read /local/domain/0/name
ok "hostcmp is there" command -v hostcmp

linux bed-linux
run xl create -q "$T/bed-linux.cfg"
is "xl creates a Linux guest" "$rc" 0
console_has bed-linux 'guest: ready'
run hostcmp diff "$XLITE/before" 0
like "the comparison sees it" "$out" 'left behind: domain 1'
run_limit 60 xl shutdown -w bed-linux
is "xl shuts it down" "$rc" 0
within "it is gone" 10 xen_gone bed-linux

# what has ended before the first look and is waited for after it is no loss; the other one is
bash -c 'until [[ $(< /proc/$$/comm) = sleep ]]; do :; done & echo $! > "$1"; exec sleep 1000' \
	- "$T/zombie" &
zombie() { grep -q '^State:.Z' "/proc/$(cat "$T/zombie")/status"; }
within "a process that nobody waits for" 10 zombie
processes=(-x domains -x store -x devices -x files -x memory)
hostcmp "${processes[@]}" save "$T/processes"
kill %% && wait
run hostcmp diff "$T/processes" 1
is "the comparison misses only its parent" "$out" "gone: process $!"$'\t''sleep 1000'
done_testing
