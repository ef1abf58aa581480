# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# same.sh - two domains side by side, one made by xl; for t/*.t, after lib.sh
#
# Each function prints what can be said of a domain, with its number made equal and without
# what differs from one domain to the next, so that `diff` finds the rest.
#
#	settled DOMID		wait until xenconsoled and every backend have done their part
#	store_of DOMID		the store: below it, and about it
#	json_of DOMID		the stored config, without its uuid
#	xen_of DOMID		what Xen says: limits, flags, vcpus, time, HVM parameters, cpuid policy
#	qemu_of DOMID		its device model's arguments, one a line; nothing without one
#
# And all of it at once:
#	same_made TOOL CONFIG NAME	files $T/TOOL.VIEW for each VIEW of $same_views (store json
#				xen qemu; VIEW_of is a function) of the domain that TOOL makes;
#				fails when it cannot make or destroy it
#	same_as_xl WHAT CONFIG NAME	both tools, and one check for each view
#	same_as_made WHAT CONFIG NAME	the same, when xl's is made already
#	same_also TOOL		a file's own: what it takes out of the views, too
#	$same_refused		a file's own: messages (a regex) of what we refuse and xl does not
#
# What is left out, each with its reason:
#	ring-ref, start_time, tty, device-model-pid, vnc-port	of one domain and not of another
#	node, physical-device*		which loop device was free
#	domid, colo_restore_enable (JSON)	libxl stores defaults
#	nr_pages		libxl's ACPI tables of a PVH guest take eight pages more

same_views='store json xen qemu'
same_also() { :; }
same_refused=
same_known='(ring-ref|start_time|tty|node|physical-device(-path)?|device-model-pid|vnc-port) = '

store_of()
{
	xenstore-ls -fp | sed -E -e "s,(/domain/|/libxl/|device-model/)$1([/ \"]),\\1N\\2,g" \
		-e "s,(backend/[a-z0-9]*/)$1([/ ]),\\1N\\2,g" -e "s/([(,][nrwb])$1\\b/\\1N/g" \
		-e "s/(domid|frontend-id) = \"$1\"/\\1 = N/" -e "s/vif$1\\./vifN./" \
		-e 's,/vm/[0-9a-f-]{36},/vm/UUID,g' -e 's/(uuid) = .*/\1/' \
		-e "s#$same_known\"[^\"]*\"#\\1#" | grep -E '/N[/ ]|/vm/' | sort
}

json_of()
{
	tr -d '\000' < "$(compgen -G "/var/lib/xen/userdata-d.$1.*.libxl-json")" |
		sed -E -e '/"(uuid|domid|colo_restore_enable)"/d' -e 's/,$//'
}

xen_of()
{
	xl dmesg -c > /dev/null
	xl debug-keys qs
	xl dmesg | sed -n -e "/General information for domain $1:/,/Notifying guest/p" \
			-e "/dom$1\b.*: mode=/p" |
		sed -n -e 's/nr_pages=[0-9]* *//' \
			-e '/max_pages=\|paging\|vm_assist\|hap\|pause_flags\|affinity\|: mode=/p' |
		sed -e "s/domain $1/domain N/" -e "s/dom$1\b/domN/" -e 's/,ofs=0x[0-9a-f]*//' \
			-e 's/handle=[^ ]*//' -e 's/dirty_cpus={[^}]*}//' \
			-e 's/CPU[0-9]* \[/CPU [/' -e 's/dirty_cpu=[0-9]*//'
	[ "$(xenstore-read "/libxl/$1/type")" = pv ] || hvmparams "$1"
	/usr/lib/xen-*/bin/xen-cpuid -p "$1" 2>&1 | sed "s/Domain $1/Domain N/"
}

qemu_of()
{
	local pid

	pid=$(xenstore-read "/local/domain/$1/image/device-model-pid" 2> /dev/null) || return 0
	tr '\0' '\n' < "/proc/$pid/cmdline" |
		sed -E -e "s/(qmp-libx[a-z]*-)$1\\b/\\1N/" -e "s/vif$1\\./vifN./g" -e "s/^$1\$/N/"
}

settled()
{
	wait_for 20 xenstore-read "/local/domain/$1/console/tty" && wait_for 20 same_backends "$1"
}

# same_backends DOMID: each vbd and vif has come as far as it can with no guest running
same_backends()
{
	local state

	for state in $(xenstore-ls -f /local/domain/0/backend 2> /dev/null |
		sed -n "s,.*/\\(vbd\\|vif\\)/$1/[0-9]*/state = ,,p"); do
		[ "$state" = '"2"' ] || return
	done
}

# same_patient COMMAND...: xl gives its scripts 40 s and QEMU 10, and a busy machine may need more
same_patient()
{
	for _ in 1 2 3; do
		run "$@"
		[[ $rc != 0 && $err == *time*out* ]] || break
	done
}

same_made()
{
	local id view

	same_patient "$1" create -q -p "$2"
	[ "$rc:$out" = 0: ] || return
	id=$(xl domid "$3")
	settled "$id"
	for view in $same_views; do
		"${view}_of" "$id" > "$T/$1.$view"
		# Two that could not be looked at are the same.
		[ -s "$T/$1.$view" ] || [[ $view == @(qemu|links) ]] ||
			{ err="no $view of domain $id to look at"; return 1; }
	done
	same_also "$1"
	run "$1" destroy "$3"
	wait_for 20 xen_gone "$3" && [ "$rc" = 0 ] || return
	# Now and then xl leaves the folder of a domain.
	[ "$1" = xlite ] || xenstore-rm "/local/domain/$id" 2> /dev/null || :
}

# same_strays: xl's vif-bridge takes a vif's name for a domain's number (vif-common.sh) and
# leaves that in the store
same_strays()
{
	local name

	for name in $(xenstore-list /local/domain); do
		[[ $name == [0-9]* ]] || xenstore-rm "/local/domain/$name"
	done
}

same_as_xl()
{
	ok "$1: xl creates and destroys" same_made xl "$2" "$3" || { diag "$err"; return; }
	same_as_made "$@"
}

same_as_made()
{
	local view

	same_strays
	if ! same_made xlite "$2" "$3"; then
		if [[ -n $same_refused && $err =~ $same_refused ]]; then
			pass "$1: refused, where xl's guest cannot work: ${err##*$'\n'}"
		else
			fail "$1: xlite creates and destroys"
			diag "$err"
		fi
		return
	fi
	pass "$1: xlite creates and destroys"
	for view in $same_views; do
		is "$1: the same $view" "$(diff "$T/xl.$view" "$T/xlite.$view")" ""
	done
}
