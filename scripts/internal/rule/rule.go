// Package rule decides which version a release may have.
package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
)

// Change is what a release does to the exported API of the published modules.
type Change struct {
	Incompatible []string // every incompatible change
	Compatible   []string // every addition
	Announced    bool     // CHANGELOG.md has a heading Breaking under Unreleased
}

// Check returns an error if a version may not follow the last one, or may not have these changes.
// last is "" before the first release.
func Check(last, version string, change Change) error {
	switch {
	case !semver.IsValid(version) || semver.Canonical(version) != version:
		return fmt.Errorf("%q is not a version such as v0.1.0", version)
	case semver.Major(version) != "v0" && semver.Major(version) != "v1":
		return fmt.Errorf("%s needs another module path, which ends in /%s", version, semver.Major(version))
	case last == "":
		return nil
	case semver.Compare(version, last) <= 0:
		return fmt.Errorf("%s does not come after %s, the last version", version, last)
	}
	released, _, _ := strings.Cut(version, "-")
	patch, minor, major := following(last)
	if !slices.Contains([]string{patch, minor, major}, released) {
		return fmt.Errorf("%s leaves out versions: after %s comes %s, %s or %s", version, last, patch, minor, major)
	}
	return allowed(last, version, change, released == patch)
}

func allowed(last, version string, change Change, isPatch bool) error {
	stable := semver.Major(last) != "v0"
	switch {
	case len(change.Incompatible) > 0 && stable:
		return fmt.Errorf("the API is not compatible with %s, which needs another module path:\n%s", last, list(change.Incompatible))
	case len(change.Incompatible) > 0 && isPatch:
		return fmt.Errorf("the API is not compatible with %s, so %s must be a new minor version:\n%s", last, version, list(change.Incompatible))
	case len(change.Incompatible) > 0 && !change.Announced:
		return fmt.Errorf("the API is not compatible with %s, and CHANGELOG.md has no heading Breaking under Unreleased:\n%s", last, list(change.Incompatible))
	case len(change.Compatible) > 0 && stable && isPatch:
		return fmt.Errorf("the API has additions since %s, so %s must be a new minor version:\n%s", last, version, list(change.Compatible))
	}
	return nil
}

// following returns the versions that may come after one: its next patch, minor and major version.
// After a prerelease that is also the version that it precedes.
func following(version string) (patch, minor, major string) {
	released, _, pre := strings.Cut(version, "-")
	numbers := strings.Split(strings.TrimPrefix(released, "v"), ".")
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(numbers[i]) // the version is valid
	}
	patch = fmt.Sprintf("v%d.%d.%d", n[0], n[1], n[2]+1)
	if pre {
		patch = released
	}
	return patch, fmt.Sprintf("v%d.%d.0", n[0], n[1]+1), fmt.Sprintf("v%d.0.0", n[0]+1)
}

func list(changes []string) string { return "- " + strings.Join(changes, "\n- ") }
