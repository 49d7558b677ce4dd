package term

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// What the line has, and what is left out of it if the terminal is narrow.
func TestProgress(t *testing.T) {
	t.Parallel()
	p := StartProgress(NewConsole(io.Discard, false), 1000, "rows", "acme", true)
	defer p.End()
	for i := range 250 {
		p.Step(i < 3, i < 50)
	}
	p.SetWaiting(4)
	now := p.started.Add(10 * time.Second)
	for width, want := range map[int]string{
		120: "[####............]  250/1000  25%  20 rows/s  38s left  3 failed  4 waiting for an agent  acme",
		80:  "[####............]  250/1000  25%  20 rows/s  38s left  3 failed  acme",
		68:  "[####............]  250/1000  20 rows/s  38s left  3 failed  acme",
		60:  "250/1000  20 rows/s  38s left  3 failed  acme",
		40:  "250/1000  38s left  3 failed  acme",
		30:  "250/1000  38s left  3 failed",
		20:  "250/1000  3 failed",
		5:   "250/1000",
		0:   "250/1000 rows  25%  20 rows/s  38s left  3 failed  4 waiting for an agent  acme",
	} {
		assert.Equal(t, want, p.line(now, width), "%d columns", width)
	}
	p.SetStopping()
	assert.Equal(t, "[####............]  250/1000  25%  20 rows/s  3 failed  stopping  acme", p.line(now, 80))
	assert.Equal(t, "1s 3m10s 2h05m", Duration(0)+" "+Duration(190*time.Second)+" "+Duration(125*time.Minute))
}

// Without a terminal there is a line for each tenth of a run, or each minute.
func TestProgressOfAPipe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		steps       int
		every       time.Duration
		least, most int // lines
	}{
		{"a run of twenty seconds", 100, 200 * time.Millisecond, 8, 9},
		{"a run of an hour and a half", 100, 54 * time.Second, 80, 98},
		{"a run of a moment", 100, time.Millisecond, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				p := StartProgress(NewConsole(&out, false), test.steps, "rows", "acme", false)
				for range test.steps {
					time.Sleep(test.every)
					p.Step(false, false)
				}
				p.End()
				lines := bytes.Count(out.Bytes(), []byte("\n"))
				assert.True(t, test.least <= lines && lines <= test.most, "%d lines: %s", lines, out.String())
			})
		})
	}
}
