#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The supervisor: what guests' configs say about their end, carried out by one process that may be
# killed at any moment, and that goes when there is nothing left to look after.
# time-limit: 1200
. "$XLITE/lib.sh"

# Its children have "--end" among their words.
supervisors() { pgrep -cfx 'xlite supervise( --stay)?'; }
one_supervisor() { [ "$(supervisors)" = 1 ]; }
no_supervisor() { [ "$(supervisors)" = 0 ]; }
domid_of() { xl domid "$1" 2> /dev/null; }
successor_of() { local id; id=$(domid_of "$1") && [ "$id" != "$2" ]; }	# successor_of NAME OLD-DOMID
ended() { [[ $(xl list "$1" 2> /dev/null) == *---s* || $(xl list "$1" 2> /dev/null) == *----c* ]]; }
alone() { [[ $(< "/run/xlite/$1.dom") == alone* ]]; }	# its record: nobody looks after it
no_domain() { ! xl list "$1" 2> /dev/null; }
log=/var/log/xen/xlite-supervisor.log
events() { grep -c "\"event\":\"$2\",\"name\":\"$1\"" /var/log/xen/xlite-events.log; }

# reason=EXIT-CODE of the tiny guest, by key
declare -A code=([poweroff]=0 [reboot]=1 [crash]=3 [watchdog]=4 [soft_reset]=5)

# ends NAME KEY ACTION [LINE...]: a guest that ends so once it is told to
ends()
{
	tiny "$1" "on_$2=\"$3\"" "${@:4}"
	run xlite create -q "$T/$1.cfg"
	is "$1: created" "$rc:$err" "0:" || return
	id=$(domid_of "$1")
	console_has "$1" 'tiny: ready'
	tell "$1" "exit ${code[$2]}"
}
tell() { echo "$2" | timeout 20 xlite console "$1" > /dev/null; }

for key in poweroff reboot crash watchdog; do
	ends "s-$key" "$key" destroy
	within "on_$key=destroy" 30 xen_gone "s-$key"
done
within "no guest, no supervisor" 30 no_supervisor

# Whoever makes the first guest starts the supervisor, and gives it nothing of its own.
tiny s-first
( exec 9> "$T/lock"; flock 9; SECRET=x xlite create -q "$T/s-first.cfg" )
is "the first guest" $? 0
within "has a supervisor" 20 one_supervisor
supervisor=$(pgrep -fx 'xlite supervise')
read -r -a stat < "/proc/$supervisor/stat"
is "in a session of its own" "${stat[5]}" "$supervisor"
nok "with another environment" grep -q SECRET "/proc/$supervisor/environ"
ok "and no descriptor of its create" flock -n "$T/lock" true
left() { local n=0 pid; for pid in "${six[@]}"; do ! kill -0 "$pid" 2> /dev/null || n=$((n + 1)); done; [ $n = "$1" ]; }
# six_more: six at once
six_more() { six=(); for _ in 1 2 3 4 5 6; do xlite supervise & six+=($!); done; }
six_more
within "six more go" 20 left 0
is "it is the same" "$(pgrep -fx 'xlite supervise')" "$supervisor"
kill -9 "$supervisor"
six_more
within "of six at once, five go" 20 left 1
ok "one stays" one_supervisor
run xlite destroy s-first
within "until its guest has gone" 20 no_supervisor
wait

# One that stays, as a service: with no guest, past guests, until it is told to go.
xlite supervise --stay &
stay=$!
# It has the lock, and waits.
settled() { grep -q ":$(stat -c %i /run/xlite/supervisor.lock) " /proc/locks && grep -q poll "/proc/$stay/wchan"; }
within "--stay: no guest" 20 settled
for n in 1 2; do
	ends "s-service$n" poweroff destroy
	within "--stay: guest $n ends" 30 xen_gone "s-service$n"
	is "it has seen to that" "$(pgrep -fx 'xlite supervise( --stay)?')" $stay
	within "and waits" 20 settled
done
tiny s-service
run xlite create -q "$T/s-service.cfg"
kill $stay
wait $stay
is "--stay: told to go" $? 0
is "its guest is not touched" "$(cut -d ' ' -f 1 /run/xlite/s-service.dom)" complete
# The one that a create starts is not pushed aside; the service has its place when it ends.
xlite supervise &
created=$!
holds_lock() { cat "/proc/$1/fdinfo"/* | grep -q "^lock:.*:$(stat -c %i /run/xlite/supervisor.lock) "; }
within "the one of a create" 20 holds_lock $created
xlite supervise --stay &
stay=$!
within "--stay waits beside it" 20 grep -q poll "/proc/$stay/wchan"
ok "which goes on" holds_lock $created
run xlite destroy s-service
wait $created
is "with its last guest it ends" $? 0
within "--stay is the supervisor" 20 holds_lock $stay
ends s-service3 poweroff destroy
within "of the next guest" 30 xen_gone s-service3
is "it alone" "$(pgrep -fx 'xlite supervise( --stay)?')" $stay
kill $stay
wait $stay
is "told to go" $? 0

ends s-keep crash preserve
within "on_crash=preserve" 30 alone s-keep
ok "it has ended" ended s-keep
is "it is the same domain" "$(domid_of s-keep)" "$id"
run xlite destroy s-keep

ends s-again reboot restart
within "on_reboot=restart" 30 successor_of s-again "$id"
lives() { [ "$(grep -ac '^tiny: ready' "$(console_log "$1")")" = "$2" ]; }	# so many of them have begun
within "which runs" 60 lives s-again 2
ok "one supervisor" one_supervisor
is "one event" "$(events s-again restart)" 1
run xlite events
like "events" "$out" "s-again +[0-9]+  reboot reboot: restart"
like "in words" "$out" "s-again +[0-9]+  restart succeeds domain $id"
run xlite events --json
like "events --json" "$out" '\{"time":[0-9.]+,"event":"shutdown","name":"s-poweroff","domid":1,"text":"poweroff: destroy"\}'
id=$(domid_of s-again)
truncate -s +1100000 "$log"
tell s-again "exit 1"
within "and again" 30 successor_of s-again "$id"
supervisor=$(pgrep -fx 'xlite supervise')
is "its log was rotated, and goes on in the new one" "$(readlink "/proc/$supervisor/fd/2")" "$log"
ok "the old one is beside it" eval '[ "$(stat -c %s "$log.1")" -gt 1000000 ]'
is "its folder is none of create's" "$(readlink "/proc/$supervisor/cwd")" /
# A create's run file is locked for as long as another xlite (cleanup) looks at it.
id=$(domid_of s-again)
exec 8< /run/xlite/s-again.dom
flock 8
tell s-again "exit 1"
within "its record is held" 30 no_domain "$id"
exec 8<&-
within "a successor all the same" 30 successor_of s-again "$id"
run xlite destroy s-again
is "destroyed" "$rc:$err" "0:"

# between NAME: it has ended, and its successor waits for its record, which descriptor 8 has
between()
{
	console_has "$1" 'tiny: ready'
	id=$(domid_of "$1")
	exec 8< "/run/xlite/$1.dom"
	flock 8
	tell "$1" "exit 1"
	within "$1: between two lives" 30 no_domain "$id"
}
# again NAME [LINE...]: one that restarts
again()
{
	tiny "$1" 'on_reboot="restart"' "${@:2}"
	run xlite create -q "$T/$1.cfg"
	is "$1: created" "$rc" 0 || diag "$err"
}
waits() { grep -q "^waiting for what is done about the end of '$1'" "$T/said"; }
# Destroyed between its lives it does not come back, whether somebody is at its restart or not.
for who in by-name by-pattern killed; do
	again "s-$who"
	between "s-$who"
	[ $who != killed ] || pkill -9 -f 'xlite supervise'
	word=s-$who
	[ $who != by-pattern ] || word='s-by-pat*'
	xlite destroy "$word" 8<&- 2> "$T/said" &
	destroy=$!
	[ $who = killed ] || within "$who: destroy waits" 20 waits "s-$who"
	exec 8<&-
	wait $destroy
	is "$who: destroyed" "$?:$(grep -v '^waiting for' "$T/said")" "0:"
	run_limit 30 xlite supervise
	isnt "$who: nobody brings it back" "$rc" 124
	nok "$who: it is gone" domid_of "s-$who"
	nok "$who: so is its restart" compgen -G "/run/xlite/s-$who.*"
done
run xlite destroy s-killed
like "and then there is none" "$rc:$err" "^1:s-killed is an invalid domain identifier"

# Nor does one that its create attends; by its number, which it has no more.
tiny s-front 'on_reboot="restart"'
xlite create -F "$T/s-front.cfg" 2> "$T/front" &
front=$!
between s-front
run xlite destroy "$id"
like "its number is nobody's" "$rc:$err" "^1:.*$id"
exec 8<&-
within "attended: a successor all the same" 30 successor_of s-front "$id"
within "which is complete" 30 eval '[ ! -e /run/xlite/s-front.end ]'
exec 9> /run/xlite/s-front.end
flock 9
xlite destroy s-front 9<&- 2> "$T/said" &
destroy=$!
within "who attends it is waited for" 20 waits s-front
ok "meanwhile it lives" domid_of s-front
rm /run/xlite/s-front.end
exec 9<&-
wait $destroy
is "destroyed" "$?:$(grep -v '^waiting for' "$T/said")" "0:"
wait $front
nok "and nothing is left" compgen -G "/run/xlite/s-front.*"

# By its name, between its lives.
rm "$(console_log s-front)"
xlite create -F "$T/s-front.cfg" 2> "$T/front" &
front=$!
between s-front
rm -f "$T/said"
xlite destroy s-front 8<&- 2> "$T/said" &
destroy=$!
within "destroy waits" 20 waits s-front
exec 8<&-
wait $destroy
is "destroyed" "$?:$(grep -v '^waiting for' "$T/said")" "0:"
wait $front
nok "and nothing is left" compgen -G "/run/xlite/s-front.*"

# Who makes the successor is killed in the middle of it: that goes as well.
cat > "$T/vif" <<EOT
#!/bin/bash
[ "\$1" != online ] || [ ! -e "$T/hold" ] || exec sleep 1000
exec /etc/xen/scripts/vif-bridge "\$@"
EOT
chmod +x "$T/vif"
again s-half "vif=['script=$T/vif,mac=00:16:3e:09:60:01']"
touch "$T/hold"
between s-half
xlite destroy s-half 8<&- 2> "$T/said" &
destroy=$!
within "destroy waits" 20 waits s-half
exec 8<&-
within "half a successor" 30 grep -qE '^creating +[-0-9a-f]+ +[1-9]' /run/xlite/s-half.dom
within "its script runs" 30 pgrep -fx 'sleep 1000'
pkill -9 -f 'xlite supervise'
pkill -fx 'sleep 1000'
wait $destroy
is "destroyed" "$?:$(grep -v '^waiting for' "$T/said")" "0:"
nok "and nothing is left" compgen -G "/run/xlite/s-half.*"
is "no domain either" "$(xl list | awk 'NR > 2')" ""

# Whoever carries it out is killed again and again: given up, and not for another day.
again s-tired
between s-tired
child=
another() { local now; now=$(pgrep -fx "xlite supervise --end s-tired .*") && [ "$now" != "$child" ]; }
for n in 1 2 3 4; do
	within "child $n" 20 another || break
	child=$(pgrep -fx "xlite supervise --end s-tired .*")
	kill -9 "$child"
done
within "given up" 20 eval '[ "$(events s-tired error)" = 1 ]'
exec 8<&-
within "nobody looks after it" 30 no_supervisor
run xlite cleanup
nok "nothing is left of its restart" compgen -G "/run/xlite/s-tired.*"

ends s-aside crash rename-restart
within "on_crash=rename-restart" 30 successor_of s-aside "$id"
like "the old one is kept aside" "$(xl list | grep s-aside-)" "^s-aside-[0-9]{8}T[0-9]{4}Z +$id "
first=$id
within "the new one runs" 60 lives s-aside 2
id=$(domid_of s-aside)
tell s-aside "exit 3"
within "again, in the same minute" 30 successor_of s-aside "$id"
is "both are kept" "$(xl list | grep -c ^s-aside-)" 2
run xlite destroy s-aside
run xlite destroy "$id"
is "destroyed" "$rc:$err" "0:"
run xlite destroy "$first"
is "and the other" "$rc:$err" "0:"
nok "they are nobody's guests" grep '"name":"s-aside-' /var/log/xen/xlite-events.log

# What cannot be read says nothing about its end.
tiny s-blind 'on_crash="preserve"'
run xlite create -q "$T/s-blind.cfg"
console_has s-blind 'tiny: ready'
id=$(domid_of s-blind)
echo '[]' > /var/lib/xen/userdata-d."$id".*.libxl-json
tell s-blind "exit 3"
within "no config that can be read: left" 30 alone s-blind
ok "as it ended" ended s-blind
is "it is told" "$(events s-blind error)" 1
run xlite destroy s-blind

# A suspended guest may run again: it has not ended. (The other one shows that it was seen.)
tiny s-sleep
run xlite create -q "$T/s-sleep.cfg"
console_has s-sleep 'tiny: ready'
tell s-sleep "exit 2"
within "suspended" 30 ended s-sleep
ends s-other poweroff destroy
within "another one ends" 30 xen_gone s-other
ok "it is still looked after" one_supervisor
is "no end" "$(events s-sleep shutdown)" 0
like "and its record stays" "$(cat /run/xlite/s-sleep.dom)" '^complete '
run xlite destroy s-sleep

# Paths from where it was made.
cp "$XLITE/guests/tiny" "$T/here"
tiny s-here 'kernel="here"' 'on_reboot="restart"'
cd "$T" || exit
run xlite create -q s-here.cfg
cd / || exit
is "a kernel of this folder" "$rc:$err" "0:"
console_has s-here 'tiny: ready'
id=$(domid_of s-here)
tell s-here "exit 1"
within "is found again" 30 successor_of s-here "$id"
run xlite destroy s-here

# What is waited for before a restart is no life: it counts from where it was.
tiny s-count 'on_reboot="restart"'
run xlite create -q "$T/s-count.cfg"
console_has s-count 'tiny: ready'
id=$(domid_of s-count)
printf -v now '%(%s)T' -1
sed -i -E "s/ [0-9 ]{5} ( *[0-9]+)\$/     8  $((now - 45))/" /run/xlite/s-count.dom
tell s-count "exit 1"
within "held back" 60 successor_of s-count "$id"
is "for some time" "$(events s-count held-back)" 1
read -r _ _ _ restarts _ < /run/xlite/s-count.dom
is "the next restart in a row" "$restarts" 9
run xlite destroy s-count

# Cut off when the successor stood, before it ran: somebody looks after it as well.
tiny s-cut 'on_reboot="restart"'
run xlite create -q -p "$T/s-cut.cfg"
id=$(domid_of s-cut)
pkill -9 -fx 'xlite supervise'
read -r _ uuid _ < /run/xlite/s-cut.dom
printf '{"domid":30000,"uuid":"%s","restarts":1,"aside":"","aside_uuid":"%s","config":{}}' "$uuid" \
	"$uuid" > /run/xlite/s-cut.restart
xlite supervise &
console_has s-cut 'tiny: ready'
tell s-cut "exit 1"
within "a successor of the successor" 30 successor_of s-cut "$id"
run xlite destroy s-cut
wait

ends s-dump crash coredump-destroy
within "on_crash=coredump-destroy" 60 xen_gone s-dump
is "its core" "$(head -c 4 /var/lib/xen/dump/s-dump | tail -c 3)" ELF

# A restart that cannot be is given up, and why is told.
cp "$XLITE/guests/tiny" "$T/kernel"
tiny s-lost "kernel=\"$T/kernel\"" 'on_reboot="restart"'
run xlite create -q "$T/s-lost.cfg"
console_has s-lost 'tiny: ready'
rm "$T/kernel"
tell s-lost "exit 1"
within "no kernel any more: gone" 30 xen_gone s-lost
within "and nothing to look after" 30 no_supervisor
run xlite events
like "it is told" "$out" "s-lost +[0-9]+  error cannot restart 's-lost': .*No such file"

# One that restarts again and again is given up for good: its record says so to whoever comes next.
# (Nobody waits for a log: it cannot be written this time.)
tiny s-quick 'on_reboot="restart"'
rm "$log"
mkdir "$log"
run xlite create -q "$T/s-quick.cfg"
is "no log: created" "$rc:$err" "0:"
console_has s-quick 'tiny: ready'
sed -i -E 's/ [0-9 ]{5} ( *[0-9]+)$/    12 \1/' /run/xlite/s-quick.dom
tell s-quick "exit 1"
within "given up" 30 eval '[ "$(events s-quick given-up)" = 1 ]'
within "nothing to look after" 30 no_supervisor
ok "its record" alone s-quick
rmdir "$log"
run xlite supervise
is "another supervisor leaves it as well" "$rc:$(events s-quick restart)" "0:0"
ok "it stays as it ended" ended s-quick
run xlite destroy s-quick

# What restarts nobody has not to wait, however often it was restarted before.
tiny s-last 'on_reboot="restart"' 'on_poweroff="destroy"'
run xlite create -q "$T/s-last.cfg"
console_has s-last 'tiny: ready'
sed -i -E 's/ [0-9 ]{5} ( *[0-9]+)$/    12 \1/' /run/xlite/s-last.dom
like "restarted often" "$(cat /run/xlite/s-last.dom)" ' 12 '
tell s-last "exit 0"
within "many restarts, and then the end: gone" 30 xen_gone s-last
is "nobody gives it up" "$(events s-last given-up):$(events s-last held-back)" "0:0"

# A restart keeps what came to the guest while it lived.
truncate -s 1M "$T/live.img"
tiny s-live 'on_reboot="restart"' maxmem=64
run xlite create -q "$T/s-live.cfg"
console_has s-live 'tiny: ready'
id=$(domid_of s-live)
run xlite block-attach s-live "$T/live.img,raw,xvdc,w"
is "a disk" "$rc" 0 || diag "$err"
run xlite network-attach s-live bridge=xenbr0
is "and a vif come" "$rc" 0 || diag "$err"
run xlite mem-set s-live 24
of_live() { xlite block-list s-live | grep -c 51744; xlite network-list s-live | awk 'NR == 2 { print $3 }'
	xenstore-read "/local/domain/$(domid_of s-live)/memory/target"; }
was=$(of_live)
like "so it is" "$was" $'^1\n00:16:3e:[0-9a-f:]+\n24'
tell s-live "exit 1"
within "it restarts" 60 successor_of s-live "$id"
within "and is complete" 30 eval '[[ $(< /run/xlite/s-live.dom) == complete* ]]'
is "with its disk, its address and its memory" "$(of_live)" "$was"
run xlite destroy s-live

# Held back, and what it was is destroyed: the next of its name is looked after at once.
tiny s-held 'on_reboot="restart"'
run xlite create -q "$T/s-held.cfg"
console_has s-held 'tiny: ready'
sed -i -E 's/ [0-9 ]{5} ( *[0-9]+)$/    10 \1/' /run/xlite/s-held.dom
# It is destroyed before the supervisor, which is busy, hears that it is held back.
exec 9> /run/xlite/s-held.end
flock 9
tell s-held "exit 1"
within "its child waits" 30 pgrep -f 'supervise --end s-held'
ok "the supervisor is busy" pkill -STOP -fx 'xlite supervise'
rm /run/xlite/s-held.end
exec 9>&-
within "held back" 30 eval '[ "$(events s-held held-back)" = 1 ]'
run xlite destroy s-held
is "destroyed" "$rc" 0 || diag "$err"
pkill -CONT -fx 'xlite supervise'
within "which is told" 30 eval '[ "$(events s-held destroyed)" = 1 ]'
rm -f "$(console_log s-held)"
run xlite create -q "$T/s-held.cfg"
is "created again" "$rc:$err" "0:"
console_has s-held 'tiny: ready'
tell s-held "exit 0"
within "the next one ends" 20 xen_gone s-held
is "once, and the first was destroyed" "$(events s-held shutdown):$(events s-held destroyed)" 1:1

# The supervisor is killed while it holds one back: so does the next one, and restarts it once.
tiny s-wait 'on_reboot="restart"'
run xlite create -q "$T/s-wait.cfg"
console_has s-wait 'tiny: ready'
id=$(domid_of s-wait)
sed -i -E 's/ [0-9 ]{5} ( *[0-9]+)$/     7 \1/' /run/xlite/s-wait.dom
tell s-wait "exit 1"
within "held back" 30 eval '[ "$(events s-wait held-back)" = 1 ]'
pkill -9 -fx 'xlite supervise'
xlite supervise &
within "by the next one, too" 30 eval '[ "$(events s-wait held-back)" = 2 ]'
is "the guest is the same" "$(domid_of s-wait)" "$id"
within "then it is restarted" 60 successor_of s-wait "$id"
is "once" "$(events s-wait restart)" 1
run xlite destroy s-wait
wait

# Its successor waits until it has really gone: here for xenconsoled, which has a page of it.
tiny s-slow 'on_reboot="restart"'
run xlite create -q "$T/s-slow.cfg"
console_has s-slow 'tiny: ready'
id=$(domid_of s-slow)
consoled=$(pgrep -x xenconsoled)
kill -STOP "$consoled"
xlite reboot s-slow 2> /dev/null
within "it is still there" 30 eval '[ "$(events s-slow dying)" = 1 ]'
# Not for ever: no page of it goes any more.
within "its successor comes all the same" 30 eval '[ "$(events s-slow restart)" = 1 ]'
at() { awk -F '[:,]' -v e="\"$1\"" '$4 == e && $6 == "\"s-slow\"" { printf "%.0f", 1000 * $2 }' /var/log/xen/xlite-events.log; }
ok "it was waited for" [ $(($(at restart) - $(at reboot))) -ge 5000 ]
kill -CONT "$consoled"
within "it runs" 30 successor_of s-slow "$id"
run xlite destroy s-slow

# An intent that says nonsense keeps nobody busy.
echo '{' > /run/xlite/s-bad.restart
run_limit 30 xlite supervise
is "a bad intent" "$rc" 0
nok "is removed" test -e /run/xlite/s-bad.restart

# Unwatched: as it ended, until somebody says otherwise.
tiny s-alone 'on_poweroff="destroy"'
run xlite create -q -e "$T/s-alone.cfg"
console_has s-alone 'tiny: ready'
within "create -e starts no supervisor" 20 no_supervisor
tell s-alone "exit 0"
within "it stays" 20 ended s-alone
run xlite destroy s-alone

# The supervisor is killed while a guest ends; another one finds it.
tiny s-kill 'on_reboot="restart"'
run xlite create -q "$T/s-kill.cfg"
console_has s-kill 'tiny: ready'
id=$(domid_of s-kill)
pkill -9 -fx 'xlite supervise'
tell s-kill "exit 1"
within "nobody sees it" 20 ended s-kill
xlite supervise &
within "the next one does" 30 successor_of s-kill "$id"
run xlite destroy s-kill
wait

# Who follows the events reads on where the log is rotated.
xlite events -f --json > "$T/follow" &
follower=$!
within "events -f" 20 grep -q s-kill "$T/follow"
kill -STOP $follower
echo '{"event":"before"}' >> /var/log/xen/xlite-events.log
mv /var/log/xen/xlite-events.log /var/log/xen/xlite-events.log.1
echo '{"event":"after"}' >> /var/log/xen/xlite-events.log
kill -CONT $follower
within "what came after the rotation" 20 grep -q after "$T/follow"
is "and before it, once each" "$(grep -cE '"(before|after)"' "$T/follow")" 2
kill $follower
wait
rm -rf /var/lib/xen/dump /var/log/xen/xlite-events.log* "$log"*
done_testing
