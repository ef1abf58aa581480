#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What guests use: metrics, and top live and for scripts, of guests that do something.
# time-limit: 400
. "$XLITE/lib.sh"

truncate -s 4M "$T/disk"
linux t-disk memory=128 "disk=['$T/disk,raw,xvda,w']" 'vif=["bridge=xenbr0"]'
tiny t-busy 'extra="spin"'
run xlite create -q "$T/t-disk.cfg"
is "a guest with devices" "$rc:$err" "0:"
disk=$(xl domid t-disk)
console_has t-disk 'guest: ready' 240
run xlite create -q "$T/t-busy.cfg"
is "one that is busy" "$rc:$err" "0:"

# It reads and writes so much, and sends so much to nobody, who does not answer.
guest t-disk 'dd if=/dev/xvda of=/dev/null bs=64k count=32; dd if=/dev/zero of=/dev/xvda bs=64k count=16 conv=fsync
	ip addr add 10.64.0.2/24 dev eth0; ip link set eth0 up; arp -s 10.64.0.9 02:00:00:00:00:09
	ping -c 3 -w 3 -s 12000 10.64.0.9'
run xlite metrics
is "metrics" "$rc:$err" "0:"
cp "$T/.out" "$T/metrics"
run omcheck < "$T/metrics"
like "a strict reader takes them" "$rc:$out" '^0:[0-9]+ samples$'
metric() { awk -v name="$1" 'substr($0, 1, length(name)) == name { print $2 }' "$T/metrics"; }
labels="{domain=\"t-disk\",domid=\"$disk\""
memory=$(metric "xen_domain_memory_bytes$labels}")
is "memory" "$((memory / 1048576))" "$(xl list t-disk | awk 'NR == 2 { print $3 }')"
is "its limit" "$(metric "xen_domain_memory_max_bytes$labels}")" $((129 * 1048576))
is "state" "$(metric "xen_domain_state$labels,xen_domain_state=\"dying\"}")" 0
free=$(metric xen_host_memory_free_bytes)
is "free memory" "$((free / 1048576))" "$(xl info free_memory)"
is "xenstored" "$(metric xen_xenstored_up)" 1
is "the supervisor" "$(metric xlite_supervisor_up)" 1
is "two guests of its" "$(metric xlite_watched_guests)" 2
like "processor time" "$(metric "xen_domain_cpu_seconds_total{domain=\"t-busy\"")" '[1-9]'

# xentop counts the same, by its own ways: its columns are NETTX(k) NETRX(k) VBDS VBD_OO VBD_RD
# VBD_WR VBD_RSECT VBD_WSECT SSID at the end.
read -r tx rx _ _ reads writes rsect wsect _ < <(xentop -b -f -i 1 | awk '$1 == "t-disk" {
	for (i = NF - 8; i <= NF; i++) printf "%s ", $i; print "" }')
vbd="$labels,device=\"xvda\"}"
vif="$labels,device=\"0\"}"
is "reads, as xentop" "$(metric "xen_domain_disk_reads_total$vbd")" "$reads"
is "writes" "$(metric "xen_domain_disk_writes_total$vbd")" "$writes"
is "bytes read" "$(metric "xen_domain_disk_read_bytes_total$vbd")" "$((rsect * 512))"
is "bytes written" "$(metric "xen_domain_disk_written_bytes_total$vbd")" "$((wsect * 512))"
ok "which it did" [ "$rsect" -ge 4096 ] && ok "both" [ "$wsect" -ge 2048 ]
sent=$(metric "xen_domain_network_transmit_bytes_total$vif")
ok "it sent that ($sent bytes)" [ "$sent" -ge 36000 ]
# xentop has it from the host's side: what the guest sends is received there.
is "as much as xentop says" "$((sent / 1024))" "$rx"
got=$(metric "xen_domain_network_receive_bytes_total$vif")
is "and got what xentop says, which is less" "$((got / 1024))" "$tx"
ok "really ($got bytes)" [ "$got" -lt 30000 ]

# For node_exporter: whole, whatever happens.
echo old > "$T/x.prom"
exec 7< "$T/x.prom"
run xlite metrics --textfile="$T/x.prom"
is "--textfile says nothing" "$rc$out$err" 0
is "who has the old one open reads that" "$(cat <&7)" old
exec 7<&-
ok "the new one is there" grep -q '^# TYPE xen_domain_cpu_seconds_total counter$' "$T/x.prom"
exec 7< "$T"
flock 7
(umask 077; timeout 30 xlite metrics --textfile="$T/x.prom")
is "for all to read, whoever holds the folder's lock" "$?:$(stat -c %a "$T/x.prom")" 0:644
exec 7<&-
is "and it alone" "$(echo "$T"/x.prom*)" "$T/x.prom"
run xlite metrics --textfile="$T/no/x.prom"
is "a folder that is not there" "$rc:$err" \
	"1:xlite: cannot create a file beside '$T/no/x.prom': No such file or directory"

# top for scripts
run xlite top --once
is "top --once" "$rc:$err" "0:"
like "its header" "${out%%$'\n'*}" "^ +ID NAME +STATE +TIME\(s\) +CPU% "
like "the busy one before the idle one" "$out" " t-busy .* t-disk "
run xlite top --once --sort=id
like "by domid" "$out" "Domain-0 .* t-disk .* t-busy "
run xlite top --once --sort=size
is "an order that there is not" "$rc:$out" "1:"
run xlite top --json
is "top --json" "$rc:$err" "0:"
value_of() { awk -v name="\"name\": \"$1\"" -v key="\"$2\":" '
	index($0, name) { here = 1 } here && $1 == key { print $2 + 0; exit }' "$T/.out"; }
busy=$(value_of t-busy cpu_percent)
ok "the busy one has a processor, or some of it ($busy %)" [ "${busy%.*}" -ge 20 ]
idle=$(value_of t-disk cpu_percent)
ok "the idle one has less ($idle %)" [ "${idle%.*}" -lt "${busy%.*}" ]
is "what it read" "$(value_of t-disk disk_read_bytes)" "$((rsect * 512))"
is "it does not read now" "$(value_of t-disk disk_read_bytes_per_second)" 0

# Live, on a terminal of 30 lines: drawn, sorted by a key, and the terminal is as it was.
live() { script -qec 'stty rows 30 cols 120; before=$(stty -g); xlite top -d 1; echo "rc $?"; [ "$before" = "$(stty -g)" ] && echo same' /dev/null; }
seen() { wait_for 20 grep -q "$1" "$T/live"; }
: > "$T/live"
{ seen 't-busy'; printf '\034n'; seen 'by network'; printf q; seen 'rc '; } | live >> "$T/live" 2>&1
ok "it was drawn" grep -q 't-busy' "$T/live"
ok "a key sorts" grep -q 'by network' "$T/live"
ok "q ends it, and ^\\ does not" grep -q 'rc 0' "$T/live"
ok "the terminal is as before" grep -q '^same' "$T/live"
for key in '\003' term; do
	: > "$T/live"
	{ seen 't-busy'; if [ $key = term ]; then pkill -fx 'xlite top -d 1'; else printf "$key"; fi; seen 'rc '; } |
		live >> "$T/live" 2>&1
	ok "as before after $key" grep -q '^same' "$T/live"
done
run xlite top
is "without a terminal" "$rc:$err" \
	"1:xlite: the live view needs a terminal: try top --once, or --json"

run xlite destroy t-disk
run xlite destroy t-busy
run xlite metrics
like "metrics without guests" "$rc:$err:$out" $'^0::.*xen_host_memory_free_bytes'
unlike "no traces of guests that are gone" "$out" 't-(busy|disk)'
within "the supervisor goes" 20 eval '! pgrep -fx "xlite supervise" > /dev/null'
rm -f /var/log/xen/xlite-*.log
done_testing
