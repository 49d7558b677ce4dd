package mihu

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A client that is not given a transport has one whose every stage ends before the attempt does,
// that keeps a connection for each of many callers, and that notices connections gone silent.
func TestDefaultTransport(t *testing.T) {
	t.Parallel()
	transport, another := newTransport(), newTransport()
	require.NotSame(t, transport, another, "clients share nothing")
	assert.NotNil(t, transport.Proxy)
	assert.GreaterOrEqual(t, transport.MaxIdleConnsPerHost, 64)
	assert.GreaterOrEqual(t, transport.MaxIdleConns, transport.MaxIdleConnsPerHost)
	assert.Zero(t, transport.MaxConnsPerHost, "no call waits for another's connection")
	assert.Equal(t, uint16(tls.VersionTLS12), transport.TLSClientConfig.MinVersion)
	assert.False(t, transport.TLSClientConfig.InsecureSkipVerify)
	assert.True(t, transport.ForceAttemptHTTP2)
	assert.False(t, transport.DisableCompression)
	for _, bound := range []time.Duration{
		transport.TLSHandshakeTimeout, transport.ExpectContinueTimeout, transport.HTTP2.SendPingTimeout, transport.HTTP2.PingTimeout,
	} {
		assert.Positive(t, bound)
		assert.Less(t, bound, defaultAttemptTimeout)
	}
	assert.Positive(t, transport.IdleConnTimeout)
}
