package report

import (
	"maps"
	"slices"
)

// Judged returns the questions to which the contract does not allow any answer.
func Judged() []string { return slices.Sorted(maps.Keys(contract)) }
