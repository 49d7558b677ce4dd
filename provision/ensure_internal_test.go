package provision

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mihu-go/mihu"
)

func TestIsPassing(t *testing.T) {
	t.Parallel()
	api := func(status int) error { return &mihu.APIError{StatusCode: status} }
	lost := &mihu.TransportError{Err: errors.New("connection lost")}
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"lost", lost, true},
		{"server", api(503), true},
		{"rate", api(429), true},
		{"open, and refused in the end", &mihu.OutcomeError{Causes: []error{lost, api(409)}}, true},
		{"open, and the token refused in the end", &mihu.OutcomeError{Causes: []error{lost, api(401)}}, false},
		{"somebody else's, after an answer was lost", &mihu.ConflictError{Causes: []error{lost}}, false},
		{"conflict", api(409), false},
		{"invalid", api(422), false},
		{"forbidden", api(403), false},
		{"redirect", &mihu.APIError{StatusCode: 302, Err: mihu.ErrRedirect}, false},
	}
	for _, test := range tests {
		assert.Equal(t, test.want, isPassing(test.err), test.name)
	}
}
