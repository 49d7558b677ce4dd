package mihuriver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

const (
	// JobKind is River's kind of the jobs of this package.
	JobKind = "mihu_provision"
	// QueueName is the queue of River that they are in.
	QueueName = "mihu"
)

// Args are what a job is about: one item. They are stored as JSON, with the phone number whole and
// without a SIP username or password in clear; they print as the item does. They are made by
// [Queue.Enqueue]; what is inserted past it is worked on, but neither compared nor put in order.
type Args struct {
	// Trunk is what the trunk is to be, without SIP username and password.
	Trunk mihu.TrunkCreateRequest `json:"trunk"`
	// SecretName names the credentials, for [WorkerOptions.Secrets]; "" for none.
	SecretName string `json:"secret_name,omitempty"`
	// Line is where the item was read, from 1; 0 where it has no line.
	Line int `json:"line,omitempty"`
	// Sealed are the SIP username and password, sealed by a [Sealer]; "" for none.
	Sealed string `json:"sealed,omitempty"`

	// digest is the same for the same item, and tells nothing of credentials. It is stored in the key of
	// the job; of what is inserted past the Queue it is nil.
	digest []byte
}

// newArgs is the job of an item; sealer may be nil where it has no credentials of its own.
func newArgs(item provision.Item, sealer *Sealer) (Args, error) {
	args := Args{Trunk: item.Trunk, SecretName: item.SecretName, Line: item.Line}
	var secret credentials
	if item.Trunk.SIP != nil {
		sip := *item.Trunk.SIP
		secret = credentials{sip.Username, sip.Password}
		sip.Username, sip.Password = "", ""
		args.Trunk.SIP = &sip
		if sip == (mihu.SIPCredentials{}) {
			args.Trunk.SIP = nil // as the API is sent it
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

// item is what a worker is to make of the job.
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

// Kind is JobKind, for River.
func (Args) Kind() string { return JobKind }

// InsertOpts puts the jobs into the queue of that name.
func (Args) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueName} }

// Hooks are for River, which calls them as it inserts a job.
func (Args) Hooks() []rivertype.Hook { return []rivertype.Hook{new(keyHook)} }

// UnmarshalJSON reads a job. Numbers in AdditionalSettings keep their digits, and a field that a later
// version has added is an error, for it would be lost.
func (a *Args) UnmarshalJSON(text []byte) error {
	type plain Args
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	return dec.Decode((*plain)(a))
}

// LogValue shows the item without credentials, its number masked.
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

// Format prints what LogValue shows, under every verb.
func (a Args) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Args{%v secret_name=%q line=%d sealed=%t}", a.Trunk, a.SecretName, a.Line, a.Sealed != "")
}

// A key gives a job its place in River's index of unique jobs, which is the only one that finds the jobs
// of one trunk at once: the hash of the trunk, that of what is wanted, and random bytes, so that no two
// keys are the same.
const (
	hashLen   = 16
	randomLen = 8
	keyLen    = 2*hashLen + randomLen
	// everyState has jobs in that index whatever their state.
	everyState = 0xff
)

func (a Args) key() []byte {
	key := make([]byte, keyLen)
	copy(key, hash(a.Trunk.TrunkID))
	copy(key[hashLen:2*hashLen], a.digest)
	_, _ = rand.Read(key[2*hashLen:]) // it does not fail
	return key
}

// wants says that a job with this key wants what a does.
func (a Args) wants(key []byte) bool {
	return len(key) == keyLen && bytes.Equal(key[hashLen:2*hashLen], a.digest[:hashLen])
}

func hash(id mihu.TrunkID) []byte {
	sum := sha256.Sum256([]byte("mihu\x00" + string(id.Channel) + "\x00" + id.PhoneNumber))
	return sum[:hashLen]
}

// bounds are the lowest key of a trunk and the highest.
func bounds(id mihu.TrunkID) (low, high []byte) {
	const rest = keyLen - hashLen
	of := hash(id)
	return append(bytes.Clone(of), make([]byte, rest)...), append(of, bytes.Repeat([]byte{0xff}, rest)...)
}

// keyHook sets the key of every job of this kind, also of one that is inserted past this package.
type keyHook struct{ river.HookDefaults }

// InsertBegin sets it.
func (*keyHook) InsertBegin(_ context.Context, params *rivertype.JobInsertParams) error {
	var args Args
	switch given := params.Args.(type) {
	case Args:
		args = given
	case *Args:
		args = *given
	default:
		return fmt.Errorf("mihuriver: a job of kind %s has arguments of type %T", JobKind, params.Args)
	}
	params.UniqueKey, params.UniqueStates = args.key(), everyState
	return nil
}
