package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
)

const maxSecretsSize = 64 << 20 // bytes of the --secrets file

// namedSecrets are the SIP credentials of the --secrets file, by name.
type namedSecrets map[string]mihu.SIPCredentials

// has reports whether there are credentials of a name.
func (s namedSecrets) has(name string) bool {
	_, ok := s[name]
	return ok
}

// find implements [provision.Secrets]. Reading the rows has checked that every name exists.
func (s namedSecrets) find(_ context.Context, name string) (mihu.SIPCredentials, error) {
	if !s.has(name) {
		return mihu.SIPCredentials{}, errors.New("not in the --secrets file")
	}
	return s[name], nil
}

// readSecrets reads the --secrets file and prints what the API would refuse. Without a file it
// returns none.
func (a *app) readSecrets(file string) (namedSecrets, error) {
	if file == "" {
		return namedSecrets{}, nil
	}
	reader, done, err := a.input("--secrets", file)
	if err != nil {
		return nil, err
	}
	defer done()
	content, err := io.ReadAll(io.LimitReader(reader, maxSecretsSize+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxSecretsSize {
		return nil, &inputError{fmt.Sprintf("--secrets: larger than %d MiB", maxSecretsSize>>20)}
	}
	secrets, err := decodeSecrets(content)
	if err != nil {
		return nil, err
	}
	violations := 0
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		for _, violation := range sipViolations(secrets[name]) {
			violations++
			a.printErr(term.Printable(fmt.Sprintf("%s: %s: %v", file, shownName(name), violation)))
		}
	}
	if violations > 0 {
		return nil, &inputError{fmt.Sprintf("%s in the --secrets file; nothing was sent", counted(violations, "error"))}
	}
	return secrets, nil
}

func decodeSecrets(content []byte) (secrets namedSecrets, err error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields() // a password under a misspelled key must not be lost
	err = decoder.Decode(&secrets)
	if _, after := decoder.Token(); err != nil || !errors.Is(after, io.EOF) {
		// The decoder's own error may quote a secret.
		return nil, &inputError{"--secrets: want a JSON object such as {\"name\": {\"username\": \"…\", \"password\": \"…\"}}, " +
			"with no other keys than these and gateway, port and secondary_gateway"}
	}
	if name, duplicate := duplicateKey(content); duplicate {
		return nil, &inputError{fmt.Sprintf("--secrets: duplicate key %s; remove one of the two", shownName(name))}
	}
	return secrets, nil
}

// duplicateKey finds a key that occurs twice: a name in the object, or a field in those within it,
// whose case does not matter. The content is valid JSON.
func duplicateKey(content []byte) (key string, found bool) {
	names := map[string]bool{}
	decoder := json.NewDecoder(bytes.NewReader(content))
	_, _ = decoder.Token()
	for decoder.More() {
		token, _ := decoder.Token()
		name, _ := token.(string)
		if names[name] {
			return name, true
		}
		names[name] = true
		fields := map[string]bool{}
		for token, _ = decoder.Token(); token == json.Delim('{') && decoder.More(); {
			field, _ := decoder.Token()
			text, _ := field.(string)
			if text = strings.ToLower(text); fields[text] {
				return text, true
			}
			fields[text] = true
			_, _ = decoder.Token()
		}
		if token == json.Delim('{') {
			_, _ = decoder.Token()
		}
	}
	return "", false
}

// shownName returns a name for people, masked if it may be a phone number.
func shownName(name string) string {
	const minDigits = 7
	digits := 0
	for _, r := range name {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	if digits >= minDigits {
		return mihu.MaskNumber(name)
	}
	return strconv.Quote(name)
}

// sipViolations returns what is wrong with credentials, for any trunk.
func sipViolations(credentials mihu.SIPCredentials) []mihu.FieldViolation {
	probe := mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall},
		AgentUUID: "00000000-0000-0000-0000-000000000000",
		SIP:       &credentials,
	}
	if invalid, ok := errors.AsType[*mihu.ValidationError](probe.Validate()); ok {
		return invalid.Violations
	}
	return nil
}
