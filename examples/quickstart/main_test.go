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

// realServer stands for a real workspace, in which somebody else has a trunk.
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
		t.Errorf("%d passwords were sent, want 2", sent)
	}
	if strings.Contains(printed, fakeNumber) {
		t.Error("the whole number was printed")
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
				t.Errorf("got %v, want a refusal that asks for another number", err)
			}
			wantNoWrites(t, server)
		})
	}
}

func TestWrongCommandLine(t *testing.T) {
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
				t.Errorf("%d requests were sent, want none", n)
			}
		})
	}
}

// TestCleanUp breaks one step after another: whatever fails, nothing stays behind.
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
		"again":    refused("POST", trunks, 1),
		"remove":   refused("DELETE", trunks, 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := realServer(t)
			inject(t, server, fault)
			printed, err := exampletest.Run(t.Context(), t, run, server, "", realArgs...)
			if !errors.Is(err, mihu.ErrForbidden) {
				t.Errorf("got %v, want the step's error", err)
			}
			if !strings.Contains(printed, "clean up  remove") {
				t.Errorf("no word of the removal in\n%s", printed)
			}
			wantOthersOnly(t, server)
		})
	}
}

// TestRegisterOpen loses every answer that could tell what became of the registration.
func TestRegisterOpen(t *testing.T) {
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

// TestRegisteredBySomebodyElse has another program register the number after it was found free.
func TestRegisteredBySomebodyElse(t *testing.T) {
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
		t.Errorf("their trunk is %v now", trunk)
	}
}

// TestRegisterOpenAndTaken has somebody else register the number while ours is lost, and nothing be
// found out about it until the quickstart cleans up.
func TestRegisterOpenAndTaken(t *testing.T) {
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
	if !errors.Is(err, mihu.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "left as it is") {
		t.Errorf("got %v, want an unknown outcome and their trunk left as it is", err)
	}
	if trunk, ok := server.Trunk(trunkID); !ok || trunk.AgentUUID != theirs.AgentUUID {
		t.Errorf("their trunk is %v now", trunk)
	}
}

// TestInterrupted ends the context while the server holds a request, as Ctrl-C does.
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

// TestLeftBehind says so where the trunk cannot be removed.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	server := realServer(t)
	inject(t, server, mihutest.Fault{On: mihutest.Match{Method: "DELETE", Times: -1}, Status: http.StatusInternalServerError})
	_, err := exampletest.Run(t.Context(), t, run, server, "", realArgs...)
	if err == nil || !strings.Contains(err.Error(), "left behind") {
		t.Errorf("got %v, want it to say that the trunk is left behind", err)
	}
}

func wantOthersOnly(t *testing.T, server *mihutest.Server) {
	t.Helper()
	if trunks := server.Trunks(); len(trunks) != 1 || trunks[0].ID == trunkID {
		t.Errorf("the server holds %v, want the trunk of somebody else alone", trunks)
	}
}

func wantNoWrites(t *testing.T, server *mihutest.Server) {
	t.Helper()
	for _, request := range server.Requests() {
		if request.Method != http.MethodGet {
			t.Errorf("%v was sent, want reads only", request)
		}
	}
}
