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
	content = bytes.TrimPrefix(content, []byte(byteOrderMark))
	secrets, err := decodeSecrets(content)
	if err != nil {
		return nil, err
	}
	violations := 0
	empty := emptyCredentials(content)
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		problems := empty[name]
		for _, violation := range sipViolations(secrets[name]) {
			problems = append(problems, violation.String())
		}
		for _, problem := range problems {
			a.printErr(term.Printable(file + ": " + shownName(name) + ": " + problem))
		}
		violations += len(problems)
	}
	if violations > 0 {
		return nil, &inputError{fmt.Sprintf("%s in the --secrets file; nothing was sent", counted(violations, "error"))}
	}
	return secrets, nil
}

func decodeSecrets(content []byte) (secrets namedSecrets, err error) {
	if err := checkText(content); err != nil {
		return nil, &inputError{"--secrets: " + err.Error()}
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields() // a password under a misspelled key must not be lost
	err = decoder.Decode(&secrets)
	if _, after := decoder.Token(); err != nil || !errors.Is(after, io.EOF) {
		// The decoder's own error may quote a secret.
		return nil, &inputError{"--secrets: want a JSON object such as {\"name\": {\"username\": \"…\", \"password\": \"…\"}}, " +
			"with no other keys than these and gateway, port and secondary_gateway"}
	}
	if name, duplicate := duplicateKey(content, sameField); duplicate {
		return nil, &inputError{fmt.Sprintf("--secrets: duplicate key %s; remove one of the two", shownName(name))}
	}
	return secrets, nil
}

// emptyCredentials returns what is null or empty in the --secrets file, by name. It would be left
// out of the request without a word. The content has been decoded before.
func emptyCredentials(content []byte) map[string][]string {
	var names map[string]map[string]any
	_ = json.Unmarshal(content, &names)
	problems := map[string][]string{}
	for name, fields := range names {
		if len(fields) == 0 {
			problems[name] = []string{"no credentials; want username and password"}
		}
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			switch fields[field] {
			case nil, "", 0.0:
				problems[name] = append(problems[name], field+": null or empty; set a value or remove the key")
			}
		}
	}
	return problems
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
