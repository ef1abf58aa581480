#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the supervisor sees beside guests' ends: their QEMU's, cores that must not fill a disk, guests
# of others that it shall look after, what does not go; and what is told of all that.
# time-limit: 600
. "$XLITE/lib.sh"

events=/var/log/xen/xlite-events.log
rm -f $events*
count() { grep -c "\"event\":\"$2\",\"name\":\"$1\"" $events; }		# count NAME KIND
happened() { [ "$(count "$1" "$2")" = "${3:-1}" ]; }			# happened NAME KIND [TIMES]
last() { out=$(grep "\"event\":\"$2\",\"name\":\"$1\"" $events | tail -n 1); }	# last NAME KIND
domid_of() { xl domid "$1" 2> /dev/null; }
successor_of() { local now; now=$(domid_of "$1") && [ "$now" != "$2" ]; }
tell() { echo "$2" | timeout 20 xlite console "$1" > /dev/null; }
model_of() { xenstore-read "/local/domain/$1/image/device-model-pid"; }
record() { cat "/run/xlite/$1.dom" 2> /dev/null; }
supervise() { xlite supervise & within "a supervisor" 20 pgrep -fx 'xlite supervise'; }

busybox syslogd -n -O "$T/syslog" &
syslogd=$!
wait_for 20 test -S /dev/log

# A QEMU that ends. What is done about it is the config's.
mkdir "$T/share"
declare -A ids
for how in warn preserve destroy restart; do
	tiny "l-$how" "on_device_model_exit=\"$how\"" \
		"p9=['tag=share,path=$T/share,security_model=none']"
	xlite create -q "$T/l-$how.cfg" &
	creates+=($!)
done
wait "${creates[@]}"
for how in warn preserve destroy restart; do
	ids[$how]=$(domid_of "l-$how")
	is "l-$how: created, and runs" "$(count "l-$how" create):$(count "l-$how" running)" 1:1
done
like "the config keeps it" "$(xl list -l l-restart; xlite list -l l-restart)" \
	'"on_device_model_exit": "restart"'
kill "$(model_of "${ids[warn]}")"
within "warn: told" 20 happened l-warn device-model
last l-warn device-model
like "with its process" "$out" "warn \\(QEMU, process $(model_of "${ids[warn]}"), has ended"
said="terminating on signal 15"
like "and its last words" "$out" ", has ended: .*$said"
run xlite why l-warn
like "why: QEMU's log" "$rc:$out" "^0:.*--- QEMU: /var/log/xen/qemu-dm-l-warn.log, .*$said"
is "list as ever for scripts" "$(xlite list l-warn | tail -n 1 | wc -w)" 6
like "list for eyes" "$(script -qec 'xlite list l-warn' /dev/null)" 'its device model has ended'
like "list --json" "$(xlite list --json l-warn)" '"device_model": *"ended"'
like "list --json of another" "$(xlite list --json l-preserve)" '"device_model": *"running"'
like "the guest goes on" "$(xl list l-warn)" ' (r-|-b|--)---- '
kill -9 "$(model_of "${ids[restart]}")"
within "restart: a successor" 60 successor_of l-restart "${ids[restart]}"
within "that has its own" 20 eval 'kill -0 "$(model_of "$(domid_of l-restart)")"'
kill -9 "$(model_of "${ids[destroy]}")"
within "destroy: gone" 30 xen_gone l-destroy

# Nobody was there to see it; the next one does, and tells nothing twice.
pkill -9 -fx 'xlite supervise'
kill -9 "$(model_of "${ids[preserve]}")"
supervise
within "preserve: paused" 20 eval '[[ $(xl list l-preserve) =~ \ [r-][b-]p---\  ]]'
is "told once" "$(count l-preserve device-model)" 1
# That one's child was started after the first guest's.
is "and the first one still once" "$(count l-warn device-model)" 1
xlite unpause l-preserve
for how in warn preserve restart; do
	# One that was busy sees that the record has gone before it sees that the domain has.
	pkill -STOP -fx 'xlite supervise'
	run xlite destroy "l-$how"
	pkill -CONT -fx 'xlite supervise'
	within "l-$how: destroyed is told" 20 happened "l-$how" destroyed
done
is "no QEMU ends by itself when its guest is destroyed" "$(count l-restart device-model)" 1

# Held back because of its QEMU, it powers off: that is its end.
tiny l-late 'on_device_model_exit="restart"' "p9=['tag=share,path=$T/share,security_model=none']"
run xlite create -q "$T/l-late.cfg"
console_has l-late 'tiny: ready'
sed -i -E 's/ [0-9 ]{5} ( *[0-9]+)$/    10 \1/' /run/xlite/l-late.dom
kill -9 "$(model_of "$(domid_of l-late)")"
within "held back" 30 happened l-late held-back
tell l-late 'exit 0'
within "its own end: gone" 30 xen_gone l-late
is "which is told" "$(count l-late shutdown):$(count l-late restart)" 1:0

# Cores: one for each name, and none that fills the disk. Every second core needs the first one's room.
mkdir -p /var/lib/xen/dump
mount -t tmpfs -o size=44m none /var/lib/xen/dump
crash()		# crash TIMES: the guest crashes; waits for its core and its successor
{
	local before
	before=$(domid_of l-core)
	tell l-core "exit 3"
	within "crash $1: a successor" 60 successor_of l-core "$before"
	last l-core core-dump
	sed -i -E 's/ [0-9 ]{5} ( *[0-9]+)$/     0 \1/' /run/xlite/l-core.dom
	wait_for 60 eval "[ \"\$(tr -d '\\000\\r' < \"\$(console_log l-core)\" | grep -c '^tiny: ready')\" = $(($1 + 1)) ]"
}
tiny l-core memory=24 'on_crash="coredump-restart"'
run xlite create -q "$T/l-core.cfg"
console_has l-core 'tiny: ready'
crash 1
like "a core" "$out" '"text":"/var/lib/xen/dump/l-core"'
first=$(stat -c %i /var/lib/xen/dump/l-core)
is "all of it" "$(head -c 4 /var/lib/xen/dump/l-core | tail -c 3)" ELF
crash 2
is "the newest" "$(ls /var/lib/xen/dump)" l-core
isnt "is another one" "$(stat -c %i /var/lib/xen/dump/l-core)" "$first"
second=$(stat -c %Y%i /var/lib/xen/dump/l-core)
dd if=/dev/zero of=/var/lib/xen/dump/full bs=1M count=17 status=none
crash 3
like "no room" "$out" '"text":"failed: no core is written .* needs 2[0-9] MiB, [0-9]+ MiB are free there and 4 MiB'
is "what was there stays" "$(stat -c %Y%i /var/lib/xen/dump/l-core)" "$second"
is "it has restarted each time" "$(count l-core restart)" 3
is "each crash is told" "$(count l-core crash)" 3

run xlite destroy l-core
umount /var/lib/xen/dump
rmdir /var/lib/xen/dump

# Others' guests.
tiny l-own 'on_poweroff="destroy"'
run xlite create -q -e "$T/l-own.cfg"
# Whose guest it is: libvirt's, one that an xl has taken in, nobody's.
id=$(domid_of l-own)
uuid=$(xenstore-read "/local/domain/$id/vm")
theirs=/var/lib/xen/userdata-d.$id.${uuid#/vm/}.libvirt-xml
touch "$theirs"
run xlite watch l-own
is "watch: libvirt's" "$rc:$err" "1:xlite: domain $id ('l-own') is libvirt's"
rm "$theirs"
cp "$(command -v sleep)" "$T/xl"
"$T/xl" 1000 > /var/log/xen/xl-l-own--incoming.log &
monitor=$!
within "an xl with its log" 20 eval '[ "$(< "/proc/$monitor/comm")" = xl ]'
run xlite watch l-own
is "watch: one that xl took in" "$rc:$err" "1:xlite: domain $id ('l-own') is looked after by process $monitor, which would act at its end as well"
kill $monitor
wait $monitor 2> /dev/null
rm /var/log/xen/xl-l-own--incoming.log
like "it has no record" "$(record l-own)" '^alone '
run xlite watch l-own
is "watch: one of our own" "$rc:$out$err" "0:"
run xlite watch l-own
is "again" "$rc:$err" "1:xlite: domain $(domid_of l-own) ('l-own') is looked after already"
console_has l-own 'tiny: ready'
# It has had more events than it may: no more is told of it.
printf -v now '%(%s)T' -1
for ((i = 0; i < 240; i++)); do
	echo "{\"time\":$now.0,\"event\":\"crash\",\"name\":\"l-own\",\"domid\":1,\"text\":\"\"}"
done >> $events
tell l-own "exit 0"
within "its end is carried out" 30 xen_gone l-own
is "which is one event too many" "$(count l-own suppressed):$(count l-own shutdown)" 1:0
tiny l-xl 'on_reboot="restart"'
run xl create -q "$T/l-xl.cfg"
console_has l-xl 'tiny: ready'
monitor=$(pgrep -f "xl create -q $T/l-xl.cfg")
run xlite watch l-xl
is "watch: xl's" "$rc:$err" "1:xlite: domain $(domid_of l-xl) ('l-xl') is looked after by process $monitor, which would act at its end as well"
is "it has no record" "$(record l-xl)" ""
kill "$monitor"
wait_for 20 eval '! kill -0 $monitor'
# As if a create of that name had been killed, too.
tiny l-left
xl create -q -e -p "$T/l-left.cfg"
id=$(domid_of l-left)
uuid=$(xenstore-read "/local/domain/$id/vm")
printf '%-8s %36s %10u %5u %11u\n' creating "${uuid#/vm/}" "$id" 0 0 > /run/xlite/l-xl.dom
run xlite watch l-xl
is "watch: xl's that xl has left" "$rc:$err" "0:"
ok "what a killed create of its name had left is gone" xen_gone l-left
id=$(domid_of l-xl)
tell l-xl "exit 1"
within "its restart" 40 successor_of l-xl "$id"
run xlite destroy l-xl
tiny l-stay
xlite create -F -q "$T/l-stay.cfg" 2> /dev/null &
stay=$!
console_has l-stay 'tiny: ready'
run xlite watch l-stay
like "watch: one that its create looks after" "$rc:$err" "^1:.*is looked after by process $stay,"
run xlite watch 0
is "watch: dom0" "$rc:$err" "1:xlite: domain 0 is no guest"

# Commands.
touch "$T/disk"
truncate -s 1M "$T/disk"
run xlite mem-set l-stay 12
last l-stay balloon
like "balloon" "$out" '"text":"mem-set 12"'
run xlite block-attach l-stay "raw:$T/disk" xvdb w
last l-stay device
like "a device comes" "$out" '"text":"block-attach xvdb"'
run xlite block-detach l-stay xvdb --force
last l-stay device
like "and goes" "$out" '"text":"block-detach xvdb"'
tiny l-bad "disk=['$T/none,raw,xvda,w']"
run xlite create -q "$T/l-bad.cfg"
last l-bad error
like "a create that failed" "$out" "cannot create 'l-bad': disk 'xvda'"
run xlite destroy l-stay
wait $stay

# A create that is killed leaves nobody but its record.
printf '#!/bin/sh\nexec sleep 1000\n' > "$T/slow"
chmod +x "$T/slow"
tiny l-half "disk=[\"script=$T/slow,vdev=xvda,target=x\"]"
tiny l-other
run xlite create -q "$T/l-other.cfg"
xlite create -q "$T/l-half.cfg" 2> /dev/null &
half=$!
within "a create at work" 30 pgrep -fx 'sleep 1000'
kill -9 $half
pkill -fx 'sleep 1000'
within "is killed: told" 30 happened l-half unfinished
is "once" "$(count l-half unfinished)" 1
run xlite cleanup
is "cleaned up" "$rc" 0
ok "it is gone" xen_gone l-half
run xlite destroy l-other

# A guest that ejects a CD, as PV drivers do. Only hvm guests' drives can be emptied.
truncate -s 1M "$T/cd.iso"
tiny l-cd "disk=['$T/cd.iso,,xvdc,cdrom']"
run xlite create -q "$T/l-cd.cfg"
console_has l-cd 'tiny: ready'
xlite console l-cd <<< "write device/vbd/51744/eject eject" > /dev/null
within "a CD is ejected" 20 happened l-cd error
last l-cd error
like "by a pv guest" "$out" 'the guest ejects xvdc: domain [0-9]+ is a pv guest'
is "the guest is answered" "$(xenstore-read "/local/domain/$(domid_of l-cd)/device/vbd/51744/eject")" ""
run xlite destroy l-cd

# One with a drive that can be: it is there, and empty; a second disc is ejected as well.
config l-eject 'type="hvm"' memory=64 "firmware_override=\"$XLITE/guests/tiny\"" 'vga="none"' vnc=0 \
	"disk=['$T/cd.iso,,hdc,cdrom']"
run xlite create -q "$T/l-eject.cfg"
is "l-eject: created" "$rc" 0 || diag "$err"
console_has l-eject 'tiny: ready'
id=$(domid_of l-eject)
# What the backend's node and libxl's say is in it
disc()
{
	local node=/libxl/$id/device/vbd/5632
	xenstore-read "$(xenstore-read $node/backend)/params" $node/params | sed 's/^aio://' | paste -sd ,
}
ejected() { [ "$(grep -c '"event":"device","name":"l-eject",.*"text":"the guest has ejected hdc"' $events)" = "$1" ]; }
for n in 1 2; do
	like "there is a disc ($n)" "$(disc)" "^$T/cd.iso,$T/cd.iso$"
	xlite console -t pv l-eject <<< "write device/vbd/5632/eject eject" > /dev/null
	within "the guest ejects it, which is told" 20 ejected "$n"
	is "it is not in the drive" "$(disc)" ,
	[ $n = 2 ] || run xlite cd-insert l-eject hdc "$T/cd.iso"
done
run xlite destroy l-eject

# xenconsoled has a page of each guest: one that is destroyed cannot go while it stands still.
tiny l-zombie
run xlite create -q "$T/l-zombie.cfg"
console_has l-zombie 'tiny: ready'
consoled=$(pgrep -x xenconsoled)
kill -STOP "$consoled"
xlite destroy l-zombie 2> /dev/null
within "dying" 20 happened l-zombie dying
kill -CONT "$consoled"
last l-zombie dying
like "and who it is" "$out" 'destroyed and still there: [0-9]+ page\(s\) of it are in use by another guest, or one of: .*xenconsoled \('"$consoled"

within "syslog" 20 grep -q 'xlite\[[0-9]*\]: l-zombie (domain [0-9]*): dying: destroyed' "$T/syslog"
kill $syslogd
wait
within "nothing left to look after" 30 eval '! pgrep -f "xlite supervise"'
rm -f $events* /var/log/xen/xlite-supervisor.log* /dev/log
done_testing
