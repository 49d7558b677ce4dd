package mihu

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// newTransport returns the transport of a client that is not given one. Every stage has a time
// limit of its own, below the attempt timeout, so that an error names the stage that hung.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: dialer.DialContext,
		// Enough for every worker of a large import to keep its connection. With the default of 2,
		// nearly every call of a busy program dials.
		MaxIdleConnsPerHost:    128,
		MaxIdleConns:           512,
		IdleConnTimeout:        60 * time.Second,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		ForceAttemptHTTP2:      true,
		// Without pings, every call on a connection whose packets are lost fails.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	}
}
