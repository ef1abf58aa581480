#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Network interfaces of guests: links and nodes beside xl's, scripts, what is refused
# time-limit: 450
. "$XLITE/lib.sh"

net=/sys/class/net
of() { local v; read -r v < "$net/$1/$2" && echo "$v"; }		# of LINK ATTRIBUTE
bridge_of() { local v; v=$(readlink "$net/$1/master") && echo "${v##*/}"; }
state_of()
{
	[ -e "$net/$1" ] || { echo none; return; }
	(( $(of "$1" flags) & 1 )) && echo up || echo down
}
gone() { ! compgen -G "$net/$1" > /dev/null; }
back() { xenstore-read "/local/domain/0/backend/vif/$1"; }		# back DOMID/DEVID/NODE
script()	# script NAME LINE...
{
	printf '%s\n' '#!/bin/sh' "${@:2}" > "$T/$1"
	chmod +x "$T/$1"
}
# What is said about a wait of more than a second is not looked at: this dom0 is slow.
calm() { err=$(grep -v '^waiting for ' <<< "$err"); }

ip link add br1 type bridge
ip link set br1 mtu 9000 up

# 1. One config by xl and by xlite: the same links, the same nodes, a script's same environment.
script env "{ echo \"args \$*\"; env | grep -E '^(vif|netdev|INTERFACE|script|XENBUS|KEPT)' | sort; } >> $T/env.out" \
	'[ "$1" != online ] || xenstore-write "$XENBUS_PATH/hotplug-status" connected'
export KEPT=yes
tiny n-two "vif=['mac=00:16:3e:00:00:02,bridge=br1,rate=10MB/s@20ms,untrusted',
	'devid=17,mac=00:16:3e:00:00:03,vifname=net-x,ip=10.0.0.1 10.0.0.2,mtu=1400,script=vif-bridge',
	'script=$T/env,gatewaydev=eth7,mac=00:16:3e:00:00:05']"

# xl's script writes the MTU of a vif with a vifname to a path that is made of that name: that is
# all that differs.
dump()		# dump DOMID FILE
{
	local link

	{
		xenstore-ls -fp | grep -E "/vif|net-x" | sed -e "s,/domain/$1/,/domain/N/,g" \
			-e "s,/libxl/$1/,/libxl/N/,; s,/backend/vif/$1\\([/ ]\\),/backend/vif/N\\1,g" \
			-e "s/frontend-id = \"$1\"/frontend-id = N/; s/r$1)/rN)/; s/(n$1,/(nN,/" \
			-e '/domain\/net-x/d'
		for link in vif$1.0 vif$1.2 net-x; do
			ip -o link show dev $link
			ip -o addr show dev $link
		done | sed -e 's/^[0-9]*: //' -e "s/vif$1/vifN/g" -e 's/\\ *alias.*//'
	} | sort > "$2"
}

# On a host with too much to do xl's scripts reach its limit of 40 s: then there is nothing to compare.
run xl create -q -p "$T/n-two.cfg"
xl_late=
[[ $err != *'because of timeout'* ]] || xl_late="xl reached its own time limit"
if [ "$xl_late" ]; then
	skip "xl creates three vifs" "$xl_late"
else
	is "xl creates three vifs" "$rc:$out" "0:" || diag "$err"
	dump "$(xl domid n-two)" "$T/xl.dump"
	xl destroy n-two
fi
mv "$T/env.out" "$T/env.xl"
xenstore-rm /local/domain/net-x

run xlite create -q -p "$T/n-two.cfg"
is "xlite creates three vifs" "$rc:$out" "0:" || diag "$err"
id=$(xl domid n-two)
dump "$id" "$T/xlite.dump"
if [ "$xl_late" ]; then
	skip "the same as with xl" "$xl_late"
else
	is "the same as with xl" "$(diff "$T/xl.dump" "$T/xlite.dump")" ""
fi
is "bridges" "$(bridge_of "vif$id.0") $(bridge_of net-x)" "br1 xenbr0"
is "MTUs" "$(of "vif$id.0" mtu) $(of net-x mtu)" "9000 1400"
is "the guest is told" "$(xenstore-read "/local/domain/$id/device/vif/0/mtu")" 9000
is "the address no bridge takes" "$(of "vif$id.0" address)" fe:ff:ff:ff:ff:ff
is "rate" "$(back "$id/0/rate")" "200000,20000"

# 2. Up and down.
is "links are up" "$(state_of "vif$id.0")" up
run xlite network-link n-two 0 down
is "network-link down" "$rc:$out:$err:$(state_of "vif$id.0")" "0:::down"
run xlite network-link n-two 0 up
is "network-link up" "$rc:$out:$err:$(state_of "vif$id.0")" "0:::up"
run xlite network-link n-two 17 down
is "by its own name" "$rc:$err:$(state_of net-x)" "0::down"
run xlite network-link n-two 4 down
is "no such vif" "$rc:$out:$err" "1::Unknown device 4."
run xlite network-link n-none 4 down
is "no such domain" "$rc:$out:$err" "1::n-none is an invalid domain identifier (rc=-6)"
run xlite network-link n-two 0 off
is "no such state" "$rc:$err" "1:xlite: 'off' is no state of a link, expected up or down"

# 3. What is refused, before there is a domain.
refused()	# refused WHAT VIFS MESSAGE
{
	tiny n-bad "vif=[$2]"
	run xlite create -q -p "$T/n-bad.cfg"
	like "refused: $1" "$rc:$err" "^[1-9].*$3"
}

refused "no such bridge" "'bridge=nobr'" \
	"vif 0: bridge 'nobr' does not exist; there are: (xenbr0, br1|br1, xenbr0)$"
refused "no bridge at all" "'bridge=eth0'" "bridge 'eth0' is a network link but no bridge of the kernel"
refused "multicast" "'mac=01:00:5e:00:00:01'" "vif 0: mac=01:00:5e:00:00:01 is a multicast address"
refused "zero" "'mac=00:00:00:00:00:00'" "all zero is no address"
refused "twice in a config" "'mac=00:16:3e:00:00:09','','mac=00:16:3e:00:00:09'" \
	"vif 2: mac=00:16:3e:00:00:09 is that of vif 0 already"
refused "on the host" "'mac=00:16:3e:00:00:02,bridge=br1'" \
	"mac=00:16:3e:00:00:02 is in use on bridge 'br1' already: by 'vif$id.0', vif 0 of domain $id"
refused "a link's name" "'vifname=eth0'" "vifname=eth0: this host has a network link of that name"
refused "another guest's" "'vifname=net-x'" "vifname=net-x: that is the link of vif 17 of domain $id"
refused "two of a name" "'vifname=a','vifname=a'" "vif 1: vifname=a is that of vif 0 already"
refused "two of a number" "'devid=1',''" "vif 1: there are two of it"
refused "emulated" "'type=ioemu'" "vif 0: type=ioemu: only an HVM guest"
refused "mtu" "'mtu=67'" "vif 0: mtu=67: at least 68"
refused "script" "'script=vif-none'" \
	"vif 0: hotplug script '/etc/xen/scripts/vif-none': No such file or directory"
refused "backend" "'backend=nobody'" "vif 0: backend domain: .*nobody"
# A MAC that a bridge has seen: xl's links have no alias. (Learnt by hand.)
bridge fdb add 00:16:3e:00:00:44 dev net-x master static
refused "a guest that was heard" "'mac=00:16:3e:00:00:44'" "in use on bridge 'xenbr0' already: by 'net-x'"
is "no domain, no link" "$(xl list | wc -l) $(echo $net/vif*)" \
	"3 $net/vif$id.0 $net/vif$id.2"

run xlite destroy n-two
calm
is "destroy" "$rc:$out:$err" "0::"
ok "no link stays" gone 'vif*'
# domid and devid are of one length in both.
is "a script's arguments and environment as with xl" "$(sed 's/[0-9]/N/g' "$T/env.out")" \
	"$(sed 's/[0-9]/N/g' "$T/env.xl")"

ip tuntap add dev t-tap mode tap
ip link set t-tap master br1
bridge fdb add 00:16:3e:00:00:45 dev t-tap master static
tiny n-mac "vif=['mac=00:16:3e:00:00:45,bridge=br1,link=down',
	'mac=00:16:3e:00:00:02,bridge=br1,vifname=net-x']"
run xlite create -q -p "$T/n-mac.cfg"
calm
is "a MAC elsewhere on the network is a warning" "$rc:$err" "0:xlite: warning: mac 00:16:3e:00:00:45 \
is in use on the network already: bridge 'br1' has seen it at 't-tap'"
is "link=down" "$(state_of "vif$(xl domid n-mac).0")" down
is "MAC and name of who was destroyed are free at once" "$(bridge_of net-x):$(state_of net-x)" br1:up
xlite destroy n-mac
ip link del t-tap

# 4. Scripts that fail or hang.
script fail 'xenstore-write "$XENBUS_PATH/hotplug-error" "no luck today"; exit 1'
tiny n-fail "vif=['','script=$T/fail']"
run xlite create -q -p "$T/n-fail.cfg"
like "a script that fails says why" "$rc:$err" \
	"^3:.*vif 1: hotplug script '$T/fail online' failed: no luck today$"
script fail '[ "$1" != online ] || exit 7'
run xlite create -q -p "$T/n-fail.cfg"
like "or not" "$rc:$err" "^3:.*failed: exit status 7, no reason given .see /var/log/xen/xen-hotplug.log"
script fail "[ \"\$1\" = online ] || exit 0; echo here >&2; sleep 1000 & echo \$! > $T/pid; wait"
xlite create -q -p "$T/n-fail.cfg" 2> "$T/fail.err" &
wait_for 60 test -s "$T/pid"
kill $!
wait $!
is "one that hangs is interrupted" "$?:$(grep -c 'interrupted$' "$T/fail.err")" 3:1
nok "its child was killed with it" kill -0 "$(< "$T/pid")" 2> /dev/null
is "what it wrote is in the log" "$(grep -c '^here$' /var/log/xen/xen-hotplug.log)" 1
ok "no domain and no link is left" eval "xen_gone n-fail && gone 'vif*'"
is "nor a node" "$(xenstore-ls -f | grep /vif/)" ""

# 5. Where vif-bridge does more than we do, it is run: hooks.
mkdir /etc/xen/scripts/vif-post.d
printf 'echo "$command $dev $bridge" >> %s\n' "$T/hook.out" > /etc/xen/scripts/vif-post.d/a.hook
chmod +x /etc/xen/scripts/vif-post.d/a.hook
tiny n-hook "vif=['bridge=br1,vifname=net-h']"
run xlite create -q -p "$T/n-hook.cfg"
calm
id=$(xl domid n-hook)
is "with a hook" "$rc:$err:$(bridge_of net-h)" "0::br1"
nok "the script's stray node is not left" xenstore-exists /local/domain/net-h
mac=$(back "$id/0/mac")
like "a MAC is made" "$mac" '^00:16:3e:[0-7][0-9a-f](:[0-9a-f]{2}){2}$'
is "and is in the JSON for the next start" \
	"$(tr -d '\000' < /var/lib/xen/userdata-d."$id".*.libxl-json | grep -c "\"$mac\"")" 1
run xlite destroy n-hook
is "that hears of both" "$(< "$T/hook.out")" "online net-h br1
offline net-h br1"
rm -r /etc/xen/scripts/vif-post.d

ip link del br1
done_testing
