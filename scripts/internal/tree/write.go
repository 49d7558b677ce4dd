package tree

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// SetVersion writes a version into the constant Version, into what the modules of the tree require
// of each other, and into go.work files. Versions of other modules stay. go.sum is SetSums' job.
func (t *Tree) SetVersion(version string) error {
	name := filepath.Join(t.Root, VersionFile)
	err := rewrite(name, func(content []byte) ([]byte, error) {
		if !versionLine.Match(content) {
			return nil, errors.New(`it has no line const Version = "…"`)
		}
		return versionLine.ReplaceAll(content, fmt.Appendf(nil, "const Version = %q", strings.TrimPrefix(version, "v"))), nil
	})
	for _, m := range t.Modules {
		err = errors.Join(err,
			rewrite(t.File(m, "go.mod"), func(content []byte) ([]byte, error) { return t.setRequires(content, version) }))
		if work := t.File(m, "go.work"); exists(work) {
			err = errors.Join(err,
				rewrite(work, func(content []byte) ([]byte, error) { return t.setWork(content, version) }))
		}
	}
	return err
}

// setRequires sets the version of required modules of the tree.
func (t *Tree) setRequires(content []byte, version string) ([]byte, error) {
	file, err := modfile.Parse("go.mod", content, nil)
	if err != nil {
		return nil, err
	}
	for _, require := range slices.Clone(file.Require) {
		if _, ours := t.Find(require.Mod.Path); !ours {
			continue
		}
		if err := file.AddRequire(require.Mod.Path, version); err != nil {
			return nil, err
		}
	}
	return file.Format()
}

// setWork sets the version at which a go.work replaces modules of the tree.
func (t *Tree) setWork(content []byte, version string) ([]byte, error) {
	file, err := modfile.ParseWork("go.work", content, nil)
	if err != nil {
		return nil, err
	}
	for _, replace := range file.Replace {
		if _, ours := t.Find(replace.Old.Path); ours && replace.Old.Version != "" {
			replace.Syntax.Token = slices.Clone(replace.Syntax.Token)
			i := slices.Index(replace.Syntax.Token, replace.Old.Version)
			replace.Syntax.Token[i] = version
		}
	}
	return modfile.Format(file.Syntax), nil
}

// SetSums replaces the lines of a go.sum that are for a module of the tree by the two of a version.
// All other lines stay in their order, which is that of versions and not of texts.
func SetSums(name string, mod module.Version, zipHash, modHash string) error {
	return rewrite(name, func(content []byte) ([]byte, error) {
		var before, after strings.Builder
		for line := range strings.Lines(string(content)) {
			path, _, _ := strings.Cut(line, " ")
			switch {
			case path < mod.Path:
				before.WriteString(line)
			case path > mod.Path:
				after.WriteString(line)
			}
		}
		return fmt.Appendf(nil, "%s%s %s %s\n%s %s/go.mod %s\n%s",
			before.String(), mod.Path, mod.Version, zipHash, mod.Path, mod.Version, modHash, after.String()), nil
	})
}

const unreleased = "## [Unreleased]\n"

// SetChangelog gives the heading Unreleased of CHANGELOG.md a version and a date, and adds an empty
// heading Unreleased above it. The sentence that announces the version is removed.
func (t *Tree) SetChangelog(version string, date time.Time) error {
	return rewrite(filepath.Join(t.Root, "CHANGELOG.md"), func(content []byte) ([]byte, error) {
		before, rest, found := strings.Cut(string(content), unreleased)
		if !found {
			return nil, errors.New("it has no heading ## [Unreleased]")
		}
		section, older := cutSection(rest)
		section = withoutAnnouncement(section)
		if strings.TrimSpace(section) == "" {
			return nil, errors.New("it says nothing under Unreleased")
		}
		heading := fmt.Sprintf("## [%s] - %s\n", strings.TrimPrefix(version, "v"), date.Format(time.DateOnly))
		return []byte(before + unreleased + "\n" + heading + section + older), nil
	})
}

// HasBreaking reports whether CHANGELOG.md has a heading Breaking under Unreleased.
func (t *Tree) HasBreaking() (bool, error) {
	content, err := os.ReadFile(filepath.Join(t.Root, "CHANGELOG.md"))
	if err != nil {
		return false, err
	}
	_, rest, _ := strings.Cut(string(content), unreleased)
	section, _ := cutSection(rest)
	return strings.Contains(section, "\n### Breaking"), nil
}

// Section returns what CHANGELOG.md says of a version.
func (t *Tree) Section(version string) (string, error) {
	content, err := os.ReadFile(filepath.Join(t.Root, "CHANGELOG.md"))
	if err != nil {
		return "", err
	}
	_, rest, found := strings.Cut(string(content), "## ["+strings.TrimPrefix(version, "v")+"]")
	if !found {
		return "", fmt.Errorf("CHANGELOG.md has no heading for %s", version)
	}
	_, rest, _ = strings.Cut(rest, "\n")
	section, _ := cutSection(rest)
	return strings.TrimSpace(section) + "\n", nil
}

func cutSection(rest string) (section, older string) {
	if i := strings.Index(rest, "\n## "); i >= 0 {
		return rest[:i+1], rest[i+1:]
	}
	return rest, ""
}

// withoutAnnouncement removes a paragraph such as "This will be 0.1.0, the first version."
func withoutAnnouncement(section string) string {
	paragraphs := strings.Split(section, "\n\n")
	paragraphs = slices.DeleteFunc(paragraphs, func(p string) bool {
		return strings.HasPrefix(strings.TrimSpace(p), "This will be ")
	})
	joined := strings.Join(paragraphs, "\n\n")
	if !strings.HasPrefix(joined, "\n") {
		joined = "\n" + joined
	}
	return joined
}

// rewrite replaces the content of a file, and leaves a file alone whose content stays the same.
func rewrite(name string, change func([]byte) ([]byte, error)) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	changed, err := change(content)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if bytes.Equal(content, changed) {
		return nil
	}
	return os.WriteFile(name, changed, 0o644)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
