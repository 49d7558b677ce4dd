// Command release makes a release of all published modules: one commit, and one tag for each.
//
//	go run ./release v0.1.0             shows what the release would be
//	go run ./release -apply v0.1.0      commits it and sets the tags; it pushes nothing
//	go run ./release -notes v0.1.0      prints what the change log says of a version
//
// It refuses a checkout with changes, a version that the changes of the API do not allow, and a
// check that fails. It sets the tags when every module can be got from the commit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/mihu-go/mihu/scripts/internal/api"
	"github.com/mihu-go/mihu/scripts/internal/candidate"
	"github.com/mihu-go/mihu/scripts/internal/rule"
	"github.com/mihu-go/mihu/scripts/internal/tree"
)

type release struct {
	root, check, version, date string
	apply, notes               bool
	temp                       string // a temporary folder
}

func main() {
	var r release
	flag.StringVar(&r.root, "root", "..", "the checkout")
	flag.StringVar(&r.check, "check", "bash .ci/run", "the command that checks the checkout")
	flag.StringVar(&r.date, "date", time.Now().UTC().Format(time.DateOnly), "the date of the version in the change log")
	flag.BoolVar(&r.apply, "apply", false, "commit the release and set the tags")
	flag.BoolVar(&r.notes, "notes", false, "print what the change log says of the version")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: go run ./release [flags] VERSION")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	r.version = flag.Arg(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := r.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "no release:", err)
		os.Exit(1) //nolint:gocritic // stop only restores the signal
	}
}

func (r *release) run(ctx context.Context) error {
	root, err := filepath.Abs(r.root)
	if err != nil {
		return err
	}
	r.root = root
	t, err := tree.Load(r.root)
	if err != nil {
		return err
	}
	if r.notes {
		section, err := t.Section(r.version)
		fmt.Print(section)
		return err
	}
	if r.temp, err = os.MkdirTemp("", "release-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.temp) //nolint:errcheck // a leftover in a temporary folder
	tags := tags(t, r.version)
	if err := r.refuse(ctx, t, tags); err != nil {
		return err
	}
	written, err := r.write(ctx)
	if err != nil {
		return err
	}
	if !r.apply {
		return r.show(ctx, written, tags)
	}
	if err := r.runCheck(ctx); err != nil {
		return err
	}
	return r.commit(ctx, written, tags)
}

// tags returns the tags of the published modules.
func tags(t *tree.Tree, version string) []string {
	var tags []string
	for _, m := range t.Published() {
		tags = append(tags, m.Tag(version))
	}
	return tags
}

// refuse returns an error if the checkout or the version does not allow a release.
func (r *release) refuse(ctx context.Context, t *tree.Tree, tags []string) error {
	status, err := r.git(ctx, "status", "--porcelain")
	if err != nil {
		return err
	}
	if status != "" {
		return errors.New("the checkout has changes that are not committed:\n" + status)
	}
	existing, err := r.git(ctx, append([]string{"tag", "--list"}, tags...)...)
	if err != nil {
		return err
	}
	if existing != "" {
		return errors.New("there are tags of this version; a tag is never moved:\n" + existing)
	}
	// "git describe" fails if there is no tag, and that is the first release.
	last, _ := r.git(ctx, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
	change, err := r.changes(ctx, last, t)
	if err != nil {
		return err
	}
	return rule.Check(last, r.version, change)
}

// changes compares the API with that of the last version, if there is one.
func (r *release) changes(ctx context.Context, last string, t *tree.Tree) (change rule.Change, err error) {
	if change.Announced, err = t.HasBreaking(); err != nil || last == "" {
		return change, err
	}
	dir := filepath.Join(r.temp, "last")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return change, err
	}
	if err := tree.Archive(ctx, r.root, last, dir); err != nil {
		return change, err
	}
	before, err := tree.Load(dir)
	if err != nil {
		return change, err
	}
	change.Incompatible, change.Compatible, err = api.Compare(before, t)
	fmt.Printf("since %s, the API has %d incompatible changes and %d additions\n", last, len(change.Incompatible), len(change.Compatible))
	return change, err
}

// write writes the release into a copy of the checkout.
func (r *release) write(ctx context.Context) (*tree.Tree, error) {
	date, err := time.Parse(time.DateOnly, r.date)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.temp, "written")
	if err := tree.Copy(ctx, r.root, dir); err != nil {
		return nil, err
	}
	t, err := tree.Load(dir)
	if err != nil {
		return nil, err
	}
	if err := candidate.Write(t, r.version, date); err != nil {
		return nil, err
	}
	if err := candidate.Tidy(ctx, t); err != nil {
		return nil, err
	}
	return t, candidate.Serve(filepath.Join(r.temp, "proxy"), t, r.version, true)
}

// show prints what a release would change, and its tags.
func (r *release) show(ctx context.Context, written *tree.Tree, tags []string) error {
	changed, err := tree.Differences(r.root, written.Root)
	if err != nil {
		return err
	}
	for _, name := range changed {
		diff := exec.CommandContext(ctx, "git", "diff", "--no-index", "--", filepath.Join(r.root, name), filepath.Join(written.Root, name))
		out, _ := diff.Output() // its status says that the files differ
		text := strings.ReplaceAll(string(out), written.Root, "")
		fmt.Print(strings.ReplaceAll(text, r.root, ""))
	}
	fmt.Printf("\nThe check would be: %s\nThe tags would be:\n  %s\nNothing was changed. With -apply, the release is committed and tagged.\n", r.check, strings.Join(tags, "\n  "))
	return nil
}

func (r *release) runCheck(ctx context.Context) error {
	if err := r.command(ctx, "bash", "-c", r.check); err != nil {
		return fmt.Errorf("the check %q failed: %w", r.check, err)
	}
	return nil
}

// commit commits the release, checks that every module of the commit can be got, and sets the tags.
// If a module cannot be got, the commit stays for a look, without tags.
func (r *release) commit(ctx context.Context, written *tree.Tree, tags []string) error {
	changed, err := tree.Differences(r.root, written.Root)
	if err != nil {
		return err
	}
	for _, name := range changed {
		if err := tree.CopyFile(filepath.Join(written.Root, name), filepath.Join(r.root, name)); err != nil {
			return err
		}
	}
	if _, err := r.git(ctx, append([]string{"add", "--"}, changed...)...); err != nil {
		return err
	}
	if _, err := r.git(ctx, "commit", "-q", "-m", "Release "+r.version); err != nil {
		return err
	}
	consumer := exec.CommandContext(ctx, "go", "run", "./consumer", "-root", r.root, "-ref", "HEAD")
	consumer.Dir = filepath.Join(r.root, "scripts")
	consumer.Stdout, consumer.Stderr = os.Stdout, os.Stderr
	if err := consumer.Run(); err != nil {
		return fmt.Errorf("the modules of the commit cannot be used, so it has no tags; take it back with \"git reset --hard HEAD~1\": %w", err)
	}
	for _, tag := range tags {
		if _, err := r.git(ctx, "tag", "-a", "-m", "Release "+r.version, tag); err != nil {
			return err
		}
	}
	fmt.Printf("Committed and tagged. To publish, push the commit and the tags at once:\n  git push --atomic origin HEAD %s\n", strings.Join(tags, " "))
	return nil
}

func (r *release) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", r.root}, args...)...)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// command runs a command in the checkout, with its output shown.
func (r *release) command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.root, os.Stdout, os.Stderr
	return cmd.Run()
}
