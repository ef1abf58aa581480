# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For the test scripts of this folder, which run in the top folder: TAP, and $T, a folder of their own.
T=$(mktemp -d "${TMPDIR:-/tmp}/xlite-unit.XXXXXX") || exit 1
trap 'rm -rf "$T"' EXIT
n=0 failed=0

result()
{
	n=$((n + 1))
	[ "$1" = 0 ] || { failed=$((failed + 1)); printf 'not '; }
	printf 'ok %d - %s\n' $n "$2"
}

is()
{
	[ "$2" = "$3" ]
	result $? "$1"
	[ "$2" = "$3" ] || printf '# got: %s\n# not: %s\n' "${2//$'\n'/ | }" "${3//$'\n'/ | }"
}

# ok WHAT COMMAND...
ok()
{
	local rc=0 text
	text=$("${@:2}" 2>&1) || rc=$?
	result $rc "$1"
	[ $rc = 0 ] || printf '# %s\n' "${text//$'\n'/$'\n'# }"
}

skip() { n=$((n + 1)); printf 'ok %d - %s # SKIP %s\n' $n "$1" "$2"; }

done_testing() { printf '1..%d\n' $n; exit $((failed > 0)); }
