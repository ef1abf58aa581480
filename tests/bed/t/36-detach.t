#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Devices come to a domain that exists and go again, by xlite and by Debian's xl; a domain
# with devices is destroyed, whoever made it. Guests that answer are in 31-linux.
# time-limit: 300
. "$XLITE/lib.sh"

node() { xenstore-read "$1" 2> /dev/null; }
has() { xenstore-exists "$1"; }
loops() { losetup -n -O BACK-FILE | grep -c "$T/" || :; }
no_loops() { [ "$(loops)" = 0 ]; }
# What was said, but for the waits of a slow machine.
said() { printf '%s' "$err" | grep -v '^waiting for ' || :; }
file_of() { echo /var/lib/xen/userdata-d."$1".*.libxl-json; }

truncate -s 4M "$T/a.img" "$T/b.img" "$T/c.img"
a="$T/a.img,raw,xvdb,rw"

# A guest that never ran: its frontends have nothing to let go of.
tiny det
run xlite create -qp "$T/det.cfg"
id=$(xl domid det)
json=$(file_of "$id")
vbd=/local/domain/0/backend/vbd/$id vif=/local/domain/0/backend/vif/$id
before=$(xenstore-ls -fp | grep -v '^/local/domain/0/backend\(/v[bi][df]\)\? ')
cp "$json" "$T/before.json"
run xlite block-attach det "$a"
is "a disk is attached" "$rc:$out" "0:"
is "blkback has it" "$(node "$vbd/51728/state"):$(loops)" "2:1"
run xlite block-attach det "$T/b.img,raw,xvdb,rw"
is "its number is taken" "$rc:$err" "1:xlite: domain $id: disk 'xvdb' is already attached"
is "and no other file was touched" "$(loops)" 1
run xlite network-attach det bridge=xenbr0
is "a vif is attached" "$rc:$out" "0:"
run xlite network-attach det mac=00:16:3e:00:00:07
is "and a second" "$rc:$out" "0:"
is "it is number 1, on the bridge" "$(node "$vif/1/mac"):$(echo /sys/class/net/xenbr0/brif/vif"$id"*)" \
	"00:16:3e:00:00:07:/sys/class/net/xenbr0/brif/vif$id.0 /sys/class/net/xenbr0/brif/vif$id.1"
run xl list -l det
like "xl sees them" "$out" '"vdev": "xvdb".*"mac": "00:16:3e:00:00:07"'
run xlite network-detach det 0
is "vif 0 is detached" "$rc:$(said)" "0:"
ok "the other is there" has "$vif/1/state"
nok "its link has gone" test -e "/sys/class/net/vif$id.0"
run xlite network-attach det
is "the free number is used" "$rc:$(node "$vif/0/handle")" "0:0"
run xlite network-detach det 0
run xlite network-detach det 00:16:3e:00:00:07
is "by its MAC" "$rc:$(said)" "0:"
run xlite block-detach det xvdb
is "the disk as well" "$rc:$(said)" "0:"
is "as it was before" "$(xenstore-ls -fp | grep -v '^/local/domain/0/backend\(/v[bi][df]\)\? ')" "$before"
ok "libxl's JSON too" cmp "$json" "$T/before.json"
within "no loop device" 5 no_loops
run xlite block-detach det xvdb
is "there is none" "$rc:$err" "1:Error: Device xvdb not connected."

# What a kill leaves: in the store alone, in the JSON alone.
run xlite block-attach det "$a"
cp "$json" "$T/with.json"
cp "$T/before.json" "$json"
run xlite block-attach det "$a"
is "an attach that was cut off is repaired" "$rc:$(said)" \
	"0:disk 'xvdb': removing what an interrupted attach left"
run xlite block-detach det xvdb
cp "$T/with.json" "$json"
run xlite block-detach det xvdb
is "a detach that was cut off, too" "$rc:$(said)" "0:"
ok "in the JSON" cmp "$json" "$T/before.json"

# One that runs and does not answer.
xlite unpause det
console_has det 'tiny: ready'
run xlite block-attach det "$a"
run xlite network-attach det
run xlite block-detach --timeout 1 det xvdb
is "the guest has to agree" "$rc" 1
like "the message says what blocks it" "$err" \
	"disk 'xvdb': the guest still uses it: frontend Initialising, backend Closing after 1.0 s"
is "it is told so no more" "$(node "$vbd/51728/online"):$(node "$vbd/51728/state")" "1:2"
run xlite block-detach --force --timeout 1 det xvdb
is "--force" "$rc:$out" "0:"
nok "it has gone" has "$vbd/51728"
run timeout -s INT -k 10 2 xlite network-detach --timeout 100 det 0
is "Ctrl-C ends the wait" "$rc" 124	# 137: it had to be killed
is "nothing has happened" "$(node "$vif/0/online"):$(node "$vif/0/state")" "1:2"

# The other tool's.
run xlite block-attach det "$a"
run xl block-detach --force det xvdb
is "xl detaches ours" "$rc" 0
within "no loop device is left" 5 no_loops
run xl block-attach det "$a"
is "xl attaches ($err)" "$rc" 0
run xlite block-detach --force --timeout 0 det xvdb
is "we detach xl's" "$rc:$out" "0:"
within "its loop device has gone" 5 no_loops
run xlite destroy det
is "destroyed with a vif" "$rc:$(said)" "0:"
nok "its link has gone" test -e "/sys/class/net/vif$id.0"

# A guest of xl with everything, QEMU too: what it serves is not waited for.
tiny det-xl "disk=[\"$a\",\"format=raw,vdev=xvdc,backendtype=qdisk,target=$T/c.img\"]" \
	'vif=["script=/bin/true"]' 'vfb=["vnc=1"]'
run xl create -qp "$T/det-xl.cfg"
if [ "$rc" != 0 ] && [[ $err == *"because of timeout"* ]]; then
	skip "destroy of a guest that xl made" "xl ran into its own time limit"
else
	is "xl makes a guest ($err)" "$rc" 0
	id=$(xl domid det-xl)
	pid=$(node "/local/domain/$id/image/device-model-pid")
	ok "with a QEMU" test -e "/proc/$pid"
	run xlite devices det-xl
	is "its devices" "$(printf '%s' "$out" | awk 'NR > 1 { printf "%s/%s ", $1, $5 }')" \
		"vbd/vbd vbd/qdisk vfb/vfb vkbd/vkbd vif/vif "
	run xlite destroy det-xl
	is "it is destroyed" "$rc:$out$(said)" "0:"
	nok "its QEMU has gone" test -e "/proc/$pid"
	within "its loop devices too" 5 no_loops
	is "no node is left" "$(xenstore-ls -fp | grep "/${id}[/ ]")" ""
fi

# Somebody holds a page of it.
tiny det-held
xlite create -q "$T/det-held.cfg"
console_has det-held 'tiny: ready'
id=$(xl domid det-held)
kill -STOP "$(pidof xenconsoled)"
run xlite destroy det-held
like "destroy says that it is still dying" "$rc:$err" \
	"^0:.*domain $id is still dying: 1 page.* in use by another guest, or one of: .*xenconsoled \([0-9]+\)"
kill -CONT "$(pidof xenconsoled)"
within "it goes" 10 eval '! xl list '"$id"' > /dev/null 2>&1'
done_testing
