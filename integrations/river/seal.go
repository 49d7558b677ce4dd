package mihuriver

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/mihu-go/mihu"
)

// EnvSealKeys is the environment variable that [NewSealerFromEnv] reads.
const EnvSealKeys = "MIHU_SEAL_KEYS"

// Errors of credentials.
var (
	// ErrPlainSecret: the item has a SIP username or password, and the Queue has no [Sealer].
	ErrPlainSecret = errors.New("mihuriver: the item has a SIP username or password, which must not be stored in clear; " +
		"use SecretName instead, or set QueueOptions.Sealer")
	// ErrNoSealer: the job has sealed credentials, and the Worker has no [Sealer].
	ErrNoSealer = errors.New("mihuriver: the job has sealed credentials; set WorkerOptions.Sealer")
	// ErrUnknownKey: the [Sealer] does not have the key that the credentials were sealed with.
	ErrUnknownKey = errors.New("mihuriver: credentials sealed with a key that this Sealer does not have; add the key")
	// ErrUnsealable: the credentials were changed, are those of another trunk, or were sealed with another key
	// of the same name.
	ErrUnsealable = errors.New("mihuriver: sealed credentials do not open: they were changed, are those of another trunk, or were sealed with another key of the same name")
)

// SealKey is a key of AES-256. It prints without its value.
type SealKey struct {
	// ID is the name of the key, stored with what it has sealed: 1 to 32 letters, digits, "-" or "_".
	ID string
	// Key is 32 random bytes.
	Key []byte
}

// LogValue returns the name.
func (k SealKey) LogValue() slog.Value { return slog.StringValue(k.ID) }

// Format prints the name, under every verb.
func (k SealKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "SealKey{"+k.ID+"}") }

// Sealer seals SIP credentials with AES-256-GCM before they are stored in the database. Sealed credentials open
// for the same trunk only. A Sealer is safe for concurrent use; the zero value has no key, and sealing with
// it returns an error.
type Sealer struct {
	first *sealKey
	keys  map[string]*sealKey
}

type sealKey struct {
	id   string
	aead cipher.AEAD
	mac  []byte // for digests, so that nobody can guess passwords with them
}

type credentials struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
}

// NewSealer creates a Sealer that seals with the first key and opens what any of the keys has sealed. To rotate
// keys, add the new key second in all processes, then move it first in all of them, and remove the old key when
// no unfinished job uses it. An item that is enqueued again with another first key counts as another item.
func NewSealer(keys ...SealKey) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("mihuriver: NewSealer: no key; want at least one")
	}
	s := &Sealer{keys: map[string]*sealKey{}}
	for i, given := range keys {
		k, err := newSealKey(given)
		if err != nil {
			return nil, fmt.Errorf("mihuriver: NewSealer: key %d: %w", i+1, err)
		}
		if s.keys[k.id] != nil {
			return nil, fmt.Errorf("mihuriver: NewSealer: two keys are named %q", k.id)
		}
		s.keys[k.id] = k
		if s.first == nil {
			s.first = k
		}
	}
	return s, nil
}

func newSealKey(given SealKey) (*sealKey, error) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	switch {
	case given.ID == "" || len(given.ID) > 32 || strings.Trim(given.ID, letters) != "":
		return nil, errors.New("its name is not 1 to 32 letters, digits, \"-\" or \"_\"")
	case len(given.Key) != 32:
		return nil, fmt.Errorf("%q has %d bytes, want 32", given.ID, len(given.Key))
	}
	key, err := hkdf.Key(sha256.New, given.Key, nil, "mihuriver seal", 32)
	if err != nil {
		return nil, err
	}
	mac, err := hkdf.Key(sha256.New, given.Key, nil, "mihuriver digest", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &sealKey{given.ID, aead, mac}, nil
}

// NewSealerFromEnv creates a Sealer with the keys in MIHU_SEAL_KEYS: "name:key", separated by commas. Each key is
// 32 bytes in base64 or hex, such as the output of `openssl rand -base64 32`. If the variable is unset or empty,
// it returns nil and no error. Errors do not contain the keys.
func NewSealerFromEnv() (*Sealer, error) {
	text := os.Getenv(EnvSealKeys)
	if text == "" {
		return nil, nil //nolint:nilnil // no sealer is wanted
	}
	var keys []SealKey
	for i, one := range strings.Split(text, ",") {
		id, encoded, ok := strings.Cut(strings.TrimSpace(one), ":")
		if !ok {
			return nil, fmt.Errorf("mihuriver: %s: key %d is not of the form name:key", EnvSealKeys, i+1)
		}
		key, err := hex.DecodeString(encoded)
		if err != nil {
			key, err = base64.StdEncoding.DecodeString(encoded)
		}
		if err != nil {
			return nil, fmt.Errorf("mihuriver: %s: key %d is neither base64 nor hex", EnvSealKeys, i+1)
		}
		keys = append(keys, SealKey{id, key})
	}
	return NewSealer(keys...)
}

// LogValue returns the name of the key that it seals with.
func (s *Sealer) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Format prints the name of the key that it seals with, under every verb.
func (s *Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// String returns the name of the key that it seals with.
func (s *Sealer) String() string {
	if s == nil || s.first == nil {
		return "Sealer{}"
	}
	return "Sealer{" + s.first.id + "}"
}

// seal returns the sealed credentials, and a digest of them and of the rest of the item.
func (s *Sealer) seal(id mihu.TrunkID, secret credentials, content []byte) (sealed string, digest []byte, err error) {
	if s.first == nil {
		return "", nil, errors.New("mihuriver: a Sealer that NewSealer has not created")
	}
	plain, err := json.Marshal(secret) //nolint:gosec // it is sealed on the next lines
	if err != nil {
		return "", nil, err
	}
	box := s.first.aead.Seal(nil, nil, plain, about(s.first.id, id)) //nolint:gosec // it generates its own nonce
	mac := hmac.New(sha256.New, s.first.mac)
	_, _ = fmt.Fprintf(mac, "%d:%s%s", len(content), content, plain) // it does not fail
	return s.first.id + ":" + base64.RawStdEncoding.EncodeToString(box), mac.Sum(nil), nil
}

func (s *Sealer) open(id mihu.TrunkID, sealed string) (credentials, error) {
	name, encoded, _ := strings.Cut(sealed, ":")
	k := s.keys[name]
	if k == nil {
		return credentials{}, ErrUnknownKey
	}
	box, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return credentials{}, ErrUnsealable
	}
	plain, err := k.aead.Open(nil, nil, box, about(name, id))
	if err != nil {
		return credentials{}, ErrUnsealable
	}
	var secret credentials
	if err := json.Unmarshal(plain, &secret); err != nil {
		return credentials{}, ErrUnsealable
	}
	return secret, nil
}

// about is the additional data that binds sealed credentials to a key and a trunk.
func about(key string, id mihu.TrunkID) []byte {
	return fmt.Appendf(nil, "mihuriver 1\x00%s\x00%s\x00%s", key, id.Channel, id.PhoneNumber)
}
