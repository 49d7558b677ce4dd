// Command consumer shows that users can install the modules of this repository: it zips every
// published module into a module proxy, and gets, builds, tests and installs them from an empty
// module with an empty cache.
//
//	go run ./consumer                    what a release of this checkout would be
//	go run ./consumer -since origin/main only modules that have changed since then, and their users
//	go run ./consumer -ref v0.1.0        a commit as it is, at the version that its source names
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
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/mihu-go/mihu/scripts/internal/candidate"
	"github.com/mihu-go/mihu/scripts/internal/outside"
	"github.com/mihu-go/mihu/scripts/internal/tree"
)

type options struct {
	root, ref, since, proxy string
	releases                []string
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", "..", "the checkout")
	flag.StringVar(&o.ref, "ref", "", "check this commit as it is")
	flag.StringVar(&o.since, "since", "", "check only modules that have changed since this commit, and their users")
	flag.StringVar(&o.proxy, "proxy", "", "keep the module proxy in this folder, which may have other versions")
	flag.Func("go", "also use this Go release, such as go1.27.4", func(name string) error {
		o.releases = append(o.releases, name)
		return nil
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // stop only restores the signal
	}
}

func run(ctx context.Context, o options) error {
	began := time.Now()
	temp, err := os.MkdirTemp("", "consumer-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp) //nolint:errcheck // a leftover in a temporary folder
	if o.proxy == "" {
		o.proxy = filepath.Join(temp, "proxy")
	}
	if o.proxy, err = filepath.Abs(o.proxy); err != nil {
		return err
	}
	t, version, err := prepare(ctx, o, filepath.Join(temp, "tree"))
	if err != nil {
		return err
	}
	if err := candidate.Serve(o.proxy, t, version, o.ref == ""); err != nil {
		return err
	}
	modules, err := selected(ctx, o, t)
	if err != nil {
		return err
	}
	var failed error
	for _, release := range append([]string{""}, o.releases...) {
		goRoot, err := outside.Toolchain(ctx, release)
		if err != nil {
			return err
		}
		user := outside.User{GoRoot: goRoot, Proxy: o.proxy, Root: t.Modules[0].Path}
		failed = errors.Join(failed, check(ctx, user, t, modules, version))
	}
	fmt.Printf("%d of %d published modules at %s, %.0f s\n", len(modules), len(t.Published()), version, time.Since(began).Seconds())
	return failed
}

// prepare copies the tree to be checked, and returns it with its version.
func prepare(ctx context.Context, o options, dir string) (*tree.Tree, string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, "", err
	}
	if o.ref != "" {
		if err := tree.Archive(ctx, o.root, o.ref, dir); err != nil {
			return nil, "", err
		}
	} else if err := tree.Copy(ctx, o.root, dir); err != nil {
		return nil, "", err
	}
	t, err := tree.Load(dir)
	if err != nil {
		return nil, "", err
	}
	version, err := t.Version()
	if err == nil && o.ref == "" {
		// A version that nobody has, so that no published module takes the place of this checkout's.
		version = "v0.999.0"
		err = t.SetVersion(version)
	}
	return t, version, err
}

// selected returns the modules to check.
func selected(ctx context.Context, o options, t *tree.Tree) ([]tree.Module, error) {
	if o.since == "" {
		return t.Published(), nil
	}
	var changed []string
	for _, args := range [][]string{{"diff", "--name-only", o.since}, {"ls-files", "--others", "--exclude-standard"}} {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", o.root}, args...)...).Output()
		if err != nil {
			return nil, fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
		}
		changed = append(changed, strings.Fields(string(out))...)
	}
	return t.Changed(changed), nil
}

// check checks modules with one Go release, several at a time, and prints what was done for each.
func check(ctx context.Context, user outside.User, t *tree.Tree, modules []tree.Module, version string) error {
	fmt.Println("with", filepath.Base(user.GoRoot), "of", runtime.GOOS)
	errs := make([]error, len(modules))
	logs := make([]strings.Builder, len(modules))
	slots := make(chan struct{}, runtime.NumCPU())
	var group sync.WaitGroup
	for i, m := range modules {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			user := user
			user.Log = &logs[i]
			began := time.Now()
			err := user.Use(ctx, m, version)
			if _, statErr := os.Stat(t.File(m, "go.work")); statErr == nil {
				err = errors.Join(err, user.Build(ctx, t, m))
			}
			if err != nil {
				errs[i] = fmt.Errorf("%s@%s cannot be used: %w", m.Path, version, err)
			}
			fmt.Fprintf(user.Log, "   %.1f s\n", time.Since(began).Seconds())
		})
	}
	group.Wait()
	for i := range logs {
		fmt.Print(logs[i].String())
	}
	return errors.Join(errs...)
}
