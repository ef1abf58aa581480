#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each on_* action with each reason, for guests of each type. Some of it; LONG=1: all; LONG=hvm:crash,pv:reboot:
# all of that, hvm:crash:restart+destroy: only these.
# time-limit: 1800
. "$XLITE/lib.sh"

actions=(destroy restart rename-restart preserve coredump-destroy coredump-restart soft-reset)
declare -A code=([poweroff]=0 [reboot]=1 [crash]=3 [watchdog]=4 [soft_reset]=5)
events=/var/log/xen/xlite-events.log
dump=/var/lib/xen/dump
rm -f $events*

domid_of() { xl domid "$1" 2> /dev/null; }
successor_of() { local now; now=$(domid_of "$1") && [ "$now" != "$2" ]; }
happened() { grep -q "\"event\":\"$2\",\"name\":\"$1\",\"domid\":$3,\"text\":\"$4" $events; }
alone() { [[ $(< "/run/xlite/$1.dom") == alone* ]]; }
ready() { [ "$(tr -d '\000\r' < "$(console_log "$1")" | grep -c '^tiny: ready')" = "$2" ]; }
no_supervisor() { ! pgrep -f 'xlite supervise' > /dev/null; }

# core FILE: what docs/misc/dump-core-format.txt says must be there, read by its words
core()
{
	perl -e '
	open my $f, "<:raw", shift or die; local $/; my $d = <$f>;
	my ($magic, $class, $type, $shoff, $shentsize, $shnum, $shstr) =
		unpack "a4 C x11 S< x22 Q< x10 S< S< S<", $d;
	$magic eq "\x7fELF" && $class == 2 && $type == 4 or die "no core\n";
	my %s; my @sh = map { [unpack "L< L< Q< Q< Q< Q<", substr $d, $shoff + $_ * $shentsize, 40] } 0 .. $shnum - 1;
	$s{unpack "Z*", substr $d, $sh[$shstr][4] + $_->[0], 64} = $_ for @sh;
	my ($note, %n) = substr $d, $s{".note.Xen"}[4], $s{".note.Xen"}[5];
	while (length $note) {
		my ($namesz, $descsz, $t) = unpack "L< L< L<", $note;
		substr($note, 12, 4) eq "Xen\0" or die "no note of Xen\n";
		$n{$t} = substr $note, 16, $descsz;
		$note = substr $note, 16 + (($descsz + 3) & ~3);
	}
	exists $n{0x2000000} && exists $n{0x2000002} or die "notes are missing\n";
	my ($xch, $vcpus, $pages, $size) = unpack "Q< Q< Q< Q<", $n{0x2000001};
	printf "%x %d %d", $xch, $vcpus, $size;
	my $at = $s{".xen_pages"};
	$at->[5] == $pages * $size && $at->[4] + $at->[5] <= length $d or die " pages\n";
	my $map = $s{".xen_pfn"} || $s{".xen_p2m"} or die " no pfns\n";
	my @pfn = unpack "Q<*", substr $d, $map->[4], $map->[5];
	@pfn = @pfn[grep { !($_ & 1) } 0 .. $#pfn] if $s{".xen_p2m"};	# each with its frame
	@pfn == $pages or die " pfns\n";
	# The kernel itself, where it was loaded.
	my ($i) = grep { $pfn[$_] == 0x100 } 0 .. $#pfn;
	open my $k, "<:raw", shift or die; my $kernel = <$k>;
	print index($kernel, substr $d, $at->[4] + $i * $size, 64) > 0 ? " kernel" : " no kernel";
	' "$1" "$XLITE/guests/tiny" 2>&1
}

make()		# make TYPE NAME KEY ACTION
{
	case $1 in
	pv) tiny "$2" "on_$3=\"$4\"" ;;
	pvh) tiny "$2" 'type="pvh"' memory=24 "on_$3=\"$4\"" ;;
	hvm) config "$2" 'type="hvm"' memory=32 vnc=0 'vga="none"' 'ms_vm_genid="generate"' "on_$3=\"$4\"" \
		"firmware_override=\"$XLITE/guests/tiny\"" ;;
	esac
}

genid() { xenstore-read "/local/domain/$(domid_of "$1")/platform/generation-id" 2> /dev/null; }

check()		# check TYPE NAME ACTION DOMID WHAT GENERATION-ID
{
	local action=$3

	[ "$1:$3" != pv:soft-reset ] || action=destroy
	case $action in
	*destroy) within "$5: gone" 60 xen_gone "$2" ;;
	*restart) within "$5: a successor" 60 successor_of "$2" "$4"
		within "$5: that runs" 60 ready "$2" 2
		# Of a guest that was restored or copied it would be another.
		if [ "$1" = hvm ]; then
			like "$5: a generation" "$6" '^[0-9]+:[0-9]+$'
			is "$5: the same one" "$(genid "$2")" "$6"
		fi ;;
	soft-reset) within "$5: goes on" 60 ready "$2" 2
		within "$5: that is told" 20 happened "$2" restart "$4" "soft reset"
		is "$5: the same one" "$(domid_of "$2")" "$4"
		like "$5: and looked after" "$(cat "/run/xlite/$2.dom")" '^complete ' ;;
	preserve) within "$5: kept" 60 alone "$2"
		is "$5: the same one" "$(domid_of "$2")" "$4"
		xlite destroy "$2"
		ok "$5: then destroyed" xen_gone "$2" ;;
	esac
	case $action in
	rename-restart) like "$5: its name" "$(xl domname "$4")" "^$2-[0-9]{8}T[0-9]{4}Z$"
		run xlite destroy "$4"
		is "$5: destroyed" "$rc:$err" 0: ;;
	coredump-*) [ "$1" = pv ] && magic=f00febed || magic=f00febee
		is "$5: its core" "$(core "$dump/$2")" "$magic 1 4096 kernel"
		rm -f "$dump/$2" ;;
	esac
}

row()		# row TYPE KEY [ACTION+...]: all actions at once
{
	local type=$1 key=$2 action name creates=() kind actions=("${actions[@]}")
	local -A id gen

	[ -n "$LONG" ] || [ "$1" = pv ] || actions=(restart preserve soft-reset)
	[ -z "$3" ] || IFS=+ read -r -a actions <<< "$3"

	for action in "${actions[@]}"; do
		make "$type" "m-$action" "$key" "$action"
		xlite create -q "$T/m-$action.cfg" &
		creates+=($!)
	done
	wait "${creates[@]}"
	for action in "${actions[@]}"; do
		name=m-$action
		wait_for 60 ready "$name" 1 || fail "$type on_$key=$action: it does not start"
		id[$action]=$(domid_of "$name")
		gen[$action]=$(genid "$name")
		echo "exit ${code[$key]}" > "$(xenstore-read "/local/domain/${id[$action]}/console/tty")"
	done
	case $key in reboot) kind=reboot ;; crash | watchdog) kind=crash ;; *) kind=shutdown ;; esac
	for action in "${actions[@]}"; do
		name=m-$action
		check "$type" "$name" "$action" "${id[$action]}" "$type on_$key=$action" "${gen[$action]}"
		ok "$type on_$key=$action: told" happened "$name" $kind "${id[$action]}" "$key: $action"
		xen_gone "$name" || xlite destroy "$name"
		rm -f "$(console_log "$name")"
	done
}

rows="pv:crash pvh:soft_reset pvh:crash:coredump-destroy hvm:reboot:restart hvm:watchdog:coredump-restart"
case $LONG in
'') ;;
1) rows=$(echo {pv,pvh,hvm}:{poweroff,reboot,crash,watchdog,soft_reset}) ;;
*) rows=${LONG//,/ } ;;
esac
for row in $rows; do
	IFS=: read -r type key some <<< "$row"
	row "$type" "$key" "$some"
done
within "nothing left to look after" 30 no_supervisor
rm -rf $dump $events* /var/log/xen/xlite-supervisor.log*
done_testing
