package mihu_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// Causes are the ambiguous failures, in order, and the failure that ended the call.
func TestUnknownOutcomeError(t *testing.T) {
	t.Parallel()
	const (
		update = "send the update again: it is idempotent, and the API does not read back what it sets"
		assign = "read the number's channels with Channels.GetByNumber to find out which agent it is on"
		remove = "send it again: if the trunk is gone, the error is ErrNotFound"
		other  = "read the resource to find out whether it was changed"
	)
	advice := map[string]string{"trunks.update": update, "trunks.assign": assign, "trunks.delete": remove}
	synctest.Test(t, func(t *testing.T) {
		for _, op := range operations() {
			if advice[op.name] == "" {
				continue
			}
			wire := newWire(t, lost(), neverSent(errRefusedDial), apiError(502, "X-Request-Id", "abc"), apiError(422))
			err := op.call(t.Context(), newClient(t, wire))
			unknown := requireUnknownOutcome(t, err)
			assert.Equal(t, op.name, unknown.Op)
			assert.Equal(t, advice[op.name], unknown.Advice)
			require.Len(t, unknown.Causes, 3, "an attempt that was never sent is not ambiguous")
			require.ErrorIs(t, err, errLost)
			assertMatches(t, err, mihu.ErrOutcomeUnknown, mihu.ErrServer, mihu.ErrInvalid)
			assert.EqualError(t, err, "mihu: "+op.name+": outcome unknown: connection lost; "+
				"then: 502 CODE_502: Refused (request abc, 3 attempts); then: 422 CODE_422: Refused (4 attempts); "+advice[op.name])
		}
	})
	synctest.Test(t, func(t *testing.T) {
		err := doRequest(t.Context(), newClient(t, newWire(t, lost())), http.MethodPost)
		unknown := requireUnknownOutcome(t, err)
		assert.Len(t, unknown.Causes, 1)
		assert.EqualError(t, err, "mihu: POST /x: outcome unknown: connection lost; "+other)
	})
}

// If a transport does not report through httptrace, a write counts as sent: its error alone does
// not show whether it was. A read is retried by what the error shows.
func TestTransportWithoutTrace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method   string
		err      error
		attempts int
		unknown  bool
	}{
		{http.MethodGet, errRefusedDial, 4, false},
		{http.MethodGet, errNoSuchHost, 2, false},
		{http.MethodGet, errLost, 4, false},
		{http.MethodGet, x509.UnknownAuthorityError{}, 1, false},
		{http.MethodPatch, errRefusedDial, 4, true},
		{http.MethodPost, errRefusedDial, 1, true},
		{http.MethodPost, errNoSuchHost, 1, true},
		{http.MethodPost, errLost, 1, true},
		{http.MethodPost, x509.UnknownAuthorityError{}, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.err.Error(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire := newWire(t, neverSent(tt.err))
				wire.withoutTrace = true
				err := doRequest(t.Context(), newClient(t, wire), tt.method)
				require.ErrorIs(t, err, tt.err)
				assert.Equal(t, tt.attempts, wire.Attempts())
				assert.Equal(t, tt.unknown, errors.Is(err, mihu.ErrOutcomeUnknown))
			})
		})
	}
}
