package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/stretchr/testify/assert"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	refused := &mihu.APIError{StatusCode: 409}
	for name, c := range map[string]struct {
		err         error
		interrupted bool
		want        int
	}{
		"done":                        {nil, false, exitDone},
		"no response":                 {&mihu.TransportError{Err: io.EOF}, false, exitFailed},
		"a failing server":            {&mihu.APIError{StatusCode: 503}, false, exitFailed},
		"a wrong flag":                {usagef("no"), false, exitUsage},
		"a wrong value":               {&mihu.ValidationError{}, false, exitUsage},
		"invalid file":                {&provision.InputError{Violations: make([]provision.InputViolation, 1)}, false, exitInput},
		"refused":                     {fmt.Errorf("line 1: %w", refused), false, exitRefused},
		"refused by an agent":         {&provision.AgentBusyError{}, false, exitRefused},
		"refused under 200":           {&mihu.APIError{StatusCode: 200, Code: "TRUNK_EXISTS"}, false, exitRefused},
		"a token refused":             {&mihu.APIError{StatusCode: 401}, false, exitRefused},
		"too many requests":           {&mihu.APIError{StatusCode: 429}, false, exitRefused},
		"some failed":                 {&partialError{failed: 1}, false, exitPartial},
		"some unknown":                {&partialError{failed: 2, unknown: 1}, false, exitUnknown},
		"some unknown, at Ctrl-C":     {&partialError{failed: 2, unknown: 1}, true, exitUnknown},
		"some failed, at Ctrl-C":      {&partialError{failed: 1}, true, exitInterrupted},
		"unknown":                     {&mihu.UnknownOutcomeError{Causes: []error{refused}}, false, exitUnknown},
		"unknown, at Ctrl-C":          {&mihu.UnknownOutcomeError{Causes: []error{context.Canceled}}, true, exitUnknown},
		"Ctrl-C":                      {&mihu.TransportError{Err: context.Canceled}, true, exitInterrupted},
		"a connection that went away": {&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, false, exitFailed},
		"a reader that went away":     {&os.PathError{Err: syscall.EPIPE}, false, exitClosed},
		"with advice":                 {&advisedError{refused, "do"}, false, exitRefused},
	} {
		assert.Equal(t, c.want, exitCode(c.err, c.interrupted), name)
	}
	documented := "\n" + exitCodesTopic().Long
	for _, code := range []int{exitDone, exitFailed, exitUsage, exitInput, exitRefused, exitPartial, exitUnknown, exitInterrupted, exitClosed} {
		assert.Contains(t, documented, fmt.Sprintf("\n  %-4d ", code), "the code is documented")
	}
}
