/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* completion: scripts that make a shell ask this program what could come next. */
#include <stdio.h>
#include <string.h>

#include "candidates.h"
#include "command.h"

/*
 * bash takes words apart at "=" and ":" (COMP_WORDBREAKS), puts what it is given in the place of the
 * last part alone, and quotes none of it.
 */
static const char bash_script[] =
	"_%1$s()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} rest=$COMP_LINE breaks='^[=:]+$' word line i\n"
	"\tlocal -a lines words\n"
	"\n"
	"\tfor ((i = 0; i <= COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif ((i > 0)) && [[ $rest != [[:space:]]* ]] &&\n"
	"\t\t\t[[ $word =~ $breaks || ${COMP_WORDS[i - 1]} =~ $breaks ]]; then\n"
	"\t\t\twords[${#words[@]} - 1]+=$word\n"
	"\t\telse\n"
	"\t\t\twords+=(\"$word\")\n"
	"\t\tfi\n"
	"\t\trest=${rest#\"${rest%%%%[![:space:]]*}\"}\n"
	"\t\trest=${rest#\"$word\"}\n"
	"\tdone\n"
	"\t[[ ! $cur =~ $breaks ]] || cur=\n"
	"\tword=${words[${#words[@]} - 1]}\n"
	"\tmapfile -t lines < <(\"${COMP_WORDS[0]}\" completion candidates -- \\\n"
	"\t\t\"${words[@]:1}\" 2> /dev/null)\n"
	"\tCOMPREPLY=()\n"
	"\tif [ \"${lines[0]-}\" = files ]; then\n"
	"\t\tcompopt -o filenames\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\tfi\n"
	"\tfor line in \"${lines[@]:1}\"; do\n"
	"\t\tline=${line%%%%$'\\t'*}\n"
	"\t\tline=${line#\"${word%%\"$cur\"}\"}\n"
	"\t\t[ -n \"$line\" ] || continue\n"
	"\t\t[ \"${lines[0]}\" = files ] || printf -v line %%q \"$line\"\n"
	"\t\t[[ $line != *= ]] || compopt -o nospace\n"
	"\t\tCOMPREPLY+=(\"$line\")\n"
	"\tdone\n"
	"}\n"
	"complete -F _%1$s %1$s\n";

static const char zsh_script[] =
	"#compdef %1$s\n"
	"_%1$s()\n"
	"{\n"
	"\tlocal -a lines names shown\n"
	"\tlocal line\n"
	"\n"
	"\tlines=(\"${(@f)$(\"$words[1]\" completion candidates -- \\\n"
	"\t\t\"${(@)words[2,CURRENT]}\" 2> /dev/null)}\")\n"
	"\tfor line in \"${(@)lines[2,-1]}\"; do\n"
	"\t\tnames+=(\"${line%%%%$'\\t'*}\")\n"
	"\t\tshown+=(\"${line/$'\\t'/ -- }\")\n"
	"\tdone\n"
	"\t[[ $lines[1] != files ]] || _files\n"
	"\t(( ! $#names )) || compadd -l -d shown -a -- names\n"
	"}\n"
	"if [[ $funcstack[1] = _%1$s ]]; then\n"
	"\t_%1$s \"$@\"\n"
	"else\n"
	"\tcompdef _%1$s %1$s\n"
	"fi\n";

static const char fish_script[] =
	"function __%1$s_candidates\n"
	"\tset -l words (commandline -opc) (commandline -ct)\n"
	"\tset -l lines ($words[1] completion candidates -- $words[2..-1] 2> /dev/null)\n"
	"\tprintf '%%s\\n' $lines[2..-1]\n"
	"\tif test \"$lines[1]\" = files\n"
	"\t\t__fish_complete_path (commandline -ct)\n"
	"\tend\n"
	"end\n"
	"complete -c %1$s -f -a '(__%1$s_candidates)'\n";

static int run_completion(struct cmd *cmd, struct err *err)
{
	const char *word = cmd->words[0];

	if (strcmp(word, "candidates") == 0)
		return candidates_print(cmd->words + 1, cmd->nr_words - 1, err);
	if (cmd->nr_words > 1)
		return cmd_usage(cmd);
	if (strcmp(word, "bash") == 0)
		printf(bash_script, cmd->prog);
	else if (strcmp(word, "zsh") == 0)
		printf(zsh_script, cmd->prog);
	else if (strcmp(word, "fish") == 0)
		printf(fish_script, cmd->prog);
	else
		return cmd_usage(cmd);
	return 0;
}

const struct command cmd_completion = {
	.name = "completion", .args = "bash|zsh|fish",
	.help = "Print a script for a shell, with which it completes commands, domains, devices",
	.more = "For this shell:   . <(xlite completion bash)\n"
		"For all:          xlite completion bash > /etc/bash_completion.d/xlite\n",
	.needs = NEED_NOTHING, .min = 1, .max = COMMAND_ANY, .run = run_completion,
};
