package otelmihu

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"github.com/mihu-go/mihu"
)

// other is the conventions' value for an error without a class of its own.
const other = "_OTHER"

// errorType returns the value of error.type, one of the few that the README lists.
func errorType(err error) string {
	if errors.Is(err, mihu.ErrOutcomeUnknown) {
		return "outcome_unknown"
	}
	if _, ok := errors.AsType[*mihu.ConflictError](err); ok {
		return "conflict"
	}
	// Before the responses: a call that ended during a wait also keeps the response before the wait.
	if failed, ok := errors.AsType[*mihu.TransportError](err); ok {
		return transportType(failed.Err)
	}
	if api, ok := errors.AsType[*mihu.APIError](err); ok {
		switch {
		case api.StatusCode >= http.StatusMultipleChoices:
			return strconv.Itoa(api.StatusCode)
		case errors.Is(err, mihu.ErrMalformedResponse):
			return "malformed_response"
		case mihu.IsRefusal(err):
			return "refused"
		}
	}
	return other
}

// transportType returns why there was no response.
func transportType(cause error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(cause, mihu.ErrRateLimited):
		return "paused"
	case errors.Is(cause, context.Canceled):
		return "canceled"
	case errors.Is(cause, context.DeadlineExceeded):
		return "deadline_exceeded"
	case isUntrusted(cause):
		return "certificate"
	case errors.As(cause, new(*net.DNSError)):
		return "name_resolution"
	case errors.As(cause, &timeout) && timeout.Timeout():
		return "timeout"
	}
	if op, ok := errors.AsType[*net.OpError](cause); ok && op.Op == "dial" {
		return "connect"
	} else if ok || errors.Is(cause, io.EOF) || errors.Is(cause, io.ErrUnexpectedEOF) || errors.Is(cause, syscall.ECONNRESET) {
		return "connection_lost"
	}
	return other
}

// isUntrusted reports whether the server's certificate was rejected.
func isUntrusted(cause error) bool {
	for _, target := range []any{
		new(*tls.CertificateVerificationError), new(x509.UnknownAuthorityError), new(x509.HostnameError), new(x509.CertificateInvalidError),
	} {
		if errors.As(cause, target) {
			return true
		}
	}
	return false
}
