package mihutest_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/mihutest"
)

// A detached request is handled even if its client has canceled it.
func TestDetachedRequestIsHandledLate(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mihutest.Fault{
		"with a response":       {},
		"with a drop":           {Drop: true, AfterChange: true},
		"with a later response": {DelayAfter: time.Hour},
	} {
		for transport, opts := range transports {
			t.Run(name+", "+transport, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, opts...)
				fault := fault
				fault.Delay, fault.Detached = time.Second, true
				require.NoError(t, w.Inject(fault))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					for len(w.Requests()) == 0 && ctx.Err() == nil {
						time.Sleep(time.Millisecond)
					}
					cancel()
				}()
				_, err := w.try(w.request(ctx, "POST", trunk, with("")))
				require.ErrorIs(t, err, context.Canceled)
				assert.Empty(t, w.Trunks(), "it is not handled yet")
				require.Eventually(t, func() bool { return w.Requests()[0].Changed }, 10*time.Second, time.Millisecond)
				assert.Len(t, w.Trunks(), 1)
				assert.Zero(t, w.Requests()[0].Status)
				w.must(http.StatusConflict, "POST", trunk, with(""))
			})
		}
	}
}

// A client that waits gets the response. Close ends the delay of a detached request.
func TestDetachedRequestAndClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Inject(mihutest.Fault{Delay: time.Millisecond, Detached: true}))
	w.must(http.StatusCreated, "POST", trunk, with(""))

	require.NoError(t, w.Inject(mihutest.Fault{Delay: time.Hour, Detached: true}))
	failed := make(chan error, 1)
	go func() {
		_, err := w.try(w.request(context.Background(), "DELETE", trunk+"?phone_number=12345678901&channel=call", ""))
		failed <- err
	}()
	require.Eventually(t, func() bool { return len(w.Requests()) == 2 }, 10*time.Second, time.Millisecond)
	w.Close()
	require.Error(t, <-failed)
	assert.Len(t, w.Trunks(), 1)
}
