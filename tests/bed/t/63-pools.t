#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cpupool-*: pools made by one tool and seen by the other, a pool with the credit scheduler, and
# guests in it. The host has two cpus; Pool-0 keeps the first.
. "$XLITE/lib.sh"
shopt -s extglob

same()
{
	run xl "$@"
	local want="$rc:$err:$out"
	run xlite "$@"
	is "$*" "$rc:${err//xlite/xl}:$out" "$want"
}
# pools: name and cpus of each, as xl and as xlite say it, in $pools; leaves $rc, $out and $err
pools()
{
	local rc err out

	run xl cpupool-list -c
	local want=$out
	run xlite cpupool-list -c
	pools=${want#*$'\n'}
	pools=${pools//+( )/=}
	pools=${pools//$'\n'/ }
	[ "$out" = "$want" ] || pools="xl: $want, xlite: $out"
}
pool_of() { local line; line=$(xl list -c "$1") && echo "${line##* }"; }

same cpupool-list
same cpupool-list -c
same cpupool-list Pool-0
same cpupool-list nope
run xlite cpupool-list --json
like "cpupool-list --json" "$out" '"name": "Pool-0"'

run xlite cpupool-cpu-remove Pool-0 1
pools
is "a cpu out of Pool-0" "$rc:$err:$pools" "0::Pool-0=0"
same -N cpupool-create 'name="p1"' 'sched="credit"' 'cpus=["1"]'
run xlite cpupool-create 'name="p1"' 'sched="credit"' 'cpus=["1"]'
is "a pool from the command line" "$rc:$err:${out##*$'\n'}" "0::number of cpus: 1"
pools
is "xl sees it" "$pools" "Pool-0=0 p1=1"
same cpupool-list
same cpupool-create 'name="p1"'
id=$(xenstore-list /local/pool | sort -n | tail -1)
like "with a uuid" "$(xenstore-read "/local/pool/$id/uuid")" '^[0-9a-f-]{36}$'

# Guests in it, from pool= and by cpupool-migrate.
tiny g1 'pool="p1"' cpu_weight=300
tiny g2
ok "xlite creates in the pool" xlite create -q -p "$T/g1.cfg"
is "it is there" "$(pool_of g1)" p1
ok "xl creates one" xl create -q -p "$T/g2.cfg"
run xlite cpupool-migrate g2 p1
is "cpupool-migrate" "$rc:$err:$(pool_of g2)" "0::p1"
same list -c g1
same sched-credit
same sched-credit -p p1
same sched-credit -d g1
same sched-credit -s -p "$id"
same sched-credit2
run xlite sched-credit -s
is "the parameters of another scheduler" "$rc:$out:$err" \
	"1::xlite: cpupool 0: its scheduler is credit2, not credit"
run xlite sched-credit -d g2 -w 77 -c 33
run xl sched-credit -d g2
like "weight and cap in credit" "$out" ' 77   33$'
run xlite sched-credit -s -p p1 -t 20 -r 3000 -m 50
run xl sched-credit -s -p p1
is "the pool's parameters" "$out" "Cpupool p1: tslice=20ms ratelimit=3000us migration-delay=50us"
for words in '-t 0' '-t 1001' '-r 50' '-r 20001' '-m 100001'; do
	# shellcheck disable=SC2086
	run xlite sched-credit -s -p p1 $words
	isnt "refused: $words" "$rc" 0
done
run xl list -l g1
want=$out
run xlite list -l g1
is "list -l of a guest in another pool" "$out" "$want"
like "has its weight" "$out" '"weight": 300,'

# A guest comes back in its pool.
tiny g3 'pool="p1"'
ok "one that will reboot" xlite create -q "$T/g3.cfg"
console_has g3 'tiny: ready'
old=$(xl domid g3)
xlite reboot g3
back() { new=$(xl domid g3 2> /dev/null) && [ "$new" != "$old" ]; }
within "is back" 60 back
is "in its pool" "$(pool_of g3)" p1
xlite destroy g3

run xlite cpupool-destroy p1
is "not while there are guests" "$rc:$err" "1:xlite: cannot destroy cpupool 'p1': it has 2 domains"
pools
is "and it is whole" "$pools" "Pool-0=0 p1=1"
run xlite cpupool-cpu-remove p1 1
is "nor can its last cpu go" "$rc" 1
like "in words" "$err" 'cpu 1 is the last one of a cpupool that has domains'
run xlite cpupool-migrate g2 Pool-0
is "back" "$rc:$(pool_of g2)" "0:Pool-0"
xlite destroy g1
run xlite cpupool-rename p1 p2
pools
is "cpupool-rename" "$rc:$err:$pools" "0::Pool-0=0 p2=1"
run xlite cpupool-rename p2 Pool-0
is "a taken name" "$rc:$err" "1:xlite: cannot rename cpupool 'p2': cpupool 0 is already called 'Pool-0'"
run xlite cpupool-destroy p2
pools
is "cpupool-destroy" "$rc:$err:$pools:$(xenstore-list /local/pool)" "0::Pool-0=0:0"

# From a file; the name is the file's.
printf 'sched = "credit2"\ncpus = "1"\nfoo = 1\n' > "$T/p3"
run xlite cpupool-create "$T/p3"
is "from a file" "$rc:${out#*$'\n'}" $'0:cpupool name:   p3\nscheduler:      credit2\nnumber of cpus: 1'
like "an unknown key is said" "$err" "p3:3:1: unknown key 'foo'"
ok "xl destroys it" xl cpupool-destroy p3
printf 'name = "p4"\nnodes = ["0"]\n' > "$T/p4"
run xl cpupool-create "$T/p4"
want=$out
ok "xlite destroys xl's" xlite cpupool-destroy p4
run xlite cpupool-create -f "$T/p4"
is "nodes: what is free of them" "$rc:$out" "0:$want"
run xlite cpupool-cpu-remove p4 node:0
like "what it does not have is said" "$rc:$err" "^1:xlite: cpupool 'p4': cpu 0 is not in that cpupool"
pools
is "and what it has is gone" "$pools" "Pool-0=0 p4="
run xlite cpupool-migrate g2 p4
like "no guest into a pool without cpus" "$rc:$err" '^1:xlite: cannot move domain [0-9]+: the cpupool has no cpus'
tiny g4 'pool="p4"'
create_refused g4 "a pool without cpus" "pool='p4': it has no cpus"
ok "away" xlite cpupool-destroy p4
create_refused g4 "no such pool" "pool='p4': there is no cpupool 'p4'"

run xlite cpupool-create 'name="p5"' 'cpus="0"'
is "a cpu of another pool" "$rc:$out:$err" "1::cpu 0 illegal or not free"
same cpupool-create
same cpupool-destroy nope
same cpupool-cpu-add nope 1
same cpupool-migrate nope Pool-0
same cpupool-migrate g2 nope
run xlite cpupool-create 'name="p5"' 'sched="rtds"'
is "a scheduler that Xen was built without" "$rc:$err" \
	"1:xlite: cannot create cpupool 'p5': this hypervisor has no scheduler 'rtds'"
run xlite cpupool-create 'name="p5"' 'sched="fifo"'
is "one that nobody knows" "$rc:$err" "1:xlite: unknown scheduler 'fifo'"
run xlite cpupool-create 'name="5"'
isnt "a number is no name" "$rc" 0
run xlite cpupool-migrate 0 Pool-0
is "domain 0 stays" "$rc" 1
pools
is "all that has left nothing" "$pools" "Pool-0=0"

# Whatever call fails, there is a whole pool or none.
bad='' nr=0
step=5
[ -z "${LONG-}" ] || step=1
for ((n = 1; n < 500; n += step)); do
	XLITE_FAIL_AT=$n XLITE_FAULT_FD=9 xlite-fault cpupool-create 'name="p7"' 'cpus=["1"]' \
		> /dev/null 2> "$T/err" 9> "$T/hits" &&
		{ pools; [ "$pools" = "Pool-0=0 p7=1" ] || bad+=" $n: half: $pools"; xlite cpupool-destroy p7; }
	read -r hit _ < "$T/hits"
	[ "$hit" = hit ] || break
	nr=$((nr + 1))
	pools
	[ "$pools" = "Pool-0=0" ] || bad+=" $n: $pools $(< "$T/hits")"
done
is "a call of cpupool-create fails ($nr times)" "$bad" ""
ok "there were some" [ $nr -gt 3 ]

# One node: its pool gets all cpus, and a name.
run xlite cpupool-numa-split
pools
is "cpupool-numa-split" "$rc:$err:$pools" "0::Pool-node0=0,1"
ok "the name comes back" xl cpupool-rename Pool-node0 Pool-0
xl cpupool-cpu-remove Pool-0 1
xl cpupool-create 'name="p6"' > /dev/null
run xlite cpupool-numa-split
is "not with two pools" "$rc:$err" "1:xlite: splitting not possible, already cpupools in use"
xlite cpupool-destroy p6
run xlite cpupool-cpu-add Pool-0 all
like "cpu-add of all" "$err" 'cpu 0 is in a cpupool already'
pools
is "adds what is free" "$pools" "Pool-0=0,1"
xlite destroy g2
done_testing
