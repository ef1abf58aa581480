#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the queries print, beside what Debian's xl prints of the same host at the same moment.
. "$XLITE/lib.sh"

# same [-t] WORDS: both tools print the same on stdout and stderr and end alike; -t: but for
# the times of running domains, and where dom0's vcpus are.
same()
{
	local times=()

	if [ "$1" = -t ]; then
		times=(-e 's/ +[0-9]+\.[0-9]/ T/' -e 's/^(Domain-0 +0 +[0-9]+) +[0-9]+ +[rb-]{2}- /\1 /')
		shift
	fi
	run xl "$@"
	local want
	want="$rc:$err:$(sed -E "${times[@]}" -e '' <<< "$out")"
	run xlite "$@"
	out=$(sed -E "${times[@]}" -e 's/: xlite/: xl/' <<< "$out")
	is "$*" "$rc:${err//xlite/xl}:$out" "$want"
}

tiny q1 memory=24 vcpus=1 maxvcpus=2
tiny q2 'uuid="12345678-9abc-def0-1234-56789abcdef0"' 'on_crash="preserve"' 'extra="exit=3"'
ok "xl makes a paused guest" xl create -q -p "$T/q1.cfg"
ok "xl makes one that crashes" xl create -q "$T/q2.cfg"
wait_for 20 eval 'xl list q2 | grep -q -- "---sc-"'

same list q1
same list q2
same -t list
same -t list -v
same -t list -vZcn
same list -n q1
same -t vcpu-list
same vcpu-list q1 q1
same vm-list
same info -n
same info free_memory
same info xen_m
same dmesg
same domid q2
same domname 0
run xlite uptime -s q1
like "uptime -s" "$out" '^ [0-2][0-9]:[0-5][0-9]:[0-5][0-9] up  0:0[0-9], q1 \([0-9]+\)$'

# libxl adds an unset field of the size of video memory, -1, to dom0's target.
run xl list -l
want=${out/1048575/1048576}
run xlite list -l
is "list -l, to the byte" "$out" "$want"
same list -l q1
same list --lon q2
run xl list -l q1
want=$out
run xlite list q1 -l
is "options after words, where xl takes none" "$rc:$out" "0:$want"
run xl uptime q1
want=${out% *}
run xlite uptime q1
is "uptime, but for the seconds" "${out% *}" "$want"

same list nope
same list 77
same list 99999
same domid nope
same domid 0
same domname 77
same vcpu-list nope
same uptime nope
same list -y
run xlite domid
is "a missing argument" "$rc:$err" $'2:\'xlite domid\' requires at least 1 argument.\n'
like "shows the help" "$out" '^Usage: xlite \[-vtT\] domid <DomainName>'

run xlite list ''
is "the empty name is refused" "$rc:$out:$err" "1::xlite: the empty string names no domain"
run xlite list 65536
is "a number beyond 16 bits is no other domain" "$rc:$err" "1:Error: Domain '65536' does not exist."
run xlite info nothing_like_it
is "an unknown key of info fails" "$rc:$out" "1:"

# A domain without stored configuration is there all the same, a uuid after its name.
mv /var/lib/xen/userdata-d.*-56789abcdef0.libxl-json "$T/kept"
run xlite list -l q2
like "list -l without the file" "$out" \
	$'"name": "q2",\n                "uuid": "12345678-9abc-def0-1234-56789abcdef0"'
like "and says so" "$err" "only name and uuid are known"
printf '{"c_info": [' > "$T/broken"
cp "$T/broken" "/var/lib/xen/userdata-d.$(xl domid q2).12345678-9abc-def0-1234-56789abcdef0.libxl-json"
run xlite list -l q2
like "list -l with a broken file" "$rc:$out" '^0:.*"name": "q2",'
mv "$T/kept" "/var/lib/xen/userdata-d.$(xl domid q2).12345678-9abc-def0-1234-56789abcdef0.libxl-json"

# --json: stable names, one schema per query.
run xlite list --json q2
like "list --json: state" "$out" '"state": "shutdown"'
like "list --json: reason" "$out" '"shutdown_reason": "crash"'
like "list --json: memory" "$out" '"memory_kb": 163[0-9]+'
run xlite info --json
like "info --json" "$out" '"total_memory": [0-9]+,'
run xlite vcpu-list --json q1
like "vcpu-list --json" "$out" '"hard_affinity": "all"'
run xlite uptime --json q1
like "uptime --json" "$out" '"uptime_seconds": [0-9]+'
run xlite domid --json q1
like "domid --json" "$out" '"name": "q1"'
run xlite dmesg --json
like "dmesg --json" "$out" '^\[.*".*\]$'

# Readers take no lock: all answers come while somebody holds the domain's.
lock=/var/lib/xen/userdata-l.$(xl domid q2).12345678-9abc-def0-1234-56789abcdef0.domain-userdata-lock
exec 9> "$lock"
flock 9
run_limit 10 xlite list -l q2
is "list -l does not wait for the lock" "$rc" 0
exec 9>&-
rm -f "$lock"

# A name with control bytes: raw into a pipe, harmless on a terminal.
id=$(xl domid q1)
xenstore-write "/local/domain/$id/name" $'q\033[1m1'
run xlite list "$id"
like "the bytes of a name stay in a pipe" "$out" $'\nq\033\\[1m1 '
run script -qec "xlite list $id" /dev/null
like "but not on a terminal" "$out" 'q\?\[1m1 '
xenstore-write "/local/domain/$id/name" q1

run xlite dmesg -c
is "dmesg -c" "$rc" 0
run xlite dmesg
is "leaves it empty" "$rc:$out" "0:"

ok "away" xl destroy q1
ok "away" xl destroy q2
run xlite list q1
is "gone at once" "$rc:$out:$err" "1::q1 is an invalid domain identifier (rc=-6)"
done_testing
