package main

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

var trunkID = mihu.TrunkID{PhoneNumber: "+12025550142", Channel: mihu.ChannelCall}

// newRota starts a server with one trunk of the day desk.
func newRota(t *testing.T) (_ *Rota, _ *mihutest.Server, day, night string) {
	t.Helper()
	srv := mihutest.NewServer(t)
	client := srv.Client(t)
	day, night = srv.AddAgent("Day desk"), srv.AddAgent("Night desk")
	if err := srv.AddTrunk(mihutest.Trunk{ID: trunkID, AgentUUID: day, Name: "Main line"}); err != nil {
		t.Fatal(err)
	}
	return &Rota{client, slog.New(slog.DiscardHandler)}, srv, day, night
}

func wantAgent(t *testing.T, srv *mihutest.Server, agentUUID string) {
	t.Helper()
	if trunk, _ := srv.Trunk(trunkID); trunk.AgentUUID != agentUUID || trunk.Name != "Main line" {
		t.Errorf("stored trunk: %v, want the same trunk with agent %s", trunk, agentUUID)
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	rota, srv, _, night := newRota(t)
	if err := rota.Put(t.Context(), trunkID.PhoneNumber, night); err != nil {
		t.Error(err)
	}
	wantAgent(t, srv, night)
}

func TestPutRefused(t *testing.T) {
	t.Parallel()
	rota, srv, day, night := newRota(t)
	other := mihu.TrunkID{PhoneNumber: "+12025550143", Channel: mihu.ChannelCall}
	if err := srv.AddTrunk(mihutest.Trunk{ID: other, AgentUUID: night}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		number, agent string
		want          error
	}{
		"no trunk":     {"+12025550199", day, ErrNoTrunk},
		"not a number": {"2025550142", day, mihu.ErrInvalid},
		"busy agent":   {trunkID.PhoneNumber, night, mihu.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := rota.Put(t.Context(), c.number, c.agent); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			wantAgent(t, srv, day)
		})
	}
}

// TestCreateLostResponse is the test in the README of package mihu.
func TestCreateLostResponse(t *testing.T) {
	t.Parallel()
	id := trunkID
	srv := mihutest.NewServer(t)
	client := srv.Client(t)

	// The server applies the next POST, and its response is lost.
	lost := mihutest.Fault{On: mihutest.Match{Method: "POST"}, Drop: true, AfterChange: true}
	if err := srv.Inject(lost); err != nil {
		t.Fatal(err)
	}
	req := &mihu.TrunkCreateRequest{TrunkID: id, AgentUUID: srv.AddAgent("Ada"), Name: "Front desk"}
	if _, err := client.Trunks.Create(t.Context(), req); err != nil {
		t.Error(err) // the client should reconcile it
	}
	if trunk, ok := srv.Trunk(id); !ok || trunk.Name != "Front desk" {
		t.Errorf("stored trunk: %v", trunk)
	}
}

// TestPutFaults lets the server or the network fail, before and after the trunk is moved.
func TestPutFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults []mihutest.Fault
		moved  bool
		want   error
	}{
		"connection lost, then retried": {
			faults: []mihutest.Fault{{On: mihutest.Match{Method: "PUT"}, Drop: true}},
			moved:  true,
		},
		"moved, response lost": {
			faults: []mihutest.Fault{{On: mihutest.Match{Method: "PUT"}, Status: http.StatusInternalServerError, AfterChange: true}},
			moved:  true,
		},
		"not moved": {
			faults: []mihutest.Fault{{On: mihutest.Match{Method: "PUT"}, Status: http.StatusInternalServerError}},
			want:   mihu.ErrOutcomeUnknown,
		},
		"moved, and verification fails": {
			faults: []mihutest.Fault{
				{On: mihutest.Match{Method: "PUT"}, Status: http.StatusInternalServerError, AfterChange: true},
				{On: mihutest.Match{Method: "GET"}, Status: http.StatusInternalServerError},
			},
			moved: true,
			want:  mihu.ErrOutcomeUnknown,
		},
		"404 page of a proxy": {
			faults: []mihutest.Fault{mihutest.HTMLPage(http.StatusNotFound)},
			want:   mihu.ErrMalformedResponse,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rota, srv, day, night := newRota(t)
			if err := srv.Inject(c.faults...); err != nil {
				t.Fatal(err)
			}
			if err := rota.Put(t.Context(), trunkID.PhoneNumber, night); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			} else if errors.Is(err, ErrNoTrunk) {
				t.Errorf("%v: the trunk exists", err)
			}
			if left := srv.FaultsLeft(); left != 0 {
				t.Errorf("%d faults did not happen", left)
			}
			want := day
			if c.moved {
				want = night
			}
			wantAgent(t, srv, want)
		})
	}
}
