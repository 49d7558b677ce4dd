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

// other is what the conventions say for an error without a class of its own.
const other = "_OTHER"

// errorType is the value of error.type, which is one of few. The README lists them.
func errorType(err error) string {
	if errors.Is(err, mihu.ErrOutcomeUnknown) {
		return "outcome_unknown"
	}
	if _, ok := errors.AsType[*mihu.ConflictError](err); ok {
		return "conflict"
	}
	// Before the answers: a call that ended while it waited keeps the answer before that.
	if failed, ok := errors.AsType[*mihu.TransportError](err); ok {
		return transportType(failed.Err)
	}
	if api, ok := errors.AsType[*mihu.APIError](err); ok {
		switch {
		case api.StatusCode >= http.StatusMultipleChoices:
			return strconv.Itoa(api.StatusCode)
		case errors.Is(err, mihu.ErrMalformedResponse):
			return "malformed_response"
		}
		return "refused"
	}
	return other
}

// transportType names why there was no answer.
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

// isUntrusted finds a server whose certificate does not convince.
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
