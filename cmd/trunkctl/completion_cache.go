package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

// completionCache has what completion offers of a workspace.
type completionCache struct {
	Time    time.Time      `json:"time"`
	Agents  []cachedAgent  `json:"agents"`
	Numbers []cachedNumber `json:"numbers"`
}

type cachedAgent struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
}

type cachedNumber struct {
	Number string `json:"number"`
	Agent  string `json:"agent,omitempty"` // the name of one that serves it
}

func (a *app) completionCacheCommand() *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Fetch the agents and numbers that completion offers",
		Long: `Fetch the agents of the workspace and the numbers of its trunks, and store them for completion,
which never calls the API itself. Run it again when they have changed.

The cache has whole numbers and no secrets. It is $XDG_CACHE_HOME/trunkctl/completion
(~/.cache/trunkctl/completion), one file per workspace, which only its owner can read.`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.global.demo {
				return usagef("the demo has no completion cache")
			}
			if remove {
				return a.removeCompletionCache()
			}
			return a.fillCompletionCache(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "remove the cache of the workspace")
	return cmd
}

// cachePath returns the name of the file of a workspace.
func (a *app) cachePath(base string) (string, error) {
	dir, err := a.cacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "trunkctl", "completion", url.QueryEscape(base)+".json"), nil
}

func (a *app) fillCompletionCache(ctx context.Context) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	path, err := a.cachePath(w.base)
	if err != nil {
		return err
	}
	cache, err := fetchCompletionCache(ctx, w)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	err = files.Replace(path, func(to io.Writer) error { return json.NewEncoder(to).Encode(cache) })
	if err == nil {
		a.note("completion offers %s and %s of %s", counted(len(cache.Agents), "agent"), counted(len(cache.Numbers), "number"), w.name)
	}
	return err
}

// numberForm is what completion offers. A shell would execute some of what is not a number.
var numberForm = regexp.MustCompile(`^\+?\d+$`)

// fetchCompletionCache lists the trunks of a workspace, and its agents if the API and the token have
// that list.
func fetchCompletionCache(ctx context.Context, w *workspace) (*completionCache, error) {
	cache := &completionCache{Time: time.Now(), Agents: []cachedAgent{}, Numbers: []cachedNumber{}}
	agents, numbers := map[string]bool{}, map[string]bool{}
	addAgent := func(uuid, name string) {
		if uuid = strings.ToLower(uuid); uuidForm.MatchString(uuid) && !agents[uuid] {
			agents[uuid] = true
			cache.Agents = append(cache.Agents, cachedAgent{uuid, name})
		}
	}
	for agent, err := range w.client.Agents.All(ctx, &mihu.AllOptions{Prefetch: 1}) {
		if err != nil {
			break // the agents that have trunks are enough; an end of the context ends the next list too
		}
		addAgent(agent.UUID, agent.Name)
	}
	for trunk, err := range trunks(ctx, w.client, trunkFilter{}, new(int)) {
		if err != nil {
			return nil, err
		}
		addAgent(trunk.AgentUUID, trunk.AgentName)
		if numberForm.MatchString(trunk.PhoneNumber) && !numbers[trunk.PhoneNumber] {
			numbers[trunk.PhoneNumber] = true
			cache.Numbers = append(cache.Numbers, cachedNumber{trunk.PhoneNumber, trunk.AgentName})
		}
	}
	return cache, nil
}

func (a *app) removeCompletionCache() error {
	t, err := a.target()
	if err != nil {
		return err
	}
	path, err := a.cachePath(t.base)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	a.note("removed the completion cache of %s", t.name)
	return nil
}

// cached returns the cache of the selected workspace. It is empty if there is none, since
// completion has no place for an error.
func (a *app) cached() (cache completionCache) {
	t, err := a.target()
	if err != nil {
		return cache
	}
	path, err := a.cachePath(t.base)
	if err != nil {
		return cache
	}
	content, err := os.ReadFile(path) //nolint:gosec // a file of this program's own
	if err != nil || json.Unmarshal(content, &cache) != nil {
		return completionCache{}
	}
	return cache
}

// completeAgent completes the UUID of an agent, with its name beside it.
func (a *app) completeAgent(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var agents []cobra.Completion
	for _, agent := range a.cached().Agents {
		agents = append(agents, completionOf(agent.UUID, agent.Name))
	}
	return agents, cobra.ShellCompDirectiveNoFileComp
}

// completeNumber completes the first argument with a number. completeNumbers completes them all.
func (a *app) completeNumber(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeNumbers(cmd, args, typed)
}

func (a *app) completeNumbers(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var numbers []cobra.Completion
	for _, number := range a.cached().Numbers {
		if !slices.Contains(args, number.Number) {
			numbers = append(numbers, completionOf(number.Number, number.Agent))
		}
	}
	return numbers, cobra.ShellCompDirectiveNoFileComp
}

// completionOf returns a completion with a description. Both are text of the API, whose control
// characters could add lines.
func completionOf(value, description string) cobra.Completion {
	return cobra.CompletionWithDesc(term.Printable(value), term.Printable(description))
}

// completeFromCache completes --agent of every command, and the numbers of those that take some.
func (a *app) completeFromCache(root *cobra.Command) {
	for _, command := range root.Commands() {
		if command.LocalFlags().Lookup("agent") != nil {
			_ = command.RegisterFlagCompletionFunc("agent", a.completeAgent)
		}
		switch command.Name() {
		case "update", "assign", "ensure", "channels", "limits":
			command.ValidArgsFunction = a.completeNumber
		case "delete", "rotate":
			command.ValidArgsFunction = a.completeNumbers
		}
	}
}
