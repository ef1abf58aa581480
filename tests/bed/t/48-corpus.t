#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Configs from the wild, fitted to this host by tests/corpus/fit, created paused by xl and by xlite:
# the same to the store, to Xen, to QEMU and in the stored config. Every fifteenth, and the first of
# each type; LONG=1: all.
# time-limit: 5400
. "$XLITE/lib.sh"
. "$XLITE/same.sh"

mkdir "$T/cfg"
tar xmf "$XLITE/bin/corpus.tar" -C "$T/cfg" --exclude=left-out
files=("$T/cfg"/*.cfg)
[ -f "${files[0]}" ] || skip_all "no corpus on the machine that built this"
step=15
[ -z "$LONG" ] || step=1

images=/root/corpus
mkdir "$images"
trap 'rm -rf "$images" "$T"' EXIT

# make_images CONFIG: what its disks name
make_images()
{
	local file

	for file in $(grep -o "$images/[0-9]*\.[a-z0-9]*" "$1"); do
		case $file in
		*.raw) truncate -s 8M "$file" ;;
		*.vhd) qemu-img create -q -f vpc "$file" 8M ;;
		*) qemu-img create -q -f "${file##*.}" "$file" 8M ;;
		esac
	done
}

# No such driver in Debian's QEMU; an OVMF that hangs.
same_refused="Unknown driver 'qcow'|was built without support for Xen"

# xl 4.17 tells QEMU of an HVM guest's channels, and the guest nothing: it writes no nodes for them.
same_also()	# same_also TOOL
{
	grep -q '^channel' "$cfg" && grep -qE '^(type|builder) *= *"hvm"' "$cfg" || return 0
	sed -i -E '\,(/device/console/[1-9]|/backend/console/N/[1-9]|domain/N/device/console =),d' "$T/$1.store"
	sed -i '/"devid"/d' "$T/$1.json"
	sed -i 's/libxl-channel[0-9]*/libxl-channel/' "$T/$1.qemu"
}

# type_of CONFIG: sets $type
type_of()
{
	type=pv
	[[ $(< "$1") =~ $'\n'(type|builder)' = "'(pvh|hvm) ]] && type=${BASH_REMATCH[2]}
}

compared=0
declare -A types=()
for ((i = 0; i < ${#files[@]}; i++)); do
	cfg=${files[i]}
	type_of "$cfg"
	[ $((i % step)) = 0 ] || [ -z "${types[$type]}" ] || continue
	file=${cfg##*/}
	name=$(xl create -q -n "$cfg" | sed -n 's/^ *"name": "\(.*\)",*$/\1/p' | head -n 1)
	name=${name//\\\"/\"}
	make_images "$cfg"
	# What xl itself cannot make here is no matter.
	if same_made xl "$cfg" "$name"; then
		same_as_made "$file" "$cfg" "$name"
		compared=$((compared + 1))
		types[$type]=$cfg
	else
		skip "$file" "xl: ${err##*$'\n'}"
	fi
	rm -f "$images"/*
	xl destroy "$name" 2> /dev/null
done
ok "$compared were compared" test "$compared" -ge $((${#files[@]} / step / 2))
ok "of each type" test ${#types[@]} = 3
done_testing
