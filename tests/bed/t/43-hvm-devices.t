#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks, drives and network cards of HVM guests: beside xl's, read by SeaBIOS, used by Linux; cd-insert
# and cd-eject; what is attached and detached; nothing is left.
# time-limit: 2400
. "$XLITE/lib.sh"
. "$XLITE/same.sh"

net=/sys/class/net
hvm() { config "$1" 'type="hvm"' memory=64 vnc=0 'vga="none"' "${@:2}"; }
node() { xenstore-read "$1" 2> /dev/null; }
bridge_of() { local v; v=$(readlink "$net/$1/master") && echo "${v##*/}"; }
up() { (( $(< "$net/$1/flags") & 1 )); }
no_qemu() { ! pgrep -f -- '-xen-domid' > /dev/null; }
# What a slow machine makes xlite say is no matter here.
calm() { err=$(grep -v '^waiting for ' <<< "$err"); }

nothing_left()
{
	within "$1: no QEMU" 20 no_qemu
	is "$1: no link" "$(cd $net && compgen -G 'vif*'; compgen -G '*-emu')" ""
	is "$1: no node" "$(xenstore-ls -f | grep -E '/(device-model|backend/[a-z0-9]+)/[0-9]|^/libxl/[0-9]')" ""
	is "$1: no loop device" "$(losetup -a)" ""
}

image() { { head -c 512 "${3:-/dev/zero}"; printf '%s\0' "$2"; head -c 1474560 /dev/zero; } | head -c 1474560 > "$T/$1"; }
iso() { mkdir "$T/$1.d" && echo "$1" > "$T/$1.d/name" && xorriso -as mkisofs -quiet -o "$T/$1.iso" "$T/$1.d" 2> /dev/null; }

image a hard-a
image b hard-b
image c hard-c
image fd floppy "$XLITE/guests/sector"
iso one
iso two
qemu-img create -q -f qcow2 "$T/q" 16M

# 1. Beside xl, paused. Its block script is slow, so few disks of files; sizes and paths are in all.
cat > "$T/script" << EOF
#!/bin/sh
[ \$1 = add ] || { losetup -d \$(losetup -j $T/c -O NAME -n); exit 0; }
dev=\$(losetup -f --show $T/c)
xenstore-write "\$XENBUS_PATH/physical-device-path" \$dev
xenstore-write "\$XENBUS_PATH/physical-device" 7:\$(stat -c %T \$dev)
xenstore-write "\$XENBUS_PATH/hotplug-status" connected
EOF
chmod +x "$T/script"

# What a domain's links are on: bridge, address, MTU, flags.
links_of()
{
	(cd $net && for l in "vif$1."* *-emu; do
		[ ! -e "$l" ] || echo "$l $(bridge_of "$l") $(< "$l/address") $(< "$l/mtu") $(< "$l/flags")"
	done) | sort -u | sed "s/vif$1/vifN/"
}

same_views='store json qemu links'
same_also() { sed -i 's,/dev/loop[0-9]*,LOOP,' "$T/$1.qemu" "$T/$1.store"; }
same() { hvm d-same "${@:2}"; same_as_xl "$1" "$T/d-same.cfg" d-same; }	# same WHAT CONFIG-LINE...

# (The MTU of a bridge follows its ports'.)
ip link add br1 type bridge
ip link set br1 up
same "IDE, drives, cards" "disk=['$T/a,raw,hda,w','backendtype=qdisk,vdev=xvdb,format=qcow2,target=$T/q',
	'$T/one.iso,,hdc,cdrom',',,hdd,cdrom']" \
	"vif=['mac=00:16:3e:00:00:01','mac=00:16:3e:00:00:02,vifname=foo,model=e1000,mtu=1400,bridge=br1']"
like "what was compared is there" "$(< "$T/xlite.qemu")$(< "$T/xlite.links")" 'ide-cd,.*foo-emu br1 fe:ff.*1400'
same "AHCI, SCSI, a script" 'hdtype="ahci"' vkb_device=0 'vfb=["vnc=1"]' \
	"disk=['backendtype=qdisk,vdev=xvda,target=$T/a','backendtype=qdisk,vdev=sdb,access=r,target=$T/b',
	'script=$T/script,vdev=hdb,target=x']" "vif=['mac=00:16:3e:00:00:01,type=vif']"
like "QEMU opens what the script made" "$(< "$T/xlite.qemu")" 'file=LOOP,if=none,id=ahcidisk-1'
nothing_left "beside xl"
ip link del br1

# 2. Refused before there is a domain (the rest: tests/unit).
hvm d-no "disk=['$T/a,raw,hda,r']"
run xlite create -q -p "$T/d-no.cfg"
like "a read-only IDE disk" "$rc:$err" "^[36]:.*disk 'hda': an emulated IDE disk cannot be read-only"
hvm d-no "vif=['vifname=xenbr0-x','vifname=eth0,type=vif']"
run xlite create -q -p "$T/d-no.cfg"
like "a link's name that is taken" "$rc:$err" "^[36]:.*vif 1: vifname=eth0: this host has"

# More than QEMU has places for.
beyond()	# beyond WHAT MESSAGE QEMU-HAS CONFIG-LINE...
{
	hvm d-many "${@:4}"
	run xlite create -p "$T/d-many.cfg"
	like "$1" "$rc:$err" "^0:.*disk '[a-z]*': beyond the $2 disks: the guest sees it through PV drivers alone"
	run xlite qemu-monitor-command d-many 'info block'
	like "$1: the first is emulated" "$out" "$3"
	unlike "$1: and this one not" "$out" "$T/b "
	xlite destroy d-many
}
beyond "a fifth IDE disk" "4 emulated IDE" 'ide0-hd0' "disk=['$T/a,raw,hda,w','$T/b,raw,xvde,w']"
beyond "a seventh AHCI disk" "6 emulated AHCI" 'ahcidisk-0' 'hdtype="ahci"' "disk=['$T/a,raw,hda,w','$T/b,raw,xvdg,w']"

# 3. What a PC's firmware reads: floppy, IDE, SCSI.
hvm d-bios 'boot="a"' "serial=\"file:$T/serial\"" \
	"disk=['$T/fd,raw,fda,r','$T/a,raw,hda,w','$T/b,raw,sda,w']"
run xlite create -q "$T/d-bios.cfg"
calm
is "from a floppy" "$rc:$out:$err" "0::"
hvm d-no "disk=['$T/fd,raw,xvda,w']"
run xlite create -q -p "$T/d-no.cfg"
like "whose image nobody else may write to" "$rc:$err" "^[36]:.*'$T/fd' is in use by a QEMU"
hvm d-no "disk=['$T/a,raw,xvda,w']"
run xlite create -q -p "$T/d-no.cfg"
like "nor to its disk's" "$rc:$err" "^[36]:.*'$T/a' is in use by guest 'd-bios' \(hda\)"
within "its second sector, and those of both disks" 200 grep -aq '!' "$T/serial"
like "all three" "$(tr -d '\0' < "$T/serial")" '^floppy(hard-ahard-b|hard-bhard-a)\.!'
run xlite block-list d-bios
like "a floppy drive is no PV disk" "$out" '768.*2048'
unlike "in no list" "$out" 512
like "but it is kept for the next start" "$(json_of "$(xl domid d-bios)")" '"vdev": "fda"'
run xlite destroy d-bios
calm
is "destroy" "$rc:$err" "0:"
nothing_left "firmware"

if [ -n "${LONG-}" ]; then
	image boot hard-boot "$XLITE/guests/sector"
	hvm d-ahci 'hdtype="ahci"' 'boot="c"' "serial=\"file:$T/ahci\"" \
		"disk=['$T/boot,raw,hda,w','$T/b,raw,xvdb,w']"
	run xlite create -q "$T/d-ahci.cfg"
	calm
	is "from AHCI" "$rc:$out:$err" "0::"
	within "it ends" 200 grep -aq '!' "$T/ahci"
	like "both disks" "$(tr -d '\0' < "$T/ahci")" '^\.hard-boothard-b\.!'
	xlite destroy d-ahci 2> /dev/null
fi

# 4. Drives, links and PV devices of a guest that need not run.
cd_json() { json_of "$id" | grep -B1 '"vdev": "hdc"'; }
cd_node() { echo "$(node "/local/domain/0/backend/qdisk/$id/5632/params") $(node "/libxl/$id/device/vbd/5632/params")"; }
hvm d-cd vnc=1 "disk=['$T/a,raw,hda,w','$T/one.iso,,hdc,cdrom']" "vif=['mac=00:16:3e:00:00:11,model=e1000','type=vif']"
run xlite create -q -p "$T/d-cd.cfg"
calm
is "a guest with a drive" "$rc:$err" "0:"
id=$(xl domid d-cd)
run xlite cd-insert d-cd hdc "$T/none.iso"
is "no such image" "$rc:$out:$err" "1::Cannot stat file: $T/none.iso"
run xlite cd-insert d-cd hdc "$T/a"
like "an image that is written to" "$rc:$err" "^1:xlite: disk 'hdc': '$T/a' is in use by guest 'd-cd' \(hda\)"
run xlite cd-insert d-cd hda "$T/two.iso"
like "no drive" "$rc:$err" "^1:xlite: disk 'hda': it is no cdrom drive"
run xlite cd-insert d-cd hdd "$T/two.iso"
like "no such drive" "$rc:$err" "^1:xlite: domain $id has no disk 'hdd'"
is "none of these took the CD out" "$(cd_node)" "aio:$T/one.iso aio:$T/one.iso"
run xlite cd-insert d-cd hdc "$T/two.iso"
is "cd-insert" "$rc:$out:$err" "0::"
is "so says the store" "$(cd_node)" "aio:$T/two.iso aio:$T/two.iso"
like "and what is kept for the next start" "$(cd_json)" "$T/two.iso"
unkept()	# unkept WHAT WORD...: done, but not kept
{
	local json

	json=$(compgen -G "/var/lib/xen/userdata-d.$id.*.libxl-json")
	mkdir "$json.new"
	run xlite "${@:2}"
	calm
	is "$1, and cannot be kept" "$rc:$err" "1:xlite: $1, but not for the guest's next start: cannot create '$json.new': Is a directory"
	rmdir "$json.new"
}
unkept "disk 'hdc' is changed" cd-insert d-cd hdc "$T/one.iso"
run xlite cd-eject d-cd hdc
is "cd-eject" "$rc:$out:$err:$(cd_node)" "0::: "
like "the drive is kept empty" "$(cd_json)" '"pdev_path": ""'
run xl cd-insert d-cd hdc "$T/one.iso"
is "xl's cd-insert" "$rc:$(cd_node)" "0:aio:$T/one.iso aio:$T/one.iso" || diag "$err"
run xl cd-eject d-cd hdc
is "xl's cd-eject" "$rc" 0 || diag "$err"

is "the tap is on the bridge" "$(bridge_of "vif$id.0-emu")" xenbr0
nok "a vif has none" test -e "$net/vif$id.1-emu"
run xlite network-link d-cd 0 down
is "network-link down" "$rc:$err" "0:"
nok "of the card as well" up "vif$id.0-emu"
run xlite network-link d-cd 0 up
ok "and up" up "vif$id.0-emu"
run xlite network-attach d-cd mac=00:16:3e:00:00:13
calm
is "network-attach" "$rc:$err" "0:"
is "makes a vif alone" "$(node "/libxl/$id/device/vif/2/type") $(compgen -G "$net/vif$id.2*")" "vif $net/vif$id.2"
run xlite network-attach d-cd type=ioemu
like "no card" "$rc:$err" '^1:.*type=ioemu: an emulated network card cannot be added to a running guest'
unkept "vif 2 is detached" network-detach d-cd 2
run xlite network-detach d-cd 2
calm
is "network-detach" "$rc:$err" "0:"
run xlite network-detach d-cd 0
calm
is "also of one with a card" "$rc:$err" "0:"
is "whose tap is on no bridge then" "$(cd $net && echo "vif$id.0"*):$(bridge_of "vif$id.0-emu")" "vif$id.0-emu:"

# Guests of the other tool: a drive, and the viewer, which writes down how it is called.
mkdir "$T/viewer"
printf '%s\n' '#!/bin/sh' 'printf "<%s>" "$@"' > "$T/viewer/vncviewer"
chmod +x "$T/viewer/vncviewer"
viewer()	# viewer NAME DISPLAY
{
	run env PATH="$T/viewer:$PATH" xl vncviewer "$1"
	said="$rc:$out:$err"
	run env PATH="$T/viewer:$PATH" xlite vncviewer "$1"
	is "$1: vncviewer as xl's" "$rc:$out:$err" "$said"
	is "$1: which finds it" "$said" "0:<127.0.0.1:$2>:"
}
hvm d-xl vnc=1 "disk=['$T/one.iso,,hdc,cdrom']"
same_patient xl create -q -p "$T/d-xl.cfg"
is "xl's with a drive" "$rc" 0 || diag "$err"
ours=$id
id=$(xl domid d-xl)
run xlite cd-insert d-xl hdc "$T/two.iso"
is "cd-insert into xl's" "$rc:$out:$err:$(cd_node)" "0:::aio:$T/two.iso aio:$T/two.iso"
like "which is kept" "$(cd_json)" "$T/two.iso"
run xlite qemu-monitor-command d-xl 'info block'
like "and in QEMU's drive" "$out" "ide-5632 [^:]*: (/dev/fdset/[0-9]+|$T/two.iso)"
run xlite cd-eject d-xl hdc
is "cd-eject from xl's" "$rc:$out:$err:$(cd_node)" "0::: "
run xlite qemu-monitor-command d-xl 'info block'
like "QEMU's is empty" "$out" 'ide-5632: \[not inserted\]'
run xl cd-insert d-xl hdc "$T/one.iso"
is "xl goes on with it" "$rc:$(cd_node)" "0:aio:$T/one.iso aio:$T/one.iso" || diag "$err"
viewer d-cd 0
viewer d-xl 1
run xlite destroy d-xl
calm
is "xlite destroys xl's" "$rc:$err" "0:"
id=$ours

# A QEMU that is stopped, or dead.
pid=$(node "/local/domain/$id/image/device-model-pid")
kill -STOP "$pid"
run_limit 60 xlite cd-insert d-cd hdc "$T/two.iso"
is "a stopped QEMU" "$rc:$err" "1:xlite: disk 'hdc': device model of domain $id (process $pid): QEMU does not answer"
kill -CONT "$pid"
kill -9 "$pid"
within "it is dead" 20 no_qemu
run xlite cd-insert d-cd hdc "$T/two.iso"
like "a dead QEMU" "$rc:$err" "^1:xlite: disk 'hdc' needs a device model: domain $id's has ended"
run xlite destroy d-cd
calm
is "destroy of a guest without QEMU" "$rc:$err" "0:"
nothing_left "drives"

# 5. Not for other guests.
tiny d-pv "disk=['$T/one.iso,raw,hdc,r,cdrom']"
run xlite create -q -p "$T/d-pv.cfg"
is "a PV guest with a CD" "$rc" 0 || diag "$err"
run xlite cd-insert d-pv hdc "$T/two.iso"
like "keeps it" "$rc:$err" '^1:xlite: domain [0-9]+ is a pv guest: only an hvm guest has a cdrom drive'
xlite destroy d-pv 2> /dev/null
tiny d-pv "disk=['$T/fd,raw,fda,r']"
run xlite create -q -p "$T/d-pv.cfg"
like "nor has it floppies" "$rc:$err" "^[36]:.*disk 'fda': only an hvm guest has floppy drives"

# 6. Linux, which on this machine takes minutes. Without the word on its command line it would
# unplug what it has PV drivers for; and without the other look for AGP on every bus.
if [ -n "${LONG-}" ]; then
ip addr add 10.9.0.1/24 dev xenbr0
linux d-lin 'type="hvm"' vnc=0 'extra="console=hvc0 quiet xen_emul_unplug=unnecessary pci=noearly"' 'vga="none"' \
	"disk=['$T/a,raw,hda,w','$T/one.iso,,hdc,cdrom']" \
	"vif=['mac=00:16:3e:00:00:11,model=e1000','mac=00:16:3e:00:00:12,model=rtl8139']"
run xlite create -q "$T/d-lin.cfg"
calm
is "Linux" "$rc:$err" "0:"
id=$(xl domid d-lin)
# Looking often would take from it what little of a processor there is.
mkfifo "$T/never"
exec 7<> "$T/never"
end=$((SECONDS + 900))
until grep -aq 'guest: ready' "$(console_log d-lin)" || [ $SECONDS -ge $end ]; do
	read -r -t 3 -u 7
done
exec 7>&-
console_has d-lin 'guest: ready'
GUEST_LIMIT=900
guest d-lin 'dmesg -n 1; modprobe -a ata_piix sd_mod sr_mod isofs e1000 8139cp; until [ -b /dev/sr0 ]; do sleep 1; done; mount -r /dev/sr0 /mnt && cat /mnt/name'
is "it reads its CD" "$rc:$out" 0:one

# The drive is locked while it is mounted.
run xlite cd-eject d-lin hdc
like "a CD in use stays in" "$rc:$err" "^1:xlite: disk 'hdc': eject: QEMU: .*locked"
guest d-lin 'umount /mnt'
is "let go of" "$rc" 0
run xlite cd-insert d-lin hdc "$T/two.iso"
is "cd-insert" "$rc:$out:$err" "0::"
guest d-lin 'until mount -r /dev/sr0 /mnt 2> /dev/null; do sleep 1; done; cat /mnt/name; umount /mnt'
is "the guest has the other one" "$rc:$out" 0:two
run xlite cd-eject d-lin hdc
is "cd-eject" "$rc:$out:$err" "0::"
guest d-lin 'if mount -r /dev/sr0 /mnt 2> /dev/null; then echo one; else echo none; fi'
like "the guest has none" "$rc:$out" '^0:(.*[^a-z])?none$'

# The cards: one at a time, since both have the addresses of the PV ones.
guest d-lin 'for i in /sys/class/net/eth*; do echo ${i##*/} $(basename $(readlink $i/device/driver)) $(cat $i/address); done'
is "each twice, emulated and PV" "$(cut -d' ' -f2- <<< "$out" | sort)" \
	$'8139cp 00:16:3e:00:00:12\ne1000 00:16:3e:00:00:11\nvif 00:16:3e:00:00:11\nvif 00:16:3e:00:00:12'
card() { sed -n "s/ $1 .*$2$//p" <<< "$cards"; }
cards=$out
try()		# try WHAT DRIVER LAST-OF-MAC
{
	local eth
	eth=$(card "$2" "$3")
	guest d-lin "ip link set $eth up; ip addr add 10.9.0.2/24 dev $eth; for i in 1 2 3 4 5 6 7 8 9; do ping -c 1 -W 2 10.9.0.1 > /dev/null && break; done; r=\$?; [ '$4' ] || ip link set $eth down; ip addr flush dev $eth; (exit \$r)"
	is "the network through $1" "$rc" 0
}
try e1000 e1000 11
try rtl8139 8139cp 12
try "the PV driver" vif 12

# Attached and detached while it runs.
run xlite block-attach d-lin "$T/c,raw,xvdf,w"
calm
is "block-attach" "$rc:$err" "0:"
guest d-lin 'until [ -b /dev/xvdf ]; do sleep 1; done; dd if=/dev/xvdf bs=512 skip=1 count=1 2> /dev/null | head -c 6; echo'
is "read by the guest" "$out" hard-c
run xlite block-detach d-lin xvdf
calm
is "block-detach" "$rc:$err" "0:"
run xlite destroy d-lin
calm
is "destroy of a running guest" "$rc:$err" "0:"
ip addr del 10.9.0.1/24 dev xenbr0
nothing_left "Linux"
fi
rm -f /var/log/xen/qemu-dm-*
done_testing
