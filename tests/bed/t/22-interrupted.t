#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Interrupts and kills by the clock, beside the exact ones of the fault tests: whenever it hits,
# nothing stays, or cleanup removes it, and other domains are not touched.
# time-limit: 600
. "$XLITE/lib.sh"

tiny bystander
xl create -q "$T/bystander.cfg"
tiny own
xlite create -q "$T/own.cfg"
linux i

for signal in INT TERM; do
	hits=0
	for tenths in 1 4 8 16 30; do
		rm -rf /var/cache/xlite
		# A shell without job control starts what follows & deaf to SIGINT.
		env --default-signal=INT xlite create -q "$T/i.cfg" 2> "$T/err" &
		pid=$!
		sleep "$((tenths / 10)).$((tenths % 10))"
		kill -$signal $pid 2> /dev/null
		wait $pid
		case $? in
		0) xlite destroy i ;;
		3 | 130 | 143) hits=$((hits + 1)) ;;
		*) fail "status after SIG$signal: $(< "$T/err")" ;;
		esac
		[ ! -e /run/xlite/i.dom ] || fail "a run file stays after SIG$signal at $tenths/10 s"
		xen_gone i || fail "a domain stays after SIG$signal at $tenths/10 s"
	done
	ok "SIG$signal: $hits of 5 were in time, nothing stayed" test $hits -gt 0
done

# There is none, or it was complete before the kill.
whole() { [ ! -e /run/xlite/i.dom ] || [[ $(< /run/xlite/i.dom) == @(complete|alone)* ]]; }
removed=0
for tenths in 1 4 8 16 30; do
	xlite create -q "$T/i.cfg" 2> "$T/err" &
	pid=$!
	sleep "$((tenths / 10)).$((tenths % 10))"
	if ! kill -KILL $pid 2> /dev/null; then
		wait $pid
		xlite destroy i
		continue
	fi
	wait $pid 2> /dev/null
	if [ $tenths -gt 4 ]; then
		run xlite cleanup
		[ $rc = 0 ] || fail "cleanup: $err"
		whole || fail "cleanup leaves an unfinished create at $tenths/10 s"
		removed=$((removed + 1))
	fi
	# Otherwise the next create of that name is what cleans up.
	if xen_gone i || ! whole; then
		run xlite create -q -p "$T/i.cfg"
		[ $rc = 0 ] || fail "create after a kill: $err"
	fi
	xlite destroy i
done
pass "SIGKILL: $removed clean-ups"

is "xl's guest lives" "$(xl list bystander | grep -c bystander)" 1
is "our complete guest lives" "$(xl list own | grep -c own)" 1
run xlite cleanup
is "cleanup has nothing to do" "$rc:$out:$err" "0::"

# A create that was killed before it had a domain; its config's uuid is a live domain's now.
uuid=$(xl domid bystander)
uuid=$(xenstore-read "/local/domain/$uuid/vm")
printf '%-8s %36s %10u %5u %11d\n' creating "${uuid#/vm/}" 0 0 0 > /run/xlite/ghost.dom
run xlite cleanup
is "a record without a number" "$rc:$out" "0:removed the trace of an unfinished create of ghost"
is "costs no live domain of its uuid" "$(xl list bystander | grep -c bystander)" 1
xl destroy bystander
xlite destroy own

# Two creates of one name at once: one wins, the other says why.
for i in 1 2 3 4 5 6; do
	xlite create -q -p "$T/i.cfg" 'name="twin"' 2> "$T/err.$i" &
done
wait
is "one of six twins lives" "$(xl list | grep -c twin)" 1
like "the others say why" "$(cat "$T"/err.*)" "twin.*(exists already|just creating)"
is "five say it" "$(cat "$T"/err.* | wc -l)" 5
xlite destroy twin

# Different names at once.
tiny p
for i in 1 2 3 4 5 6; do
	xlite create -q -p "$T/p.cfg" "name=\"p$i\"" &
done
wait
is "six creates at once" "$(xl list | grep -c ' --p--- ')" 6
for i in 1 2 3 4 5 6; do
	xlite destroy p$i &
done
wait
is "six destroys at once" "$(xl list | wc -l)" 2
rm -rf /var/cache/xlite
done_testing
