package mihu

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// In the default transport, every stage times out before the attempt does, many callers each keep a
// connection, and pings detect dead connections.
func TestDefaultTransport(t *testing.T) {
	t.Parallel()
	transport, other := newTransport(), newTransport()
	require.NotSame(t, transport, other, "clients do not share a transport")
	assert.NotNil(t, transport.Proxy)
	assert.GreaterOrEqual(t, transport.MaxIdleConnsPerHost, 64)
	assert.GreaterOrEqual(t, transport.MaxIdleConns, transport.MaxIdleConnsPerHost)
	assert.Zero(t, transport.MaxConnsPerHost, "no call waits for a connection of another")
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
