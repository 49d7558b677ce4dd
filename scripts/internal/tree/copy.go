package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Copy copies the files of a checkout that git knows or would add to another folder.
func Copy(ctx context.Context, root, to string) error {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("git ls-files in %s: %w", root, err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if err := CopyFile(filepath.Join(root, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

// CopyFile copies a file with its mode. A file that git knows may be deleted in the checkout.
func CopyFile(from, to string) error {
	info, err := os.Stat(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}

// Archive extracts the files of a commit to a folder.
func Archive(ctx context.Context, root, ref, to string) error {
	archive := to + ".tar"
	defer os.Remove(archive) //nolint:errcheck // a leftover in a temporary folder
	for _, command := range [][]string{
		{"git", "-C", root, "archive", "--format=tar", "-o", archive, ref},
		{"tar", "-x", "-f", archive, "-C", to},
	} {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
		}
	}
	return nil
}

// Differences returns the files of a checkout whose copy differs.
func Differences(root, copied string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(copied, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(copied, name)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		original, err := os.ReadFile(filepath.Join(root, rel))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if !bytes.Equal(content, original) {
			names = append(names, rel)
		}
		return nil
	})
	return names, err
}
