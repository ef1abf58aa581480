#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where vcpus run and what they get: vcpu-pin, sched-credit2, cpus= and cpu_weight=, each set by
# one tool and read by the other. The host has two cpus and credit2; pools are in 63-pools.t.
. "$XLITE/lib.sh"

# same WORDS: both print the same and end alike.
same()
{
	run xl "$@"
	local want="$rc:$err:$out"
	run xlite "$@"
	is "$*" "$rc:${err//xlite/xl}:$out" "$want"
}
# affinity NAME: "hard / soft" of each vcpu, as xl and as xlite say it, in $pins. This and share
# leave $rc and $err as they were.
affinity()
{
	local tool line says=() rc err out

	for tool in xl xlite; do
		run $tool vcpu-list "$1"
		pins=
		while read -r line; do
			[[ $line =~ ([^ ]+ / [^ ]+)$ ]] && pins+="${pins:+;}${BASH_REMATCH[1]}"
		done <<< "${out#*$'\n'}"
		says+=("$pins")
	done
	[ "${says[0]}" = "${says[1]}" ] || pins="xl: ${says[0]}, xlite: ${says[1]}"
}
share()		# share NAME: weight and cap
{
	local rc err out

	run "${2:-xl}" sched-credit2 -d "$1"
	out=${out##*$'\n'}
	read -r _ _ weight cap <<< "$out"
}

tiny s1 vcpus=2
ok "xl creates" xl create -q -p "$T/s1.cfg"

affinity s1
is "everywhere at first" "$pins" "all / all;all / all"
run xlite vcpu-pin s1 0 1
affinity s1
is "one vcpu on one cpu" "$rc:$err:$pins" "0::1 / all;all / all"
run xlite vcpu-pin s1 1 - 0
affinity s1
is "soft alone" "$rc:$err:$pins" "0::1 / all;all / 0"
run xlite vcpu-pin s1 1 0 all
affinity s1
is "both" "$rc:$err:$pins" "0::1 / all;0 / all"
run xlite vcpu-pin s1 all all,^1 1
affinity s1
is "all vcpus, a list with an exception" "$rc:$err:$pins" "0::0 / 1;0 / 1"
run xlite vcpu-pin s1 all node:0 nodes:0
affinity s1
is "a node's cpus" "$rc:$err:$pins" "0::all / all;all / all"
run xlite vcpu-pin -f s1 0 1 -
affinity s1
is "-f" "$rc:$err:$pins" "0::1 / all;all / all"
same -N vcpu-pin s1 0 0-1 1
same -N vcpu-pin s1 all - 0
same -N vcpu-pin s1 0 all
same vcpu-pin s1 x 0
same vcpu-pin -f s1 all 0
same vcpu-pin nope 0 0
run xlite vcpu-pin s1 7 0
like "no such vcpu" "$rc:$err" '^1:xlite: domain [0-9]+: vcpu 7 cannot have that affinity'
run xlite vcpu-pin s1 0 99
is "no such cpu" "$rc:$err" "1:xlite: cpu list has no cpu of this host in it"
run xlite vcpu-pin s1 0 1-0
like "a bad list" "$rc:$err" "^1:xlite: cpu list has '1-0'"
run xlite vcpu-pin s1 0 - -
is "nothing to do is said" "$rc:$err" "1:xlite: neither a hard nor a soft affinity is given"
affinity s1
is "none of these changed anything" "$pins" "1 / all;all / all"

# The host's masks in xl.conf, which -i passes over.
cp /etc/xen/xl.conf "$T/xl.conf" 2> /dev/null || : > "$T/xl.conf"
{ cat "$T/xl.conf"; printf '\nvm.cpumask="0-1"\nvm.pv.cpumask="1"\nvm.hvm.cpumask="0"\n'; } > /etc/xen/xl.conf
for tool in xl xlite; do
	run $tool vcpu-pin s1 0 all
	affinity s1
	is "$tool: the masks of xl.conf" "$rc:$pins" "0:1 / all;all / all"
	run $tool vcpu-pin -i s1 0 all
	affinity s1
	is "$tool: -i" "$rc:$pins" "0:all / all;all / all"
done
run xlite vcpu-pin s1 0 0
is "nothing is left" "$rc:$err" "1:xlite: xl.conf's cpu masks leave none of these cpus"
tiny s2 vcpus=1
run xlite create -q -p "$T/s2.cfg"
affinity s2
is "a new guest gets them too" "$rc:$pins" "0:1 / all"
xlite destroy s2
cp "$T/xl.conf" /etc/xen/xl.conf

# Weights.
same sched-credit2
same sched-credit2 -d s1
same sched-credit2 -p Pool-0
same sched-credit2 -s
same sched-credit
same sched-rtds
same sched-rtds -v all
run xlite sched-credit2 -d s1 -w 512
share s1
is "a weight, as xl sees it" "$rc:$err:$weight:$cap" "0::512:0"
run xlite sched-credit2 -d s1 -c 150
share s1
is "a cap; the weight stays" "$rc:$err:$weight:$cap" "0::512:150"
run xl sched-credit2 -d s1 -w 100 -c 0
share s1 xlite
is "both from xl" "$rc:$weight:$cap" "0:100:0"
run xlite list -l s1
like "the stored configuration has them" "$out" '"weight": 100,'
run xlite sched-credit2 --json -d s1
like "--json" "$out" '"weight": 100,'
run xlite sched-credit --json
is "--json of no pool at all" "$rc:${out//[$'\n ']/}:$err" "0:[]:"
run xlite sched-credit2 --json -s -r 1000
is "what sets prints nothing" "$rc:$out:$err" "0::"
run xlite sched-credit2 -s -r 2000
run xl sched-credit2 -s
is "the rate limit" "$out" "Cpupool Pool-0: ratelimit=2000us"
xl sched-credit2 -s -r 1000
for words in '-w 5' '-d s1 -p Pool-0' '-p nope' '-r 5' '-d s1 -w 0' '-d s1 -w 65536' \
	'-d s1 -c 201' '-s -r 99' '-d nope -w 5' '-d s1 -w x' '-s -p nope'; do
	# shellcheck disable=SC2086
	run xlite sched-credit2 $words
	like "refused with a reason: $words" "$rc:${err:+said}:$out" '^[1-9][0-9]*:said:$'
done
share s1
is "and nothing has changed" "$weight:$cap" "100:0"
run xlite sched-credit -d s1
like "another scheduler's" "$rc:$err" "^1:xlite: domain [0-9]+: its cpupool's scheduler is credit2, not credit$"
run xlite sched-rtds -d s1
like "rtds" "$rc:$err" "^1:xlite: domain [0-9]+: its cpupool's scheduler is credit2, not rtds$"
run xlite sched-rtds -d s1 -v 0 -p 10000 -b 5000 -e 1
like "rtds, to be set" "$rc:$err" "^1:xlite: domain [0-9]+: its cpupool's scheduler is credit2, not rtds$"
for words in '-v 0' '-d s1 -p 1 -b 1 -e 1' '-d s1 -v 0 -p 1' '-d s1 -v all -v 0'; do
	# shellcheck disable=SC2086
	same sched-rtds $words
done
xl destroy s1

# The same from a config: xl's guest and ours.
tiny s3 vcpus=2 'cpus=["0","1"]' 'cpus_soft="1"' cpu_weight=300 cap=50
run xl create -q -p "$T/s3.cfg"
affinity s3
share s3
want="$pins $weight $cap"
is "xl's guest" "$rc:$want" "0:0 / 1;1 / 1 300 50"
xl destroy s3
run xlite create -q -p "$T/s3.cfg"
affinity s3
share s3
is "ours" "$rc:$err:$pins $weight $cap" "0::$want"
xl destroy s3
tiny s4 cap=500
run xlite create -q -p "$T/s4.cfg"
is "a cap that cannot be" "$rc" 6
like "is said" "$err" 'cap 500 is not between 0 and 100'
ok "and leaves no domain" xen_gone s4
tiny s5 period=10000
run xlite create -q -p "$T/s5.cfg"
is "another scheduler's key is no error" "$rc" 0
like "but said" "$err" 'period and budget have no effect: the scheduler is credit2'
xl destroy s5
done_testing
