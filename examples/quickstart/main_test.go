package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
	"github.com/mihu-go/mihu/examples/internal/exampletest"
	"github.com/mihu-go/mihu/mihutest"
)

var (
	trunkID  = mihu.TrunkID{PhoneNumber: fakeNumber, Channel: mihu.ChannelCall}
	realArgs = []string{"-number", fakeNumber, "-agent", frontDesk, "-to-agent", nightDesk, "-yes"}
)

// realServer plays a real workspace that already has one trunk.
func realServer(t *testing.T) *mihutest.Server {
	t.Helper()
	server := mihutest.NewServer(t)
	err := errors.Join(
		server.AddAgentWithUUID(frontDesk, "Front desk"),
		server.AddAgentWithUUID(nightDesk, "Night desk"),
		server.AddTrunk(mihutest.Trunk{
			ID:        mihu.TrunkID{PhoneNumber: "+12025550100", Channel: mihu.ChannelCall},
			AgentUUID: server.AddAgent("Sales"),
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func inject(t *testing.T, server *mihutest.Server, faults ...mihutest.Fault) {
	t.Helper()
	if err := server.Inject(faults...); err != nil {
		t.Fatal(err)
	}
}

func TestFakeServer(t *testing.T) {
	t.Parallel()
	printed, err := exampletest.Run(t.Context(), t, run, nil, "")
	if err != nil {
		t.Error(err)
	}
	exampletest.Golden(t, "fake.golden", printed)
}

func TestRealWorkspace(t *testing.T) {
	t.Parallel()
	server := realServer(t)
	printed, err := exampletest.Run(t.Context(), t, run, server, "", realArgs...)
	if err != nil {
		t.Error(err)
	}
	exampletest.Golden(t, "real.golden", printed)
	wantOthersOnly(t, server)
	sent := 0
	for _, request := range server.Requests() {
		var body struct {
			SIP struct{ Username, Password string }
		}
		if len(request.Body) == 0 {
			continue
		}
		if err := json.Unmarshal(request.Body, &body); err != nil {
			t.Fatal(err)
		}
		password := body.SIP.Password
		if password == "" {
			continue
		}
		sent++
		if strings.Contains(printed, password) {
			t.Error("a password was printed")
		}
	}
	if sent != 2 {
		t.Errorf("sent %d passwords, want 2", sent)
	}
	if strings.Contains(printed, fakeNumber) {
		t.Error("the full number was printed")
	}
}

func TestRealWorkspaceUnconfirmed(t *testing.T) {
	t.Parallel()
	server := realServer(t)
	printed, err := exampletest.Run(t.Context(), t, run, server, "", realArgs[:len(realArgs)-1]...)
	if !errors.Is(err, example.ErrNotConfirmed) {
		t.Errorf("got %v, want ErrNotConfirmed", err)
	}
	exampletest.Golden(t, "unconfirmed.golden", printed)
	wantNoWrites(t, server)
}

func TestNumberInUse(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*mihutest.Server) error{
		"call": func(server *mihutest.Server) error {
			return server.AddTrunk(mihutest.Trunk{ID: trunkID, AgentUUID: frontDesk})
		},
		"whatsapp": func(server *mihutest.Server) error {
			id := mihu.TrunkID{PhoneNumber: fakeNumber, Channel: mihu.ChannelWhatsApp}
			return server.AddTrunk(mihutest.Trunk{ID: id, AgentUUID: frontDesk})
		},
		"purchased": func(server *mihutest.Server) error {
			_, err := server.AddPurchasedNumber(fakeNumber)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := realServer(t)
			if err := prepare(server); err != nil {
				t.Fatal(err)
			}
			if _, err := exampletest.Run(t.Context(), t, run, server, "", realArgs...); err == nil || !strings.Contains(err.Error(), "another -number") {
				t.Errorf("got %v, want an error that asks for another number", err)
			}
			wantNoWrites(t, server)
		})
	}
}

func TestInvalidCommandLine(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"no number":      {"-agent", frontDesk, "-to-agent", nightDesk, "-yes"},
		"the same agent": {"-number", fakeNumber, "-agent", frontDesk, "-to-agent", frontDesk, "-yes"},
		"not a number":   {"-number", "2025550142", "-agent", frontDesk, "-to-agent", nightDesk, "-yes"},
		"unknown flag":   {"-force"},
		"argument":       {fakeNumber},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := realServer(t)
			if _, err := exampletest.Run(t.Context(), t, run, server, "", args...); err == nil {
				t.Error("want an error")
			}
			if n := server.RequestCount(); n != 0 {
				t.Errorf("sent %d requests, want none", n)
			}
		})
	}
}

// TestCleanUp lets each step fail in turn. The trunk must be deleted each time.
func TestCleanUp(t *testing.T) {
	t.Parallel()
	const trunks = "/phone-numbers/trunks"
	refused := func(method, path string, skip int) mihutest.Fault {
		return mihutest.Fault{On: mihutest.Match{Method: method, Path: path, Skip: skip}, Status: http.StatusForbidden}
	}
	for name, fault := range map[string]mihutest.Fault{
		"rotate":   refused("PATCH", trunks, 0),
		"clear":    refused("PATCH", trunks, 1),
		"move":     refused("PUT", trunks+"/assign", 0),
		"list":     refused("GET", trunks, 0),
		"channels": refused("GET", "/phone-numbers/channels", 1),
		"conflict": refused("POST", trunks, 1),
		"delete":   refused("DELETE", trunks, 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := realServer(t)
			inject(t, server, fault)
			printed, err := exampletest.Run(t.Context(), t, run, server, "", realArgs...)
			if !errors.Is(err, mihu.ErrForbidden) {
				t.Errorf("got %v, want the step's error", err)
			}
			if !strings.Contains(printed, "clean up  delete") {
				t.Errorf("no clean-up in\n%s", printed)
			}
			wantOthersOnly(t, server)
		})
	}
}

// TestCreateOutcomeUnknown loses every response that could show whether the trunk was created.
func TestCreateOutcomeUnknown(t *testing.T) {
	t.Parallel()
	server := realServer(t)
	inject(t, server,
		mihutest.Fault{On: mihutest.Match{Method: "POST"}, Drop: true, AfterChange: true},
		mihutest.Fault{On: mihutest.Match{Method: "GET", Path: "/phone-numbers/channels", Skip: 1}, Status: http.StatusForbidden},
	)
	_, err := exampletest.Run(t.Context(), t, run, server, "", realArgs...)
	if !errors.Is(err, mihu.ErrOutcomeUnknown) {
		t.Errorf("got %v, want ErrOutcomeUnknown", err)
	}
	wantOthersOnly(t, server)
}

// TestCreatedByAnotherProgram lets another program create the trunk after the number was found free.
func TestCreatedByAnotherProgram(t *testing.T) {
	t.Parallel()
	server := realServer(t)
	theirs := mihutest.Trunk{ID: trunkID, AgentUUID: server.AddAgent("Theirs")}
	server.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
		if request.Method == http.MethodPost {
			if err := server.AddTrunk(theirs); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if _, err := exampletest.Run(t.Context(), t, run, server, "", realArgs...); !errors.Is(err, mihu.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if trunk, ok := server.Trunk(trunkID); !ok || trunk.AgentUUID != theirs.AgentUUID {
		t.Errorf("their trunk is now %v", trunk)
	}
}

// TestCreateOutcomeUnknownAndTaken lets another program create the trunk while our request is lost.
// Our program cannot see it until it cleans up.
func TestCreateOutcomeUnknownAndTaken(t *testing.T) {
	t.Parallel()
	server := realServer(t)
	theirs := mihutest.Trunk{ID: trunkID, AgentUUID: server.AddAgent("Theirs")}
	inject(t, server, mihutest.Fault{On: mihutest.Match{Method: "GET", Path: "/phone-numbers/channels", Skip: 1}, Status: http.StatusForbidden})
	server.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
		if request.Method != http.MethodPost {
			return nil
		}
		if err := server.AddTrunk(theirs); err != nil {
			t.Error(err)
		}
		return &mihutest.Fault{Drop: true}
	})
	_, err := exampletest.Run(t.Context(), t, run, server, "", realArgs...)
	if !errors.Is(err, mihu.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "not deleted") {
		t.Errorf("got %v, want an unknown outcome, and their trunk not deleted", err)
	}
	if trunk, ok := server.Trunk(trunkID); !ok || trunk.AgentUUID != theirs.AgentUUID {
		t.Errorf("their trunk is now %v", trunk)
	}
}

// TestInterrupted cancels the context while a request is in flight, as Ctrl-C does.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			server := realServer(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
				if request.Method != method || ctx.Err() != nil {
					return nil
				}
				cancel()
				return &mihutest.Fault{Delay: time.Hour}
			})
			_, err := exampletest.Run(ctx, t, run, server, "", realArgs...)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			wantOthersOnly(t, server)
		})
	}
}

// TestCleanUpFails checks the error if the trunk cannot be deleted.
func TestCleanUpFails(t *testing.T) {
	t.Parallel()
	server := realServer(t)
	inject(t, server, mihutest.Fault{On: mihutest.Match{Method: "DELETE", Times: -1}, Status: http.StatusInternalServerError})
	_, err := exampletest.Run(t.Context(), t, run, server, "", realArgs...)
	if err == nil || !strings.Contains(err.Error(), "still exists") {
		t.Errorf("got %v, want an error that the trunk still exists", err)
	}
}

func wantOthersOnly(t *testing.T, server *mihutest.Server) {
	t.Helper()
	if trunks := server.Trunks(); len(trunks) != 1 || trunks[0].ID == trunkID {
		t.Errorf("stored trunks: %v, want only the other one", trunks)
	}
}

func wantNoWrites(t *testing.T, server *mihutest.Server) {
	t.Helper()
	for _, request := range server.Requests() {
		if request.Method != http.MethodGet {
			t.Errorf("sent %v, want reads only", request)
		}
	}
}
