#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks that blkback serves: the same nodes as with xl, loop devices that never stay, what is
# refused and why, who uses a disk already, scripts.
# time-limit: 900
. "$XLITE/lib.sh"
shopt -s extglob

image() { truncate -s "${2:-4M}" "$T/$1"; }
vbds() { xenstore-ls "/local/domain/0/backend/vbd" 2> /dev/null; }
no_loops_of() { [ -z "$(losetup -j "$1")" ]; }
no_loops() { ! losetup -a | grep -q "$T\|/var/tmp"; }
# nodes DOMID LOOP FILE: its disks' nodes without what is different each time
nodes()
{
	local path

	for path in "/local/domain/$1/device/vbd" "/local/domain/0/backend/vbd/$1" \
		"/libxl/$1/device/vbd"; do
		xenstore-ls -fp "$path"
	done | sed -e "s,/domain/$1/,/domain/N/,g" -e "s,/libxl/$1/,/libxl/N/,g" \
		-e "s,/vbd/$1/,/vbd/N/,g" -e "s/(n$1,/(nN,/" -e "s/,r$1)/,rN)/" \
		-e "s/frontend-id = \"$1\"/frontend-id = N/" -e "s,$2,LOOP," \
		-e 's/physical-device = "7:[0-9]*"/physical-device = LOOP/' \
		-e '/feature-\|max-ring\|multi-queue/d' | sort > "$3"
}

# refused WHAT STATUS-AND-MESSAGE-REGEX DISK...: no domain comes into being
refused()
{
	local what=$1 want=$2 list
	shift 2

	printf -v list '"%s",' "$@"
	tiny d-bad "disk=[$list]"
	run xlite create -q -p "$T/d-bad.cfg"
	like "$what" "$rc:$err" "^[136]:$want" || xlite destroy d-bad
}

# created WHAT NAME [WARNING]: and nothing said but that it waits
created()
{
	run xlite create -q -p "$T/$2.cfg"
	err=${err//waiting for*([!$'\n'])*($'\n')/}
	like "$1" "$rc:$out:$err" "^0::${3:-$}"
}

# The same as with xl, and each removes the other's.
image dev.img
dev=$(losetup -f --show "$T/dev.img")
truncate -s 4M /var/tmp/d-a.img
tiny d-one 'disk=["/var/tmp/d-a.img,raw,xvda,w,direct-io-safe"]'
run xl create -q -p "$T/d-one.cfg"
is "xl creates" "$rc" 0 || diag "$err"
run xl block-attach d-one "phy:$dev,hdc1,r"
is "xl attaches a block device" "$rc" 0
id=$(xl domid d-one)
loop=$(losetup -nO NAME -j /var/tmp/d-a.img)
nodes "$id" "$loop" "$T/xl"
run xlite destroy d-one
is "xlite destroys xl's" "$rc:$out" "0:"
within "its loop device goes" 10 no_loops_of /var/tmp/d-a.img
nok "the other one stays" test -z "$(losetup -j "$T/dev.img")"

tiny d-one "disk=[\"/var/tmp/d-a.img,raw,xvda,w,direct-io-safe\", \"phy:$dev,hdc1,r\"]"
created "xlite creates with both" d-one
id=$(xl domid d-one)
is "its loop device: autoclear, direct I/O, written to" \
	"$(losetup -nO AUTOCLEAR,DIO,RO,BACK-FILE -j /var/tmp/d-a.img | tr -s ' ')" \
	" 1 1 0 /var/tmp/d-a.img"
nodes "$id" "$(losetup -nO NAME -j /var/tmp/d-a.img)" "$T/xlite"
is "the same nodes as xl's" "$(diff "$T/xl" "$T/xlite")" ""
like "xl lists them" "$(xl block-list d-one)" "51712 .*5633 "
run xl destroy d-one
is "xl destroys ours" "$rc" 0
within "no loop device stays" 10 no_loops_of /var/tmp/d-a.img
# xl's: a script's lock, and what one that was killed after 40 s on a busy machine still wrote.
rm -f /run/xen-hotplug/block
xenstore-rm "/local/domain/0/backend/vbd/$id" 2> /dev/null
rm /var/tmp/d-a.img

# Several, partitions, read-only; nothing but the kernel holds the loop devices.
image a.img; image b.img; image c.img
cd "$T" || exit 1
tiny d-many 'disk=["a.img,raw,xvda1,w","file:'"$T"'/b.img,xvda2,r",
	"vdev=xvdzz,format=raw,access=ro,target='"$T"'/c.img","'"phy:${dev#/dev/}"',sda,w"]'
created "four disks" d-many
cd /
id=$(xl domid d-many)
is "read-only ones" "$(losetup -nO RO,BACK-FILE | tr -s ' ' | grep "$T" | sort)" \
	" 0 $T/a.img
 0 $T/dev.img
 1 $T/b.img
 1 $T/c.img"
is "a relative name is whole in the store" \
	"$(xenstore-read "/libxl/$id/device/vbd/51713/params")" "$T/a.img"
is "and so is phy:'s" "$(xenstore-read "/libxl/$id/device/vbd/2048/params")" "$dev"
ok "and in the JSON" grep -qa "\"pdev_path\": \"$T/a.img\"" /var/lib/xen/userdata-d."$id".*
is "blkback has them" "$(cat "/sys/bus/xen-backend/devices/vbd-$id-"*/mode | tr -d '\n')" wrwr

# Who else would write.
refused "a file that a guest writes to" \
	".*disk 'xvda': '$T/a.img' is in use by guest 'd-many' .xvda1." "$T/a.img,raw,xvda,r"
refused "a file that a guest reads" \
	".*'$T/b.img' is in use by guest 'd-many' .xvda2." "$T/b.img,raw,xvda,w"
ln "$T/a.img" "$T/hard.img"
refused "the same by another name" ".*in use by guest 'd-many' .xvda1." "$T/hard.img,raw,xvda"
refused "a device" ".*'$dev' is in use by guest 'd-many' .sda." "$dev,raw,xvda"
refused "the device's file" ".*in use by guest 'd-many' .sda." "$T/dev.img,raw,xvda"
second=$(losetup -f --show "$T/dev.img")
refused "another loop device on that file" ".*in use by guest 'd-many' .sda." "$second,raw,xvda,r"
losetup -d "$second"
tiny d-two "disk=[\"$T/b.img,raw,xvda,r\",\"$T/b.img,raw,xvdb,r\",\"$T/a.img,raw,xvdc,w!\"]"
created "readers share, and w! asks nobody" d-two
id=$(xl domid d-two)
is "w! stands in the store" "$(xenstore-read "/local/domain/0/backend/vbd/$id/51744/mode")" 'w!'
xlite destroy d-two
# One that is going away is waited for: here its toolstack has begun to take the disk.
tiny d-next "disk=[\"$T/a.img,raw,xvda,w\"]"
id=$(xl domid d-many)
xenstore-write "/local/domain/0/backend/vbd/$id/51713/online" 0
xlite create -q -p "$T/d-next.cfg" 2> "$T/next" &
xlite destroy d-many
wait $!
is "a disk of a guest that is going away is waited for" $? 0 || diag "$(< "$T/next")"
xlite destroy d-next
within "no loop device stays" 10 no_loops_of "$T/a.img"
image dev.img

# This host's own.
mke2fs -q "$T/fs.img" 2M
mkdir "$T/mnt"
mount -o loop,ro "$T/fs.img" "$T/mnt"
refused "a mounted image" ".*'$T/fs.img' is mounted on '$T/mnt'" "$T/fs.img,raw,xvda,w"
mounted=$(losetup -nO NAME -j "$T/fs.img")
refused "its device" ".*'$mounted' is a read-only device" "$mounted,raw,xvda,w"
tiny d-ro "disk=[\"$T/fs.img,raw,xvda,r\"]"
created "but read-only goes with read-only" d-ro
xlite destroy d-ro
umount "$T/mnt"
printf 'start=2048,size=2048\nstart=4096\n' | sfdisk -q "$T/dev.img"
losetup -d "$dev"
dev=$(losetup -P -f --show "$T/dev.img")
tiny d-part "disk=[\"${dev}p1,raw,xvda1,w\"]"
created "a partition" d-part
refused "its whole disk" ".*'$dev' is in use by guest 'd-part' .xvda1." "$dev,raw,xvda"
refused "the whole disk's file" ".*in use by guest 'd-part' .xvda1." "$T/dev.img,raw,xvda"
tiny d-other "disk=[\"${dev}p2,raw,xvda,w\"]"
created "another partition" d-other
xlite destroy d-other
xlite destroy d-part
mkswap -q "${dev}p2" 2> /dev/null
swapon "${dev}p2"
refused "swap space" ".*'${dev}p2' is swap space of this host" "${dev}p2,raw,xvda"
refused "its whole disk" ".*'$dev' is swap space of this host" "$dev,raw,xvda"
swapoff "${dev}p2"
losetup -d "$dev"

# What is no disk.
mkdir "$T/dir"
mkfifo "$T/fifo"
: > "$T/empty"
refused "missing" ".*disk 'xvda': cannot find '$T/absent': No such file" "$T/absent,raw,xvda"
refused "a folder" ".*disk 'xvdb': '$T/dir' is a directory" "$T/a.img,,xvda" "$T/dir,,xvdb"
refused "a FIFO" ".*'$T/fifo' is a FIFO" "$T/fifo,raw,xvda"
refused "an empty file" ".*'$T/empty' is empty" "$T/empty,raw,xvda"
refused "an unbound device" ".*has no size" "$(losetup -f),raw,xvda"
mkdir "$T/ro"
mount -t tmpfs -o size=1m d-ro "$T/ro"
truncate -s 64k "$T/ro/x"
mount -o remount,ro "$T/ro"
refused "a file that cannot be written" ".*cannot open '$T/ro/x' for writing: Read-only file" \
	"$T/ro/x,raw,xvda,w"
umount "$T/ro"
refused "one vdev twice" ".*disk 'xvda': there are two of it" "$T/a.img,,xvda" "$T/b.img,,d0p0"
refused "an unknown vdev" ".*unknown vdev 'vda'" "$T/a.img,,vda"
refused "one file twice" ".*disk 'xvdb': '$T/a.img' is disk 'xvda' already" "$T/a.img,,xvda" \
	"$T/a.img,,xvdb,r"
ok "no domain, no loop device came of these" no_loops
printf 'QFI\xfb' | dd of="$T/a.img" conv=notrunc status=none
tiny d-head "disk=[\"$T/a.img,raw,xvda,w\"]"
created "a qcow2 header in a raw disk: a warning" d-head \
	".*disk 'xvda': '$T/a.img' looks like a qcow2 image but is used as raw"
id=$(xl domid d-head)
is "and nothing else" "$(xenstore-read "/libxl/$id/device/vbd/51712/type")" phy
xlite destroy d-head

# A script sets up what it likes, and takes it down.
cat > "$T/block-test" << 'END'
#!/bin/sh
exec >> "${0%/*}/script.log" 2>&1
params=$(xenstore-read "$XENBUS_PATH/params")
echo "$1 $XENBUS_TYPE $XENBUS_PATH $XENBUS_BASE_PATH $script $params"
case $1:$params in
add:bad) xenstore-write "$XENBUS_PATH/hotplug-error" "there is no '$params'"; exit 1 ;;
add:*) set -- $(ls -lL "$params"); xenstore-write "$XENBUS_PATH/physical-device" "7:${6}" \
	"$XENBUS_PATH/hotplug-status" connected ;;
esac
END
chmod +x "$T/block-test"
dev=$(losetup -f --show "$T/c.img")
tiny d-script "disk=[\"script=$T/block-test,vdev=xvda,target=$dev\"]"
created "script=" d-script
id=$(xl domid d-script)
is "is told of it as by libxl" "$(< "$T/script.log")" \
	"add vbd backend/vbd/$id/51712 backend $T/block-test $dev"
within "blkback takes what it says" 10 test -e "/sys/bus/xen-backend/devices/vbd-$id-51712/mode"
: > "$T/script.log"
run xlite destroy d-script
is "destroy" "$rc" 0
is "calls it again" "$(< "$T/script.log")" \
	"remove vbd backend/vbd/$id/51712 backend $T/block-test $dev"
refused "a script that fails" ".*disk 'xvda': .*there is no 'bad'" \
	"script=$T/block-test,vdev=xvda,target=bad"
refused "a script that is not there" ".*'/etc/xen/scripts/block-none': No such file" \
	"script=block-none,vdev=xvda,target=bad"
losetup -d "$dev"

# Two at once: one gets it. Killed at any time: the kernel cleans up.
for name in d-x d-y; do
	tiny $name "disk=[\"$T/b.img,raw,xvda,w\"]"
	xlite create -q -p "$T/$name.cfg" 2> "$T/$name.err" &
done
wait
is "one of two that start at once gets the disk" "$(xl list | grep -c 'd-[xy]')" 1
like "the other is told" "$(cat "$T/d-x.err" "$T/d-y.err")" "'$T/b.img' is "
for name in d-x d-y; do xen_gone $name || xlite destroy $name; done
tiny d-kill "disk=[\"$T/b.img,raw,xvda,w\",\"$T/c.img,raw,xvdb,r\"]"
created "one to be killed" d-kill
xlite destroy d-kill
for delay in 0.03 0.06 0.1 0.15; do
	xlite create -q -p "$T/d-kill.cfg" 2> /dev/null &
	sleep $delay
	kill -KILL $! 2> /dev/null
	wait $! 2> /dev/null
	xlite cleanup > /dev/null 2>&1
	xen_gone d-kill || xlite destroy d-kill
done
within "no loop device after kills" 10 no_loops
is "no backend" "$(vbds | grep -v '^[0-9]* = ""$')" ""
done_testing
