#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# wait, why, check and doctor: what a person or a script asks of guests and of this host.
# time-limit: 400
. "$XLITE/lib.sh"

tell() { printf '%s\n' "$2" | timeout 20 xlite console "$1" > /dev/null; }
ended() { [ ! -e "/proc/$1" ]; }
# waiting NAME ARGS: in the background, $pid; done_waiting: its rc and out, at most 60 s later
waiting() { xlite wait "$@" > "$T/wait" 2> "$T/wait.err" & pid=$!; }
done_waiting()
{
	wait_for 60 ended "$pid" || kill "$pid"
	rc=0
	wait "$pid" || rc=$?
	out=$(< "$T/wait") err=$(< "$T/wait.err")
}
sleeps() { [[ $(< "/proc/$pid/stat") == *') S '* ]]; }

# wait
tiny w-one 'on_crash="preserve"' "disk=[\"$T/disk,,xvda\"]" 'vif=["mac=00:16:3e:00:64:01,bridge=xenbr0"]'
truncate -s 4M "$T/disk"
waiting w-one --for=running
within "it waits for a domain that is not there" 20 sleeps
run xlite create -q -p "$T/w-one.cfg"
is "created, paused" "$rc" 0
id=$(xl domid w-one)
ok "that is not running" test -e "/proc/$pid"
run xlite wait w-one --for=running --timeout=1
is "not in time" "$rc:$out:$err" "3::xlite: 'w-one' is not running in time: domain $id is paused"
xl unpause w-one
done_waiting
is "running, when xl unpaused it" "$rc:$out:$err" "0::"
run xlite wait w-one --for=console --timeout=60
is "its console" "$rc:$out" "0:$(xenstore-read "/local/domain/$id/console/tty")"
console_has w-one 'tiny: ready'

waiting --for=ip w-one
within "it waits for an address" 20 sleeps
# Two seconds without a wake-up: nothing that polls has them.
quiet()
{
	local before
	before=$(grep ^voluntary "/proc/$pid/status")
	read -r -t 2 <> <(:)
	[ "$(grep ^voluntary "/proc/$pid/status")" = "$before" ]
}
within "and does not look again by itself" 30 quiet
tell w-one "write attr/vif/0/ipv4/0 1.2.3.4;rm"
console_has w-one 'write attr/vif/0/ipv4/0 done'
tell w-one "write attr/vif/0/ipv4/1 10.1.2.3"
done_waiting
is "what is no address is none" "$rc:$out:$err" "0:10.1.2.3:"

# check: all that is wrong at once, beside the one that is there
cp "$T/w-one.cfg" "$T/taken.cfg"
cat >> "$T/taken.cfg" << END
kernel="$T/nothing"
memory=1000000
maxmem=1000000
disk=["$T/disk,,xvda,w", "$T/none,,xvdb", "$T/disk2,,xvdc"]
vif=["mac=00:16:3e:00:64:01,bridge=xenbr0", "bridge=nobr"]
pci=["99:00.0"]
onpoweroff="destroy"
pool="nopool"
END
truncate -s 1M "$T/disk2"
before=$(xl list | wc -l; ls /run/xlite)
run xlite check "$T/taken.cfg"
is "check: refused" "$rc:$err" "1:"
like "the name" "$out" "error: a domain called 'w-one' exists already \(domain $id\)"
like "the kernel" "$out" "error: kernel: cannot open '$T/nothing'"
like "memory" "$out" "error: not enough memory: needs 100000[0-9] MiB, [0-9]+ MiB free"
like "a disk that is in use" "$out" "error: disk 'xvda': .*w-one"
like "a disk that is not there" "$out" "error: disk 'xvdb': .*'$T/none'"
unlike "one that is fine" "$out" "xvdc"
like "its MAC" "$out" "error: [^;]*mac=00:16:3e:00:64:01 is in use"
like "the other bridge" "$out" "error: vif 1: [^;]*nobr"
like "the PCI device" "$out" "error: [^;]*99:00.0"
like "the key" "$out" "warning: $T/taken.cfg:[0-9]+:1: unknown key 'onpoweroff' \(did you mean 'on_poweroff'\?\)"
like "the pool" "$out" "error: [^;]*'nopool'"
is "and that is all" "$(grep -c ^error: "$T/.out")" 10
run xlite check --strict --offline "$T/taken.cfg"
like "--strict" "$rc:$out" "^1:.*error: .*unknown key 'onpoweroff'"
printf '%s\n' 'type="pvx"' >> "$T/taken.cfg"
run xlite check "$T/taken.cfg" vcpus=0x 'disk=["a,b,c,d,e,f"]'
is "errors of its keys, and of nothing else" "$rc:$(grep -c ^error: "$T/.out" | sed 's/^[1-9].*/some/'):$(
	grep -cE 'MiB free|is in use' "$T/.out")" 1:some:0
is "nothing was made" "$(xl list | wc -l; ls /run/xlite)" "$before"

xlite wait w-one --for=shutdown > "$T/ended" &
ended=$!
waiting w-one --for=gone
tell w-one "say $(printf 'red\033[31m')"
console_has w-one '^red'
tell w-one trap
wait_for 60 ended $ended
rc=0; wait $ended || rc=$?
is "it has ended" "$rc:$(< "$T/ended")" "0:crash"
run xlite wait w-one --for=shutdown --timeout=20
is "that it has is seen later, too" "$rc:$out" "0:crash"
run xlite wait w-one --for=ip --timeout=20
is "no address will come" "$rc:$err" "4:xlite: domain $id has crashed"
ok "it is not gone" test -e "/proc/$pid"

# why: while it is there
preserved() { grep -q '"name":"w-one".*crash' /var/log/xen/xlite-events.log; }
within "its end was seen" 30 preserved
back=/local/domain/0/backend/vbd/$id/51712
xenstore-write "$back/hotplug-error" "$(printf 'no such\ttarget')"
run xlite why w-one
is "why" "$rc:$err" "0:"
like "who" "$out" "^w-one \(domain $id\) has crashed"
like "events" "$out" "--- events: /var/log/xen/xlite-events.log.*domain $id  [a-z]+ crash: preserve"
like "its device" "$out" "--- devices: xenstore.*disk .*: no such\\\\x09target \($back/hotplug-error\)"
like "Xen" "$out" "--- Xen: .*[dD](omain )?$id"
like "its console" "$out" "--- console: $(console_log w-one), 20.*red\\\\x1b\[31m"
nok "nothing that a terminal obeys" grep -q $'[\x01-\x09\x0b-\x1f\x7f-\xff]' "$T/.out"
run xlite why -n 1 --json "$id"
is "the same by number, as JSON" "$rc:$err" "0:"
like "its state" "$out" "\"name\": \"w-one\",.*\"domid\": $id,.*\"there\": true,.*\"state\": \"has crashed\""
like "one line of each log" "$out" '"what": "events",[^]]*"lines": \['$'\n''[^,]*"[^"]*crash: preserve"'$'\n'' *\]'

# why: when it is gone
run xlite destroy w-one
done_waiting
is "gone" "$rc:$out" "0:"
run xlite wait w-one --for=gone
is "and stays so" "$rc" 0
run xlite why w-one
is "why it is gone" "$rc:$err" "0:"
like "by its events and logs" "$out" "^w-one \(domain $id\) is gone.*--- events.*crash: preserve.*--- console.*red"
run xlite why w-nobody
is "who was never there" "$rc:$out:$err" "1::xlite: nothing is known of 'w-nobody': there is no such domain, no event and no log"
run xlite wait w-nobody --for=shutdown
is "nor has ended" "$rc:$err" "1:xlite: no domain is called 'w-nobody'"
run xlite wait w-nobody --for=nothing
is "a thing that there is not" "$rc" 2
run xlite why "../../../etc/passwd"
is "a name that is a path" "$rc:$out" "1:"

run xlite check "$T/w-one.cfg"
is "check: it could be created" "$rc:$out:$err" "0:ok: 'w-one' could be created:"
run xlite check --json "$T/w-one.cfg" 'kernel="/etc/passwd"'
like "--json" "$rc:$out" '^1:.*"level": "error",.*"what": "boot",'
run xlite check "$T/no.cfg"
is "no such file" "$rc:$out" "1:error: cannot open '$T/no.cfg': No such file or directory"
config w-hvm 'type="hvm"' memory=64 "firmware_override=\"$T/none1\"" "bios_path_override=\"$T/none2\""
run xlite check "$T/w-hvm.cfg"
is "check: firmware that is not there" "$rc:$(grep '^error:' "$T/.out")" "1:error: firmware_override: cannot open '$T/none1': No such file or directory
error: bios_path_override: cannot open '$T/none2': No such file or directory"

# A name that comes by a rename; its end is the end, however it came.
waiting w-renamed --for=ip
tiny w-first
run xlite create -q "$T/w-first.cfg"
console_has w-first 'tiny: ready'
within "it waits for the name" 20 sleeps
run xlite rename w-first w-renamed
is "renamed" "$rc:$err" "0:"
id=$(xl domid w-renamed)
xenstore-write "/local/domain/$id/attr/eth0/ip" 10.9.9.9
done_waiting
is "its address" "$rc:$out:$err" "0:10.9.9.9:"
xenstore-rm "/local/domain/$id/attr/eth0"
waiting w-renamed --for=ip
within "it waits for an address" 20 sleeps
read -r -t 2 <> <(:)
run xlite destroy w-renamed
done_waiting
is "destroyed meanwhile: it cannot come" "$rc:$out:$err" "4::xlite: domain $id is gone"

# A restart is no end: who waits for an address gets the successor's.
tiny w-again 'on_reboot="restart"'
run xlite create -q "$T/w-again.cfg"
console_has w-again 'tiny: ready'
old=$(xl domid w-again)
waiting w-again --for=ip
tell w-again 'exit 1'
successor() { local now; now=$(xl domid w-again 2> /dev/null) && [ "$now" != "$old" ]; }
within "it restarts" 40 successor
ready() { xenstore-exists "/local/domain/$(xl domid w-again)/control/feature-poweroff"; }
within "and is ready" 40 ready
xenstore-write "/local/domain/$(xl domid w-again)/attr/eth0/ip" fe80::1
done_waiting
is "the successor's" "$rc:$out:$err" "0:fe80::1:"

# One that would be restarted, if somebody looked after it.
tiny w-alone 'on_reboot="restart"'
run xlite create -q -e "$T/w-alone.cfg"
console_has w-alone 'tiny: ready'
id=$(xl domid w-alone)
waiting w-alone --for=ip
within "it waits for an address" 20 sleeps
tell w-alone 'exit 1'
xlite wait w-alone --for=shutdown > /dev/null
done_waiting
is "nobody does" "$rc:$out:$err" "4::xlite: domain $id wants to reboot, and nobody is there to restart it"
xlite destroy w-alone

# doctor
run xlite doctor
is "doctor" "$rc:$err" "0:" || diag "$out"
for what in 'Xen 4\.[0-9.]+.* answers' 'xenstored answers' 'xenconsoled runs, and' \
	'looks after 1 guests' "default bridge 'xenbr0' is there" 'disks \(blkback\)' \
	'QEMU and firmware' 'MiB of memory are free' 'is left over'; do
	like "ok: $what" "$out" "(^|"$'\n'")ok: [^"$'\n'"]*$what"
done
# What a QEMU leaves, and what xl.conf says beside what is there.
cp /etc/xen/xl.conf "$T/xl.conf"
printf '%s\n' 'autoballoon="on"' 'vif.default.bridge="nobr"' > /etc/xen/xl.conf
mkfifo "$T/fifo"
bash -c "read -r _ < $T/fifo" qemu -xen-domid 29999 &
model=$!
within "as if it was a QEMU" 20 grep -q xen-domid "/proc/$model/cmdline"
run xlite doctor
cp "$T/xl.conf" /etc/xen/xl.conf
is "doctor: warnings alone" "$rc:$err" "0:"
like "autoballoon" "$out" "warning: dom0_mem= says how much memory dom0 has, but autoballoon is on"
like "the default bridge" "$out" "warning: the default bridge 'nobr' is not there, but "
like "a QEMU" "$out" "warning: process $model is the QEMU of domain 29999, which is gone"
echo > "$T/fifo"
wait $model
# What is wrong.
xenstore-write /libxl/29999/x 1
: > /run/xlite/w-cut.dom
: > /var/lib/xen/userdata-d.29999.00000000-0000-0000-0000-000000000001.libxl-json
pkill -9 -fx 'xlite supervise'
pkill -STOP -x xenconsoled
run xlite doctor --json
pkill -CONT -x xenconsoled
is "with things that are wrong" "$rc:$err" "1:"
like "xenconsoled" "$out" '"text": "xenconsoled is stopped"'
like "the supervisor" "$out" '"text": "no supervisor runs: 1 guests are not looked after, 0 restarts'
like "nodes" "$out" '"text": "xenstore has /libxl/29999, and there is no such domain",[^}]*"todo": "xenstore-rm /libxl/29999"'
like "a create" "$out" "\"text\": \"a create of 'w-cut' was cut off\",[^}]*\"todo\": \"xlite cleanup\""
like "a file" "$out" 'userdata-d.29999.00000000-0000-0000-0000-000000000001.libxl-json. is of a domain that is gone'
xenstore-rm /libxl/29999
rm /var/lib/xen/userdata-d.29999.*
run xlite cleanup
xlite supervise 2> /dev/null &

# xenstored hangs: all say so, and none does, though its queue takes no more than two of them.
pkill -STOP -x xenstored
for i in 1 2 3; do
	timeout 60 xlite metrics > "$T/metrics$i" 2>&1 &
	metrics[i]=$!
done
run_limit 60 xlite doctor
for i in 1 2 3; do
	rc_metrics=0
	wait "${metrics[i]}" || rc_metrics=$?
	is "metrics without a store ($i)" $rc_metrics 0
done
pkill -CONT -x xenstored
like "doctor says it" "$rc:$out" '^1:.*error: xenstored does not answer'
unlike "and what was mended is" "$out" "w-cut|29999"
for i in 1 2 3; do
	ok "metrics as well" grep -q '^xen_xenstored_up 0$' "$T/metrics$i"
	ok "in valid form" omcheck < "$T/metrics$i"
done

# Room for half an event: nothing of it stays, the next one is a line.
log=/var/log/xen/xlite-events.log
head -c $((900 * 1024 - 20 - $(stat -c %s $log))) /dev/zero | tr '\0' '\n' >> $log
tiny w-full
run bash -c "trap '' XFSZ; ulimit -f 900; exec xlite create -q -p $T/w-full.cfg"
is "no room for an event" "$rc:$err" "0:xlite: warning: an event is lost: cannot write '$log': File too large"
is "half of it is not there" "$(stat -c %s $log)" $((900 * 1024 - 20))
xlite destroy w-full
like "the next one is a line" "$(tail -n 1 $log)" '^\{.*"w-full".*\}$'

# The log is full: what was said is beside it, and is shown.
within "nothing is under way" 20 grep -q '"event":"destroyed","name":"w-full"' $log
tiny w-rotate
printf -v now '%(%s)T' -1
line="{\"time\":$now.5,\"event\":\"error\",\"name\":\"w-pad\",\"domid\":1,\"text\":\""
room=$((1024 * 1024 - 20 - $(stat -c %s $log)))
{ printf '%s' "$line"; head -c $((room - ${#line} - 3)) /dev/zero | tr '\0' x; echo '"}'; } >> $log
is "nearly full" "$(stat -c %s $log)" $((1024 * 1024 - 20))
run xlite create -q -p "$T/w-rotate.cfg"
is "one more" "$rc:$err" "0:"
xlite destroy w-rotate
within "and one more" 20 grep -q '"event":"destroyed","name":"w-rotate"' $log
ok "it begins anew" [ "$(stat -c %s $log)" -lt 4096 ]
ok "the old one is beside it" [ "$(stat -c %s $log.1)" -ge $((1024 * 1024)) ]
xlite events | cut -c 1-80 > "$T/events"
is "all is shown, once" "$(grep -oE 'w-(pad|rotate) +[0-9]+ +[a-z]+' "$T/events" | awk '{ print $1, $3 }' | paste -sd ,)" \
	"w-pad error,w-rotate create,w-rotate destroyed"

run xlite destroy w-again
within "the supervisor goes" 20 eval '! pgrep -fx "xlite supervise" > /dev/null'
wait
rm -f /var/log/xen/xlite-*.log*
done_testing
