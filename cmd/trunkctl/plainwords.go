package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
)

// reworded returns the text of an error with the words of this program in place of those of the
// standard library, which name its functions and types.
func reworded(err error, text string) string {
	replace := func(inner error, words string) { text = strings.ReplaceAll(text, inner.Error(), words) }
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		replace(path, path.Path+": "+path.Err.Error())
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		replace(untrusted, "the certificate of the server cannot be trusted: "+strings.TrimPrefix(untrusted.Err.Error(), "x509: "))
	}
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		replace(operation, connectionWords(operation))
	} else if name, ok := errors.AsType[*net.DNSError](err); ok {
		replace(name, nameWords(name))
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		text = strings.ReplaceAll(text, ": "+syntax.Error(), "")
	}
	return text
}

// connectionWords says what happened to a connection, and to which address.
func connectionWords(err *net.OpError) string {
	if name, ok := errors.AsType[*net.DNSError](err.Err); ok {
		return nameWords(name)
	}
	if inner, ok := errors.AsType[*net.OpError](err.Err); ok && err.Op == "proxyconnect" {
		return "the proxy: " + connectionWords(inner)
	}
	reason, address := err.Err.Error(), "the server"
	if call, ok := errors.AsType[*os.SyscallError](err.Err); ok {
		reason = call.Err.Error()
	}
	if err.Addr != nil {
		address = err.Addr.String()
	}
	if err.Op == "dial" {
		return "cannot connect to " + address + ": " + reason
	}
	return "lost the connection to " + address + ": " + reason
}

// nameWords says why the address of a host is not known.
func nameWords(err *net.DNSError) string {
	if err.IsNotFound {
		return "no such host: " + err.Name
	}
	return "the address of " + err.Name + " cannot be looked up: " + err.Err
}
