#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# QEMU for PV guests: qcow2 disks, framebuffers, channels, 9pfs shares, and what is left of it.
# time-limit: 600
. "$XLITE/lib.sh"

no_qemu() { ! pgrep -f -- '-xen-domid' > /dev/null; }
node() { xenstore-read "$1" 2> /dev/null; }
rfb() { local line; exec 3<> "/dev/tcp/127.0.0.1/$1" && read -r -t 20 line <&3; exec 3>&-; echo "$line"; }

# What a slow machine makes xlite say is no matter here.
said() { err=$(grep -v '^waiting for QEMU' <<< "$err"); }

# model NAME LINE...: a device model of our own
model() { printf '%s\n' '#!/bin/bash' "${@:2}" > "$T/$1"; chmod +x "$T/$1"; }

nothing_left()	# nothing_left WHAT: no domain, process, socket, node
{
	within "$1: no QEMU" 20 no_qemu
	is "$1: no socket" "$(compgen -G '/var/run/xen/qmp-*')" ""
	is "$1: no node" "$(xenstore-ls -f | grep -E '/(device-model|backend/[a-z0-9]+)/[0-9]|^/libxl/[0-9]')" ""
}

qemu-img create -q -f qcow2 "$T/a.qcow2" 64M
mkdir "$T/share"
echo from-dom0 > "$T/share/file"

# The store below and about a domain, with its number, uuid, process and times made equal.
dump()		# dump DOMID UUID FILE
{
	xenstore-ls -fp | sed -e "s/$2/UUID/g" -e "s,\\(/domain/\\|device-model/\\|/libxl/\\)$1\\([/ \"]\\),\\1N\\2,g" \
		-e "s,\\(backend/[a-z0-9]*/\\)$1\\([/ ]\\),\\1N\\2,g" -e "s/r$1)/rN)/" -e "s/(n$1\\([,)]\\)/(nN\\1/" \
		-e "s/,n$1)/,nN)/" -e 's/\(ring-ref\|start_time\|device-model-pid\) = .*/\1/' \
		-e "s/\\(domid\\|frontend-id\\) = \"$1\"/\\1 = N/" -e 's,= "/dev/pts/[0-9]*",= PTS,' | sort > "$3"
}

# Made by one tool, taken down by the other. xl's first channel is lost (it becomes console 0): it
# gets one more.
common=("disk=['$T/a.qcow2,qcow2,xvda,w']" "vfb=['vnc=1,vnclisten=127.0.0.1']"
	"p9=['tag=share,path=$T/share,security_model=none']")
tiny q-xl "${common[@]}" 'uuid="11111111-2222-3333-4444-555555555555"' \
	'channel=["connection=pty,name=lost","connection=pty,name=org.one"]'
tiny q-xlite "${common[@]}" 'uuid="11111111-2222-3333-4444-555555555555"' \
	'channel=["connection=pty,name=org.one"]'
sed -i 's/^name=.*/name="q-same"/' "$T"/q-*.cfg
late() { [ "$1 $rc" = "xl 3" ] && [[ $err == *"startup configs failed, rc=-9"* ]]; }
connected() { [ "$(node "/local/domain/0/backend/qdisk/$id/51712/hotplug-status")" = connected ]; }
declare -A other=([xl]=xlite [xlite]=xl)
for tool in xl xlite; do
	: > "$T/$tool.store"
	# xl gives QEMU 10 s to answer, which a busy machine may not; then it leaves folders.
	for _ in 1 2 3; do
		run $tool create -q -p "$T/q-$tool.cfg"
		late "$tool" || break
		for kind in qdisk console 9pfs vfb vkbd; do
			xenstore-rm "/local/domain/0/backend/$kind" 2> /dev/null
		done
	done
	if late "$tool"; then
		skip "same store as with xl" "xl gave up on QEMU three times"
		rm "$T/xl.store"
		continue
	fi
	is "$tool creates" "$rc:$out" "0:" || diag "$err"
	id=$(xl domid q-same)
	wait_for 10 xenstore-read "/local/domain/$id/console/tty"
	wait_for 20 connected
	dump "$id" 11111111-2222-3333-4444-555555555555 "$T/$tool.store"
	[ $tool != xlite ] || break
	run ${other[$tool]} destroy q-same
	is "${other[$tool]} destroys it" "$rc:$out" "0:" || diag "$err"
	nothing_left "$tool's"
done
[ ! -e "$T/xl.store" ] || is "same store as with xl" "$(diff "$T/xl.store" "$T/xlite.store")" ""

# What runs serves: every device, in one process; a port that answers; the words of its start.
is "QEMU has taken the disk" "$(node "/local/domain/0/backend/qdisk/$id/51712/state")" 2
is "one QEMU for all" "$(pgrep -fc -- "-xen-domid $id ")" 1
pid=$(node "/local/domain/$id/image/device-model-pid")
is "in a session of its own" "$(ps -o sid= -p "$pid" | tr -d ' ')" "$pid"
is "with nothing on stdin" "$(readlink "/proc/$pid/fd/0")" /dev/null
is "and its log behind it" "$(readlink "/proc/$pid/fd/2")" /var/log/xen/qemu-dm-q-same.log
ok "the log of xl's is kept" test -s /var/log/xen/qemu-dm-q-same.log.1
like "VNC greets on the port that is shown" "$(rfb "$(node "/local/domain/$id/console/vnc-port")")" '^RFB 003'
run env VNCVIEWER=echo xlite vncviewer q-same
is "vncviewer" "$rc:$out:$err" "0:127.0.0.1:0:"
run xlite vncviewer q-same
like "which is not installed" "$rc:$err" "^1:xlite: there is no 'vncviewer' here"
run xlite vncviewer 0
is "of a domain that has none" "$rc:$err" "1:xlite: domain 0 has no VNC server"
# A password that somebody has given it is handed on.
model viewer 'echo "$@" "$(cat)"'
xenstore-write "/local/domain/$id/console/vnc-pass" secret
run env VNCVIEWER="$T/viewer" xlite vncviewer -a q-same < /dev/null
is "vncviewer -a" "$rc:$out:$err" "0:127.0.0.1:0 -autopass secret:"
run env VNCVIEWER="$T/viewer" xlite vncviewer q-same < /dev/null
is "not without" "$rc:$out:$err" "0:127.0.0.1:0 :"
xenstore-rm "/local/domain/$id/console/vnc-pass"
tty=$(node "/local/domain/$id/device/console/1/tty")
ok "the channel's pty" test -c "$tty"
run xlite channel-list q-same
is "channel-list as xl's" "$rc:$out" "0:$(xl channel-list q-same)"
like "with the pty" "$out" "pty +$tty"

# A second one takes the next port; asked to take none but that one, it is refused. A socket.
tiny q-two "vfb=['vncunused=1']" "channel=['connection=socket,name=org.two,path=$T/sock']"
model viewer "echo \"\$@\" > $T/viewed"
run env VNCVIEWER="$T/viewer" xlite create -q -p -V "$T/q-two.cfg"
said
is "a second one, with a viewer" "$rc:$out:$err" "0::"
within "which is told where" 20 grep -qx 127.0.0.1:1 "$T/viewed"
like "on the next port" "$(rfb 5901)" '^RFB 003'
ok "the channel's socket" test -S "$T/sock"
tiny q-bad 'vnc=1' 'vncdisplay=1' 'vncunused=0'
run xlite create -q -p "$T/q-bad.cfg"
said
like "a port that is taken, in QEMU's words" "$rc:$err" '^3:.*QEMU has ended with status 1: .*127.0.0.1:1: .*in use'
kill -9 "$(node "/local/domain/$(xl domid q-two)/image/device-model-pid")"
run xlite destroy q-two
said
is "destroy of one whose QEMU was killed" "$rc:$err" "0:"
nok "its socket goes" test -e "$T/sock"
tiny q-pass "vfb=['vncunused=1']"
rm "$T/viewed"
run env VNCVIEWER="$T/viewer" xlite create -q -p -A "$T/q-pass.cfg"
said
is "create -A" "$rc:$out:$err" "0::"
within "a viewer, and no password" 20 grep -qx 127.0.0.1:1 "$T/viewed"
run xlite destroy q-pass
run xl destroy q-same
is "xl destroys ours" "$rc:$out" "0:"
nothing_left "both"

# Refused before a domain exists.
refused()	# refused WHAT REGEX CONFIG-LINE...
{
	local before
	before=$(ls /var/log/xen/ | wc -l)
	tiny q-no "${@:3}"
	run xlite create -q -p "$T/q-no.cfg"
said
	like "refused: $1" "$rc:$err" "^[36]:.*$2"
	is "before QEMU is started" "$(ls /var/log/xen | wc -l)" "$before"
}
refused "no such QEMU" "framebuffer 0 needs a device model: .*'/none': No such file" vnc=1 \
	'device_model_override="/none"' 'device_model_version="qemu-xen"'
refused "a password" 'vncpasswd: this QEMU cannot do VNC passwords: .*DES' vnc=1 'vncpasswd="x"'
refused "no such folder" "9pfs share 's': cannot share '/none': No such file" \
	'p9=["tag=s,path=/none,security_model=none"]'
refused "a channel without a name" 'channel 0 has no name=' 'channel=["connection=pty"]'
refused "dm_restrict" 'dm_restrict=1 is for hvm guests' vnc=1 dm_restrict=1

# QEMU's own reasons.
own=('device_model_version="qemu-xen"' vnc=1)
model fails 'echo one; echo two >&2; exit 3'
tiny q-no "${own[@]}" "device_model_override=\"$T/fails\""
run xlite create -q -p "$T/q-no.cfg"
said
is "it ends" "$rc:$err" "3:xlite: cannot create 'q-no': QEMU has ended with status 3: one; two"
model dies "kill -9 \$\$"
run xlite create -q -p "$T/q-no.cfg" "device_model_override=\"$T/dies\""
said
is "it is killed" "$rc:$err" "3:xlite: cannot create 'q-no': QEMU was killed by signal 9"
printf '#!/none\n' > "$T/dies"
run xlite create -q -p "$T/q-no.cfg" "device_model_override=\"$T/dies\""
said
is "it is no program" "$rc:$err" \
	"3:xlite: cannot create 'q-no': cannot run QEMU '$T/dies': No such file or directory"
{ printf 'QFI\373junk'; head -c 65528 /dev/zero; } > "$T/bad.qcow2"
tiny q-no "disk=['$T/bad.qcow2,qcow2,xvda,w']"
run xlite create -q -p "$T/q-no.cfg"
said
like "an image that it cannot open" "$rc:$err" "^3:.*disk 'xvda': QEMU: .*[Uu]nsupported qcow2 version"

# Attached to a guest that has no QEMU any more, whose number still stands there: the new one goes.
tiny q-stale
run xlite create -q -p "$T/q-stale.cfg"
xenstore-write "/local/domain/$(xl domid q-stale)/image/device-model-pid" 2
run xlite block-attach q-stale "$T/bad.qcow2,qcow2,xvda,w"
said
like "attached, it cannot be opened either" "$rc:$err" "^1:.*disk 'xvda': QEMU: .*[Uu]nsupported qcow2 version"
within "its QEMU has gone" 20 no_qemu
run xlite destroy q-stale
is "destroy" "$rc:$err" "0:"
nothing_left "failed creates and attaches"

# Killed or interrupted while QEMU starts.
mkfifo "$T/block"
model slow "read x <> $T/block"
slow_start() { xlite create -q -p "$T/q-no.cfg" 2> "$T/slow.err" & wait_for 30 pgrep -f "$T/slow -xen-domid"; }
tiny q-no "${own[@]}" "device_model_override=\"$T/slow\""
slow_start
kill -9 $!
wait $! 2> /dev/null
ok "QEMU outlives a killed create" pgrep -f "$T/slow -xen-domid"
run xlite cleanup
is "cleanup" "$rc" 0
nothing_left "after cleanup"
slow_start
kill $!
wait $!
is "an interrupted create" "$?:$(grep -v '^waiting for' "$T/slow.err")" "3:xlite: cannot create 'q-no': interrupted"
nothing_left "interrupted"

# With Linux: the share is mounted, both ways; the channel is hvc1.
linux q-lin "vfb=['vnc=1']" "channel=['connection=pty,name=org.lin']" \
	"p9=['tag=share,path=$T/share,security_model=none']"
run xlite create -q "$T/q-lin.cfg"
said
is "Linux" "$rc:$err" "0:"
console_has q-lin 'guest: ready' 200
guest q-lin 'modprobe -a 9p 9pnet_xen; mount -t 9p -o trans=xen,version=9p2000.L share /mnt && cat /mnt/file && echo from-guest > /mnt/back'
is "reads a file of dom0's" "$rc:$out" "0:from-dom0"
is "and writes one" "$(cat "$T/share/back")" from-guest
id=$(xl domid q-lin)
tty=$(node "/local/domain/$id/device/console/1/tty")
exec 3<> "$tty"
guest q-lin 'echo from-hvc1 > /dev/hvc1'
read -r -t 20 line <&3
exec 3>&-
is "its second console is the channel" "${line%$'\r'}" from-hvc1
guest q-lin 'modprobe xen-fbfront; ls /dev/fb0'
is "it has a framebuffer" "$rc:$out" "0:/dev/fb0"
run xlite destroy q-lin
said
is "destroy of a running one" "$rc:$err" "0:"
nothing_left "Linux"
rm -f /var/log/xen/qemu-dm-*
done_testing
