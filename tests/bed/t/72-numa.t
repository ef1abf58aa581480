#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A host with two memory nodes of one cpu each: where guests are placed, beside xl's of the same
# config in the same place; CPULISTs of nodes; a pool for each node.
# machine: server
# time-limit: 600
. "$XLITE/lib.sh"

# where NAME: its node affinity, each vcpu's affinities, and how many pages it has on each node,
# unless all are the same to it
where()
{
	local id nodes

	id=$(xl domid "$1")
	nodes=$(xl list -n "$1" | awk 'NR == 2 { print $NF }')
	echo "nodes $nodes"
	xl vcpu-list "$1" | sed -n 's/.*  \([^ ]* \/ [^ ]*\)$/\1/p'
	[ "$nodes" != all ] || return 0
	xl dmesg -c > /dev/null
	xl debug-keys u
	xl dmesg | sed -n "/Domain $id (total/,/Domain/s/.*\(Node [0-9]*: [0-9]*\).*/\1/p"
}

is "info -n" "$(xlite info -n | grep -v free_memory)" "$(xl info -n | grep -v free_memory)"
is "list -n" "$(xlite list -n | sed 's/ *[0-9.]* all$/ all/')" "$(xl list -n | sed 's/ *[0-9.]* all$/ all/')"
case $(xl info -n | grep -c '^ *[01]: *2[0-9]* ') in 2) pass "two nodes" ;; *) fail "two nodes" ;; esac

# One guest after the other, on the empty host.
n=0
placed=
try()	# try WHAT LINE...
{
	local tool

	tiny "numa$n" "${@:2}"
	for tool in xl xlite; do
		ok "$tool creates one: $1" $tool create -q -p "$T/numa$n.cfg"
		where "numa$n" > "$T/$tool.where"
		ok "and it goes" $tool destroy "numa$n"
	done
	is "placed as xl's: $1" "$(< "$T/xlite.where")" "$(< "$T/xl.where")"
	placed=$(< "$T/xlite.where")
	n=$((n + 1))
}
try "one vcpu"
like "on one node" "$placed" $'^nodes [01]\nall / [01]\n'
try "two vcpus, which one node has no cpus for" vcpus=2 maxvcpus=2
try "more memory than a node has" memory=2100
try "cpus in a list" vcpus=1 'cpus=["0"]'
like "is not placed" "$placed" '^nodes 0'
try "cpus_soft" vcpus=1 'cpus_soft="1"'
# libxl does not look at these cpus: it gives the guest memory of the other node.
tiny near vcpus=1 'cpus="node:1"'
ok "a vcpu on node 1" xlite create -q -p "$T/near.cfg"
is "has its memory there" "$(where near)" $'nodes 1\n1 / 1\nNode 0: 0\nNode 1: 4096'
xlite destroy near
try "all but node 1" vcpus=1 'cpus="all,^node:1"'

# A crowd: each goes where there are fewest vcpus, and most memory among equals.
crowd()
{
	local tool=$1 i

	for i in 1 2 3 4 5; do
		tiny "crowd$i" "memory=$((16 * i))"
		$tool create -q -p "$T/crowd$i.cfg" || return
		where "crowd$i"
	done
	for i in 1 2 3 4 5; do
		$tool destroy "crowd$i" || return
	done
}
crowd xl > "$T/xl.crowd"
crowd xlite > "$T/xlite.crowd"
is "five guests are spread as xl's" "$(< "$T/xlite.crowd")" "$(< "$T/xl.crowd")"
is "over both nodes" "$(grep -c '^nodes 0$' "$T/xlite.crowd"):$(grep -c '^nodes 1$' "$T/xlite.crowd")" \
	"$(grep -c '^nodes 0$' "$T/xl.crowd"):$(grep -c '^nodes 1$' "$T/xl.crowd")"
ok "which both have some" [ "$(grep '^nodes' "$T/xlite.crowd" | sort -u | wc -l)" = 2 ]

# A pool of one node's cpu: only that node counts.
xlite cpupool-cpu-remove Pool-0 1
xlite cpupool-create 'name="far"' 'cpus=["1"]' > /dev/null
try "in a pool of node 1" 'pool="far"'
like "on that node" "$placed" '^nodes 1'
xlite cpupool-destroy far
xlite cpupool-cpu-add Pool-0 1

# A pool for each node.
dom0_has() { [ "$(xl list 0 | awk 'NR == 2 { print $4 }')" = "$1" ]; }
split()
{
	$1 cpupool-numa-split 2>&1
	xl cpupool-list -c
	# Domain 0 keeps as many vcpus as its pool has cpus.
	wait_for 20 dom0_has 1 && xl vcpu-list 0 | awk '{ print $3, $5 }' | sed '2s/ .*//'
	xl vcpu-set 0 2
	wait_for 20 dom0_has 2
	xl cpupool-destroy Pool-node1
	xl cpupool-cpu-add Pool-node0 1
	xl cpupool-rename Pool-node0 Pool-0
}
split xl > "$T/xl.split"
split xlite > "$T/xlite.split"
is "cpupool-numa-split" "$(< "$T/xlite.split")" "$(< "$T/xl.split")"
like "makes a second pool" "$(< "$T/xlite.split")" 'Pool-node1'
xenstore-rm /local/domain/0/cpu
done_testing
