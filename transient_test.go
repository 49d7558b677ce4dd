package mihu_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/mihu-go/mihu"
)

// Every error is transient, a refusal, or neither. If neither, something other than the request has to
// change.
func TestIsTransientAndIsRefusal(t *testing.T) {
	t.Parallel()
	api := func(status int) error { return &mihu.APIError{StatusCode: status} }
	page := func(status int) error { return &mihu.APIError{StatusCode: status, Err: mihu.ErrMalformedResponse} }
	lost := &mihu.TransportError{Err: errors.New("connection lost")}
	tests := []struct {
		name               string
		err                error
		transient, refusal bool
	}{
		{"nil", nil, false, false},
		{"connection lost", lost, true, false},
		{"503", api(503), true, false},
		{"500", api(500), true, false},
		{"429", api(429), true, false},
		{"408", api(408), false, false},
		{"a proxy's page under 404", page(404), true, false},
		{"a proxy's page under 403", page(403), true, false},
		{"outcome unknown, refused in the end", &mihu.UnknownOutcomeError{Causes: []error{lost, api(409)}}, true, false},
		{"outcome unknown, token rejected in the end", &mihu.UnknownOutcomeError{Causes: []error{lost, api(401)}}, false, false},
		{"conflict after a lost response", &mihu.ConflictError{Causes: []error{lost}}, false, true},
		{"conflict after a response that could not be read", &mihu.ConflictError{Causes: []error{page(200)}}, false, true},
		{"400", api(400), false, true},
		{"401", api(401), false, false},
		{"403", api(403), false, true},
		{"404", api(404), false, true},
		{"409", api(409), false, true},
		{"422", api(422), false, true},
		{"402, which no sentinel matches", api(402), false, true},
		{"success false under 200", &mihu.APIError{StatusCode: 200, Code: "TRUNK_EXISTS"}, false, true},
		{"validation error", &mihu.ValidationError{}, false, true},
		{"redirect", &mihu.APIError{StatusCode: 302, Err: mihu.ErrRedirect}, false, false},
		{"untrusted certificate", &mihu.TransportError{Err: x509.UnknownAuthorityError{}}, false, false},
		{"the caller's deadline", &mihu.TransportError{Err: context.DeadlineExceeded}, false, false},
		{"canceled by the caller", &mihu.TransportError{Err: context.Canceled}, false, false},
		{"an error of another package", errors.New("disk full"), false, false},
	}
	for _, tt := range tests {
		for _, err := range []error{tt.err, wrapped(tt.err)} {
			assert.Equal(t, tt.transient, mihu.IsTransient(err), "%s is transient", tt.name)
			assert.Equal(t, tt.refusal, mihu.IsRefusal(err), "%s is a refusal", tt.name)
		}
	}
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("moving the number: %w", err)
}

func TestRetryAfterOfAnError(t *testing.T) {
	t.Parallel()
	api := &mihu.APIError{StatusCode: 429, RetryAfter: 5 * time.Second}
	paused := &mihu.TransportError{Err: mihu.ErrRateLimited, RetryAfter: 3 * time.Second}
	tests := []struct {
		name string
		err  error
		want time.Duration
	}{
		{"nil", nil, 0},
		{"a 429", api, 5 * time.Second},
		{"a paused client", paused, 3 * time.Second},
		{"the longest of several", errors.Join(paused, api), 5 * time.Second},
		{"a cause of an unknown outcome", &mihu.UnknownOutcomeError{Causes: []error{errors.New("lost"), api}}, 5 * time.Second},
		{"the failure before the deadline", &mihu.TransportError{Err: context.DeadlineExceeded, Last: api}, 5 * time.Second},
		{"none asked for", &mihu.APIError{StatusCode: 503}, 0},
	}
	for _, tt := range tests {
		wait, ok := mihu.RetryAfter(wrapped(tt.err))
		assert.Equal(t, tt.want, wait, tt.name)
		assert.Equal(t, tt.want > 0, ok, tt.name)
	}
}
