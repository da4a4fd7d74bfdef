/*
 * weft completion SHELL: a script that lets a shell complete what is typed
 *
 * The scripts know nothing of Weft: each asks `weft __complete` (complete.c) what may stand for
 * the word at the cursor, so what they offer is what this program has.
 */

#include "cli/commands.h"
#include "cli/shells.h"

/* Readline takes "=" and ":" for the ends of words: what stands before them is not its to write. */
static const char bash_script[] =
	"# Completion of weft for bash; made by: weft completion bash\n"
	"_weft()\n"
	"{\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} current prefix mark word\n"
	"\tlocal -a words\n"
	"\tread -ra words <<< \"$line\"\n"
	"\t[[ $line == *[[:space:]] ]] && words+=(\"\")\n"
	"\tcurrent=${words[-1]}\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS=$'\\t' read -r word _; do\n"
	"\t\tif [[ $word == :files ]]; then\n"
	"\t\t\tcompopt -o default 2> /dev/null\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\tCOMPREPLY+=(\"$word\")\n"
	"\tdone < <(\"${words[0]/#\\~/$HOME}\" __complete -- \"${words[@]:1}\" 2> /dev/null)\n"
	"\tfor mark in = :; do\n"
	"\t\t[[ $COMP_WORDBREAKS == *$mark* && $current == *$mark* ]] || continue\n"
	"\t\tprefix=${current%\"${current##*$mark}\"}\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"$prefix\"}\")\n"
	"\tdone\n"
	"\tif [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then\n"
	"\t\tcompopt -o nospace 2> /dev/null\n"
	"\tfi\n"
	"}\n"
	"complete -F _weft weft\n";

static const char zsh_script[] =
	"#compdef weft\n"
	"# Completion of weft for zsh; made by: weft completion zsh\n"
	"_weft()\n"
	"{\n"
	"\tlocal line word\n"
	"\tlocal -a found\n"
	"\tfor line in \"${(@f)$(${~words[1]} __complete -- \"${(@)words[2,CURRENT]}\" "
	"2> /dev/null)}\"; do\n"
	"\t\tword=${line%%$'\\t'*}\n"
	"\t\t[[ -n $word ]] || continue\n"
	"\t\tif [[ $word == :files ]]; then\n"
	"\t\t\t_files\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\tfound+=(\"${word//:/\\\\:}:${line#*$'\\t'}\")\n"
	"\tdone\n"
	"\t_describe weft found\n"
	"}\n"
	"if [[ $funcstack[1] == _weft ]]; then\n"
	"\t_weft \"$@\"\n"
	"else\n"
	"\tcompdef _weft weft\n"
	"fi\n";

static const char fish_script[] =
	"# Completion of weft for fish; made by: weft completion fish\n"
	"function __weft_complete\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -l weft $words[1]\n"
	"\tset -e words[1]\n"
	"\tset -l current (commandline -ct)\n"
	"\tset -l found ($weft __complete -- $words \"$current\" 2> /dev/null)\n"
	"\tif test \"$found[1]\" = :files\n"
	"\t\t__fish_complete_path \"$current\"\n"
	"\telse if set -q found[1]\n"
	"\t\tprintf '%s\\n' $found\n"
	"\tend\n"
	"end\n"
	"complete -c weft -f -a '(__weft_complete)'\n";

const struct shell shells[] = {
	{ "bash", "bash-completion/completions/weft", bash_script },
	{ "zsh", "zsh/site-functions/_weft", zsh_script },
	{ "fish", "fish/vendor_completions.d/weft.fish", fish_script },
};
const size_t shell_count = array_count(shells);

static int run(const struct invocation *in)
{
	struct buf text = BUF_INIT(0);

	if (in->word_count != 1)
		return cli_usage(in->cli, "completion", "one shell is needed: bash, zsh or fish");
	for (size_t i = 0; i < shell_count; i++)
		if (str_eq(str_from(in->words[0]), str_from(shells[i].name)))
			buf_append_str(&text, str_from(shells[i].script));
	if (!buf_len(&text))
		return cli_usage(in->cli, "completion", "\"%s\" is not bash, zsh or fish",
				 in->words[0]);
	cli_out(in->cli, &text);
	buf_fini(&text);
	return EXIT_DONE;
}

const struct command completion_command = {
	.name = "completion",
	.summary = "Print the script that completes commands in a shell",
	.usage = "bash|zsh|fish",
	.examples = {
		{ "weft completion bash > ~/.bash_completion", "from the next shell on" },
		{ "weft completion zsh > ~/.zfunc/_weft", "for zsh, where ~/.zfunc is in fpath" },
		{ "weft completion fish > ~/.config/fish/completions/weft.fish", "for fish" },
	},
	.notes = "Names come from the control plane as they are at the moment; where none answers\n"
		 "within 300 ms there are none. make install puts the scripts where shells look.",
	.takes_words = true,
	.words = COMPLETE_SHELLS,
	.run = run,
};
