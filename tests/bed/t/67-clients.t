#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Programs that drive xl, unchanged, with xlite as /usr/sbin/xl: Debian's xendomains, upstream's,
# Pacemaker's resource agent, Ganeti's driver, xen-tools, Facter, FusionInventory's agent and of
# OCS's the part that looks at Xen; bash with Debian's completion; xentop beside it. GLPI's agent
# is not in Debian: it asks as FusionInventory's does, from which it comes.
# brings: clients
# time-limit: 900
. "$XLITE/lib.sh"
need_throwaway

names() { xlite list | awk 'NR > 2 { print $1 }' | paste -sd ' '; }
domid_of() { xlite domid "$1" 2> /dev/null; }

mv /usr/sbin/xl /usr/sbin/xl.debian
ln -s "$XLITE/bin/xlite" /usr/sbin/xl
cp -a /etc/default/xendomains "$T/default"
# Saved guests are another matter.
sed -i 's/^XENDOMAINS_SAVE=.*/XENDOMAINS_SAVE=/' /etc/default/xendomains
mkdir -p /etc/xen/auto
tiny k-one memory=16 maxmem=32
tiny k-two
cp "$T/k-one.cfg" /etc/xen/k-one.cfg
ln -s ../k-one.cfg /etc/xen/auto/10-one
cp "$T/k-two.cfg" /etc/xen/auto/20-two

run_limit 100 /etc/init.d/xendomains start
is "Debian's init script: start" "$rc:$err" "0:"
like "it tells of one" "$out" "Starting Xen domain k-one \(from /etc/xen/auto/10-one\)"
like "and of the other" "$out" "Starting Xen domain k-two"
is "both run" "$(names)" "k-one k-two"
is "xen-init-list" "$(/usr/lib/xen-common/bin/xen-init-list | paste -sd ' ')" \
	"$(domid_of k-one) k-one $(domid_of k-two) k-two"
console_has k-one 'tiny: ready'
console_has k-two 'tiny: ready'
run_limit 100 /etc/init.d/xendomains start
like "started again: they run already" "$out" "k-one already running.*k-two already running"
run_limit 100 /etc/init.d/xendomains stop
is "stop" "$rc:$err" "0:"
is "none runs" "$(names)" ""
forget_consoles() { rm -f "$(console_log k-one)" "$(console_log k-two)"; }
forget_consoles

upstream=$(echo /usr/lib/xen-4.*/bin/xendomains)
printf '%s\n' XENDOMAINS_SHUTDOWN=--wait XENDOMAINS_AUTO_ONLY=false XENDOMAINS_CREATE_USLEEP=1 \
	>> /etc/default/xendomains
run_limit 100 "$upstream" start
is "upstream's xendomains: start" "$rc" 0
is "both run" "$(names)" "k-one k-two"
console_has k-one 'tiny: ready'
console_has k-two 'tiny: ready'
run_limit 100 "$upstream" status
is "status" "$rc" 0
like "its words" "$out" "Checking for xendomains: k-one k-two.*running"
run_limit 100 "$upstream" stop
is "stop" "$rc" 0
like "each is told once" "$out" "Shutting down Xen domains: k-one\(shut\)[^k]* k-two\(shut\)"
within "none runs" 20 [ -z "$(names)" ]
run_limit 100 "$upstream" status
isnt "status of a stopped one" "$rc" 0
mv "$T/default" /etc/default/xendomains
forget_consoles

# agent ACTION: Pacemaker's, as its cluster calls it
mkdir -p /run/resource-agents
agent() { run_limit 60 /usr/lib/ocf/resource.d/heartbeat/Xen "$1"; }
export OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=k-one OCF_RESKEY_xmfile=/etc/xen/k-one.cfg \
	OCF_RESKEY_name=k-one OCF_RESKEY_CRM_meta_timeout=60000
agent monitor
is "Pacemaker's agent: not running" "$rc" 7
agent start
is "start" "$rc" 0 || diag "$err"
is "it runs" "$(names)" k-one
agent monitor
is "monitor" "$rc" 0
console_has k-one 'tiny: ready'
agent stop
is "stop" "$rc" 0 || diag "$err"
agent monitor
is "monitor of a stopped one" "$rc:$(names)" "7:"
if [ -n "${LONG-}" ]; then
	# Its look at the agent's own metadata is not what is wanted here.
	mkdir "$T/bin"
	printf '#!/bin/sh\nexec cat > /dev/null\n' > "$T/bin/xmllint"
	chmod 755 "$T/bin/xmllint"
	PATH=$T/bin:$PATH run_limit 600 ocf-tester -n k-one -o xmfile=/etc/xen/k-one.cfg \
		-o name=k-one /usr/lib/ocf/resource.d/heartbeat/Xen
	is "it passes all of ocf-tester" "$rc:${out##*$'\n'}" \
		"0:/usr/lib/ocf/resource.d/heartbeat/Xen passed all tests" || diag "$out$err"
	is "which leaves none" "$(names)" ""
fi
rm -rf /run/resource-agents

forget_consoles
# Ganeti's guests stay when they have shut down, until it destroys them.
xlite create -q "$T/k-one.cfg" 'on_poweroff="preserve"'
console_has k-one 'tiny: ready'
cp "$T/k-one.cfg" /etc/xen/k-gnt
cat > "$T/gnt.py" << 'END'
from ganeti import objects
from ganeti.hypervisor import hv_xen
p = {"xen_cmd": "xl"}
h = hv_xen.XenPvmHypervisor(_cmd="xl")
print("verify", h.Verify(p))
info = h.GetNodeInfo(p)
print("node", info["memory_total"] > info["memory_free"] > 0, info["cpu_total"] > 0, info["hv_version"])
print("all", [(i[0], i[2], i[3]) for i in h.GetAllInstancesInfo(p)])
h._RenameInstance("k-one", "k-gnt", p)
print("renamed", h.ListInstances(p))
guest = objects.Instance(name="k-gnt", hvparams=p)
before = h.GetInstanceInfo("k-gnt", p)[1]
h.RebootInstance(guest)
print("rebooted", h.GetInstanceInfo("k-gnt", p)[1] > before)
h.BalloonInstanceMemory(guest, 20)
h._StopInstance("k-gnt", False, p, 60)
print("stopped", h.ListInstances(p))
END
export PYTHONPATH=/usr/share/ganeti/3.0 PYTHONDONTWRITEBYTECODE=1
run_limit 200 python3 "$T/gnt.py"
is "Ganeti's driver" "$rc" 0 || diag "$err"
[[ $(xlite info) =~ xen_major\ *:\ ([0-9]+).*xen_minor\ *:\ ([0-9]+) ]]
is "what it found" "$out" "verify None
node True True (${BASH_REMATCH[1]}, ${BASH_REMATCH[2]})
all [('k-one', 16, 1)]
renamed ['k-gnt']
rebooted True
stopped []"
rm -f /etc/xen/k-gnt

# xen-tools makes a disk image and starts what is in it: its boot configuration is read here.
mkdir -p "$T"/src/{bin,boot/grub,etc/ssh,proc} "$T/roles"
cp /bin/busybox "$T/src/bin/ls"
cp "$XLITE/guests/tiny" "$T/src/boot/tiny"
printf '%s\n' 'title Tiny' 'root (hd0,0)' 'kernel /boot/tiny say=from-the-image' \
	> "$T/src/boot/grub/menu.lst"
tar -C "$T/src" -cf "$T/src.tar" .
# Its hooks would change a whole Debian. Without them it forgets to mount what it unmounts.
printf '#!/bin/sh\nexec mount --bind /proc "$1/proc"\n' > "$T/roles/proc"
chmod 755 "$T/roles/proc"
run_limit 200 xen-create-image --hostname=k-made --dir="$T/made" --install-method=tar \
	--install-source="$T/src.tar" --size=16Mb --noswap --memory=16Mb --dhcp --dist=stable \
	--hooks=0 --genpass=0 --roledir="$T/roles" --role=proc --boot
is "xen-create-image" "$rc" 0 || diag "$out$err"
is "its guest runs" "$(names)" k-made
console_has k-made '^from-the-image'
run xen-list-images
like "xen-list-images" "$rc:$out" $'^0:(.*\n)?Name: k-made\nMemory: 16 MB\nConfig: /etc/xen/k-made.cfg'
run xen-delete-image --dir="$T/made" k-made
is "xen-delete-image leaves one that runs" "$rc:$out" \
	"0:Skipping xen guest 'k-made' - it appears to be running."
xlite destroy k-made 2> /dev/null
run xen-delete-image --dir="$T/made" k-made
is "and not one that does not" "$rc:$(ls "$T/made/domains" /etc/xen/k-made.cfg 2> /dev/null)" "0:$T/made/domains:"
rm -rf /var/log/xen-tools

xlite create -q "$T/k-one.cfg"
xlite create -q "$T/k-two.cfg"
run_limit 100 xentop -b -f -i 1
is "xentop" "$rc" 0
for name in Domain-0 k-one k-two; do
	like "xentop shows $name" "$out" $'\n *'"$name "
done

# Inventories
run_limit 100 facter xendomains
is "Facter" "$rc:$out" "0:k-one,k-two" || diag "$err"
uuid_of() { xenstore-read "/local/domain/$(domid_of "$1")/vm"; }
wanted=
for name in k-one k-two; do
	id=$(uuid_of $name)
	wanted+="16 $name xl ${id#/vm/} 1 xen"$'\n'
done
run_limit 200 fusioninventory-inventory --no-category="$(echo software process environment printer \
	storage drive memory network user bios cpu usb video sound battery controller input modem \
	monitor port slot local_group local_user antivirus firewall licenseinfo lvm remote_mgmt |
	tr ' ' ,)"
is "FusionInventory's agent" "$rc" 0 || diag "$err"
is "what it found" "$(awk -F '[<>]' '/<VIRTUALMACHINES>/ { here = 1 }
	here && $2 ~ /^(MEMORY|NAME|SUBSYSTEM|UUID|VCPU)$/ { printf "%s ", $3 }
	here && $2 == "VMTYPE" { print $3; here = 0 }' "$T/.out")" "${wanted%$'\n'}"
cat > "$T/ocs.pl" << 'END'
use Ocsinventory::Agent::Common;
use Ocsinventory::Agent::Backend::Virtualization::Xen::XL;
sub Log::debug {}
my $common = Ocsinventory::Agent::Common->new({ logger => bless {}, 'Log' });
my $params = { common => $common };
open my $out, '>&', STDOUT;
open STDOUT, '>', '/dev/null';	# which it leaves to xl, too
Ocsinventory::Agent::Backend::Virtualization::Xen::XL::check($params) or die "no xl";
Ocsinventory::Agent::Backend::Virtualization::Xen::XL::run($params);
print $out join(' ', map { $_->[0] // '-' } @$_{qw(MEMORY NAME SUBSYSTEM UUID VCPU VMTYPE VMID)}), "\n"
	for @{$common->{xmltags}{VIRTUALMACHINES}};
END
run_limit 100 perl "$T/ocs.pl"
is "OCS's agent" "$rc:$err" "0:"
is "what it found" "${out#*$'\n'}" "$(while read -r line; do
	name=${line#* }
	echo "$line $(domid_of "${name%% *}")"
done <<< "${wanted%$'\n'}")"

# typed WORDS: what bash shows when they are typed; \t completes. $1 is read by it first.
# It is typed when what is on the terminal asks for it.
# shellcheck disable=SC2094
typed()
{
	: > "$T/typed"
	{ wait_for 60 grep -q 'ready> ' "$T/typed"; printf '%b' "$2"
		wait_for 60 grep -q 'done> ' "$T/typed"; printf 'exit\r'; } |
		PS1='ready> ' HISTFILE=/dev/null timeout 120 script -qefc \
			"bash --noprofile --rcfile $1" /dev/null > "$T/typed" 2>&1
	out=$(tr -d '\r\a' < "$T/typed")
}
printf '. /usr/share/bash-completion/completions/xl\nPS1="ready> "\n' > "$T/bashrc"
typed "$T/bashrc" 'xl uptim\t-s k-two; PS1="done"; PS1+="> "\r'
like "Debian's bash completion, in bash" "$out" 'ready> xl uptime -s k-two.* up .*, k-two '
printf '. <(xlite completion bash)\nPS1="ready> "\n' > "$T/bashrc"
typed "$T/bashrc" 'xlite uptime -s k-t\t; PS1="done"; PS1+="> "\r'
like "ours" "$out" 'ready> xlite uptime -s k-two.* up .*, k-two '

# What shells complete with here: guests' names, their devices.
candidates() { xlite completion candidates -- "$@" | cut -f 1 | paste -sd ' '; }
is "completion: domains" "$(candidates console k-)" "words k-one k-two"
is "those that fit" "$(candidates shutdown -w k-t)" "words k-two"
truncate -s 1M "$T/disk"
xlite block-attach k-one "$T/disk,raw,xvdb,r"
is "a domain's disk" "$(candidates block-detach k-one "")" "words xvdb"
xlite network-attach k-one bridge=xenbr0
is "a domain's network" "$(candidates network-detach k-one "")" "words 0"
is "a cpupool" "$(candidates cpupool-migrate k-one P)" "words Pool-0"
is "a config file" "$(candidates create /etc/xen/k-)" "files /etc/xen/k-one.cfg"
xlite destroy k-one
xlite destroy k-two

rm -rf /etc/xen/k-one.cfg /etc/xen/auto /usr/sbin/xl
mv /usr/sbin/xl.debian /usr/sbin/xl
done_testing
