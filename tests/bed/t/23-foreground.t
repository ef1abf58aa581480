#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# create -F carries out the config's actions; create -c is the console as well.
# time-limit: 600
. "$XLITE/lib.sh"

# ends NAME STATUS: the create -F in the background ends so
ends()
{
	local end=$((SECONDS + 60))

	while kill -0 "$pid" 2> /dev/null; do
		if [ $SECONDS -ge $end ]; then
			fail "$1: create -F still waits"
			kill "$pid"
			break
		fi
		sleep 0.1
	done
	wait "$pid"
	is "$1: create -F ends" "$?" "$2"
}

attend()	# attend NAME LINE...
{
	local name=$1
	shift
	tiny "$name" "$@"
	xlite create -F "$T/$name.cfg" 2> "$T/$name.err" &
	pid=$!
}

attend f-off 'extra="exit=0"'
ends f-off 0
ok "poweroff: destroyed" xen_gone f-off
like "poweroff: said" "$(< "$T/f-off.err")" "domain [0-9]+ .f-off. powered off: destroy"

attend f-keep 'extra="exit=0"' 'on_poweroff="preserve"'
ends f-keep 0
is "preserve: the domain stays" "$(xl list f-keep | grep -c -- '---s--')" 1
xlite destroy f-keep

# Its core cannot be written, and the rest goes on.
mkdir -p /var/lib/xen/dump/f-crash
attend f-crash 'extra="trap"' 'on_crash="coredump-destroy"'
ends f-crash 0
ok "crash: destroyed" xen_gone f-crash
like "crash: a dump that fails is said" "$(< "$T/f-crash.err")" "cannot write '/var/lib/xen/dump/f-crash'"
is "crash: and leaves no file" "$(ls /var/lib/xen/dump)" f-crash
rm -r /var/lib/xen/dump

attend f-dog 'extra="watchdog=1"' 'on_watchdog="preserve"' 'on_crash="destroy"'
ends f-dog 0
is "watchdog: its own action" "$(xl list f-dog | grep -c f-dog)" 1
xlite destroy f-dog

# Reboots: the same config, name and uuid, another number; until it powers off.
attend f-boot 'extra="say=up"'
console_has f-boot up
first=$(xlite domid f-boot)
uuid=$(xenstore-read "/local/domain/$first/vm")
rm "$T/f-boot.cfg"
run xlite reboot f-boot
is "reboot: asked" "$rc" 0
other() { [ "$(xlite domid f-boot)" != "$first" ] && xlite domid f-boot; }
within "reboot: a successor" 30 other
second=$(xlite domid f-boot)
is "reboot: same uuid" "$(xenstore-read "/local/domain/$second/vm")" "$uuid"
two() { [ "$(grep -ac 'tiny: ready' "$(console_log f-boot)")" -ge 2 ]; }
within "reboot: it runs" 30 two
run xlite shutdown -w f-boot
is "then shut down" "$rc" 0
ends f-boot 0
ok "and gone" xen_gone f-boot
events() { grep -c "\"event\":\"$2\",\"name\":\"$1\"" /var/log/xen/xlite-events.log; }
is "reboot: the events" "$(events f-boot reboot):$(events f-boot restart):$(events f-boot shutdown)" 1:1:1

# One that reboots at once, again and again.
attend f-quick 'extra="exit=1"'
within "quick: held back" 60 eval '[ "$(events f-quick held-back)" = 1 ]'
is "quick: after four restarts" "$(events f-quick restart)" 4
run xlite destroy f-quick
is "quick: destroyed, held back or just restarted" "$rc" 0 || diag "$err"
ends "quick" 0
is "quick: which is told" "$(events f-quick destroyed)" 1
ok "quick: it does not come back" xen_gone f-quick

# Interrupted between two lives: the second one comes first. The old domain cannot go, for xenconsoled
# has a page of it.
attend f-left
console_has f-left 'tiny: ready'
first=$(xlite domid f-left)
consoled=$(pgrep -x xenconsoled)
kill -STOP "$consoled"
xlite reboot f-left 2> /dev/null
within "left: between two lives" 30 eval '! xlite domid f-left'
# As a closed terminal does, more than once.
for signal in TERM HUP TERM HUP; do kill -$signal $pid; sleep 0.03; done
within "left: the second" 30 eval '[ "$(xlite domid f-left)" != "$first" ]'
ends "left" 0
kill -CONT "$consoled"
is "left: it runs, and is nobody's" "$(events f-left restart):$(events f-left error):$(cut -d ' ' -f 1 /run/xlite/f-left.dom)" 1:0:alone
xlite destroy f-left

# At last it is given up; that takes three minutes.
if [ -n "${LONG-}" ]; then
	attend f-never 'extra="exit=1"' 'on_reboot="coredump-restart"'
	within "never: given up" 600 eval '[ "$(events f-never given-up)" = 1 ]'
	ends "never" 3
	is "never: a core of each end" "$(events f-never core-dump)" 13
	like "never: said" "$(tail -n 1 "$T/f-never.err")" 'is left as it ended: it was restarted 12 times in a row'
	is "never: so it is" "$(xl list f-never | grep -c -- '---sr-')" 1
	xlite destroy f-never
	rm -r /var/lib/xen/dump
fi

# What its config says about its QEMU's end.
model_of() { xenstore-read "/local/domain/$(xlite domid "$1")/image/device-model-pid"; }
for action in destroy preserve restart; do
	attend f-model "on_device_model_exit=\"$action\"" "vfb=['vnc=1']"
	console_has f-model 'tiny: ready'
	first=$(xlite domid f-model)
	kill -9 "$(model_of f-model)"
	case $action in
	destroy) ends "model: destroy" 0
		ok "model: it is gone" xen_gone f-model ;;
	preserve) within "model: paused" 30 eval '[[ $(xl list f-model) == *--p---* ]]' ;;
	restart) within "model: a successor" 30 eval '[ "$(xlite domid f-model)" != "$first" ] && model_of f-model' ;;
	esac
	is "model: $action is told" "$(grep -c "\"event\":\"device-model\",\"name\":\"f-model\",.*\"$action " \
		/var/log/xen/xlite-events.log)" 1
	xen_gone f-model || xlite destroy f-model
	[ $action = destroy ] || ends "model: $action, destroyed" 0
	rm -f "$(console_log f-model)"
done

attend f-ren 'extra="say=up"' 'on_reboot="rename-restart"'
console_has f-ren up
first=$(xlite domid f-ren)
run xlite reboot f-ren
is "rename-restart: asked" "$rc" 0
second_up() { [ "$(xlite domid f-ren)" != "$first" ] && xlite domid f-ren; }
within "rename-restart: a successor" 30 second_up
old=$(xlite domname "$first")
like "rename-restart: the old one's name" "$old" '^f-ren-[0-9]{8}T[0-9]{4}Z$'
is "rename-restart: xl agrees" "$(xl domname "$first")" "$old"
isnt "rename-restart: another uuid" "$(xenstore-read "/local/domain/$first/vm")" \
	"$(xenstore-read "/local/domain/$(xlite domid f-ren)/vm")"
is "rename-restart: list -l has both" "$(xl list -l | grep -c '"name": "f-ren')" 2
xlite destroy "$old"
xlite destroy f-ren
ends "rename-restart, destroyed by another" 0
like "which is said" "$(< "$T/f-ren.err")" "has been destroyed"

attend f-term 'extra="say=up"'
console_has f-term up
kill -TERM $pid
ends "SIGTERM" 0
is "leaves the guest alone" "$(xl list f-term | grep -c f-term)" 1
xlite destroy f-term

# create -c to a pipe: all the output, through a reboot, until the guest powers off.
tiny f-con 'extra="say=hello-there"'
mkfifo "$T/keys"
exec 3<> "$T/keys"
xlite create -q -c "$T/f-con.cfg" < "$T/keys" > "$T/screen" 2> "$T/f-con.err" &
pid=$!
shows() { [ "$(grep -ac "$1" "$T/screen")" -ge "$2" ]; }
within "console: the guest's words" 60 shows hello-there 2
printf 'say first\nexit 1\n' >&3
within "console: the successor's too" 60 shows hello-there 4
printf 'exit 0\n' >&3
ends "create -c" 0
like "console: what was typed" "$(tr -d '\r' < "$T/screen")" "echo: say first.*first.*echo: exit 1.*tiny: pv, 16"
exec 3>&-
ok "and it is gone" xen_gone f-con

# create -c -F whose console has been left goes on restarting its guest.
tiny f-left 'extra="say=up"'
{ wait_for 60 eval '[ "$(grep -ac up "$T/left")" -ge 1 ]'; } |
	xlite create -q -c -F "$T/f-left.cfg" > "$T/left" 2> "$T/left.err" &
pid=$!
console_has f-left 'tiny: ready'
ready() { [ "$(grep -ac 'tiny: ready' "$(console_log f-left)")" -ge "$1" ]; }
wait_for 20 eval '[ ! -e "/var/lock/xenconsole.$(xlite domid f-left)" ]'
for reboots in 1 2; do
	xlite reboot f-left 2> "$T/err"
	within "left: restart $reboots" 60 ready $((reboots + 1))
done
xlite shutdown f-left 2> "$T/err"
ends "create -c -F, console left" 0
done_testing
