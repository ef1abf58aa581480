#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# create: what the guest gets, what the store and the JSON say, beside Debian's xl.
# time-limit: 600
. "$XLITE/lib.sh"

# The store below and about a domain, with its number, uuid, frames and times made equal.
dump()		# dump DOMID UUID FILE
{
	xenstore-ls -fp | sed -e "s/$2/UUID/g" -e "s,/domain/$1/,/domain/N/,g" -e "s,/domain/$1 ,/domain/N ,g" \
		-e "s,/domain/$1\",/domain/N\",g" -e "s,/libxl/$1\\([/ ]\\),/libxl/N\\1,g" \
		-e "s,/console/$1\\([/ ]\\),/console/N\\1,g" -e "s/r$1)/rN)/" -e "s/(n$1\\([,)]\\)/(nN\\1/" \
		-e 's/\(ring-ref\|start_time\) = .*/\1/' -e "s/\\(domid\\|frontend-id\\) = \"$1\"/\\1 = N/" \
		-e 's,= "/dev/pts/[0-9]*",= PTS,' | sort > "$3"
}

json_of() { tr -d '\000' < /var/lib/xen/userdata-d."$1".*.libxl-json; }
uuid_of() { local v; v=$(xenstore-read "/local/domain/$1/vm"); echo "${v#/vm/}"; }

same_store()	# same_store WHAT CONFIG-LINE...: created by both, the stores differ in nothing
{
	local what=$1 tool id
	shift

	tiny c-store "$@"
	for tool in xl xlite; do
		: > "$T/$tool.store"
		run $tool create -q -p "$T/c-store.cfg"
		is "$what: $tool creates" "$rc:$out" "0:" || { diag "$err"; return; }
		id=$(xl domid c-store)
		wait_for 10 xenstore-read "/local/domain/$id/console/tty"
		dump "$id" "$(uuid_of "$id")" "$T/$tool.store"
		run $tool destroy c-store
		wait_for 10 xen_gone c-store
	done
	is "$what: same store as with xl" "$(diff "$T/xl.store" "$T/xlite.store")" ""
}

same_store "one vcpu" vcpus=1 'extra="say=a b"'
same_store "vcpus and maxvcpus, maxmem" vcpus=2 maxvcpus=4 maxmem=64
same_store "a ramdisk, no command line" "ramdisk=\"$XLITE/guests/tiny\"" memory=32
same_store "driver_domain" driver_domain=1

# What a PV guest's start info has no room for; a PVH guest gets it all.
printf -v long 'x%.0s' {1..1024}
for type in pv pvh; do
	tiny c-long "type=\"$type\"" "extra=\"$long\""
	run xlite create -q -p "$T/c-long.cfg"
	is "a long command line, $type" "$rc:$out" "0:"
	want="xlite: warning: the kernel's command line has 1024 characters: a PV guest gets the first 1023"
	[ $type = pv ] || want=
	is "and what becomes of it" "$err" "$want"
	xlite destroy c-long
done

# What the guest sees.
tiny c-one memory=24 'extra="say=hello exit=0 delay=0"' 'on_poweroff="preserve"'
run xlite create "$T/c-one.cfg"
is "create" "$rc:$out" "0:"
like "says which file it reads" "$err" "^Parsing config from $T/c-one.cfg"
console_has c-one "tiny: pv, 24 MiB, cmdline 'say=hello exit=0"
console_has c-one '^hello'
rm "$T/c-one.cfg"
run xlite create -q "$T/c-one.cfg"
is "a file that is gone" "$rc" 3
like "is named" "$err" "c-one.cfg.*No such file"
run xlite destroy c-one
is "destroy" "$rc:$out:$err" "0::"
run xlite destroy c-one
is "again: no such name" "$rc:$out:$err" "1::c-one is an invalid domain identifier (rc=-6)"

# The last line of a guest that ends at once is not lost to a fast destroy.
tiny c-last 'extra="quiet flood=300 say=the-end exit=0"' 'on_poweroff="preserve"'
run xlite create -q "$T/c-last.cfg"
ended() { [[ $(xl list c-last) == *---s--* ]]; }
wait_for 30 ended
run xlite destroy c-last
console_has c-last the-end 5

# JSON: what libxl reads, its names, mode, and a NUL at the end as libxl writes.
tiny c-json vcpus=2 maxvcpus=3 'on_crash="preserve"' 'uuid="11111111-2222-3333-4444-555555555555"'
run xlite create -q -p "$T/c-json.cfg"
is "a uuid of one's own" "$rc:$err" "0:"
id=$(xlite domid c-json)
file=/var/lib/xen/userdata-d.$id.11111111-2222-3333-4444-555555555555.libxl-json
is "the JSON's mode" "$(stat -c %a "$file")" 600
is "its last byte" "$(tail -c 1 "$file" | od -An -tx1 | tr -d ' ')" 00
like "its on_crash" "$(json_of "$id")" '"on_crash": "preserve"'
is "xl list -l reads it" "$(xl list -l c-json | grep -c '"max_vcpus": 3')" 1
run xlite create -q -p "$T/c-json.cfg" 'name="c-json2"'
is "the uuid again is refused" "$rc" 3
like "with the reason" "$err" "domain $id has the same uuid"
run xlite create -q "$T/c-json.cfg" 'uuid="11111111-2222-3333-4444-555555555556"'
like "so is the name" "$rc:$err" "^3:.*a domain called 'c-json' exists already .domain $id"
xl rename c-json c-other
run xlite create -q -p "$T/c-json.cfg" 'uuid="11111111-2222-3333-4444-555555555556"'
is "after a rename by xl the old name is free" "$rc:$err" "0:"
is "and our file follows the new one" "$(cd /run/xlite && echo *.dom)" "c-json.dom c-other.dom"
run xlite destroy c-json
run xlite destroy c-other
ok "all gone" xen_gone c-other

# Words of the command line; the caller's descriptors are free again.
tiny c-args
run xlite create -q "$T/c-args.cfg" -p memory=20 'extra="say=x"' vcpus=2
is "settings after the options" "$rc:$err" "0:"
id=$(xlite domid c-args)
is "memory" "$(xenstore-read "/local/domain/$id/memory/target")" $((20 * 1024))
is "state" "$(xl list c-args | grep -c -- '--p---')" 1
xl destroy c-args
timeout 20 bash -c "v=\$(xlite create -q $T/c-args.cfg 2>&1)"
is "nobody keeps stdout open" $? 0
xlite destroy c-args
no_xlite() { ! pgrep xlite > /dev/null; }
within "no process stays" 20 no_xlite

# Linux, twice: the second time from the kernel cache. Its crash is dumped.
linux c-lin vcpus=2 'on_crash="coredump-destroy"'
xlite create -F "$T/c-lin.cfg" 2> "$T/c-lin.err" &
console_has c-lin 'guest: ready' 200
like "Debian's kernel: its unpacked form is kept" "$(ls /var/cache/xlite)" '^[0-9a-f]+-[0-9a-f]+-'
is "for root alone" "$(stat -c '%a %U' /var/cache/xlite)" "700 root"
printf 'nproc; echo c > /proc/sysrq-trigger\n' > "$(xenstore-read "/local/domain/$(xl domid c-lin)/console/tty")"
within "a crash ends it" 180 xen_gone c-lin
wait
is "its core is an ELF file" "$(head -c 4 /var/lib/xen/dump/c-lin | tail -c 3)" ELF
rm -r /var/lib/xen/dump
used=$(stat -c %y /var/cache/xlite/*)
run xlite create -q -p "$T/c-lin.cfg"
is "again from the cache" "$rc:$err" "0:"
is "one entry" "$(ls /var/cache/xlite | wc -l)" 1
isnt "which was used" "$(stat -c %y /var/cache/xlite/*)" "$used"
xl destroy c-lin
touch /srv/guests/vmlinuz
run xlite create -q -p "$T/c-lin.cfg"
is "after touch" "$rc:$err" "0:"
is "another entry" "$(ls /var/cache/xlite | wc -l)" 2
run xlite destroy c-lin
rm -r /var/cache/xlite
done_testing
