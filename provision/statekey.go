package provision

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/mihu-go/mihu"
)

// StateKey is the secret key of a [State]: without it, a digest does not reveal what was sent. It
// prints without the key. The zero value is no key.
type StateKey struct{ key [32]byte }

// NewStateKey returns a new random key. Keep what its Encode returns where secrets are kept.
func NewStateKey() StateKey {
	var k StateKey
	_, _ = rand.Read(k.key[:]) // never fails
	return k
}

// ParseStateKey returns the key that Encode has written. The error does not hold the text.
func ParseStateKey(text string) (StateKey, error) {
	var k StateKey
	decoded, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(text), "="))
	if err != nil || len(decoded) != len(k.key) {
		return k, invalid("state", mihu.FieldViolation{Field: "key", Problem: "not a key of a state; want 43 characters, as NewStateKey makes them"})
	}
	copy(k.key[:], decoded)
	if k.isZero() {
		return k, invalid("state", mihu.FieldViolation{Field: "key", Problem: "all zeros; make one with NewStateKey"})
	}
	return k, nil
}

// Encode returns the key as 43 characters, for [ParseStateKey]. It is a secret.
func (k StateKey) Encode() string { return base64.RawURLEncoding.EncodeToString(k.key[:]) }

// ID identifies the key without revealing it.
func (k StateKey) ID() string { return hex.EncodeToString(keyed(k.key[:], "id")[:8]) }

// String returns the ID.
func (k StateKey) String() string {
	if k.isZero() {
		return "StateKey{}"
	}
	return "StateKey{id:" + k.ID() + "}"
}

// Format prints String for every verb.
func (k StateKey) Format(f fmt.State, verb rune) { format(f, verb, k.String()) }

func (k StateKey) isZero() bool { return k == StateKey{} }

// digest returns the digest of a value of a field of a trunk. Equal values of two trunks have
// different digests.
func (k StateKey) digest(id mihu.TrunkID, field sentField, value string) uint64 {
	h := hmac.New(sha256.New, k.key[:])
	_, _ = fmt.Fprintf(h, "sent\x00%s\x00%s\x00%s\x00", id.PhoneNumber, id.Channel, field.name())
	_, _ = io.WriteString(h, value)
	return max(firstDigest, binary.BigEndian.Uint64(h.Sum(nil)))
}
