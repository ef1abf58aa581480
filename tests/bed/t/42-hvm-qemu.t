#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# QEMU as the device model of HVM guests: its arguments beside xl's, display, serial ports, a
# QEMU that is restricted, stopped or killed; what is refused before there is a domain.
# time-limit: 900
. "$XLITE/lib.sh"

hvm() { config "$1" 'type="hvm"' memory=64 "${@:2}"; }
node() { xenstore-read "$1" 2> /dev/null; }
no_qemu() { ! pgrep -f -- '-xen-domid' > /dev/null; }
pid_of() { node "/local/domain/$1/image/device-model-pid"; }
# What a slow machine makes xlite say is no matter here.
calm() { err=$(grep -v '^waiting for ' <<< "$err"); }
rfb() { local line; exec 3<> "/dev/tcp/127.0.0.1/$1" && read -r -t 20 line <&3; exec 3>&-; echo "$line"; }

nothing_left()	# nothing_left WHAT
{
	within "$1: no QEMU" 20 no_qemu
	is "$1: no socket" "$(compgen -G '/var/run/xen/qmp-*'; compgen -G '/var/run/xen/xlite-probe*')" ""
	is "$1: no node" "$(xenstore-ls -f | grep -E '/(device-model|backend/[a-z0-9]+)/[0-9]|^/libxl/[0-9]')" ""
}

# 1. Ten configs. What is started instead of QEMU writes down how, so that each costs no boot.
cat > "$T/record" << EOF
#!/bin/bash
printf '%s\n' "\$@" "XEN_DOMAIN_ID=\$XEN_DOMAIN_ID" "LIMIT=\$XEN_QEMU_CONSOLE_LIMIT" > $T/words
exit 7
EOF
chmod +x "$T/record"
echo image > "$T/disk"
truncate -s 1M "$T/disk"
users=$(< /etc/passwd)
echo 'xen-qemuuser-range-base:x:200000:200000::/:/bin/false' >> /etc/passwd

# What may differ, each with its reason:
#   numbers of domains		one has made another before
#   fd=N of the QMP socket	libxl takes the first that is free
#   -S				libxl's restricted QEMU waits for the unpause; ours serves from its start
words() { sed -E -e 's/(qmp-libx[a-z]*-|qemu-root-|DOMAIN_ID=|vif)[0-9]+/\1N/' -e 's/fd=[0-9]+/fd=N/' \
	-e 's/^2000[0-9]{2}:/UID:/' -e "2s/.*/N/" -e '/^-S$/d' "$T/words"; }

same()		# same WHAT CONFIG-LINE...
{
	local tool

	hvm q-words 'device_model_version="qemu-xen"' "device_model_override=\"$T/record\"" "${@:2}"
	for tool in xl xlite; do
		: > "$T/words"
		run $tool create -q -p "$T/q-words.cfg"
		words > "$T/$tool.words"
	done
	like "$1: its end is the create's" "$rc:$err" '^3:.*QEMU has ended with status 7$'
	is "$1: same words as with xl" "$(diff "$T/xl.words" "$T/xlite.words")" ""
	ok "$1: which are some" test "$(wc -l < "$T/xlite.words")" -gt 20
}

same "plain"
same "a kernel of its own, several ports" 'kernel="/srv/guests/vmlinuz"' 'ramdisk="/srv/guests/initrd"' \
	'extra="console=hvc0 quiet"' 'serial=["pty","file:/dev/null","none"]'
same "a display" 'vnclisten="0.0.0.0"' vncdisplay=7 vncunused=0 'keymap="de"' 'boot="dn"' 'vncpasswd="secret"'
same "no display" vnc=0 nographic=1 'vga="none"' 'serial="tcp:127.0.0.1:7777,server,nowait"'
same "SPICE" spice=1 spiceport=6000 'spicehost="127.0.0.1"' 'spicepasswd="x"' spicevdagent=1 \
	spice_clipboard_sharing=1 'spice_image_compression="off"' spiceusbredirection=2
same "another card, USB" 'vga="stdvga"' videoram=24 'usbdevice=["tablet","mouse"]' usb=1 'soundhw="hda"'
same "qxl" 'vga="qxl"' memory=256 spice=1 spiceport=6000 spicedisable_ticketing=1 usbversion=3 'soundhw="ac97"'
same "machine" acpi=0 vcpus=2 maxvcpus=4 xen_platform_pci=0 mmio_hole=512 maxmem=128 'vendor_device="xenserver"'
same "own words" 'device_model_args=["-trace","a"]' 'device_model_args_hvm=["-b"]' 'device_model_args_pv=["-c"]'
same "restricted" dm_restrict=1 'hdtype="ahci"'
nothing_left "recorded"

# 2. Refused before there is a domain.
refused()	# refused WHAT REGEX CONFIG-LINE...
{
	local before

	before=$(compgen -G "/var/log/xen/qemu-dm-q-no*")
	hvm q-no "${@:3}"
	run xlite create -q -p "$T/q-no.cfg"
	calm
	like "refused: $1" "$rc:$err" "^[36]:.*$2"
	is "$1: before QEMU is started" "$(compgen -G '/var/log/xen/qemu-dm-q-no*')" "$before"
}
refused "a password" 'vncpasswd: this QEMU cannot do VNC passwords: .*DES' 'vncpasswd="x"'
refused "a window" "sdl: this QEMU cannot do SDL windows: .*'sdl'" sdl=1
refused "a keymap" "keymap: this QEMU cannot do that keymap: 'nosuch'" 'keymap="nosuch"'
refused "graphics passthrough" 'gfx_passthru is not supported' gfx_passthru=1
refused "a stub domain" 'device_model_stubdomain_override=1 is not supported' device_model_stubdomain_override=1
refused "another QEMU" 'device_model_version="qemu-xen-traditional" is not supported, only qemu-xen is' \
	'device_model_version="qemu-xen-traditional"'
refused "reserved memory of the whole host" 'rdm="strategy=host" is not supported' 'rdm="strategy=host"' 'kernel="/nowhere"'
spice=(spice=1 spiceport=6000 'spicehost="127.0.0.1"' spicedisable_ticketing=1)
refused "USB redirection" "spiceusbredirection: this QEMU cannot do USB redirection: it has no device 'usb-redir'" \
	"${spice[@]}" spiceusbredirection=1
# Says of QXL what Debian's QEMU says of the other.
cat > "$T/no-qxl" << 'EOF'
#!/bin/bash
while read -r line && [[ $line != *quit* ]]; do
	[[ $line != *'"driver":"qxl-vga"'* ]] ||
		echo "{\"error\": {\"class\": \"GenericError\", \"desc\": \"'qxl-vga' is not a valid device model name\"}}"
done
EOF
chmod +x "$T/no-qxl"
refused "QXL" "vga=\"qxl\": this QEMU cannot do QXL video: it has no device 'qxl-vga'" \
	'vga="qxl"' memory=256 'device_model_version="qemu-xen"' \
	"device_model_override=\"$T/no-qxl\""
refused "an unknown sound card" "unknown soundhw 'tuba', valid are ac97" 'soundhw="tuba"'
qemu-img create -q -f qcow2 "$T/q" 1M
refused "a disk that a restricted QEMU cannot serve" "dm_restrict=1: disk 'hda' would be served by QEMU" \
	dm_restrict=1 "disk=['$T/q,qcow2,hda,w']"
refused "an unknown user" "device_model_user 'nosuch' is not in /etc/passwd" dm_restrict=1 'device_model_user="nosuch"'
echo "$users" > /etc/passwd
refused "no user" 'dm_restrict=1 needs a user for QEMU: neither xen-qemuuser-range-base nor' dm_restrict=1
echo 'xen-qemuuser-range-base:x:200000:200000::/:/bin/false' >> /etc/passwd

# 3. A guest that answers on its serial port: a boot sector that says who it is, then echoes. At a Z
# it goes to sleep (S3, by the PIIX4's PM1a_CNT).
#	_start: xor ax,ax; mov ds,ax; mov si,msg; cld
#	1: lodsb; test al,al; jz 2f; call put; jmp 1b
#	2: sti; hlt; mov dx,0x3fd; in al,dx; test al,1; jz 2b; mov dl,0xf8; in al,dx; cmp al,'Z'; jne 3f
#	mov dx,0xb004; mov ax,0x2400; out dx,ax; jmp 2b
#	3: call put; jmp 2b
#	put: push ax; mov dx,0x3fd; 3: in al,dx; test al,0x20; jz 3b; pop ax; mov dl,0xf8; out dx,al; ret
boot_disk()	# boot_disk FILE 3|2: on the first serial port (0x3f8) or the second (0x2f8)
{
	printf '%b' '\x31\xc0\x8e\xd8\xbe\x3f\x7c\xfc\xac\x84\xc0\x74\x05\xe8\x21\x00\xeb\xf6\xfb\xf4\xba\xfd' \
		'\x0'"$2"'\xec\xa8\x01\x74\xf6\xb2\xf8\xec\x3c\x5a\x75\x09\xba\x04\xb0\xb8\x00\x24\xef\xeb\xe6' \
		'\xe8\x02\x00\xeb\xe1\x50\xba\xfd\x0'"$2"'\xec\xa8\x20\x74\xfb' \
		'\x58\xb2\xf8\xee\xc3boot sector\r\n\x00' > "$1"
	truncate -s 510 "$1"
	printf '\x55\xaa' >> "$1"
	truncate -s 1M "$1"
}
boot_disk "$T/boot" 3
# It is started past a drive that is empty.
hvm q-run 'serial=["pty","pty","tcp:127.0.0.1:7777,server,nowait"]' 'boot="dc"' "disk=['$T/boot,raw,hda,w',',,hdc,cdrom']" \
	'usbdevice=["tablet","mouse"]' 'soundhw="ac97"'
run xlite create -q -p "$T/q-run.cfg"
calm
is "one that runs" "$rc:$err" "0:"
id=$(xl domid q-run)
tty=$(node "/local/domain/$id/serial/0/tty")
ok "its first port's pty" test -c "$tty"
ok "and its second" test -c "$(node "/local/domain/$id/serial/1/tty")"
heard()		# heard NAME TTY: paused until somebody listens, as QEMU drops what nobody does
{
	local line

	exec 4<> "$2"
	xlite unpause "$1"
	while read -r -t 120 line <&4 && [[ $line != *"boot sector"* ]]; do :; done
	exec 4>&-
	like "$1 is heard" "$line" '^boot sector'
}
heard q-run "$tty"
echoes()	# echoes NAME OPTION...: what is typed comes back
{
	: > "$T/said"
	# shellcheck disable=SC2094
	{ echo "to-$1$2."; wait_for 30 grep -q "to-$1$2\." "$T/said"; } |
		timeout -k 5 60 xlite console "${@:2}" "$1" > "$T/said"
	like "$1: console ${*:2}" "$(tr -d '\r' < "$T/said")" "to-$1$2\\."
}
echoes q-run
echoes q-run -t serial
# xl's console reads a terminal alone.
timeout -k 5 40 xl console -t serial q-run > "$T/said" < /dev/null &
wait_for 20 pgrep -x xenconsole
echo to-xl. > "$tty"
within "xl console -t serial" 20 grep -q 'to-xl\.' "$T/said"
kill $!
wait $! 2> /dev/null
run env VNCVIEWER=echo xlite vncviewer q-run
is "vncviewer" "$rc:$out:$err" "0:127.0.0.1:0:"
like "VNC greets" "$(rfb "$(node "/local/domain/$id/console/vnc-port")")" '^RFB 003'
run xlite qemu-monitor-command q-run 'info status'
is "its monitor" "$rc:$out:$err" $'0:VM status: running\r\n:'
run xl qemu-monitor-command q-run 'info status'
is "as xl's" "$rc:$out:$err" $'0:VM status: running\r\n:'
ok "its third port listens" eval ': <> /dev/tcp/127.0.0.1/7777'
run xlite qemu-monitor-command q-run 'info usb'
like "USB" "$out" 'QEMU USB Tablet.*QEMU USB Mouse'
run xlite qemu-monitor-command q-run 'info pci'
like "a sound card" "$out" 'Audio controller: PCI device 8086:2415'
run xlite vnc-password q-run <<< new
is "a password that it cannot have" "$rc:$err" \
	"1:xlite: vncpasswd: this QEMU cannot do VNC passwords: Cipher backend does not support DES algorithm"

# Woken, its firmware finds nobody to go on for, and reboots.
sleeps() { [[ $(xlite qemu-monitor-command q-run 'info status') == *suspended* ]]; }
run xlite trigger q-run s3resume
like "it does not sleep" "$rc:$err" '^1:.*not in suspended state'
exec 4<> "$tty"
printf Z >&4
within "then it does" 20 sleeps
exec 4>&-
run xlite trigger q-run s3resume
is "s3resume" "$rc:$err" "0:"
restarted() { local now; now=$(xl domid q-run 2> /dev/null) && [ "$now" != "$id" ] && [[ $(< /run/xlite/q-run.dom) == complete* ]]; }
within "wakes it" 60 restarted
id=$(xl domid q-run)

# What only a recorder has seen so far: SPICE, another card, USB 3, sound, a second port without a first.
boot_disk "$T/boot2" 2
hvm q-more "${spice[@]}" spicevdagent=1 'vga="qxl"' memory=256 usbversion=3 'soundhw="hda"' vnc=0 \
	'serial=["none","pty"]' "disk=['$T/boot2,raw,hda,w']"
run xlite create -q -p "$T/q-more.cfg"
calm
is "more of it" "$rc:$err" "0:"
more=$(xl domid q-more)
is "no first port" "$(node "/local/domain/$more/serial/0/tty")" ""
heard q-more "$(node "/local/domain/$more/serial/1/tty")"
echoes q-more -t serial -n 1
run xlite qemu-monitor-command q-more 'info spice'
like "its SPICE server" "$out" 'address: 127\.0\.0\.1:6000.*auth: none'
# A client's first words (spice-protocol, SpiceLinkHeader and SpiceLinkMess: the main channel), and
# their answer: a header of its own, then no error.
spice_link()
{
	exec 3<> /dev/tcp/127.0.0.1/6000 || return
	printf '%b' 'REDQ\x02\0\0\0\x02\0\0\0\x12\0\0\0' '\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\x12\0\0\0' >&3
	timeout 20 head -c 20 <&3 | od -An -v -tx1 -w20
	exec 3>&-
}
like "answers a client" "$(spice_link 2>&1)" '^ 52 45 44 51 02 00 00 00 .* 00 00 00 00$'
run xlite qemu-monitor-command q-more 'info pci'
like "QXL, USB 3, sound" "$out" 'PCI device 1b36:0100.*PCI device 1033:0194.*PCI device 8086:2668'
run xlite destroy q-more
calm
is "it is destroyed" "$rc:$err" "0:"

# 4. Stopped, then killed.
pid=$(pid_of "$id")
kill -STOP "$pid"
run xlite qemu-monitor-command q-run 'info status'
is "a stopped one" "$rc:$err" "1:xlite: device model of domain $id (process $pid): QEMU does not answer"
start=$SECONDS
run xlite destroy q-run
calm
is "is destroyed" "$rc:$err" "0:"
ok "without waiting for it" test $((SECONDS - start)) -lt 10
nothing_left "stopped"
hvm q-kill
xlite create -q -F "$T/q-kill.cfg" 2> "$T/fore" &
runs() { [ "$(xl domid "$1" 2> /dev/null)" ] && [[ $(xl list "$1") != *--p---* ]]; }
wait_for 60 runs q-kill
id=$(xl domid q-kill)
pid=$(pid_of "$id")
kill -9 "$pid"
within "a killed one: said at once" 5 grep -q "domain $id: its device model (process $pid) has ended" "$T/fore"
run xlite qemu-monitor-command q-kill 'info status'
is "nobody answers" "$rc:$err" "1:xlite: domain $id has no device model that runs"
run xlite block-attach q-kill "$T/q,qcow2,xvdb,w"
like "it gets no disk that QEMU would serve" "$rc:$err" "^1:.*disk 'xvdb' needs a device model: domain $id's has ended"
run timeout -k 5 60 xlite console -t serial q-kill < <(:)
like "a serial port that it has not" "$rc:$err" "^0:.*domain $id has no serial port 0 with a terminal"
run xlite destroy q-kill
is "is destroyed" "$rc:$err" "0:"
wait
nothing_left "killed"
printf '%s\n' '#!/bin/bash' 'echo one; echo two >&2; kill -9 $$' > "$T/record"
hvm q-kill 'device_model_version="qemu-xen"' "device_model_override=\"$T/record\""
run xlite create -q -p "$T/q-kill.cfg"
calm
is "killed at its start" "$rc:$err" "3:xlite: cannot create 'q-kill': QEMU was killed by signal 9: one; two"
nothing_left "killed at its start"

# 5. Restricted: another user, an empty root; what it does is done all the same. xl's and ours.
hvm q-jail dm_restrict=1 'serial="pty"'
declare -A other=([xl]=xlite [xlite]=xl)
for tool in xl xlite; do
	run $tool create -q -p "$T/q-jail.cfg"
	calm
	is "$tool: restricted" "$rc:$err" "0:"
	id=$(xl domid q-jail)
	pid=$(pid_of "$id")
	is "$tool: a user of its own" "$(stat -c %u "/proc/$pid")" $((200000 + id))
	is "$tool: which is written down" "$(node "/local/domain/$id/image/device-model-kill-uid")" $((200000 + id))
	is "$tool: an empty root" "$(readlink "/proc/$pid/root"):$(ls -A "/proc/$pid/root/")" "/run/xen/qemu-root-$id:"
	is "$tool: no capability" "$(grep CapEff "/proc/$pid/status")" $'CapEff:\t0000000000000000'
	isnt "$tool: mounts of its own" "$(readlink "/proc/$pid/ns/mnt")" "$(readlink /proc/self/ns/mnt)"
	like "$tool: no large files" "$(< "/proc/$pid/limits")" 'Max file size +262144 '
	ok "$tool: its serial port" test -c "$(node "/local/domain/$id/serial/0/tty")"
	run timeout -k 5 60 xlite console -t serial q-jail < <(:)
	is "$tool: to which xlite console finds" "$rc:$out:$err" "0::"
	like "$tool: VNC greets" "$(rfb "$(node "/local/domain/$id/console/vnc-port")")" '^RFB 003'
	run xlite unpause q-jail
	is "$tool: unpaused" "$rc:$err" "0:"
	run xlite qemu-monitor-command q-jail 'info status'
	like "$tool: its QEMU works" "$rc:$out" '^0:VM status: running'
	run ${other[$tool]} destroy q-jail
	is "$tool: ${other[$tool]} destroys it" "$rc" 0 || diag "$err"
	nothing_left "$tool's restricted"
	# libxl leaves that until the next one of this number.
	[ $tool = xlite ] || nok "its root goes" test -e "/var/run/xen/qemu-root-$id"
done
# With a disk, a card and a CD; a user that all share.
printf '%s\n' "$users" 'xen-qemuuser-shared:x:300000:300000::/:/bin/false' > /etc/passwd
for cd in one two; do
	echo $cd > "$T/$cd.iso"
	truncate -s 1M "$T/$cd.iso"
done
hvm q-jail dm_restrict=1 'serial="pty"' "disk=['$T/boot,raw,hda,w','$T/one.iso,,hdc,cdrom']" \
	"vif=['mac=00:16:3e:00:00:11']"
run xlite create -q -p "$T/q-jail.cfg"
calm
is "restricted, with devices" "$rc:$err" "0:"
id=$(xl domid q-jail)
pid=$(pid_of "$id")
is "the shared user" "$(stat -c %u "/proc/$pid")" 300000
is "who is not killed by number" "$(node "/local/domain/$id/image/device-model-kill-uid")" ""
is "an empty root" "$(readlink "/proc/$pid/root"):$(ls -A "/proc/$pid/root/")" "/run/xen/qemu-root-$id:"
like "files may grow, cores not" "$(< "/proc/$pid/limits")" 'Max file size +unlimited .*Max core file size +0 '
is "its tap is on the bridge" "$(readlink "/sys/class/net/vif$id.0-emu/master")" ../xenbr0
heard q-jail "$(node "/local/domain/$id/serial/0/tty")"
opened() { find "/proc/$pid/fd" -lname "$T/*.iso" -printf "%l\n" 2> /dev/null | sort -u; }
drive() { run xlite qemu-monitor-command q-jail 'info block'; out=${out#*ide-5632}; }
is "its CD" "$(opened)" "$T/one.iso"
run xlite cd-insert q-jail hdc "$T/two.iso"
is "another CD" "$rc:$err:$(opened)" "0::$T/two.iso"
drive
like "is in the drive" "$out" '^ .*: /dev/fdset/[0-9]+ \(raw, read-only\)'
run xlite cd-eject q-jail hdc
is "none" "$rc:$err:$(opened)" "0::"
drive
like "it is empty" "$out" '^: \[not inserted\]'
run xlite destroy q-jail
calm
is "and destroyed" "$rc:$err" "0:"
nothing_left "restricted, with devices"

hvm q-user 'device_model_user="games"'
run xlite create -q -p "$T/q-user.cfg"
calm
is "just another user" "$rc:$err" "0:"
id=$(xl domid q-user)
is "which it is" "$(stat -c %U "/proc/$(pid_of "$id")")" games
is "with dom0's root" "$(readlink "/proc/$(pid_of "$id")/root")" /
run xlite destroy q-user
is "destroyed" "$rc:$err" "0:"
nothing_left "another user"
rmdir /var/run/xen/qemu-root-* 2> /dev/null
run xlite cleanup
rm -f /var/run/xen/dm-reaper-lock /var/log/xen/qemu-dm-*
echo "$users" > /etc/passwd
done_testing
