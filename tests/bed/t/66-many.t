#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many guests and one supervisor: what it costs when nothing happens, and all of them crash at once;
# beside xl, whose guests are its own. LONG=1: 300, and 100 that crash.
# time-limit: 900
. "$XLITE/lib.sh"

many=30 crash=10
[ -z "$LONG" ] || many=300 crash=100
events=/var/log/xen/xlite-events.log
rm -f $events*
supervisor() { pgrep -fx 'xlite supervise'; }
status() { awk -v k="$2:" '$1 == k { print $2 }' "/proc/$1/status"; }	# status PID KEY
switches() { status "$pid" voluntary_ctxt_switches; }
rests() { local n; n=$(switches); read -r -t 1 <> <(:); [ "$(switches)" = "$n" ]; }
ends() { grep -c "\"event\":\"$1\"" $events; }
ended() { [ "$(ends "$1")" -ge "$2" ]; }
running() { local n; n=$(xl list | grep -cE '^y-[0-9]+ .* [r-][b-]---- '); [ "$n" = "$1" ]; }

# One of xl's, with its own process.
tiny y-xl 'on_crash="restart"'
run xl create -q "$T/y-xl.cfg"
console_has y-xl 'tiny: ready'
theirs=$(xl domid y-xl)

tiny y memory=4 'on_crash="restart"'
for ((i = 0; i < many; i++)); do
	xlite create -q "$T/y.cfg" "name=\"y-$i\"" || fail "create y-$i"
done
within "$many guests" $((60 + many)) running $many
is "one supervisor" "$(supervisor | wc -l)" 1
pid=$(supervisor)
within "which has heard of all of them" 60 rests
before=$(switches)
read -r -t 10 <> <(:)	# a time in which nothing happens, which is what is counted
is "it does not wake up" "$(switches)" "$before"
anon=$(status "$pid" RssAnon)
diag "RssAnon with $many guests: $anon KiB"
ok "its memory" test "$anon" -le $((1024 + 4 * many))

for ((i = 0; i < crash; i++)); do
	ids+=("$(xl domid "y-$i")")
done
for id in "${ids[@]}" "$theirs"; do
	ttys+=("$(xenstore-read "/local/domain/$id/console/tty")")
done
for tty in "${ttys[@]}"; do
	echo "exit 3" > "$tty"
done
within "$crash crash: each has a successor" $((60 + 12 * crash)) ended restart $crash
within "which runs" $((60 + many)) running $many
is "one for each" "$(ends restart)" $crash
within "xl restarts its own" 60 eval '! xl domid y-xl > /dev/null || [ "$(xl domid y-xl)" != "$theirs" ]'
within "one of that name" 60 xl domid y-xl
is "and nobody else does" "$(grep -c y-xl $events)" 0
is "still the same supervisor" "$(supervisor)" "$pid"
xl destroy y-xl
for ((i = 0; i < many; i++)); do
	xlite destroy "y-$i"
done
within "nothing left to look after" 60 eval '! pgrep -f "xlite supervise"'
rm -f $events* /var/log/xen/xlite-supervisor.log*
done_testing
