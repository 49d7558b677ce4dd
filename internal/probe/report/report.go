// Package report is the report of a probe: what was observed of the API, without anything that
// identifies a workspace.
package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Format is the version of the format that this package writes and reads.
const Format = 1

// Report is what a probe has observed. docs/probe-report.schema.json describes its JSON.
type Report struct {
	// Format is the version of the format.
	Format int `json:"format"`
	// Date is the day of the probe in UTC, as in 2026-01-02.
	Date string `json:"date"`
	// Numbers and Agents are how many the probe was given: 1 or 2.
	Numbers int `json:"numbers"`
	Agents  int `json:"agents"`
	// WhatsApp is set if requests for the channel whatsapp were allowed.
	WhatsApp bool `json:"whatsapp"`
	// Demo is set if the probe was that of a demo, whose server is a fake one.
	Demo bool `json:"demo,omitempty"`
	// Stopped is why the probe ended before all questions were asked; "" means that it did not.
	Stopped string `json:"stopped,omitempty"`
	// Beyond are the questions whose answer no rule of package mihutest expresses.
	Beyond []string `json:"beyond"`
	// Contract are the questions whose answer contradicts the contract.
	Contract []string `json:"contract"`
	// Observations are the questions in the order of the probe.
	Observations []Observation `json:"observations"`
}

// Observation is a question and its answer.
type Observation struct {
	// Question identifies the question, such as create.duplicate.
	Question string `json:"question"`
	// Asks is the question in words, and Documented what the documentation says.
	Asks       string `json:"asks"`
	Documented string `json:"documented"`
	// Observed is the answer, such as "refused 409"; "" means that there is none.
	Observed string `json:"observed,omitempty"`
	// Missing is why there is no answer.
	Missing string `json:"missing,omitempty"`
	// Evidence are the requests and the responses, without values.
	Evidence []Exchange `json:"evidence,omitempty"`
}

// Exchange is a request and its response, without values.
type Exchange struct {
	Request string `json:"request"`
	Status  int    `json:"status"`
	// Body is the structure of the response. The only values of it are those of a list of allowed ones.
	Body any `json:"body,omitempty"`
}

// MaxSize is the largest report that is read, in bytes.
const MaxSize = 4 << 20

// valid matches the answers and reasons of a report. They are texts of a small alphabet, so that a
// report can be printed.
var valid = regexp.MustCompile(`^[A-Za-z0-9 .,:;<>/_-]{1,400}$`)

// Read reads a report. It returns an error if the JSON is not a report of this format.
func Read(data []byte) (*Report, error) {
	if len(data) > MaxSize {
		return nil, errors.New("not a report of a probe: too large")
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("not a report of a probe: %w", err)
	}
	if r.Format != Format {
		return nil, fmt.Errorf("the report has the format %d, and this version reads %d", r.Format, Format)
	}
	if _, err := r.Day(); err != nil {
		return nil, errors.New("not a report of a probe: its date is malformed")
	}
	seen := map[string]bool{}
	for i, o := range r.Observations {
		switch {
		case !valid.MatchString(o.Question) || !valid.MatchString(cmp.Or(o.Observed, "none")), // it is printed
			!valid.MatchString(cmp.Or(o.Documented, "none")) || !valid.MatchString(cmp.Or(o.Missing, "none")):
			return nil, fmt.Errorf("not a report of a probe: observation %d is malformed", i+1)
		case seen[o.Question]:
			return nil, fmt.Errorf("not a report of a probe: two observations of %s", o.Question)
		}
		seen[o.Question] = true
	}
	return &r, nil
}

// Write encodes the report, indented, with a line end.
func (r *Report) Write() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	e.SetIndent("", "  ")
	err := e.Encode(r)
	return b.Bytes(), err
}

// Day returns the date of the report.
func (r *Report) Day() (time.Time, error) { return time.Parse(time.DateOnly, r.Date) }

// Observed returns the answer to a question; "" means that there is none.
func (r *Report) Observed(question string) string {
	i := slices.IndexFunc(r.Observations, func(o Observation) bool { return o.Question == question })
	if i < 0 {
		return ""
	}
	return r.Observations[i].Observed
}
