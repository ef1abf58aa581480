#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The supervisor and its children killed at random moments of a restart: each guest gets one successor,
# which runs and is looked after. Six times; LONG=1: fifty. And the child before each of its calls: every
# 30th; LONG=1: every third.
# time-limit: 1800
. "$XLITE/lib.sh"

rounds=6
[ -z "$LONG" ] || rounds=50
domid_of() { xl domid k 2> /dev/null; }
successor() { local now; now=$(domid_of) && [ "$now" != "$id" ]; }
settled() { [ -z "$(compgen -G '/run/xlite/*.restart')" ] && successor; }
answers() { [ "$(tr -d '\000\r' < "$(console_log k)" | grep -c '^tiny: ready')" = $((round + 1)) ]; }
tell() { echo "$1" | timeout 20 xlite console k > /dev/null; }
no_supervisor() { ! pgrep -f 'xlite supervise' > /dev/null; }

tiny k 'on_reboot="restart"' 'on_crash="preserve"'
run xlite create -q "$T/k.cfg"
is "created" "$rc:$err" "0:"
console_has k 'tiny: ready'
for ((round = 1; round <= rounds; round++)); do
	id=$(domid_of)
	tell "exit 1"
	# The whole of it takes some 300 ms, several times that on a busy machine.
	printf -v pause '0.%03d' $((RANDOM % 600))
	read -r -t "$pause" <> <(:)
	# Every other time the child alone, which the supervisor starts again.
	words='xlite supervise'
	[ $((round % 2)) = 1 ] || words+=' --end'
	pkill -9 -f "$words"
	xlite supervise &
	within "round $round, killed after $pause s: a successor" 60 settled || break
	within "round $round: which runs" 30 answers || break
	is "round $round: alone" "$(xl list | awk 'NR > 2' | wc -l)" 1
	# It lived for less than a minute, which is held against it: not what this is about.
	sed -i -E 's/ [0-9 ]{5} ( *[0-9]+)$/     0 \1/' /run/xlite/k.dom
done
run xlite destroy k
is "destroyed" "$rc:$err" "0:"
within "and the supervisor goes" 20 no_supervisor

# The child by itself, which the next supervisor follows: killed before its Nth call.
# reason=EXIT-CODE of the tiny guest, by key
declare -A code=([poweroff]=0 [reboot]=1 [crash]=3)
ready_lines() { tr -d '\000\r' < "$(console_log "$1")" | grep -c '^tiny: ready'; }
is_ready() { [ "$(ready_lines "$1")" = "$2" ]; }		# is_ready NAME TIMES
shut_down() { [[ $(xl list "$1" 2> /dev/null) == *---[sc]* ]]; }
nr_domains() { [ "$(domains | wc -l)" = "$1" ]; }
no_intent() { [ ! -e "/run/xlite/$1.restart" ]; }
domains() { xl list | awk 'NR > 2 { print $1 }'; }
asides() { domains | grep -E "^$1-[0-9]{8}T[0-9]{4}Z$"; }
complete() { [[ $(< "/run/xlite/$1.dom") == complete* ]]; }

# How it is afterwards, by action: NAME, and the number it had
after_restart() { is_ready "$1" 2 && complete "$1" && [ "$(xl domid "$1")" != "$2" ]; }
after_rename-restart()
{
	local aside
	after_restart "$1" "$2" && aside=$(asides "$1") && [ "$(xl domid "$aside")" = "$2" ] &&
		shut_down "$aside" && [[ $(< "/run/xlite/$aside.dom") == alone* ]]
}
after_coredump-restart() { after_restart "$1" "$2" && [[ $(head -c 4 "/var/lib/xen/dump/$1") == ?ELF ]]; }
after_destroy() { xen_gone "$1" && [ ! -e "/run/xlite/$1.dom" ]; }
after_preserve() { [ "$(xl domid "$1")" = "$2" ] && shut_down "$1" && [[ $(< "/run/xlite/$1.dom") == alone* ]]; }
right() { no_intent "$2" && "after_$1" "$2" "$3"; }		# right ACTION NAME NUMBER
# So many domains belong to one guest.
declare -A share=([restart]=1 [rename-restart]=2 [coredump-restart]=1 [destroy]=0 [preserve]=1)

# ended KEY ACTION GUESTS: s-0... have ended so, and no supervisor has seen it
ended()
{
	local i pids=()
	for ((i = 0; i < $3; i++)); do
		rm -f "$(console_log "s-$i")"
		tiny "s-$i" "on_$1=\"$2\""
		xlite create -q "$T/s-$i.cfg" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for ((i = 0; i < $3; i++)); do
		wait_for 60 is_ready "s-$i" 1
		ids[i]=$(xl domid "s-$i")
	done
	pkill -STOP -fx 'xlite supervise'
	for ((i = 0; i < $3; i++)); do
		echo "exit ${code[$1]}" > "$(xenstore-read "/local/domain/${ids[i]}/console/tty")"
	done
	for ((i = 0; i < $3; i++)); do wait_for 30 shut_down "s-$i"; done
	pkill -9 -fx 'xlite supervise'
}
# child GUEST KILL-AT: carries its end out; 137 when it was killed before that call
child()
{
	local uuid
	read -r _ uuid _ < "/run/xlite/s-$1.dom"
	{ XLITE_FAULT_FD=7 XLITE_KILL_AT=$2 xlite-fault supervise --end "s-$1" "${ids[$1]}" "$uuid" 0 \
		end 7> "$T/calls"; } 2> /dev/null
}
# steps KEY ACTION POINTS: killed before so many of its calls, spread over all; some guests at a time
steps()
{
	local key=$1 action=$2 points=$3 at=0 calls=0 bad=0 most=8 end nr i n ids=() killed=()
	while [ $at -lt "$points" ]; do
		nr=$((points - at < most ? points - at : most))
		ended "$key" "$action" $((nr + 1))
		# The first one's is left alone, and counts.
		child 0 0 || bad=$((bad + 1))
		calls=$(awk '$1 == "calls" { print $4 }' "$T/calls")
		killed=([0]=0)
		for ((i = 1; i <= nr; i++, at++)); do
			n=$(((2 * at + 1) * calls / (2 * points) + 1))
			killed[i]=$n
			child $i $n
			[ $? = 137 ] || { bad=$((bad + 1)); diag "it was not killed before call $n"; }
		done
		xlite supervise &
		end=$((SECONDS + 60))
		for ((i = 0; i <= nr; i++)); do
			wait_for $((end > SECONDS ? end - SECONDS : 0)) right "$action" "s-$i" "${ids[i]}" && continue
			bad=$((bad + 1))
			diag "s-$i: killed before call ${killed[i]} of $calls"
		done
		nr_domains $((share[$action] * (nr + 1))) || bad=$((bad + 1))
		[ $bad = 0 ] || diag "$(xl list; tail -n +1 /run/xlite/*; xlite events | tail -n 30)"
		for n in $(domains); do xlite destroy "$n"; done
		wait_for 20 no_supervisor && [ -z "$(ls /run/xlite)" ] && nr_domains 0 ||
			{ bad=$((bad + 1)); diag "left: $(xl list; ls /run/xlite)"; }
		rm -rf /var/lib/xen/dump
	done
	is "on_$key=$action, killed before $points of $calls calls" $bad 0
	ok "there were some" [ "$calls" -gt "$4" ]
}
few() { if [ -n "$LONG" ]; then echo "$2"; else echo "$1"; fi; }
steps reboot restart "$(few 6 60)" 60
steps crash rename-restart "$(few 5 60)" 60
steps crash coredump-restart "$(few 5 60)" 60
steps poweroff destroy "$(few 3 20)" 20
steps poweroff preserve "$(few 3 10)" 5
rm -f /var/log/xen/xlite-*.log
done_testing
