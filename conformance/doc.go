// Package conformance contains the contract tests of package mihu. They validate every request that
// the client can send, and every response of the fake server mihutest, against testdata/openapi.yaml.
//
// It is a separate module, so that the validator is not a dependency of package mihu. It exports
// nothing.
package conformance
