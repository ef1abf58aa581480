#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion in the shells themselves; what needs domains is in the bed.
# shellcheck source=tests/unit/tap.sh
. "$(dirname "$0")/tap.sh"
xlite=$PWD/out/xlite
export PATH=$PWD/out:$PATH

# in_bash WORD...: what bash makes of the last word, of which it shows the last part alone
in_bash()
{
	bash -c '
		. <(xlite completion bash)
		compopt() { :; }	# works only while a line is being typed
		COMP_WORDS=(xlite) COMP_LINE="xlite $*"
		for word; do
			[ -n "$word" ] || COMP_WORDS+=("")
			while [[ $word =~ ^([^=:]+|[=:]+)(.*)$ ]]; do
				COMP_WORDS+=("${BASH_REMATCH[1]}")
				word=${BASH_REMATCH[2]}
			done
		done
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_xlite
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

# A shell that is not installed is skipped.
in_zsh()
{
	zsh -fc '
		autoload -Uz compinit && compinit -u -D
		. <(xlite completion zsh)
		compadd() { print -rl -- $names }
		_files() { print -rl -- $words[CURRENT]*(N) }
		words=(xlite "$@") CURRENT=$(($# + 1))
		_xlite' zsh "$@"
}

in_fish() { fish -Nc 'xlite completion fish | source; complete -C "xlite $argv"' -- "$*" | cut -f 1; }

cd "$T" || exit
touch one.cfg two.cfg
for shell in bash zsh fish; do
	if ! command -v $shell > /dev/null; then
		skip "$shell" "not installed"
		continue
	fi
	is "$shell: a command" "$(in_$shell cre)" create
	is "$shell: two commands" "$(in_$shell block-a) $(in_$shell block-l)" \
		"block-attach block-list"
	is "$shell: a long option" "$(in_$shell create --def)" --defconfig
	is "$shell: an option's file" "$(in_$shell create --defconfig o)" one.cfg
	is "$shell: a config file" "$(in_$shell create tw)" two.cfg
	is "$shell: a key after it" "$(in_$shell create one.cfg on_rebo)" on_reboot=
	is "$shell: one of several words" "$(in_$shell autostart sto)" stop
	is "$shell: past an option and its value" "$(in_$shell autostart --dir=/a:b sto)" stop
	is "$shell: past a setting" "$(in_$shell create vcpus=2 one.cfg memory=64 on_rebo)" on_reboot=
	is "$shell: help's words are commands" "$(in_$shell help pau)" pause
	is "$shell: past a global option" "$(in_$shell -v cre)" create
	is "$shell: nothing that fits" "$(in_$shell nonsen)" ""
done

is "bash: what stands already is not put there twice" "$(in_bash create one.cfg on_reboot=)" ""

# For every command there is an answer, host or not.
bad=
while read -r name; do
	for words in "" "-" "x " "x y "; do
		# shellcheck disable=SC2086
		answer=$("$xlite" completion candidates -- "$name" ${words% } "" | head -n 1)
		[[ $answer =~ ^(words|files)$ ]] || bad+=" $name($words)"
	done
done < <("$xlite" help | sed 1,4d | awk '{ print $1 }')
is "each command has an answer" "$bad" ""
"$xlite" completion tcsh > /dev/null
is "another shell: usage" $? 2
if command -v shellcheck > /dev/null; then
	"$xlite" completion bash > s
	ok "shellcheck likes the script" shellcheck -s bash s
else
	skip "shellcheck likes the script" "not installed"
fi
done_testing
