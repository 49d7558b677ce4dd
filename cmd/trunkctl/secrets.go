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
)

const mostSecrets = 64 << 20 // bytes of the file of --secrets

// namedSecrets are the SIP credentials of the file of --secrets. Its zero value has none.
type namedSecrets map[string]mihu.SIPCredentials

// has tells whether there are credentials of a name.
func (s namedSecrets) has(name string) bool {
	_, there := s[name]
	return there
}

// find is a provision.Secrets. Whether they are there was asked when the rows were read.
func (s namedSecrets) find(_ context.Context, name string) (mihu.SIPCredentials, error) {
	if !s.has(name) {
		return mihu.SIPCredentials{}, errors.New("not in the file of --secrets")
	}
	return s[name], nil
}

// readSecrets reads the file of --secrets, and finds what the API would not take; none where there is no file.
func (a *app) readSecrets(file string) (namedSecrets, error) {
	if file == "" {
		return namedSecrets{}, nil
	}
	reader, done, err := a.input("--secrets", file)
	if err != nil {
		return nil, err
	}
	defer done()
	content, err := io.ReadAll(io.LimitReader(reader, mostSecrets+1))
	if err != nil {
		return nil, err
	}
	if len(content) > mostSecrets {
		return nil, &inputError{fmt.Sprintf("--secrets: longer than %d MiB", mostSecrets>>20)}
	}
	var secrets namedSecrets
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields() // a password under a misspelled key would be missed in silence
	err = decoder.Decode(&secrets)
	if _, after := decoder.Token(); err != nil || !errors.Is(after, io.EOF) {
		// The decoder's own words may repeat what is there.
		return nil, &inputError{"--secrets: want a JSON object such as {\"name\": {\"username\": \"…\", \"password\": \"…\"}}, " +
			"with no other keys than these and gateway, port and secondary_gateway"}
	}
	if name, twice := repeated(content); twice {
		return nil, &inputError{fmt.Sprintf("--secrets: the key %s stands twice; which of the two is right cannot be known", shownName(name))}
	}
	faults := 0
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		for _, fault := range sipFaults(secrets[name]) {
			faults++
			a.tell(printable(fmt.Sprintf("%s: %s: %v", file, shownName(name), fault)))
		}
	}
	if faults > 0 {
		return nil, &inputError{fmt.Sprintf("%s in the file of --secrets; nothing was sent", counted(faults, "fault"))}
	}
	return secrets, nil
}

// repeated finds a key that stands twice, for names in the object and for fields in those within it, where
// capitals do not matter. What it is given has been decoded before.
func repeated(content []byte) (key string, twice bool) {
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

// shownName is a name for people, masked where it may be a number.
func shownName(name string) string {
	const fewest = 7
	digits := 0
	for _, r := range name {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	if digits >= fewest {
		return mihu.MaskNumber(name)
	}
	return strconv.Quote(name)
}

// sipFaults says what is wrong with credentials, whatever trunk they are for.
func sipFaults(credentials mihu.SIPCredentials) []mihu.FieldViolation {
	trial := mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall},
		AgentUUID: "00000000-0000-0000-0000-000000000000",
		SIP:       &credentials,
	}
	if invalid, ok := errors.AsType[*mihu.ValidationError](trial.Validate()); ok {
		return invalid.Violations
	}
	return nil
}
