package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/credentials"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

const (
	// envState is the variable for the file of the state, if it is not in its own directory.
	envState = "TRUNKCTL_STATE"
	// envStateKey is the variable for the key of the state.
	envStateKey = "TRUNKCTL_STATE_KEY"
)

// addState adds the flag that names the file of the state.
func (a *app) addState(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.statePath, "state", "", "`FILE` of the state (default $TRUNKCTL_STATE, then that of \"trunkctl state path\")")
}

// pathOfState returns the name of the file of a workspace's state.
func (a *app) pathOfState(base string) (string, error) {
	if path := cmp.Or(a.statePath, a.getenv(envState)); path != "" {
		return path, nil
	}
	dir, err := a.stateDir()
	if err != nil {
		return "", &usageError{problem: "no directory for the state: " + err.Error(), advice: "set one of these, or pass --state FILE"}
	}
	return filepath.Join(dir, "trunkctl", "state", url.QueryEscape(base)+".jsonl"), nil
}

// openedState is the state of a workspace, or nil fields if there is none.
type openedState struct {
	*provision.State
	file *provision.StateFile
}

// close closes the file. A state that was changed and cannot be written is an error.
func (s *openedState) close(end error) error {
	if s == nil || s.file == nil {
		return end
	}
	return errors.Join(end, s.file.Close())
}

// stateAccess is how a command uses the state.
type stateAccess int

const (
	stateToRead   stateAccess = iota // a dry run
	stateToPlan                      // a dry run of a sync, which has an ID even if there is no state yet
	stateIfThere                     // a command that changes trunks
	stateToCreate                    // a sync
)

// openState opens the state of a workspace. There is none if no sync has created it, and none of the
// demo.
func (a *app) openState(ctx context.Context, w *workspace, access stateAccess) (*openedState, error) {
	none := &openedState{}
	if a.global.demo {
		return none, nil
	}
	path, err := a.pathOfState(w.base)
	if err != nil {
		return nil, err
	}
	exists := hasContent(path)
	if !exists && (access == stateToRead || access == stateIfThere) {
		return none, nil
	}
	key, err := a.stateKey(ctx, w.base, access == stateToCreate)
	switch {
	case isA[*missingKeyError](err) && !exists:
		return none, nil
	case err != nil:
		return nil, err
	}
	if access == stateToCreate {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
	}
	file, err := provision.OpenStateFile(path, provision.StateFileOptions{ReadOnly: access == stateToRead || access == stateToPlan})
	if err != nil {
		return nil, stateError(path, err)
	}
	state, err := provision.OpenState(ctx, file, key, w.base)
	if err != nil {
		return nil, errors.Join(stateError(path, err), file.Close())
	}
	return &openedState{state, file}, nil
}

// stateError adds what to do to an error of a state.
func stateError(path string, err error) error {
	switch {
	case errors.Is(err, provision.ErrStateInUse):
		return &usageError{problem: path + " is in use: another command changes this workspace", advice: "wait until it has ended"}
	case errors.Is(err, provision.ErrOtherWorkspace):
		return &usageError{problem: plainText(err), advice: "pass the workspace's own --state FILE"}
	case errors.Is(err, provision.ErrStateDamaged):
		return &advisedError{err, "remove " + term.ShellQuote(path) + ": everything is sent once more, and nothing is pruned before that"}
	}
	return err
}

// missingKeyError is the error of a state the key of which is nowhere.
type missingKeyError struct{ usageError }

func (e *missingKeyError) Unwrap() error { return &e.usageError }

// stateKeys stores the keys of states, as tokens are stored.
func (a *app) stateKeys() *credentials.Tokens {
	tokens := a.tokens()
	tokens.Kind = "state-key"
	return tokens
}

// stateKey returns the key of a workspace's state: of the variable, or what was stored. If create is
// set, a new one is stored.
func (a *app) stateKey(ctx context.Context, base string, create bool) (provision.StateKey, error) {
	if text := a.getenv(envStateKey); text != "" {
		key, err := provision.ParseStateKey(text)
		if err != nil {
			return key, usagef("%s: not a key of a state; \"trunkctl state new-key\" prints one", envStateKey)
		}
		return key, nil
	}
	text, from, err := a.stateKeys().Load(ctx, base)
	switch {
	case err != nil:
		return provision.StateKey{}, err
	case text != "":
		key, err := provision.ParseStateKey(text)
		if err != nil {
			err = &advisedError{fmt.Errorf("the key of the state in %s is damaged", from), "set " + envStateKey}
		}
		return key, err
	case !create:
		return provision.StateKey{}, &missingKeyError{usageError{
			problem: "there is a state, and its key is missing; nothing was sent, since the state would become wrong",
			advice:  "set " + envStateKey + " to the key that the state was made with, or remove the state: everything is sent once more then",
		}}
	}
	key := provision.NewStateKey()
	where, err := a.stateKeys().Store(ctx, base, key.Encode(), false)
	if err != nil {
		return key, err
	}
	a.note("created the key of the state in %s", where)
	return key, nil
}

// track changes one trunk, and keeps the state if there is one.
func (a *app) track(ctx context.Context, w *workspace, change provision.StateChange, send func(context.Context) (*mihu.ChannelSnapshot, error)) (*mihu.ChannelSnapshot, error) {
	state, err := a.openState(ctx, w, stateIfThere)
	if err != nil {
		return nil, err
	}
	snap, err := state.Track(ctx, change, send)
	return snap, state.close(err)
}

func (a *app) stateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Show what was last sent to each trunk, or forget it",
		Long: `The state remembers, for each trunk, which name, direction, SIP credentials and settings were last
sent, because the API does not return them. It has phone numbers, agents and digests under a secret
key, and no values. "trunkctl sync" or "state init" creates it. From then on, every command that changes trunks of
the workspace keeps it.

The file is $XDG_STATE_HOME/trunkctl/state/ADDRESS.jsonl (~/.local/state); TRUNKCTL_STATE or --state
names another. The key is in TRUNKCTL_STATE_KEY, or in the system keyring, or in a file beside the
token. If either is lost, everything is sent once more, and nothing is deleted before that.`,
		Example: `  trunkctl state show
  trunkctl state forget +12025550123
  trunkctl state new-key`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	ofFile := []*cobra.Command{a.stateInitCommand(), a.stateShowCommand(), a.stateForgetCommand(), a.statePathCommand()}
	for _, c := range ofFile {
		a.addState(c)
	}
	cmd.AddCommand(ofFile...)
	cmd.AddCommand(a.stateNewKeyCommand())
	return cmd
}

func (a *app) stateInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Create the state, before the first sync",
		Long: `Create the state and its key, if they are not there. The first "trunkctl sync" does that too; init is
for a workspace that is filled by "trunkctl import" or by single commands first.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.initState(cmd.Context()) },
	}
}

func (a *app) stateShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show [NUMBER...]",
		Short:             "Show what the state has",
		Long:              `Show what the state has of these numbers, or of all.`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.showState(cmd.Context(), args) },
	}
}

func (a *app) stateForgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget NUMBER...",
		Short: "Forget trunks, without changing them",
		Long: `Forget the trunks of these numbers, on both channels. They are no longer managed: "trunkctl sync"
does not delete them, and sends everything the next time that a file names them.`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.forget(cmd.Context(), args) },
	}
}

func (a *app) statePathCommand() *cobra.Command {
	return &cobra.Command{
		Use: "path", Short: "Print the name of the file", Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.printStatePath() },
	}
}

func (a *app) stateNewKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "new-key",
		Short: "Print a new key for TRUNKCTL_STATE_KEY",
		Long:  `Print a new key, for a secret variable of CI. It is not stored.`,
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, provision.NewStateKey().Encode())
			return err
		},
	}
}

func (a *app) initState(ctx context.Context) error {
	state, w, err := a.openStateOf(ctx, stateToCreate)
	if err != nil {
		return err
	}
	head, err := state.file.Head(ctx)
	if err != nil {
		return state.close(err)
	}
	if head != (provision.StateHead{}) {
		a.note("%s has a state already", w.name)
		return state.close(nil)
	}
	key, err := a.stateKey(ctx, w.base, false)
	if err == nil {
		err = state.file.SetHead(ctx, provision.StateHead{Workspace: w.base, KeyID: key.ID(), Generation: 1, Serial: 1})
	}
	if err == nil {
		a.note("created the state of %s; commands that change its trunks keep it", w.name)
	}
	return state.close(err)
}

func (a *app) printStatePath() error {
	t, err := a.target()
	if err != nil {
		return err
	}
	path, err := a.pathOfState(t.base)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, path)
	return err
}

// openStateOf opens the state of the selected workspace, for a command that sends nothing and needs
// no token.
func (a *app) openStateOf(ctx context.Context, access stateAccess) (*openedState, *workspace, error) {
	if a.global.demo {
		return nil, nil, usagef("the demo has no state")
	}
	t, err := a.target()
	if err != nil {
		return nil, nil, err
	}
	w := &workspace{target: t}
	state, err := a.openState(ctx, w, access)
	if err == nil && state.State == nil {
		a.note("%s has no state; \"trunkctl sync\" or \"trunkctl state init\" creates it", t.name)
	}
	return state, w, err
}

// stateRecord is an entry of the state, as data.
type stateRecord struct {
	PhoneNumber     string   `json:"phone_number"`
	Channel         string   `json:"channel"`
	AgentUUID       string   `json:"agent_uuid,omitempty"`
	PhoneNumberUUID string   `json:"phone_number_uuid,omitempty"`
	Managed         bool     `json:"managed"`
	Sent            []string `json:"sent"`
	InDoubt         []string `json:"in_doubt"`
}

func stateColumns() []term.Column {
	return []term.Column{
		{Name: "number"},
		{Name: "channel"},
		{Name: "agent_uuid", Spare: true},
		{Name: "managed"},
		{Name: "sent", Flexible: true},
		{Name: "in_doubt"},
	}
}

func (r stateRecord) Cells() []string {
	managed := "no"
	if r.Managed {
		managed = "yes"
	}
	return []string{r.PhoneNumber, r.Channel, r.AgentUUID, managed, strings.Join(r.Sent, " "), strings.Join(r.InDoubt, " ")}
}

func (a *app) showState(ctx context.Context, numbers []string) error {
	state, _, err := a.openStateOf(ctx, stateToRead)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, number := range numbers {
		id := trunkID(number, string(mihu.ChannelCall))
		if err := id.Validate(); err != nil {
			return err
		}
		wanted[id.PhoneNumber] = true
	}
	out := a.records(stateColumns())
	out.OmitEmptyTable()
	for entry, err := range state.All(ctx) {
		if err != nil {
			return state.close(err)
		}
		if len(wanted) > 0 && !wanted[entry.Trunk.PhoneNumber] {
			continue
		}
		if err := out.Add(stateRecord{
			PhoneNumber: entry.Trunk.PhoneNumber, Channel: string(entry.Trunk.Channel), AgentUUID: entry.AgentUUID,
			PhoneNumberUUID: entry.PhoneNumberUUID, Managed: entry.Managed, Sent: append([]string{}, entry.Sent.Names()...),
			InDoubt: append([]string{}, entry.Sent.InDoubt()...),
		}); err != nil {
			return state.close(err)
		}
	}
	return state.close(out.End())
}

func (a *app) forget(ctx context.Context, numbers []string) error {
	state, w, err := a.openStateOf(ctx, stateIfThere)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		id := trunkID(number, string(mihu.ChannelCall))
		if err := id.Validate(); err != nil {
			return state.close(err)
		}
	}
	forgotten := 0
	for _, number := range numbers {
		for _, channel := range []mihu.Channel{mihu.ChannelCall, mihu.ChannelWhatsApp} {
			id := trunkID(number, string(channel))
			_, there, err := state.Entry(ctx, id)
			if err == nil && there {
				forgotten++
				err = state.Forget(ctx, id)
			}
			if err != nil {
				return state.close(err)
			}
		}
	}
	a.note("forgot %s in the state of %s; no trunk was changed", counted(forgotten, "trunk"), w.name)
	return state.close(nil)
}

// plansDir is the directory of the journals of plans.
func (a *app) plansDir(base string) (string, error) {
	path, err := a.pathOfState(base)
	if err != nil {
		return "", err
	}
	return files.Resolve(path) + ".plans", nil
}
