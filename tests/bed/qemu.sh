# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# qemu.sh - the machine that a bed is; part of the image's recipe, because a
# snapshot loads only into the machine that it was taken of

# bed_tether: print the path of the tether program, building it when needed
bed_tether()
{
	local exe=$bed_out/tether

	if [ ! -x "$exe" ] || [ "$bed_src/tether.c" -nt "$exe" ]; then
		mkdir -p "$bed_out"
		"${CC:-cc}" -O2 -Wall -Wextra -o "$exe.$$" "$bed_src/tether.c" || return 1
		mv "$exe.$$" "$exe"
	fi
	echo "$exe"
}

# bed_qemu DISK [QEMU-OPTION...]: start QEMU in the background, in $bed_dir
# BED_KEEP: seconds that it may live on after this shell (kept beds)
# bed_machine: "" or "server"
bed_qemu()
{
	local disk=$1 tether cpu machine=()
	shift

	tether=$(bed_tether) || return 1
	# Plain "max" crashes the dom0 kernel (page keys, SMAP); with rdtscp PVH and
	# HVM guests die ("SVM Insn len emulation failed"); qemu64 has no nested paging.
	cpu=max,-pku,-la57,-smap,-smep,-umip,-rdtscp
	# The shim wants a processor that it knows and no MONITOR. The NICs are for guests:
	# one that is on a net, and one of two functions. Each cpu is a memory node of its own.
	if [ "$bed_machine" = server ]; then
		cpu+=,-monitor,family=23,model=49
		# shellcheck disable=SC2054
		machine=(-machine q35 -device intel-iommu,intremap=on
			-netdev user,id=spare,restrict=on
			-device e1000,netdev=spare,addr=8.0,mac=52:54:00:12:00:01
			-device e1000,addr=9.0,multifunction=on,mac=52:54:00:12:00:02
			-device e1000,addr=9.1,mac=52:54:00:12:00:03
			-object memory-backend-ram,id=near,size=2G -numa node,memdev=near,cpus=0
			-object memory-backend-ram,id=far,size=2G -numa node,memdev=far,cpus=1)
	fi
	# Where Xen restores vector registers lazily (CR0.TS), a process of dom0 that is
	# preempted by a guest gets foreign ones back here: copies and checksums go wrong.
	rm -f "$bed_dir"/mon.in "$bed_dir"/mon.out
	mkfifo "$bed_dir/mon.in" "$bed_dir/mon.out"
	: > "$bed_dir/serial"
	"$tether" ${BED_KEEP:+-k "$BED_KEEP"} -p $$ -d "${bed_owner:-$bed_dir}" \
		qemu-system-x86_64 -name xlite-bed -nodefaults -no-user-config \
		-accel tcg,thread=multi,tb-size=512 -cpu "$cpu" "${machine[@]}" \
		-smp 2 -m 4096 -no-reboot -display none \
		-serial "file:$bed_dir/serial" \
		-chardev "pipe,id=mon,path=$bed_dir/mon" -mon chardev=mon \
		-kernel "$bed_files/xen" \
		-append "console=com1 com1=115200,8n1 dom0_mem=1024M,max:1024M dom0_max_vcpus=2 loglvl=warning guest_loglvl=warning spec-ctrl=eager-fpu" \
		-initrd "$bed_files/vmlinuz console=hvc0 quiet,$bed_files/initramfs" \
		-drive "file=$disk,format=qcow2,if=none,id=disk,cache=unsafe" \
		-device virtio-blk-pci,drive=disk \
		-netdev user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22 \
		-device virtio-net-pci,netdev=net \
		"$@" < /dev/null > "$bed_dir/qemu.log" 2>&1 9>&- &
	echo $! > "$bed_dir/pid"
}
