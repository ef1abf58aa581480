#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# pause, unpause, shutdown, reboot, rename: on guests that xl made and on our own, and
# Debian's xl on ours.
. "$XLITE/lib.sh"

state()		# state NAME: the six letters
{
	run "${tool:-xlite}" list "$1"
	out=${out#*$'\n'}
	[[ $out =~ ([r-][b-][p-][s-].[d-])\ \  ]] && out=${BASH_REMATCH[1]}
}
# shellcheck disable=SC2053
has_state() { state "$1"; [[ $out == $2 ]]; }
file_of() { echo /var/lib/xen/userdata-d."$1".*.libxl-json; }

# by MAKER TOOL: a guest made by MAKER, handled by TOOL
by()
{
	local maker=$1 tool=$2 name=l-$1-$2 id

	tiny "$name"
	if ! $maker create -q -p "$T/$name.cfg" 2> "$T/err"; then
		fail "$maker creates: $(< "$T/err")"
		return
	fi
	id=$(xl domid "$name")
	state "$name"
	is "$maker/$tool: created paused" "$out" "--p---"
	run "$tool" unpause "$name"
	is "$maker/$tool: unpause" "$rc:$err" "0:"
	console_has "$name" 'tiny: ready'
	run "$tool" pause "$id"
	is "$maker/$tool: pause by number" "$rc:$err" "0:"
	state "$name"
	like "$maker/$tool: is paused" "$out" '^-[b-]p---$'
	run "$tool" unpause "$name"

	run "$tool" rename "$name" "$name-new"
	is "$maker/$tool: rename" "$rc:$out:$err" "0::"
	is "$maker/$tool: found by the new name" "$(xl domid "$name-new"):$(xlite domid "$name-new")" \
		"$id:$id"
	run xlite domid "$name"
	is "$maker/$tool: not by the old one" "$rc:$out" "1:"
	is "$maker/$tool: /vm has it" \
		"$(xenstore-read "$(xenstore-read "/local/domain/$id/vm")/name")" "$name-new"
	run xlite list -l "$name-new"
	like "$maker/$tool: list -l has it" "$out" "\"name\": \"$name-new\","

	run "$tool" shutdown -w "$name-new"
	is "$maker/$tool: shutdown -w" "$rc:$out" "0:"
	like "$maker/$tool: its words" "$err" "^Shutting down domain $id"
	console_has "$name" 'shutdown poweroff'
	within "$maker/$tool: and gone" 20 xen_gone "$name-new"
}

by xl xlite
by xlite xlite
by xlite xl

# Names that cannot be.
tiny r1
tiny r2
xl create -q "$T/r1.cfg"
xl create -q "$T/r2.cfg"
console_has r1 'tiny: ready'
console_has r2 'tiny: ready'
run xlite rename r1 r2
like "a taken name" "$rc:$err" "^1:Can't rename domain 'r1': domain [0-9]+ is already called 'r2'"
run xlite rename r1 r1
is "its own name" "$rc:$err" "0:"
r1=$(xl domid r1)
for bad in '' 42 a/b $'a\nb' "$(printf 'x%.0s' {1..10000})"; do
	run xlite rename r1 "$bad"
	is "a bad name is refused: $(printf %q "${bad:0:5}")" "$rc:${err%%:*}" "1:Can't rename domain 'r1'"
done
is "and r1 is still r1" "$(xl domid r1):$(xlite domid r1)" "$r1:$r1"
json=$(file_of "$(xl domid r1)")
run xlite rename r1 r3
like "the stored configuration follows" "$(tr -d '\0' < "$json")" '"name": "r3",'
is "and ends with NUL, as libxl reads it" "$(tail -c 1 "$json" | od -An -tx1)" " 00"
run xl list -l r3
is "which xl reads" "$rc" 0
# A rename waits for a toolstack that is changing the same domain.
lock=${json/userdata-d/userdata-l}
lock=${lock/libxl-json/domain-userdata-lock}
exec 9> "$lock"
flock 9
run timeout 2 xlite rename r3 r4
is "rename waits for libxl's lock" "$rc:$(xl domname "$(xl domid r3)")" "124:r3"
rm -f "$lock"
exec 9>&-
run xlite rename r3 r4
is "and goes on without" "$rc" 0
nok "leaving no lock" test -e "$lock"

# Everybody at once.
run_limit 60 xlite shutdown -a -w
is "shutdown -a -w" "$rc:$out" "0:"
like "says what it waits for" "$err" 'Waiting for 2 domains'
within "r4 gone" 20 xen_gone r4
within "r2 gone" 20 xen_gone r2

# A reboot asked of a guest of xl's is carried out by the xl that watches it.
tiny r5
xl create -q "$T/r5.cfg"
console_has r5 'tiny: ready'
old=$(xl domid r5)
run_limit 60 xlite reboot -w r5
is "reboot -w" "$rc:${err%%$'\n'*}" "0:Rebooting domain $old"
back() { local now; now=$(xl domid r5 2> /dev/null) && [ "$now" != "$old" ]; }
within "it is back under a new number" 20 back

# One that does not listen: SIGTERM ends the waiting and leaves the guest alone.
tiny r6 'extra="noack"'
xl create -q "$T/r6.cfg"
console_has r6 'tiny: ready'
run timeout -k 10 3 xlite shutdown r6
is "shutdown waits for the guest to take it" "$rc" 124
state r6
like "which is as before" "$out" '^[r-][b-]----$'
run xlite shutdown 77
is "a domain that is not there" "$rc:$err" $'1:Shutting down domain 77\nshutdown failed (rc=-3): domain 77 does not exist'
run xlite pause 77
is "pause of nothing fails" "$rc:${out}" "1:"
ok "away" xl destroy r6
ok "away" xl destroy r5

# on_poweroff of our own guests; one that nobody watches stays as it ended.
tiny p1 'on_poweroff="preserve"'
tiny p2
ok "xlite creates" xlite create -q "$T/p1.cfg"
ok "xlite creates" xlite create -q -e "$T/p2.cfg"
console_has p1 'tiny: ready'
console_has p2 'tiny: ready'
run_limit 60 xlite shutdown -w p1
is "shutdown -w of one that stays" "$rc" 0
state p1
is "preserve keeps it" "$rc:$out" "0:---s--"
run_limit 60 xlite shutdown p2
is "shutdown of one that nobody watches" "$rc" 0
within "shut down" 20 has_state p2 '---s--'
run xl destroy p2
is "xl destroys ours" "$rc:$err" "0:"
# Nothing is taken from one that somebody just attaches a device to.
id=$(xl domid p1)
read -r _ uuid _ < /run/xlite/p1.dom
exec 8> "/var/lib/xen/userdata-l.$id.$uuid.domain-userdata-lock"
flock 8
xlite destroy p1 8>&- 2> "$T/said" &
within "destroy has begun" 20 has_state p1 '--p*'
is "and waits" "$(xenstore-read "/local/domain/$id/name")" p1
rm "/var/lib/xen/userdata-l.$id.$uuid.domain-userdata-lock"
exec 8>&-
wait $!
is "xlite too" "$?:$(< "$T/said")" "0:"
# What an xl writes that was still creating and got the lock last.
tiny late memory=16
ok "another" xlite create -q -p "$T/late.cfg"
id=$(xl domid late)
read -r _ uuid _ < /run/xlite/late.dom
json=/var/lib/xen/userdata-d.$id.$uuid.libxl-json
lock=/var/lib/xen/userdata-l.$id.$uuid.domain-userdata-lock
XLITE_STOP_AT=xc_domain_destroy xlite-fault destroy late &
within "destroy is at the domain itself" 20 grep -q '^State:.*stopped' "/proc/$!/status"
nok "its data are gone" test -e "$json"
exec 8> "$lock"
flock 8
echo '{}' > "$json"
kill -CONT $!
within "the domain is gone" 20 xen_gone late
rm "$lock"
exec 8>&-
wait $!
is "so is what came late" "$?:$(ls /var/lib/xen/userdata-?."$id".* 2> /dev/null)" "0:"
# -ww waits until it is gone; each is back under a new number after reboot -a -w.
tiny p3 'on_poweroff="preserve"'
tiny p4
ok "xlite creates" xlite create -q "$T/p3.cfg"
ok "xlite creates" xlite create -q "$T/p4.cfg"
console_has p3 'tiny: ready'
console_has p4 'tiny: ready'
p3=$(xl domid p3) p4=$(xl domid p4)
run_limit 60 xlite reboot -a -w
is "reboot -a -w" "$rc:$out" "0:"
like "asks both, and waits" "$err" "Rebooting domain $p3.*Rebooting domain $p4.*Waiting for 2 domains"
for n in $p3 $p4; do like "domain $n has ended" "$err" "Domain $n has been (shut down, reason code 1|destroyed)"; done
new_ones() { local a b; a=$(xl domid p3) && b=$(xl domid p4) && [ "$a" -gt "$p4" ] && [ "$b" -gt "$p4" ]; }
within "both are back under a new number" 30 new_ones
twice() { [ "$(grep -ac '^tiny: ready' "$(console_log "$1")")" = 2 ]; }
within "p3 runs" 60 twice p3
within "p4 runs" 60 twice p4
timeout 100 xlite shutdown -ww p3 2> "$T/said" &
pid=$!
within "shutdown -ww: it has ended" 30 has_state p3 '---s--'
within "which is told" 20 grep -q 'has been shut down, reason code 0' "$T/said"
ok "that is not enough" test -e "/proc/$pid"
run xlite destroy p3
wait $pid
is "now it is" "$?:$(grep -c "has been destroyed" "$T/said")" 0:1
run_limit 60 xlite shutdown -ww p4
is "shutdown -ww" "$rc" 0
ok "it is gone at once" xen_gone p4

no_records() { [ -z "$(ls /run/xlite)" ]; }
# What xl destroyed or renamed behind our back leaves a record.
run xlite cleanup
is "cleanup" "$rc:$out" "0:"
within "leaves no record of what is gone" 20 no_records
done_testing
