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
)

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
	content, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
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
func sipFaults(credentials mihu.SIPCredentials) []mihu.Fault {
	trial := mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall},
		AgentUUID: "00000000-0000-0000-0000-000000000000",
		SIP:       &credentials,
	}
	if invalid, ok := errors.AsType[*mihu.ValidationError](trial.Validate()); ok {
		return invalid.Faults
	}
	return nil
}
