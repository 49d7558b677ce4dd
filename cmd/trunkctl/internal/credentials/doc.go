// Package credentials keeps secrets for trunkctl: API tokens, in the system keyring or in files,
// and the SIP passwords of a rotation, in a file that records what became of each.
package credentials
