#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mem-set and mem-max: what they change, beside xl; limits; waiting for a guest.
. "$XLITE/lib.sh"

memory()	# memory NAME: target, static-max, and the domain's size in MiB, in $mem
{
	run xlite list --json "$1"
	[[ $out =~ \"domid\":\ ([0-9]+) ]] && id=${BASH_REMATCH[1]}
	[[ $out =~ \"memory_kb\":\ ([0-9]+) ]] && mem=$((BASH_REMATCH[1] / 1024))
	[[ $out =~ \"max_memory_kb\":\ ([0-9]+) ]] && limit=${BASH_REMATCH[1]}
	run xenstore-read "/local/domain/$id/memory/target" "/local/domain/$id/memory/static-max"
	mem="${out/$'\n'/ } $mem"
}

tiny m1 memory=64
ok "xl creates" xl create -q "$T/m1.cfg"
console_has m1 'tiny: ready'
run xlite mem-set -w m1 32
is "mem-set -w down" "$rc:$out:$err" "0::"
memory m1
is "the guest followed" "$mem" "32768 65536 32"
console_has m1 'balloon 32768 KiB'
is "Xen holds it to that" "$limit" "$(((32 + 1) * 1024))"
vm=$(xenstore-read "/local/domain/$id/vm")
is "/vm/UUID/memory" "$(xenstore-read "$vm/memory")" 32
run xlite mem-set -w m1 65536k
is "mem-set -w up" "$rc:$err" "0:"
memory m1
is "the guest followed" "$mem" "65536 65536 64"
run xl list -l m1
want=$out
run xlite list -l m1
is "list -l shows the target" "$out" "$want"

# The same from both; xl would take everything with "0g".
xl mem-set m1 40960k
memory m1
want="$mem $limit"
ok "back up" xlite mem-set m1 64
run xlite mem-set m1 40960k
is "a size with a suffix" "$rc:$err" "0:"
memory m1
is "a size with a suffix, as xl" "$mem $limit" "$want"
run xlite mem-set m1 0g
is "never everything" "$rc:$err" "1:invalid memory size: 0g"
xlite mem-set -w m1 64
for size in 1x '' -- 99999999999999999999 9223372036854775807g; do
	run xlite mem-set -- m1 "$size"
	is "no size: '$size'" "$rc:$err" "1:invalid memory size: $size"
done

run xlite mem-set m1 65
like "more than its maximum" "$rc:$err" \
	"^1:cannot set domid [0-9]+ dynamic max memory to : 65: .*more than its maximum, 64 MiB"
run xlite mem-max m1 20
like "a maximum below the target" "$rc:$err" '^1:cannot set .* static max memory to : 20: .*target'
run xlite mem-max m1 80
is "mem-max" "$rc:$err" "0:"
memory m1
is "the node follows" "${mem% *}" "65536 81920"
is "and Xen's limit" "$limit" "$(((80 + 1) * 1024))"
run xlite mem-set -w m1 80
is "room to grow" "$rc:$err" "0:"

# A guest that does not follow is named, with where it stays.
tiny m2 memory=32 'extra="noballoon"'
ok "xl creates" xl create -q "$T/m2.cfg"
console_has m2 'tiny: ready'
run_limit 60 xlite mem-set -w m2 16
like "it does not follow" "$rc:$err" 'domain [0-9]+ stays at 32 MiB and does not follow to 16 MiB'
run script -qec "timeout 60 xlite mem-set -w m1 48" /dev/null
like "progress on a terminal" "$out" $'\r[0-9]+ MiB, wanted 48 MiB'

# dom0: its floor is 128 MiB; the nodes appear when xl never made them.
run xlite mem-set 0 127
is "dom0's floor" "$rc:$err" "1:cannot set domid 0 dynamic max memory to : 127: domain 0 cannot run with less than 128 MiB"
run xlite mem-set 0 1024
is "dom0 to what it has" "$rc:$err" "0:"
# libxl keeps dom0's size there too, for ever.
xenstore-rm /vm/00000000-0000-0000-0000-000000000000
run xlite mem-set nope 64
is "no such domain" "$rc:$err" "1:nope is an invalid domain identifier (rc=-6)"
ok "away" xl destroy m1
ok "away" xl destroy m2
done_testing
