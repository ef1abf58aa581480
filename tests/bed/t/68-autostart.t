#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Guests that come and go with the host; what /etc/xen/xl.conf says for all guests: memory that
# domain 0 gives, cpus.
# time-limit: 600
. "$XLITE/lib.sh"
need_throwaway

names() { xl list | awk 'NR > 2 { print $1 }' | paste -sd ' '; }
auto=$T/auto

run xlite autostart status -d "$auto"
is "no folder: no guests" "$rc:$out:$err" "0:Name                                ID State      File:"
run xlite autostart start -d "$auto"
is "nothing to start" "$rc:$out:$err" "0::"

mkdir "$auto"
# Made in the order of the files' names, not of the guests'.
for n in 1 2 3 4; do
	tiny "a-$((5 - n))"
	ln -s "$T/a-$((5 - n)).cfg" "$auto/$n"
done
cp "$auto/1" "$auto/1~"
cp "$auto/1" "$auto/.hidden"
run xlite autostart status -d "$auto"
is "status: none runs" "$rc" 3
is "four of them" "$(awk 'NR > 1 { print $1, $2, $3 }' <<< "$out" | paste -sd ,)" \
	"a-4 - stopped,a-3 - stopped,a-2 - stopped,a-1 - stopped"
run_limit 100 xlite autostart start -d "$auto" -j 1
is "started" "$rc:$out" "0:"
is "one after the other" "$(xl list | awk 'NR > 2 { print $1 }' | paste -sd ' ')" "a-4 a-3 a-2 a-1"
run xlite autostart status -d "$auto"
is "status: all run" "$rc" 0
like "as JSON" "$(xlite autostart status -d "$auto" --json | tr -d ' \n')" \
	"^\[\{\"name\":\"a-4\",\"domid\":$(xl domid a-4),\"state\":\"running\",\"file\":\"$auto/1\"\},"
run_limit 100 xlite autostart start -d "$auto"
is "again: nothing to do" "$rc" 0
like "and that is said" "$err" "a-4: runs already \(domain $(xl domid a-4)\)"
for n in 1 2 3 4; do console_has "a-$n" 'tiny: ready'; done

tiny a-other
xlite create -q "$T/a-other.cfg"
console_has a-other 'tiny: ready'
run_limit 100 xlite autostart stop -d "$auto" --auto-only
is "stop --auto-only" "$rc:$out" "0:"
is "another's guest stays" "$(names)" a-other

forget_consoles() { local n; for n in 1 2 3 4; do rm -f "$(console_log "a-$n")"; done; }

# All at once, and what fails keeps nothing else from running.
mkdir -p /var/lib/xen/save
touch /var/lib/xen/save/a-2
forget_consoles
printf 'name="a-bad"\nkernel="/nonexistent"\n' > "$auto/5"
echo '"' > "$auto/6"
run_limit 100 xlite autostart start -d "$auto" --jobs 8
is "three of six are not started" "$rc:${err##*$'\n'}" \
	"1:xlite: 3 of 6 guests have not been started"
like "a saved one is not started anew" "$err" "a-2: not started: it is saved in /var/lib/xen/save/a-2, which"
like "a bad one: why" "$err" "/nonexistent"
like "a file that is none: why" "$err" "auto/6: not started: .*auto/6:1:"
is "the others run" "$(names | tr ' ' '\n' | sort | paste -sd ' ')" "a-1 a-3 a-4 a-other"
run xlite autostart status -d "$auto"
is "what they are" "$(awk 'NR > 1 { print $1, $3 }' <<< "$out" | paste -sd ,)" \
	"a-4 running,a-3 running,a-2 saved,a-1 running,a-bad stopped,- unreadable"
rm -f /var/lib/xen/save/a-2 "$auto/5" "$auto/6"
id=$(xl domid a-1)
for n in 1 3 4; do console_has "a-$n" 'tiny: ready'; done
forget_consoles
run_limit 100 xlite autostart restart -d "$auto"
is "restart" "$rc" 0
like "a-1 is there" "$(xl domid a-1)" '^[0-9]+$'
isnt "another domain" "$(xl domid a-1)" "$id"
for n in 1 2 3 4; do console_has "a-$n" 'tiny: ready'; done

# One that does not want to go.
tiny a-deaf 'extra="noack"'
xlite create -q "$T/a-deaf.cfg"
console_has a-deaf 'tiny: '
run_limit 100 xlite autostart stop -t 12
is "stop all, with a deadline" "$rc:${err##*$'\n'}" "1:xlite: 1 of 6 guests have not shut down"
is "all others are gone" "$(names)" a-deaf
run_limit 100 xlite autostart stop -t 1 --destroy
is "stop --destroy" "$rc" 0
is "no guest is left" "$(names)" ""
# One that comes back however often it is asked.
tiny a-back 'on_poweroff="restart"'
xlite create -q "$T/a-back.cfg"
console_has a-back 'tiny: ready'
run_limit 100 xlite autostart stop -t 12
like "one that comes back is asked again" "$rc:$err" '^1:.*(have not shut down|is being restarted)'
ok "more than once" eval '[ "$(grep -c "a-back: shutting down" <<< "$err")" -gt 1 ]'
run_limit 100 xlite autostart stop -t 1 --destroy
run_limit 100 xlite destroy a-back
is "it is gone for good" "$(names)$(ls /run/xlite/*a-back* 2> /dev/null)" ""
# One that is held back, its next life being for later.
tiny a-held 'on_reboot="restart"'
xlite create -q "$T/a-held.cfg"
console_has a-held 'tiny: ready'
sed -i -E 's/ [0-9 ]{5} ( *[0-9]+)$/    10 \1/' /run/xlite/a-held.dom
echo "exit 1" | timeout 20 xlite console a-held > /dev/null
ok "one that is held back" wait_for 30 eval "xlite events | grep -q 'a-held .* held-back for 60 s'"
run_limit 100 xlite autostart stop -t 1
like "is not taken for gone" "$rc:$err" "^1:.*'a-held' is being restarted"
xlite autostart stop -t 60 --destroy > /dev/null 2> "$T/stop.err" &
pid=$!
within "waits for it" 20 grep -q poll "/proc/$pid/wchan"
kill -TERM $pid
rc=0; wait $pid || rc=$?
like "interrupted" "$rc:$(< "$T/stop.err")" '^1:.*interrupted'
is "it is left alone" "$(names):$(cut -d ' ' -f 1 /run/xlite/a-held.dom)" a-held:complete
run_limit 100 xlite autostart stop -t 1 --destroy
is "and is destroyed" "$rc:$(names)" "0:"
run xlite autostart dance
is "no such word" "$rc" 2

# xl.conf
cp /etc/xen/xl.conf "$T/xl.conf"
conf() { printf '%s\n' "$@" > /etc/xen/xl.conf; }
dom0_mib() { xl list 0 | awk 'NR == 2 { print $3 }'; }
cpus() { xlite vcpu-list "$1" | awk 'NR > 1 { print $7 $8 $9 }' | paste -sd ' '; }
both_cpus()	# both_cpus WHAT [LINE...]: as with xl
{
	local tool seen=()

	tiny c-cpu "${@:2}"
	for tool in xl xlite; do
		run "$tool" create -q -p "$T/c-cpu.cfg"
		seen+=("$rc $(cpus c-cpu)")
		xl destroy c-cpu
	done
	like "$1: xl's guest is there" "${seen[0]}" '^0 .'
	is "$1: as with xl (${seen[0]})" "${seen[1]}" "${seen[0]}"
}
both_cpus "cpus" vcpus=2 'cpus="1"'
both_cpus "one for each" vcpus=2 'cpus=["0","1"]' 'cpus_soft="0"'
both_cpus "no word of cpus" vcpus=2
conf 'autoballoon="off"' 'vm.cpumask="0-1"' 'vm.pv.cpumask="1"'
both_cpus "masks" vcpus=2
both_cpus "masks and cpus" vcpus=2 'cpus="all"'
conf 'autoballoon="off"' 'vm.pv.cpumask="1"' 'vm.hvm.cpumask="0"'
both_cpus "of a PVH guest" 'type="pvh"' memory=32 vcpus=1
tiny c-cpu 'cpus="0"'
run xlite create -q -p "$T/c-cpu.cfg"
like "no cpu in common" "$rc:$err" "^[36]:.*vcpu 0 has no cpu to run on"
run xlite create -q -p --ignore-global-affinity-masks "$T/c-cpu.cfg"
is "masks may be ignored; cpus counts without vcpus, too" "$rc:$(cpus c-cpu)" "0:0/all"
xlite destroy c-cpu

conf 'autoballoon="perhaps"' 'output_format="xml"' 'no_such_key=1'
run xlite create -q -p "$T/c-cpu.cfg"
is "bad values are ignored" "$rc" 0
like "and told" "$err" "autoballoon 'perhaps'.*"
xlite destroy c-cpu
conf 'max_grant_frames="many"'
for tool in xl xlite; do
	run $tool create -q -p "$T/c-cpu.cfg"
	is "$tool: a bad limit is fatal" "$rc" 1
done

# Domain 0 gives what is missing, and no more than that.
conf 'autoballoon="auto"'
free=$(xlite info free_memory)
before=$(dom0_mib)
tiny c-big memory=$((free + 40))
run xlite create -q -p "$T/c-big.cfg"
like "auto, with dom0_mem: domain 0 keeps its memory" "$rc:$err" "^3:.*not enough memory: needs"
conf 'autoballoon="on"' "lockfile=\"$T/lock\""
run_limit 200 xlite create -q -p "$T/c-big.cfg"
is "on: the guest is made" "$rc:$err" "0:"
given=$((before - $(dom0_mib)))
[ $given -ge 36 ] && [ $given -le 60 ]
is "domain 0 gave it ($given MiB)" $? 0
xlite destroy c-big
xl mem-set 0 "$before"
within "domain 0 has it again" 60 eval "[ \$(dom0_mib) = $before ]"

tiny c-huge memory=$((free + before))
run_limit 200 xlite create -q -p "$T/c-huge.cfg"
like "more than it can give" "$rc:$err" "^3:.*domain 0 cannot give it .*not enough memory"
is "it keeps what it had" "$(dom0_mib)" "$before"

# The lock is xl's: fcntl's kind, and free again when the domain stands.
cat > "$T/hold.py" << 'END'
import fcntl, os, sys
f = open(sys.argv[1], "w")
fcntl.lockf(f, fcntl.LOCK_EX)
open(sys.argv[2], "w").close()
sys.stdin.read()
END
tiny c-lock
mkfifo "$T/fifo"
python3 "$T/hold.py" "$T/lock" "$T/held" < "$T/fifo" &
exec 7> "$T/fifo"
within "another holds the lock" 20 test -e "$T/held"
locked() { grep -q ":$(stat -c %i "$T/lock") " /proc/locks; }
ok "which can be seen" locked
xlite create -q -p "$T/c-lock.cfg" 7>&- 2> "$T/one" &
create=$!
wait_for_it() { [ "$(grep -c "waiting for '$T/lock'" "$1")" = "$2" ]; }
within "a create waits for it, and says so" 60 wait_for_it "$T/one" 1
xen_gone c-lock
is "there is no domain" $? 0
# Who is interrupted meanwhile ends at once, and so do those that it started.
xlite autostart start -d "$auto" -j 2 7>&- 2> "$T/two" &
start=$!
within "two of autostart's as well" 60 wait_for_it "$T/two" 2
kill $start
wait $start
is "autostart is interrupted" "$?:$(tail -n 1 "$T/two")" "1:xlite: interrupted"
is "with its creates" "$(grep -c "interrupted while waiting for '$T/lock'" "$T/two")" 2
exec 7>&-
wait $create
is "then it goes on" "$?:$(xl domid c-lock > /dev/null; echo $?)" "0:0"
nok "and holds no lock" locked
xlite destroy c-lock
is "and there is no other guest" "$(names)" ""

# It is held only while memory is taken, not while backends come up.
cat > "$T/vif" << END
#!/bin/sh
[ "\$1" != online ] || : > $T/slow
while [ -e $T/slow ]; do sleep 0.1; done
exec /etc/xen/scripts/vif-bridge "\$@"
END
chmod +x "$T/vif"
tiny c-slow "vif=['script=$T/vif']"
xlite create -q -p "$T/c-slow.cfg" &
create=$!
within "a create waits for its vif" 60 test -e "$T/slow"
nok "and holds no lock" locked
run_limit 60 xlite create -q -p "$T/c-lock.cfg"
is "another is made meanwhile" "$rc:$err" "0:"
ok "it waits still" test -e "/proc/$create"
rm "$T/slow"
wait $create
is "then it goes on" $? 0
xlite destroy c-lock
xlite destroy c-slow

conf 'autoballoon="on"' "lockfile=\"$T/fifo\""
run_limit 60 xlite create -q "$T/c-lock.cfg"
like "a lock file that is none" "$rc:$err" \
	"^[36]:.*the lock file '$T/fifo' \(xl.conf\) is no regular file"

# What is taken for a guest that then fails is given back.
conf 'autoballoon="on"' "lockfile=\"$T/lock\""
printf '#!/bin/sh\nxenstore-read /local/domain/0/memory/target >> %s/targets\nexit 1\n' "$T" \
	> "$T/bad"
chmod +x "$T/bad"
free=$(xlite info free_memory)
tiny c-fail memory=$((free + 40)) "vif=['script=$T/bad']"
run_limit 200 xlite create -q "$T/c-fail.cfg"
is "a create that fails" "$rc" 3
ok "after domain 0 had given memory" [ "$(head -n 1 "$T/targets")" -lt $((before * 1024)) ]
is "it is told to take it again" "$(xenstore-read /local/domain/0/memory/target)" $((before * 1024))
within "and has it" 60 eval "[ \$(dom0_mib) = $before ]"
cp "$T/xl.conf" /etc/xen/xl.conf
xenstore-rm /vm/00000000-0000-0000-0000-000000000000	# where domain 0 was told its size
rmdir /var/lib/xen/save
done_testing
