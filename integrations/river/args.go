package mihuriver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

const (
	// JobKind is River's kind of the jobs of this package.
	JobKind = "mihu_provision"
	// QueueName is the name of River's queue that the jobs are in.
	QueueName = "mihu"
)

// Args are the arguments of a job: one item. They are stored as JSON, with the whole phone number and without
// a SIP username or password in clear; they print with the number masked. [Queue.Enqueue] creates them. Jobs
// that another program inserts are worked on and keep the order of their trunk, but are not compared with
// others.
type Args struct {
	// Trunk is the wanted trunk, without SIP username and password.
	Trunk mihu.TrunkCreateRequest `json:"trunk"`
	// SecretName is the name of the credentials for [WorkerOptions.Secrets]; "" if there are none.
	SecretName string `json:"secret_name,omitempty"`
	// Line is the line of the item in its file, from 1; 0 if it has none.
	Line int `json:"line,omitempty"`
	// Sealed is the SIP username and password, sealed by a [Sealer]; "" if there are none.
	Sealed string `json:"sealed,omitempty"`

	// digest is equal for equal items and reveals no credentials. It is stored in the key of the job. It is
	// nil for jobs that another program inserts.
	digest []byte
}

// newArgs returns the arguments of an item's job. The sealer may be nil if the item has no credentials.
func newArgs(item provision.Item, sealer *Sealer) (Args, error) {
	args := Args{Trunk: item.Trunk, SecretName: item.SecretName, Line: item.Line}
	if err := args.check(); err != nil {
		return Args{}, err
	}
	var secret credentials
	if item.Trunk.SIP != nil {
		sip := *item.Trunk.SIP
		secret = credentials{sip.Username, sip.Password}
		sip.Username, sip.Password = "", ""
		args.Trunk.SIP = &sip
		if sip == (mihu.SIPCredentials{}) {
			args.Trunk.SIP = nil // as it is sent to the API
		}
	}
	content := args
	content.Line = 0
	content.Trunk.AgentUUID = strings.ToLower(args.Trunk.AgentUUID)
	text, err := json.Marshal(content)
	if err != nil {
		return Args{}, err
	}
	if secret == (credentials{}) {
		sum := sha256.Sum256(text)
		args.digest = sum[:]
		return args, nil
	}
	if sealer == nil {
		return Args{}, ErrPlainSecret
	}
	args.Sealed, args.digest, err = sealer.seal(args.Trunk.TrunkID, secret, text)
	return args, err
}

// check refuses an item before it is stored: a wrong field may hold a secret, and one value that PostgreSQL
// cannot store would fail all items of a transaction.
func (a *Args) check() error {
	if err := a.Trunk.Validate(); err != nil {
		return err
	}
	var found []mihu.FieldViolation
	if problem := settingsProblem(a.Trunk.AdditionalSettings); problem != "" {
		found = append(found, mihu.FieldViolation{Field: "additional_settings", Problem: problem})
	}
	if !utf8.ValidString(a.SecretName) || strings.ContainsFunc(a.SecretName, unicode.IsControl) {
		found = append(found, mihu.FieldViolation{Field: "secret_name", Problem: "has a control character or is not valid UTF-8"})
	}
	if len(found) == 0 {
		return nil
	}
	return &mihu.ValidationError{Op: mihu.OpValidate, Violations: found}
}

// settingsProblem returns what is wrong with settings that most programs cannot store: U+0000 in a text,
// which PostgreSQL refuses, and numbers out of the range of a float64. "" means nothing.
func settingsProblem(settings map[string]any) string {
	if settings == nil {
		return ""
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return err.Error()
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return ""
		}
		if err != nil {
			return err.Error()
		}
		switch value := token.(type) {
		case string:
			if strings.Contains(value, "\x00") {
				return "has the character U+0000, which cannot be stored; remove it"
			}
		case json.Number:
			if _, err := strconv.ParseFloat(value.String(), 64); err != nil {
				return "has a number out of range, which cannot be stored; send it as a string"
			}
		}
	}
}

// item returns the item that a worker applies.
func (a Args) item(sealer *Sealer) (provision.Item, error) {
	item := provision.Item{Trunk: a.Trunk, SecretName: a.SecretName, Line: a.Line}
	if a.Sealed == "" {
		return item, nil
	}
	if sealer == nil {
		return item, ErrNoSealer
	}
	secret, err := sealer.open(a.Trunk.TrunkID, a.Sealed)
	if err != nil {
		return item, err
	}
	var sip mihu.SIPCredentials
	if a.Trunk.SIP != nil {
		sip = *a.Trunk.SIP
	}
	sip.Username, sip.Password = secret.Username, secret.Password
	item.Trunk.SIP = &sip
	return item, nil
}

// Kind returns JobKind.
func (Args) Kind() string { return JobKind }

// InsertOpts returns options that put the job into the queue QueueName.
func (Args) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueName} }

// Hooks returns what River calls as it inserts a job.
func (Args) Hooks() []rivertype.Hook { return []rivertype.Hook{new(keyHook)} }

// plainArgs has the fields of Args without its methods.
type plainArgs Args

// storedArgs is the JSON of a job. The settings are text, because the column is jsonb, which rewrites numbers:
// 1.10e2 would be read as 110.
type storedArgs struct {
	plainArgs
	Settings string `json:"additional_settings,omitempty"`
}

// MarshalJSON writes the arguments as they are stored. AdditionalSettings are a JSON text of their own, so that
// they are sent as they were enqueued.
func (a Args) MarshalJSON() ([]byte, error) {
	stored := storedArgs{plainArgs: plainArgs(a)}
	if a.Trunk.AdditionalSettings != nil {
		text, err := json.Marshal(a.Trunk.AdditionalSettings)
		if err != nil {
			return nil, err
		}
		stored.Settings, stored.Trunk.AdditionalSettings = string(text), nil
	}
	return json.Marshal(stored)
}

// UnmarshalJSON reads stored arguments. Numbers in AdditionalSettings keep their digits. An unknown field,
// which a later version may have added, is an error, because it would be lost.
func (a *Args) UnmarshalJSON(text []byte) error {
	var stored storedArgs
	if err := decode(text, &stored); err != nil {
		return err
	}
	if stored.Settings != "" {
		if err := decode([]byte(stored.Settings), &stored.Trunk.AdditionalSettings); err != nil {
			return fmt.Errorf("additional_settings: %w", err)
		}
	}
	*a = Args(stored.plainArgs)
	return nil
}

func decode(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// LogValue returns the item without credentials and with the number masked.
func (a Args) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Any("trunk", a.Trunk)}
	if a.SecretName != "" {
		attrs = append(attrs, slog.String("secret_name", a.SecretName))
	}
	if a.Line != 0 {
		attrs = append(attrs, slog.Int("line", a.Line))
	}
	return slog.GroupValue(append(attrs, slog.Bool("sealed", a.Sealed != ""))...)
}

// Format prints what LogValue returns, under every verb.
func (a Args) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Args{%v secret_name=%q line=%d sealed=%t}", a.Trunk, a.SecretName, a.Line, a.Sealed != "")
}

// A key gives a job its place in River's index of unique jobs, the only index that finds the jobs of a trunk.
// It is the hash of the trunk, the hash of what is wanted, and random bytes, so that no two keys are equal.
const (
	hashLen   = 16
	randomLen = 8
	keyLen    = 2*hashLen + randomLen
	// everyState keeps jobs in that index whatever their state.
	everyState = 0xff
)

func (a Args) key() []byte {
	key := make([]byte, keyLen)
	copy(key, hash(a.Trunk.TrunkID))
	copy(key[hashLen:2*hashLen], a.digest)
	_, _ = rand.Read(key[2*hashLen:]) // it does not fail
	return key
}

// wants reports whether the job with this key wants the same as a.
func (a Args) wants(key []byte) bool {
	return len(key) == keyLen && bytes.Equal(key[hashLen:2*hashLen], a.digest[:hashLen])
}

func hash(id mihu.TrunkID) []byte {
	sum := sha256.Sum256([]byte("mihu\x00" + string(id.Channel) + "\x00" + id.PhoneNumber))
	return sum[:hashLen]
}

// bounds returns the lowest and the highest key of a trunk.
func bounds(id mihu.TrunkID) (low, high []byte) {
	const rest = keyLen - hashLen
	of := hash(id)
	return append(bytes.Clone(of), make([]byte, rest)...), append(of, bytes.Repeat([]byte{0xff}, rest)...)
}

// keyHook sets the key of every job of this kind, also if another program inserts it.
type keyHook struct{ river.HookDefaults }

// InsertBegin sets the key.
func (*keyHook) InsertBegin(_ context.Context, params *rivertype.JobInsertParams) error {
	var args Args
	switch given := params.Args.(type) {
	case Args:
		args = given
	case *Args:
		args = *given
	default:
		return fmt.Errorf("mihuriver: a job of kind %s has arguments of type %T, want Args", JobKind, params.Args)
	}
	params.UniqueKey, params.UniqueStates = args.key(), everyState
	return nil
}
