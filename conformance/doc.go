// Package conformance holds the contract tests of package mihu: every request that the client can
// send, and every answer of the fake server mihutest, is held against testdata/openapi.yaml.
//
// It is a module of its own so that the validator it needs is no dependency of package mihu. It
// has no code to import.
package conformance
