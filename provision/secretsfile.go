package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/rows"
)

// maxFileSize bounds the files that are read as a whole.
const maxFileSize = 64 << 20

// NamedSecrets are SIP credentials by name, for [Options.Secrets] and [ReadOptions.HasSecret]. Its
// zero value has none. It prints without names and credentials, and is safe for concurrent use.
type NamedSecrets struct {
	byName map[string]mihu.SIPCredentials
}

// ReadSecrets reads a file of SIP credentials, one JSON object by name:
//
//	{"berlin": {"username": "…", "password": "…", "gateway": "sip.example.com", "port": 5060}}
//
// A password is required, and the username unless the rows have it. Gateway, port and
// secondary_gateway are optional. The text of a value is read as [Open] reads JSON lines. A byte
// order mark is skipped.
//
// It reads all of r. name is the name of the file in an error; "" means "secrets". If anything is
// wrong, it returns no credentials, and an [*InputError] with every violation and its place. An error
// of r can be found with errors.Is.
func ReadSecrets(r io.Reader, name string) (*NamedSecrets, error) {
	found := &InputError{Name: cmp.Or(name, "secrets")}
	file, err := readWhole(r, found.Name)
	if err != nil {
		return nil, err
	}
	secrets := &NamedSecrets{byName: map[string]mihu.SIPCredentials{}}
	var violations []rows.Violation
	violations = append(violations, secretsTable().ReadObjects(file, func(key string, at rows.Place, row *rows.Row) {
		if problem := nameProblem(key); problem != "" {
			violations = append(violations, at.Violation("", rows.ShownKey(key), problem))
		}
		credentials, wrong := secretOf(row)
		violations = append(violations, wrong...)
		secrets.byName[key] = credentials
	})...)
	if len(violations) > 0 {
		rows.Sort(violations)
		found.add(violations...)
		return nil, found
	}
	return secrets, nil
}

// Has reports whether there are credentials with a name.
func (s *NamedSecrets) Has(name string) bool {
	_, ok := s.byName[name]
	return ok
}

// Lookup returns the credentials with a name. It is a [Secrets].
func (s *NamedSecrets) Lookup(_ context.Context, name string) (mihu.SIPCredentials, error) {
	if !s.Has(name) {
		return mihu.SIPCredentials{}, errors.New(unknownSecret)
	}
	return s.byName[name], nil
}

// Names iterates over the names, sorted.
func (s *NamedSecrets) Names() iter.Seq[string] {
	return slices.Values(slices.Sorted(maps.Keys(s.byName)))
}

// LogValue returns the number of credentials.
func (s *NamedSecrets) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String returns the number of credentials.
func (s *NamedSecrets) String() string { return fmt.Sprintf("NamedSecrets{%d}", len(s.byName)) }

// Format prints String for every verb.
func (s *NamedSecrets) Format(f fmt.State, verb rune) { format(f, verb, s.String()) }

// The fields of credentials, in the order of secretsTable.
const (
	secretGateway = iota
	secretPort
	secretUsername
	secretPassword
	secretSecondaryGateway
	numSecretFields
)

// ofTrunk returns the field of a trunk that is the same.
func ofTrunk(secretField int) field {
	return [numSecretFields]field{
		secretGateway: fieldSIPGateway, secretPort: fieldSIPPort, secretUsername: fieldSIPUsername, secretPassword: fieldSIPPassword,
		secretSecondaryGateway: fieldSIPSecondaryGateway,
	}[secretField]
}

func secretsTable() *rows.Table {
	t := &rows.Table{Closed: true}
	for i := range numSecretFields {
		known := trunkFields()[ofTrunk(i)]
		t.Fields = append(t.Fields, rows.Field{Key: strings.TrimPrefix(known.Key, "sip."), Kind: known.Kind})
	}
	return t
}

// nameProblem returns why a name cannot be one of credentials.
func nameProblem(name string) string {
	if rows.Trim(name) == "" {
		return "empty name; a row cannot name it"
	}
	if strings.ContainsFunc(name, isControl) {
		return "name has a control character"
	}
	if problem := rows.Suspect(name, rows.Exact, rows.JSON); problem != "" {
		return "name " + problem
	}
	return ""
}

// secretOf returns the credentials of an object, or everything that is wrong with it.
func secretOf(object *rows.Row) (mihu.SIPCredentials, []rows.Violation) {
	// The object is read as the SIP credentials of a row are.
	row := *object
	row.Cells, row.Missing = make([]rows.Cell, numFields), make([]bool, numFields)
	for i := range numSecretFields {
		row.Cells[ofTrunk(i)] = object.Cells[i]
	}
	r := &itemRow{Row: &row}
	r.clean()
	sip := mihu.SIPCredentials{
		Gateway: r.text(fieldSIPGateway), Port: r.port(), Username: r.text(fieldSIPUsername), Password: r.text(fieldSIPPassword),
		SecondaryGateway: r.text(fieldSIPSecondaryGateway),
	}
	if sip.Password == "" && !r.bad[fieldSIPPassword] {
		r.violate(fieldSIPPassword, "", "empty; want username and password")
	}
	trial := &Item{Trunk: mihu.TrunkCreateRequest{
		TrunkID: mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall}, AgentUUID: "00000000-0000-0000-0000-000000000000", SIP: &sip,
	}}
	r.check(trial)
	for i := range r.Violations {
		r.Violations[i].Field = strings.TrimPrefix(r.Violations[i].Field, "sip.")
	}
	return sip, r.Violations
}

// ReadSettings reads additional settings, one JSON object, with numbers as [encoding/json.Number].
// It refuses what would not be sent as it is written: text that is not UTF-8, half of a surrogate
// pair, a key that comes twice. A byte order mark is skipped. {} is an object without settings, for
// which the result is not nil. r, name and the error are those of [ReadSecrets]; "" means "settings".
func ReadSettings(r io.Reader, name string) (map[string]any, error) {
	name = cmp.Or(name, "settings")
	file, err := readWhole(r, name)
	if err != nil {
		return nil, err
	}
	settings, violations := rows.ReadObject(file)
	if len(violations) > 0 {
		return nil, inputErrorOf(name, violations)
	}
	return settings, nil
}

// ReadSecret reads a file that has one line, such as an API token or a password. A byte order mark
// and one line end are skipped. Blanks around it, characters that cannot be seen and a second line
// are errors. r, name and the error are those of [ReadSecrets]; "" means "secret". The error does not
// hold the secret.
func ReadSecret(r io.Reader, name string) (string, error) {
	name = cmp.Or(name, "secret")
	file, err := readWhole(r, name)
	if err != nil {
		return "", err
	}
	line, violations := rows.Line(file)
	if len(violations) > 0 {
		return "", inputErrorOf(name, violations)
	}
	return line, nil
}

func inputErrorOf(name string, violations []rows.Violation) error {
	found := &InputError{Name: name}
	found.add(violations...)
	return found
}

// readWhole reads all of a file that is not too large.
func readWhole(r io.Reader, name string) ([]byte, error) {
	if r == nil {
		return nil, noReader()
	}
	file, err := io.ReadAll(io.LimitReader(r, maxFileSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("provision: reading %s: %w", name, err)
	case len(file) > maxFileSize:
		return nil, inputErrorOf(name, []rows.Violation{beginning.Violation("", "", "larger than 64 MiB")})
	}
	return file, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
