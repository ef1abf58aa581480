#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The smaller commands of xl: claims, sharing, sysrq, debug-keys, set-parameters, dump-core,
# config-update, button-press; groups of domains; and that every name of xl's is known.
. "$XLITE/lib.sh"

same()
{
	run xl "$@"
	local want="$rc:$err:$out"
	run xlite "$@"
	is "$*" "$rc:${err//xlite/xl}:$out" "$want"
}
names() { sed -nE 's/^ ([a-z0-9-]+) .*/\1/p'; }

# Every name: here, in xl's order, or answered with a reason.
xl help | names > "$T/theirs"
xlite help | names > "$T/ours"
ok "xl has many" [ "$(wc -l < "$T/theirs")" -gt 80 ]
grep -Fxf "$T/ours" "$T/theirs" > "$T/both"
grep -Fxf "$T/theirs" "$T/ours" > "$T/order"
is "those of xl that are here come in its order" "$(< "$T/order")" "$(< "$T/both")"
silent=
while read -r name; do
	run xlite "$name" x
	[[ $rc:$out:$err == "1::command not implemented: xl's '$name' is not in xlite: "?* ]] ||
		silent+=" $name"
done < <(grep -vFxf "$T/ours" "$T/theirs")
is "the others say why not" "$silent" ""
run xlite help remus
like "help says it too" "$rc:$err" "^1:xl's 'remus' is not in xlite: "

# Groups: nothing but the domains that match, and never domain 0.
for name in web-1 web-2 db; do
	tiny $name
	xl create -q -p "$T/$name.cfg"
done
state() { xlite list "$1" | sed -nE '2s/.* ([r-][b-][p-][s-].[d-]) .*/\1/p'; }
run xlite unpause 'web-*'
is "unpause of a pattern" "$rc:$out:$err" "0::"
console_has web-1 'tiny: ready'
console_has web-2 'tiny: ready'
is "not the other" "$(state db)" "--p---"
run xlite pause 'w*[12]'
like "pause" "$rc:$err:$(state web-1):$(state web-2)" '^0::-[b-]p---:-[b-]p---$'
run xlite unpause 'web-?'
run_limit 60 xlite shutdown -w 'web-*'
is "shutdown -w" "$rc:$out" 0:
like "asks both" "$err" 'Shutting down domain .*Shutting down domain '
within "web-1 gone" 20 xen_gone web-1
within "web-2 gone" 20 xen_gone web-2
run xlite pause 'web-*'
is "nobody left" "$rc:$err" "1:xlite: no domain's name matches 'web-*'"
run xlite pause 'Domain*'
is "never domain 0" "$rc:$err" "1:xlite: no domain's name matches 'Domain*'"
id=$(xl domid db)
xlite rename db 'd*'
tiny dx
xl create -q -p "$T/dx.cfg"
run xlite destroy 'd*'
is "a domain of that very name comes first" "$rc:$(xl domid dx > /dev/null && echo there)" "0:there"
nok "it alone went" xl domname "$id"
tiny dy
xl create -q -p "$T/dy.cfg"
run xlite destroy 'd?'
is "destroy" "$rc:$out:$err" "0::"
ok "dx gone" xen_gone dx
ok "dy gone" xen_gone dy
same pause 'nope'

# Queries.
tiny c1 memory=24 'extra="keys"'
ok "xlite creates" xlite create -q "$T/c1.cfg"
console_has c1 'tiny: ready'
same sharing c1
same sharing nope
xl pause c1
run xl claims
want=$(sed -E 's/ +[0-9]+\.[0-9] / T /; /^Domain-0/s/[rb-]-----/S/' <<< "$out")
run xlite claims
is "claims" "$rc:$(sed -E 's/ +[0-9]+\.[0-9] / T /; /^Domain-0/s/[rb-]-----/S/' <<< "$out")" "0:$want"

# Dumps of one moment: the same from both.
run xl dump-core c1 "$T/xl.core"
want=$rc
run xlite dump-core c1 "$T/xlite.core"
is "dump-core ends as xl's" "$rc" "$want"
is "xl's dump is one" "$want:$(head -c 4 "$T/xl.core" | tail -c 3)" 0:ELF
ok "to the byte" cmp "$T/xl.core" "$T/xlite.core"
run xlite dump-core 77 "$T/xl.core"
is "of nothing" "$rc:$err" "1:xlite: domain 77 does not exist"
ok "costs no file" cmp "$T/xl.core" "$T/xlite.core"
run xlite dump-core c1 "$T"
like "nowhere to write" "$rc:$err" "^1:xlite: cannot dump domain [0-9]+ to '$T'"
ok "and that is still there" test -d "$T"
rm -f "$T"/*.core

# Of guests that are not PV xlite writes it itself: xl takes minutes, and leaves pages out. A page that
# the guest has put far above its memory (512 GiB) costs no more.
# pages FILE [XL'S]: how many pages it has, and what of xl's is not the same in it
pages()
{
	perl -e '
	sub core {
		open my $f, "<:raw", shift or die; local $/; my $d = <$f>; my %s;
		my ($shoff, $shentsize, $shnum, $shstr) = unpack "x40 Q< x10 S< S< S<", $d;
		my @sh = map { [unpack "L< L< Q< Q< Q< Q<", substr $d, $shoff + $_ * $shentsize, 40] } 0 .. $shnum - 1;
		$s{unpack "Z*", substr $d, $sh[$shstr][4] + $_->[0], 64} = substr $d, $_->[4], $_->[5] for @sh;
		my @pfn = unpack "Q<*", $s{".xen_pfn"};
		$s{page}{$pfn[$_]} = substr $s{".xen_pages"}, $_ << 12, 4096 for grep { $pfn[$_] != ~0 } 0 .. $#pfn;
		return \%s;
	}
	my ($ours, $xls) = map { core($_) } @ARGV;
	printf "%d", scalar keys %{$ours->{page}};
	exit if !$xls;
	$ours->{$_} eq $xls->{$_} or print " $_" for ".xen_prstatus", ".xen_shared_info";
	($ours->{page}{$_} // "") eq $xls->{page}{$_} or printf " %x", $_ for keys %{$xls->{page}};
	' "$@" 2>&1
}
tiny d-far 'type="pvh"' memory=24 vcpus=2 'extra="far=134217728"'
ok "PVH" xlite create -q "$T/d-far.cfg"
console_has d-far 'tiny: far 134217728 done'
xl pause d-far
run_limit 120 xlite dump-core d-far "$T/xlite.core"
is "is dumped, too" "$rc:$err" 0:
# All that it owns, and Xen's shared info.
owns=$(xl dmesg -c > /dev/null; xl debug-keys q; xl dmesg | sed -n "/domain $(xl domid d-far):/,/Rangesets/s/.*nr_pages=\([0-9]*\).*/\1/p")
is "with each of its pages" "$(pages "$T/xlite.core")" $((owns + 1))
if [ -n "${LONG-}" ]; then
	config d-hvm 'type="hvm"' memory=32 vnc=0 'vga="none"' "firmware_override=\"$XLITE/guests/tiny\""
	xlite create -q "$T/d-hvm.cfg"
	console_has d-hvm 'tiny: ready'
	xl pause d-hvm
	for name in d-far d-hvm; do
		run xlite dump-core $name "$T/xlite.core"
		is "$name: dump-core" "$rc:$err" 0:
		run xl dump-core $name "$T/xl.core"
		is "$name: xl's" "$rc" 0
		like "$name: all that xl's has is in it" "$(pages "$T/xlite.core" "$T/xl.core")" '^[1-9][0-9]{3}$'
	done
	xlite destroy d-hvm
fi
rm -f "$T"/*.core
xlite destroy d-far

# What the guest's kernel is asked.
id=$(xl domid c1)
run xlite sysrq c1 h
is "sysrq" "$rc:$out:$err:$(xenstore-read "/local/domain/$id/control/sysrq")" "0:::h"
run xlite sysrq c1 hh
is "one letter" "$rc:$err" $'1:Invalid sysrq.\n'
run xlite sysrq 77 h
is "nobody there" "$rc:$err" "1:xlite: domain 77 does not exist"
run xlite button-press c1 power
like "button-press" "$rc:$err" '^[1-9][0-9]*:.*domain [0-9]+ is a PV guest, without the hardware'
run xlite button-press c1 door
like "no such button" "$rc:${err##*$'\n'}" '^1:door is an invalid button identifier$'
xl unpause c1

# What Xen is asked.
xl dmesg -c > /dev/null
run xlite debug-keys h
is "debug-keys" "$rc:$out:$err" "0::"
like "Xen did it" "$(xl dmesg)" 'key .h.'
old=$(xenhypfs cat /params/guest_loglvl 2> /dev/null)
if [ -n "$old" ]; then
	run xlite set-parameters 'guest_loglvl=none/none'
	is "set-parameters" "$rc:$err:$(xenhypfs cat /params/guest_loglvl)" "0::none/none"
	run xlite set-parameters "guest_loglvl=$old"
	is "back" "$rc:$(xenhypfs cat /params/guest_loglvl)" "0:$old"
	run xlite set-parameters 'nosuchthing=1'
	is "one that there is not" "$rc:$err" \
		"1:xlite: Xen has no parameter 'nosuchthing' that can change while it runs"
else
	run xlite set-parameters 'guest_loglvl=all'
	is "set-parameters" "$rc:$err" "1:xlite: this hypervisor was built without hypfs"
fi
run xlite set-parameters 'loglvl'
is "neither name=value nor noname" "$rc:$err" "1:xlite: 'loglvl' is neither name=value nor noname"

# A config for the next restart; by our supervisor, and by xl's for its own guest.
tiny u1 memory=16
ok "ours" xlite create -q "$T/u1.cfg"
tiny u2 memory=16
ok "xl's" xl create -q "$T/u2.cfg"
for name in u1 u2; do
	console_has $name 'tiny: ready'
	uuid=$(xl list -v $name | sed -nE '2s/.* ([0-9a-f]{8}-[0-9a-f-]{27}) .*/\1/p')
	cp "$T/$name.cfg" "$T/$name.new"
	printf 'memory=24\n' >> "$T/$name.new"
	run xlite config-update $name "$T/$name.new" vcpus=2
	like "$name: config-update" "$rc:$out:$err" '^0::.*setting dom[0-9]+ configuration$'
	like "$name: nothing changes now" "$(xl list $name)" ' 16 +1 '
	xlite reboot $name
	new() { [[ $(xlite list --json "$name") =~ \"memory_kb\":\ 245[0-9]+.*\"vcpus\":\ 2 ]]; }
	within "$name: but with its restart" 60 new
	# An xl that is still creating would write to the store after a destroy.
	made() { [[ $(xl list "$name") =~ \ [r-][b-]----\  ]]; }
	within "$name: and it has begun" 60 made
	[ $name = u2 ] || like "$name: its uuid is the same" "$(xl list -v $name)" "${uuid:-no uuid was found}"
	run xlite destroy $name
done
# Pinned by cpus= alone; then one whose files have gone by the time of the restart: the old one stays.
tiny u3 memory=16
ok "ours again" xlite create -q "$T/u3.cfg"
console_has u3 'tiny: ready'
{ cat "$T/u3.cfg"; echo 'cpus="1"'; } > "$T/u3.new"
run xlite config-update u3 "$T/u3.new"
is "cpus= alone" "$rc" 0
id=$(xl domid u3)
again() { id2=$(xl domid u3 2> /dev/null) && [ "$id2" != "$id" ]; }
xlite reboot u3
within "u3 restarts" 60 again
like "and is pinned" "$(xl vcpu-list u3)" ' 1 / all'
within "u3 is ready again" 60 eval '[ "$(grep -ac "^tiny: ready" "$(console_log u3)")" = 2 ]'
cp "$XLITE/guests/tiny" "$T/kernel"
run xlite config-update u3 "$T/u3.cfg" memory=24 "kernel=\"$T/kernel\""
is "another kernel" "$rc" 0
rm "$T/kernel"
id=$(xl domid u3)
xlite reboot u3
within "u3 restarts without it" 60 again
like "as it was" "$(xl list u3)" ' 16 +1 '
run xlite config-update u3 "$T/u3.cfg" 'kernel="here"'
like "a path of this folder" "$rc:$err" "^1:.*kernel 'here': give the whole path"
xlite destroy u3
is "what was kept goes with the guest" "$(ls /var/lib/xen/userdata-d.*.xl 2> /dev/null)" ""
printf 'name="c1"\nmemory=' > "$T/bad"
run xlite config-update c1 "$T/bad"
isnt "a bad config is refused" "$rc" 0
is "and not kept" "$(ls /var/lib/xen/userdata-d.*.xl 2> /dev/null)" ""
run xlite -N config-update c1 "$T/c1.cfg"
like "-N" "$rc:$out" '^0:\{'
is "keeps nothing" "$(ls /var/lib/xen/userdata-d.*.xl 2> /dev/null)" ""
run xlite config-update c1
is "no file" "$rc:$err" "1:Config file not specified"
xlite destroy c1
done_testing
