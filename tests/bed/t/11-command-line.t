#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The frame of every command, where Debian's xl can be asked what it does.
. "$XLITE/lib.sh"

# As xl's: exit status, and the words on stderr.
for words in nosuch '' 'list -y' 'mem-set' 'rename 0' 'shutdown' 'pause' 'console' \
	'pause nope' 'unpause nope' 'shutdown nope' 'reboot nope' 'rename nope x' 'console nope' \
	'mem-set nope 1' 'mem-max nope 1' 'destroy nope' '-N list' 'console -t x 0'; do
	# shellcheck disable=SC2086
	run xl $words
	want="$rc:$err"
	# shellcheck disable=SC2086
	run xlite $words
	is "xlite $words" "$rc:${err//xlite/xl}" "$want"
done

ln -s "$XLITE/bin/xlite" "$T/xl"
run "$T/xl" pause
is "under the name xl" "$rc:$err" $'2:\'xl pause\' requires at least 1 argument.\n'
run "$T/xl" help
like "help under the name xl" "$out" '^Usage xl \['

# shellcheck disable=SC1091
if [ -e /usr/share/bash-completion/completions/xl ]; then
	. /usr/share/bash-completion/completions/xl
	PATH=$T:$PATH
	COMP_WORDS=(xl shutd) COMP_CWORD=1 COMPREPLY=()
	_xl
	is "the shell completes commands" "${COMPREPLY[*]// /}" shutdown
else
	skip "the shell completes commands" "no completion installed"
fi

run xlite lis
is "a unique prefix" "$rc:${out%% *}" "0:Name"
run xlite -vvv -t -T -f list
is "global options, in any number" "$rc:${out%% *}" "0:Name"
run xlite -v list
is "-v leaves stdout alone" "${out%% *}" "Name"
run xlite vtpm-attach x
is "a command of xl that is not there" "$rc:$err" \
	"1:command not implemented: xl's 'vtpm-attach' is not in xlite: no TPM for guests yet"
run xlite list 0 1
is "too many words" "$rc:${err%%,*}" "2:'xlite list' takes at most 1 argument"

run env LC_ALL=de_DE.UTF-8 xlite list
like "no locale in numbers" "$out" '[0-9]\.[0-9]$'
xlite list > /dev/full 2> "$T/err"
is "a full disk is not success" "$?:$(< "$T/err")" \
	"1:xlite: cannot write the output: No space left on device"
(exec >&- <&-; xlite list 2> "$T/err")
is "closed descriptors are not the hypervisor's" "$?:$(< "$T/err")" "0:"

setpriv --reuid 65534 --clear-groups xlite list > "$T/out" 2> "$T/err"
is "not root" "$?:$(< "$T/out")" "1:"
like "says so" "$(< "$T/err")" 'not root'
run setpriv --reuid 65534 --clear-groups xlite help
is "help needs no rights" "$rc" 0
done_testing
