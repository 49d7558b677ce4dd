package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
)

// advice returns what to do about an error, or "".
func (a *app) advice(err error) string {
	if advised, ok := errors.AsType[*advisedError](err); ok {
		return advised.advice
	}
	if usage, ok := errors.AsType[*usageError](err); ok {
		if usage.advice == "" && usage.see != "" {
			return "see: " + usage.see
		}
		return usage.advice
	}
	if partial, ok := errors.AsType[*partialError](err); ok {
		return partial.advice
	}
	switch {
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		return "the change may have been applied: check with \"trunkctl channels NUMBER\";\n" +
			"update, assign, delete and ensure are safe to run again"
	case errors.Is(err, context.Canceled):
		return ""
	}
	if advice := adviceOnResponse(err); advice != "" {
		return advice
	}
	return adviceOnConnection(err)
}

// adviceOnResponse returns advice on an error that the API, or something in front of it, has sent.
func adviceOnResponse(err error) string {
	switch {
	case errors.Is(err, mihu.ErrUnauthorized):
		return "the token was refused: run \"trunkctl login\", or correct MIHU_API_TOKEN or --token-file"
	case errors.Is(err, mihu.ErrForbidden):
		return "the token lacks the permission: create one that has it, and run \"trunkctl login\""
	case errors.Is(err, mihu.ErrMalformedResponse):
		return "the response is not the API's: check --workspace and --base-url, and run \"trunkctl doctor\""
	case errors.Is(err, mihu.ErrNotFound):
		return "not found: \"trunkctl list\" shows what exists; check the number, --channel and --workspace"
	case errors.Is(err, mihu.ErrConflict):
		return "\"trunkctl channels NUMBER\" shows which agent answers;\n" +
			"\"trunkctl list --agent NAME\" shows what an agent serves;\n\"trunkctl assign\" moves a trunk"
	case errors.Is(err, mihu.ErrRateLimited):
		if wait, ok := mihu.RetryAfter(err); ok {
			return "too many requests: wait " + term.Duration(wait) + ", or lower the rate with --rate 5/s"
		}
		return "too many requests: wait, or lower the rate with --rate 5/s"
	case errors.Is(err, mihu.ErrRedirect):
		return "redirects are not followed: check --workspace and --base-url"
	case errors.Is(err, mihu.ErrServer):
		return "the API failed: try again later"
	}
	return ""
}

// adviceOnConnection returns advice on an error without a response.
func adviceOnConnection(err error) string {
	switch {
	case isProxyError(err):
		return "the proxy cannot be used: check HTTPS_PROXY and NO_PROXY, and run \"trunkctl doctor\""
	case isRefusedByLoopback(err):
		return "nothing listens at this address of this machine: start the server, or correct --base-url or MIHU_BASE_URL"
	case isA[tls.RecordHeaderError](err):
		return "the server does not speak TLS at this address: check --base-url"
	case isA[*net.DNSError](err):
		return "unknown host name: check --workspace or MIHU_TENANT, and run \"trunkctl doctor\""
	case isA[*tls.CertificateVerificationError](err), isA[*net.OpError](err):
		return "run \"trunkctl doctor\" to check the connection"
	case mihu.IsTransient(err):
		return "try again later"
	}
	return ""
}

// isProxyError reports whether the proxy could not be reached, or wants a password. For the latter
// the standard library has an error without a type.
func isProxyError(err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	return ok && operation.Op == "proxyconnect" || strings.Contains(err.Error(), "Proxy Authentication Required")
}

// isRefusedByLoopback reports whether a loopback address has refused a connection: no firewall is
// to blame.
func isRefusedByLoopback(err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	if !ok || !errors.Is(err, syscall.ECONNREFUSED) {
		return false
	}
	address, ok := operation.Addr.(*net.TCPAddr)
	return ok && address.IP.IsLoopback()
}

// withAdvice adds what to do next to the advice on an error.
func (a *app) withAdvice(err error, next string) error {
	if advice := a.advice(err); advice != "" {
		next = advice + "\nthen " + next
	}
	return &advisedError{err, next}
}
