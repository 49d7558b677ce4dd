package term

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	p := StartProgress(NewConsole(io.Discard, false), 1000, true)
	defer p.End()
	for i := range 250 {
		p.Step(i < 3, i < 50)
	}
	p.SetWaiting(4)
	now := p.started.Add(10 * time.Second)
	assert.Equal(t, "250/1000 done, 3 failed, 20.0/s, 38s left, 4 waiting for an agent", p.line(now, 0))
	assert.Equal(t, "250/1000 done, 3 failed, 20.0/s, 38s left", p.line(now, 60))
	assert.Equal(t, "250/1000 done, 3 failed", p.line(now, 30))
	assert.Equal(t, "250/1000 done", p.line(now, 5))
	p.SetStopping()
	assert.Equal(t, "250/1000 done, 3 failed, 20.0/s, 4 waiting for an agent, stopping", p.line(now, 0))
	assert.Equal(t, "1s 3m10s 2h05m", Duration(0)+" "+Duration(190*time.Second)+" "+Duration(125*time.Minute))
}
