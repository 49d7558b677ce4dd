// Package probe finds out what the documentation of the API leaves open, in a workspace, with
// numbers and agents that nobody uses.
//
// A probe registers the numbers for about a minute and removes them again. Its questions are data:
// the requests that they send are known before anything is sent. Each change passes a guard and is
// written to a journal first, so that what a killed probe has left can be removed. The report has
// only answers of a closed set, and the structure of responses without their values.
package probe
