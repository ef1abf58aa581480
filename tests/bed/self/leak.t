#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# leaves one of everything behind
. "$XLITE/lib.sh"
tiny left
ok "a domain" xl create -q -p "$T/left.cfg"
ok "a store node" xenstore-write /left/node left
truncate -s 4096 /xlite/disk
ok "a loop device" losetup -f /xlite/disk
ok "a link" ip link add name left0 type bridge
ok "a mount" mount -t tmpfs left /mnt
ok "a file" touch /tmp/left-file
ok "other rights" xenstore-chmod /local/domain/0/name n0 r1
sleep 1000 &
pass "a process"
done_testing
