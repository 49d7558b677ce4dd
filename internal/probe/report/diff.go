package report

import "time"

// Stale is the age of a report after which it should be made anew.
const Stale = 180 * 24 * time.Hour

// Change is a question whose answer differs between two reports.
type Change struct{ Question, Before, After string }

// Diff returns the questions that both reports have answered, and differently. The questions that
// only the older has answered are the second result.
func Diff(before, after *Report) (changed []Change, unseen []string) {
	for _, o := range before.Observations {
		is := after.Observed(o.Question)
		switch {
		case o.Observed == "":
		case is == "":
			unseen = append(unseen, o.Question)
		case is != o.Observed:
			changed = append(changed, Change{o.Question, o.Observed, is})
		}
	}
	return changed, unseen
}

// IsStale reports whether a report is older than Stale at a time.
func (r *Report) IsStale(now time.Time) bool {
	day, err := r.Day()
	return err != nil || now.Sub(day) > Stale
}
