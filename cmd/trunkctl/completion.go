package main

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a completion script for a shell",
		Long: `Print a script that completes commands, flags and the workspaces of the config. The one for bash does
not need the package bash-completion. Completion never calls the API: agents and numbers are
completed from a cache, after "trunkctl completion cache".

  bash        source <(trunkctl completion bash)
  zsh         trunkctl completion zsh > "${fpath[1]}/_trunkctl"
  fish        trunkctl completion fish > ~/.config/fish/completions/trunkctl.fish
  powershell  trunkctl completion powershell | Out-String | Invoke-Expression`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return errors.New("SHELL: want one of " + strings.Join(shells, ", "))
			}
			return nil
		},
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return bashCompletion(root, out)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			}
			return root.GenPowerShellCompletionWithDesc(out)
		},
	}
	cmd.AddCommand(a.completionCacheCommand())
	return cmd
}

// bashWords takes the place of a function of the package bash-completion, if that is not installed.
// Bash splits words at "=" and ":"; it joins them, and cuts the word at the cursor.
const bashWords = `local i line=$COMP_LINE after= tail
    words=()
    cword=0
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        if ((i > 0)) && [[ $line != [[:blank:]]* && ( ${COMP_WORDS[i]} == [=:]* || -n $after ) ]]; then
            words[${#words[@]}-1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
        after=
        [[ ${COMP_WORDS[i]} == *[=:] ]] && after=1
        line=${line#"${line%%[![:blank:]]*}"}
        line=${line#"${COMP_WORDS[i]}"}
        ((i == COMP_CWORD)) && cword=$((${#words[@]} - 1))
    done
    tail=${COMP_LINE:COMP_POINT}
    tail=${tail%%[[:blank:]=:]*}
    cur=${words[cword]}
    [[ -n $tail ]] && cur=${cur%"$tail"}
    words[cword]=$cur
    prev=
    ((cword > 0)) && prev=${words[cword-1]}
    return 0
`

// bashCompletion writes the script for bash. Cobra's calls two functions of the package
// bash-completion, which a plain Debian does not have.
func bashCompletion(root *cobra.Command, out io.Writer) error {
	var script bytes.Buffer
	if err := root.GenBashCompletionV2(&script, true); err != nil {
		return err
	}
	_, err := strings.NewReplacer(
		"_get_comp_words_by_ref \"$@\" cur prev words cword\n", bashWords,
		"                    _filedir\n", "                    COMPREPLY=($(compgen -f -- \"$cur\"))\n",
	).WriteString(out, script.String())
	return err
}
