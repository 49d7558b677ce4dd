// Package outside uses published modules as a user does who has nothing of this repository: from an
// empty module, with an empty module cache, through a module proxy.
package outside

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mihu-go/mihu/scripts/internal/tree"
)

// User is somebody who installs modules.
type User struct {
	GoRoot string // of the Go release that is used
	Proxy  string // the folder of the proxy with the modules
	Root   string // the path of the root module: what is below it has no checksums in a database
	Log    io.Writer
}

// Toolchain returns the GOROOT of a Go release, "" being the one of PATH. Go downloads it if needed.
func Toolchain(ctx context.Context, name string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOROOT")
	if name != "" {
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+name)
	}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("no Go release %q: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// session is an empty folder, with an empty module in it, and an empty module cache.
type session struct {
	User
	dir string
	env []string
}

// Use gets a version of a module and builds all its packages, builds a program that imports them,
// runs its examples, installs its commands, and compares the versions in the binaries.
func (u User) Use(ctx context.Context, m tree.Module, version string) error {
	s, err := u.open(ctx, m)
	if err != nil {
		return err
	}
	defer os.RemoveAll(s.dir) //nolint:errcheck // a leftover in a temporary folder
	mains, libraries, err := s.get(ctx, m, version)
	if err != nil {
		return err
	}
	if len(libraries) > 0 {
		err = s.program(ctx, libraries, version)
	}
	if strings.HasPrefix(m.Dir, "cmd/") {
		err = errors.Join(err, s.install(ctx, mains, version))
	}
	return err
}

func (u User) open(ctx context.Context, m tree.Module) (*session, error) {
	dir, err := os.MkdirTemp("", "outside-")
	if err != nil {
		return nil, err
	}
	cache, err := output(ctx, u.goCommand(), "", os.Environ(), "env", "GOMODCACHE")
	if err != nil {
		return nil, err
	}
	s := &session{User: u, dir: dir}
	s.env = append(os.Environ(),
		"GOPROXY="+proxies(ctx, u.Proxy, filepath.Join(cache, "cache", "download"), os.Getenv("GOPROXY")),
		"GONOSUMDB="+strings.TrimPrefix(os.Getenv("GONOSUMDB")+","+u.Root, ","),
		"GOMODCACHE="+filepath.Join(dir, "modules"),
		"GOBIN="+filepath.Join(dir, "bin"),
		"GOTOOLCHAIN=local", "GOWORK=off",
		// With -trimpath the packages that were built in another folder are not built again.
		"GOFLAGS="+os.Getenv("GOFLAGS")+" -modcacherw -trimpath")
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/outside\n"), 0o600); err != nil {
		return nil, err
	}
	fmt.Fprintf(u.Log, "-- %s\n", m.Path)
	return s, nil
}

// proxies lists the proxy with the modules of the tree, the module cache of the user as a proxy of
// all other modules, and the proxies of the environment. Nothing is fetched from repositories.
func proxies(ctx context.Context, ours, cache, environment string) string {
	list := []string{"file://" + filepath.ToSlash(ours), "file://" + filepath.ToSlash(cache)}
	for proxy := range strings.FieldsFuncSeq(cmp.Or(environment, defaultProxy(ctx)), func(r rune) bool { return r == ',' || r == '|' }) {
		if proxy != "direct" {
			list = append(list, proxy)
		}
	}
	return strings.Join(list, ",")
}

// defaultProxy returns the setting of "go env -w", or Go's own.
func defaultProxy(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "env", "GOPROXY").Output()
	if err != nil {
		return "off"
	}
	return strings.TrimSpace(string(out))
}

// get gets a module with what its tests need, and builds it. It returns the packages of its
// programs, and those that a user can import.
func (s *session) get(ctx context.Context, m tree.Module, version string) (mains, libraries []string, err error) {
	if _, err := s.run(ctx, "get", m.Path+"@"+version); err != nil {
		return nil, nil, err
	}
	const format = "{{.Module.Path}} {{.Name}} {{.ImportPath}}{{range .TestGoFiles}} {{.}}{{end}}{{range .XTestGoFiles}} {{.}}{{end}}"
	list, err := s.run(ctx, "list", "-f", format, m.Path+"/...")
	if err != nil {
		return nil, nil, err
	}
	var packages, tested []string
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		owner, name, path := fields[0], fields[1], fields[2]
		// The pattern also matches packages of other modules whose path begins with this one.
		if owner != m.Path {
			continue
		}
		packages = append(packages, path)
		if name == "main" {
			mains = append(mains, path)
			continue
		}
		if strings.Contains("/"+path+"/", "/internal/") {
			continue
		}
		libraries = append(libraries, path)
		if slices.ContainsFunc(fields[3:], func(file string) bool { return strings.HasPrefix(file, "example") }) {
			tested = append(tested, path)
		}
	}
	if len(tested) > 0 {
		getTests := []string{"get", "-t"}
		for _, path := range tested {
			getTests = append(getTests, path+"@"+version) // without a version it would be the latest
		}
		if _, err := s.run(ctx, getTests...); err != nil {
			return nil, nil, err
		}
		if _, err := s.run(ctx, append([]string{"test", "-vet=off", "-run=^Example"}, tested...)...); err != nil {
			return nil, nil, err
		}
	}
	_, err = s.run(ctx, append([]string{"build"}, packages...)...)
	return mains, libraries, err
}

// program builds a program that imports packages.
func (s *session) program(ctx context.Context, packages []string, version string) error {
	var source strings.Builder
	source.WriteString("package main\n\nimport (\n")
	for _, path := range packages {
		fmt.Fprintf(&source, "\t_ %q\n", path)
	}
	source.WriteString(")\n\nfunc main() {}\n")
	if err := os.WriteFile(filepath.Join(s.dir, "main.go"), []byte(source.String()), 0o600); err != nil {
		return err
	}
	binary := filepath.Join(s.dir, "program")
	if _, err := s.run(ctx, "build", "-o", binary, "."); err != nil {
		return err
	}
	return s.versions(ctx, binary, version)
}

// install installs commands as their documentation says.
func (s *session) install(ctx context.Context, commands []string, version string) error {
	for _, path := range commands {
		if _, err := s.run(ctx, "install", path+"@"+version); err != nil {
			return err
		}
		binary := filepath.Join(s.dir, "bin", filepath.Base(path))
		if err := s.versions(ctx, binary, version); err != nil {
			return err
		}
	}
	return nil
}

// versions prints the versions of this repository's modules in a binary. Each must be the one that
// was asked for, and none may be replaced.
func (s *session) versions(ctx context.Context, binary, version string) error {
	out, err := s.run(ctx, "version", "-m", binary)
	if err != nil {
		return err
	}
	found := false
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) > 0 && fields[0] == "=>" {
			return fmt.Errorf("%s has a replaced module: %s", filepath.Base(binary), line)
		}
		if len(fields) < 3 || (fields[1] != s.Root && !strings.HasPrefix(fields[1], s.Root+"/")) || (fields[0] != "dep" && fields[0] != "mod") {
			continue
		}
		found = true
		fmt.Fprintf(s.Log, "   %s: %s %s\n", filepath.Base(binary), fields[1], fields[2])
		if fields[2] != version {
			return fmt.Errorf("%s has %s %s, and not %s", filepath.Base(binary), fields[1], fields[2], version)
		}
	}
	if !found {
		return fmt.Errorf("%s names no module of %s", filepath.Base(binary), s.Root)
	}
	return nil
}

// Build builds a module in its folder without a workspace. A go.sum must have every line.
func (u User) Build(ctx context.Context, t *tree.Tree, m tree.Module) error {
	s, err := u.open(ctx, m)
	if err != nil {
		return err
	}
	defer os.RemoveAll(s.dir) //nolint:errcheck // a leftover in a temporary folder
	folder := filepath.Dir(t.File(m, "go.mod"))
	_, err = output(ctx, u.goCommand(), folder, s.env, "build", "-mod=readonly", "-o", os.DevNull, "./...")
	return err
}

func (u User) goCommand() string { return filepath.Join(u.GoRoot, "bin", "go") }

func (s *session) run(ctx context.Context, args ...string) (string, error) {
	return output(ctx, s.goCommand(), s.dir, s.env, args...)
}

func output(ctx context.Context, command, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}
