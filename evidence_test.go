package mihu_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// pagesOf is a transport that responds with the pages in turn, and with the last one after them.
func pagesOf(pages ...string) transportFunc {
	return func(req *http.Request) (*http.Response, error) {
		number, err := strconv.Atoi(req.URL.Query().Get("page"))
		if err != nil {
			return nil, err
		}
		return response(http.StatusOK, pages[min(number, len(pages))-1]), nil
	}
}

// A list is whole, or an error: what no page reports is unknown, and never the end.
func TestListIsWholeOrAnError(t *testing.T) {
	t.Parallel()
	const (
		a, b, c = `{"number":"+15550000001"}`, `{"number":"+15550000002"}`, `{"number":"+15550000003"}`
		none    = `{"success":true,"data":{"items":[]}}`
	)
	items := func(pagination string, items ...string) string {
		if pagination != "" {
			pagination = `,"pagination":` + pagination
		}
		return `{"success":true,"data":{"items":[` + strings.Join(items, ",") + `]` + pagination + `}}`
	}
	data := func(data string) string { return `{"success":true,"data":` + data + `}` }
	paginator := func(rest string, items ...string) string {
		return data(`{"current_page":1,"data":[` + strings.Join(items, ",") + `]` + rest + `}`)
	}
	const whole = "" // the error of a list that is whole
	for _, tt := range []struct {
		name    string
		pages   []string
		want    int // of the numbers 1, 2 and 3, before the error
		errText string
	}{
		{"page and size only", []string{items(`{"current_page":1,"per_page":2}`, a, b), items(`{"current_page":2,"per_page":2}`, c), none}, 3, whole},
		{"no pagination", []string{items("", a, b), items("", c), none}, 3, whole},
		{"an empty pagination", []string{items(`{}`, a, b), items(`[]`, c), none}, 3, whole},
		{"a pagination of nulls", []string{items(`{"current_page":1,"total":null,"last_page":null,"has_more":null}`, a), items("", b, c), none}, 3, whole},
		{"a pagination that cannot be read", []string{items(`{"total":"many","last_page":[]}`, a), items("", b, c), none}, 3, whole},
		{"a page again at the end", []string{items("", a, b), items("", b, c), items("", c)}, 3, whole},
		{"the data is the page", []string{data(`[` + a + `,` + b + `]`), data(`[` + c + `]`), data(`[]`)}, 3, whole},
		{"the simple paginator", []string{
			paginator(`,"next_page_url":"https://acme.mihu.ai/x?page=2"`, a, b), paginator(`,"next_page_url":null`, c), paginator(`,"next_page_url":null`),
		}, 3, whole},
		{"the simple paginator, and a link to a page that is empty", []string{paginator(`,"next_page_url":"https://acme.mihu.ai/x?page=2"`, a, b), paginator(``)}, 2, "page 2 is empty or has nothing new"},
		{"the framework's paginator", []string{paginator(`,"last_page":2,"total":3`, a, b), paginator(`,"last_page":2,"total":3`, c)}, 3, whole},
		{"the framework's paginator, wrapped", []string{
			data(strings.TrimSuffix(strings.TrimPrefix(data(paginator(`,"last_page":1,"total":1`, a)), `{"success":true,"data":{"success":true,"data":`), `}}`)),
		}, 1, whole},
		{"the framework's paginator, and too few", []string{paginator(`,"last_page":3,"total":5`, a, b), paginator(`,"last_page":3,"total":5`, c), none}, 3, "the server reported 5 items and sent 3"},

		{"an earlier page reports more, then an empty one", []string{items(`{"current_page":1,"last_page":2,"total":2,"has_more":true}`, a), none}, 1, "the server reported 2 items and sent 1"},
		{"an earlier page reports more, then the same one", []string{items(`{"current_page":1,"last_page":2,"total":2,"has_more":true}`, a)}, 1, "the server reported 2 items and sent 1"},
		{"a total that contradicts the last page", []string{items(`{"last_page":1,"total":2}`, a), none}, 1, "the server reported 2 items and sent 1"},
		{"a total that contradicts has_more", []string{items(`{"has_more":false,"total":2}`, a), items("", b)}, 2, whole},
		{"an error in the data", []string{data(`{"error":"x","items":[]}`)}, 0, "its data has an error"},
		{"an error in the data of the last page", []string{items("", a, b), data(`{"errors":["x"],"items":[]}`)}, 2, "its data has an error"},
		{"a total only on the first page", []string{items(`{"total":3}`, a, b), none}, 2, "the server reported 3 items and sent 2"},
		{"has_more, then an empty page", []string{items(`{"has_more":true}`, a), none}, 1, "page 2 is empty or has nothing new"},

		{"a cursor", []string{data(`{"items":[` + a + `],"next_cursor":"after-1","has_more":true}`)}, 1, "page 2 is empty or has nothing new"},
		{"has_more beside the items", []string{data(`{"items":[` + a + `],"has_more":true}`), none}, 1, "page 2 is empty or has nothing new"},
		{"a total beside the items", []string{data(`{"items":[` + a + `],"total":2}`), none}, 1, "the server reported 2 items and sent 1"},
		{"a total beside a partial pagination", []string{data(`{"items":[` + a + `],"total":2,"pagination":{"current_page":1}}`), none}, 1, "the server reported 2 items and sent 1"},
		{"a total beside the data", []string{`{"success":true,"data":[` + a + `],"meta":{"total":2}}`, none}, 1, "the server reported 2 items and sent 1"},
		{"a number of pages beside the data", []string{`{"data":{"items":[` + a + `]},"meta":{"pagination":{"total_pages":2}}}`, none}, 1, "page 2 is empty or has nothing new"},
		{"a link beside the data", []string{`{"success":true,"data":{"items":[` + a + `]},"links":{"next":"https://acme.mihu.ai/x?page=2"}}`, none}, 1, "page 2 is empty or has nothing new"},

		{"items under another name", []string{data(`{"trunks":[` + a + `]}`)}, 0, "it has no items"},
		{"items under another name, beside a total", []string{data(`{"trunks":[` + a + `],"pagination":{"total":1}}`)}, 0, "it has no items"},
		{"an empty page in between", []string{items("", a), data(`{}`)}, 1, "it has no items"},
		{"data that is empty", []string{data(`{}`)}, 0, "it has no items"},
		{"data that is null", []string{data(`null`)}, 0, "without data"},
		{"items that are null", []string{data(`{"items":null}`)}, 0, "its items are not a list"},
		{"items that are null, beside a total", []string{data(`{"items":null,"pagination":{"total":3}}`)}, 0, "its items are not a list"},
		{"items that are text", []string{data(`{"items":"none"}`)}, 0, "its items are not a list"},

		{"an item that is null", []string{items("", "null")}, 0, "item 1 is not an object"},
		{"an item that is a list", []string{items("", "[]")}, 0, "item 1 "},
		{"an item that is text", []string{items("", a, `"+15550000002"`)}, 0, "item 2 is not an object"},
		{"an item that is empty", []string{items("", a, `{}`)}, 0, "item 2 does not say what it is"},
		{"an item whose number is null", []string{items("", a, `{"number":null}`)}, 0, "item 2 does not say what it is"},
		{"an item whose number is an object", []string{items("", `{"number":{"e164":"+15550000001"}}`)}, 0, "item 1 does not say what it is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := []string{"+15550000001", "+15550000002", "+15550000003"}[:tt.want]
			for _, prefetch := range []int{0, 3} {
				got, errs := collect(t.Context(), newClient(t, pagesOf(tt.pages...)), &mihu.AllOptions{Prefetch: prefetch})
				assert.Equal(t, want, append([]string{}, got...))
				if tt.errText == whole {
					require.Empty(t, errs)
					continue
				}
				require.Len(t, errs, 1)
				require.ErrorIs(t, errs[0], mihu.ErrMalformedResponse)
				assert.ErrorContains(t, errs[0], tt.errText)
			}
		})
	}
}

// snapshotOf is a response with a snapshot of a number that is on an agent on the call channel.
func snapshotOf(number, agent string, bound bool) string {
	return fmt.Sprintf(`{"success":true,"data":{"number":%q,"is_external":true,"source":"external","channels":{"call":{"bound":%t,"agent_uuid":%q},"whatsapp":{"bound":false}}}}`, number, bound, agent)
}

// unprovenResponses are the bodies of successes that do not prove that a change was made.
func unprovenResponses() map[string]string {
	const other = "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b"
	snapshot := snapshotOf(number, agentUUID, true)
	object := strings.TrimSuffix(strings.TrimPrefix(snapshot, `{"success":true,"data":`), `}`)
	return map[string]string{
		"data that is empty":            `{"success":true,"data":{}}`,
		"data that is an empty list":    `{"success":true,"data":[]}`,
		"data without success":          `{"data":{}}`,
		"data that is not success":      `{"success":true,"data":{"success":false}}`,
		"data that denies it":           `{"success":true,"data":{"deleted":false}}`,
		"data with an error":            `{"success":true,"data":{"error":"x"}}`,
		"data with errors":              `{"success":true,"data":{"errors":["x"]}}`,
		"a status of an item":           `{"success":true,"data":[{"status":403}]}`,
		"an empty object":               `{}`,
		"null":                          `null`,
		"a list":                        `[]`,
		"a text":                        `"OK"`,
		"an HTML page":                  `<html>Sign in</html>`,
		"a message":                     `{"message":"Unauthenticated."}`,
		"a status that is not success":  `{"status":"ok"}`,
		"bindings instead of channels":  strings.Replace(snapshot, `"channels"`, `"bindings"`, 1),
		"no channels":                   `{"success":true,"data":{"number":"+12345678901"}}`,
		"no number":                     strings.Replace(snapshot, `"number"`, `"phone"`, 1),
		"a placeholder for the number":  snapshotOf("<string>", agentUUID, true),
		"another number":                snapshotOf("+12345678902", agentUUID, true),
		"the number with an extension":  snapshotOf("+1234567890111", agentUUID, true),
		"the end of the number":         snapshotOf("2345678901", agentUUID, true),
		"not bound":                     snapshotOf(number, "", false),
		"not bound, but with the agent": snapshotOf(number, agentUUID, false),
		"another agent":                 snapshotOf(number, other, true),
		"bound to nobody":               snapshotOf(number, "", true),
		"bound on another channel":      strings.NewReplacer(`"call"`, `"whatsapp"`, `"whatsapp"`, `"call"`).Replace(snapshot),
		"the snapshot in a list":        `{"success":true,"data":[` + object + `]}`,
		"wrapped three times":           `{"success":true,"data":{"data":{"data":` + object + `}}}`,
		"success and an error":          strings.Replace(snapshot, `{"success":true`, `{"success":true,"error":{"code":"TRUNK_EXISTS"}`, 1),
		"cut short":                     snapshot[:len(snapshot)-2],
	}
}

// A change is reported as made only if the response proves it, or a read does. A change that was
// not made is never reported as made, and one that was made never as refused.
func TestSuccessNeedsEvidence(t *testing.T) {
	t.Parallel()
	const other = "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b"
	holds := func(agent string) func(*mihutest.Server) bool {
		return func(srv *mihutest.Server) bool {
			trunk, ok := srv.Trunk(frontDesk)
			return ok && strings.EqualFold(trunk.AgentUUID, agent)
		}
	}
	never := func(string, string) bool { return false }
	changes := []struct {
		name, method string
		exists       bool
		call         func(context.Context, *mihu.Client) (*mihu.ChannelSnapshot, error)
		made         func(*mihutest.Server) bool
		// proves reports whether the body proves this change all the same.
		proves func(name, body string) bool
	}{
		{"create", http.MethodPost, false, func(ctx context.Context, c *mihu.Client) (*mihu.ChannelSnapshot, error) {
			return c.Trunks.Create(ctx, &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: agentUUID})
		}, holds(agentUUID), never},
		{"ensure", http.MethodPost, false, func(ctx context.Context, c *mihu.Client) (*mihu.ChannelSnapshot, error) {
			result, err := c.Trunks.Ensure(ctx, &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: agentUUID})
			return result.Snapshot, err
		}, holds(agentUUID), never},
		{"assign", http.MethodPut, true, func(ctx context.Context, c *mihu.Client) (*mihu.ChannelSnapshot, error) {
			return c.Trunks.Assign(ctx, frontDesk, agentUUID)
		}, holds(agentUUID), never},
		{"update", http.MethodPatch, true, func(ctx context.Context, c *mihu.Client) (*mihu.ChannelSnapshot, error) {
			return c.Trunks.Update(ctx, frontDesk, rename)
		}, func(srv *mihutest.Server) bool { trunk, _ := srv.Trunk(frontDesk); return trunk.Name == *rename.Name }, func(name, _ string) bool {
			// A request of an update names no agent. A success is one without data too.
			return slices.Contains([]string{"another agent", "bound to nobody", "data that is empty", "data that is an empty list"}, name)
		}},
		{"delete", http.MethodDelete, true, func(ctx context.Context, c *mihu.Client) (*mihu.ChannelSnapshot, error) {
			return nil, c.Trunks.Delete(ctx, frontDesk)
		}, func(srv *mihutest.Server) bool { _, ok := srv.Trunk(frontDesk); return !ok }, func(name, _ string) bool {
			// It needs no data, and a snapshot may show that the trunk is gone. A response that is cut
			// short is sent again, and the 404 that follows is cut short too.
			return slices.Contains([]string{"data that is empty", "data that is an empty list", "not bound", "bound on another channel", "cut short"}, name)
		}},
	}
	for _, change := range changes {
		for name, body := range unprovenResponses() {
			for _, made := range []bool{false, true} {
				if change.proves(name, body) {
					continue
				}
				t.Run(fmt.Sprintf("%s, made %t: %s", change.name, made, name), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						srv := mihutest.NewServer(t, mihutest.WithInMemoryTransport())
						require.NoError(t, srv.AddAgentWithUUID(agentUUID, "Ada"))
						require.NoError(t, srv.AddAgentWithUUID(other, "Eve"))
						if change.exists {
							require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: frontDesk, AgentUUID: other}))
						}
						require.NoError(t, srv.Inject(mihutest.Fault{
							On: mihutest.Match{Method: change.method, Times: -1}, Body: []byte(body), AfterChange: made,
						}))
						snap, err := change.call(t.Context(), srv.Client(t))
						assert.Equal(t, made, change.made(srv), "the server's state")
						switch {
						case err == nil:
							assert.True(t, made, "reported as made")
							if snap != nil {
								assert.Equal(t, number, snap.Number)
								assert.True(t, change.name == "update" || strings.EqualFold(snap.Channels.Call.AgentUUID, agentUUID))
							}
						case made && change.name != "update":
							assert.Fail(t, "a read proves it", "%v", err)
						default:
							outcome := requireUnknownOutcome(t, err)
							require.ErrorIs(t, err, mihu.ErrMalformedResponse)
							assert.NotEmpty(t, outcome.Advice)
						}
					})
				})
			}
		}
	}
}

// A status that says "accepted" or "look at the parts" does not report that a change is made. What a
// snapshot or a read shows is made.
func TestStatusThatIsNotDone(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusAccepted, http.StatusMultiStatus} {
		for _, made := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, made %t", status, made), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := mihutest.NewServer(t, mihutest.WithInMemoryTransport())
					require.NoError(t, srv.AddAgentWithUUID(agentUUID, "Ada"))
					require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: frontDesk, AgentUUID: agentUUID}))
					respond := func(method, body string) {
						require.NoError(t, srv.Inject(mihutest.Fault{
							On: mihutest.Match{Method: method, Times: -1}, Status: status, Body: []byte(body), AfterChange: made,
						}))
					}
					respond(http.MethodPatch, snapshotOf(number, agentUUID, true))
					respond(http.MethodDelete, `{"success":true,"message":"Queued"}`)
					_, err := srv.Client(t).Trunks.Update(t.Context(), frontDesk, rename)
					requireUnknownOutcome(t, err)
					err = srv.Client(t).Trunks.Delete(t.Context(), frontDesk)
					if made {
						require.NoError(t, err)
						return
					}
					requireUnknownOutcome(t, err)
				})
			})
		}
	}
}

// An error under a status of success is an error, whatever asked.
func TestErrorUnderSuccess(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"the documented envelope": `{"success":false,"message":"No","error":{"code":"INVALID_AUTH_TOKEN"}}`,
		"an error alone":          `{"error":{"code":"INVALID_AUTH_TOKEN"}}`,
		"an error as text":        `{"error":"INVALID_AUTH_TOKEN"}`,
		"an error and a message":  `{"message":"No","error":{"code":"INVALID_AUTH_TOKEN"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range operations() {
				wire := newWire(t, respondWith(http.StatusOK, body))
				err := op.call(t.Context(), newClient(t, wire, withoutRetries))
				assert.Equal(t, "INVALID_AUTH_TOKEN", requireAPIError(t, err).Code, op.name)
				require.ErrorIs(t, err, mihu.ErrUnauthorized, op.name)
				assert.Equal(t, 1, wire.Attempts(), op.name)
			}
		})
	}
}

// A Do that wants no data is a success if the body is empty or reports success.
func TestDoWithoutDataNeedsEvidence(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		``: true, ` `: true, `{"success":true}`: true, `{"success":"1","message":"Done"}`: true, "\ufeff" + `{"success":true}`: true,
		`{"success":true,"data":null,"error":null,"errors":[]}`: true,
		`{}`: false, `null`: false, `[]`: false, `true`: false, `"OK"`: false, `<html></html>`: false, `{"message":"Done"}`: false,
		`{"data":{}}`: false, `{"success":true`: false, `{"success":null}`: false, `{"success":"yes"}`: false,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			err := newClient(t, newWire(t, respondWith(http.StatusOK, body)), withoutRetries).Do(t.Context(), &mihu.Request{Method: http.MethodPost, Path: "/x"}, nil)
			if want {
				require.NoError(t, err)
				return
			}
			requireUnknownOutcome(t, err)
		})
	}
}

// A success without data is a success: one read gets the channels, and nothing is sent twice.
func TestSuccessWithoutDataIsRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		call       func(context.Context, *mihu.Client) error
		change     string
	}{
		{"create", `{"success":true,"message":"Created"}`, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Trunks.Create(ctx, createRequest(agentUUID))
			return err
		}, "POST"},
		{"update", `{"success":true,"message":"Updated"}`, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Trunks.Update(ctx, frontDesk, rename)
			return err
		}, "PATCH"},
		{"update, with data that is null", `{"success":1,"data":null}`, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Trunks.Update(ctx, frontDesk, rename)
			return err
		}, "PATCH"},
		{"assign", `{"success":true}`, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Trunks.Assign(ctx, frontDesk, agentUUID)
			return err
		}, "PUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wire := newWire(t, respondWith(http.StatusOK, tt.body), ok())
			require.NoError(t, tt.call(t.Context(), newClient(t, wire)))
			var methods []string
			for _, got := range wire.Sent() {
				methods = append(methods, got.Method)
			}
			assert.Equal(t, []string{tt.change, "GET"}, methods)
		})
	}
}

// A byte order mark is skipped, also before an error.
func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	const mark = "\ufeff"
	for _, op := range operations() {
		wire := newWire(t, respondWith(http.StatusOK, mark+op.success))
		require.NoError(t, op.call(t.Context(), newClient(t, wire)), op.name)
		assert.Equal(t, 1, wire.Attempts(), op.name)

		err := op.call(t.Context(), newClient(t, newWire(t, respondWith(http.StatusConflict, mark+`{"success":false,"error":{"code":"TRUNK_EXISTS"}}`))))
		assert.Equal(t, "TRUNK_EXISTS", requireAPIError(t, err).Code, op.name)
		require.NoError(t, requireAPIError(t, err).Err, op.name)
	}
}

// What cannot be read of one item does not cost the page, and the item reports it.
func TestItemReportsWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		"\"location\":\"Andr\xe9\"":            "location",
		`"location":"\ud800"`:                  "location",
		`"billing":false`:                      "billing",
		`"capabilities":["voice"]`:             "capabilities",
		`"billing":{"monthly_fee":"1,234.50"}`: "billing.monthly_fee",
		`"updated_at":"yesterday"`:             "updated_at",
		`"is_external":"perhaps"`:              "is_external",
		`"bindings":{"call":"ada"}`:            "bindings.call bindings.call.bound bindings.whatsapp.bound",
		`"channel_settings":{"voice":{"whitelisted_destinations":"US"}}`:                "channel_settings.voice.whitelisted_destinations",
		`"channel_settings":{"voice":{"whitelisted_destinations":{"0":"US","2":"IT"}}}`: "",
		`"updated_at":1767323045`:                         "",
		`"updated_at":"1767323045"`:                       "",
		`"updated_at":"2026-01-02T03:04:05+0000"`:         "",
		`"updated_at":"2026-01-02 03:04:05Z"`:             "",
		`"updated_at":"2026-01-02 03:04:05"`:              "",
		`"updated_at":"2026-01-02T05:04:05.000000+02:00"`: "",
	} {
		t.Run(fields, func(t *testing.T) {
			t.Parallel()
			const whole = `"source":"external","status":"active","bindings":{"call":{"bound":false},"whatsapp":{"bound":false}}`
			body := page(`{"number":"+15550000001",` + whole + `,` + fields + `},{"number":"+15550000002",` + whole + `}`)
			got, err := newClient(t, newWire(t, respondWith(http.StatusOK, body))).Trunks.List(t.Context(), nil)
			require.NoError(t, err)
			require.Len(t, got.Items, 2)
			first := got.Items[0]
			assert.Equal(t, "+15550000001", first.Number)
			assert.Equal(t, "active", first.Status)
			assert.Equal(t, want, strings.Join(first.Unreadable, " "))
			assert.Empty(t, got.Items[1].Unreadable)
			if want == "" && strings.Contains(fields, "updated_at") {
				assert.True(t, first.UpdatedAt.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), "%v", first.UpdatedAt)
			}
			if want == "" && strings.Contains(fields, "destinations") {
				assert.Equal(t, []string{"US", "IT"}, first.ChannelSettings.Voice.WhitelistedDestinations)
			}
		})
	}
}

// A response whose end only the end of the connection marks is retried if it was cut short.
func TestCutShortWithoutALengthIsRetried(t *testing.T) {
	t.Parallel()
	for _, cut := range []int{1, len(snapshotJSON) / 2, len(snapshotJSON) - 1} {
		var requests atomic.Int64
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if !assert.NoError(t, err) {
				return
			}
			body := snapshotJSON
			if requests.Add(1) == 1 {
				body = body[:cut]
			}
			_, _ = buffered.WriteString("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)
			_ = buffered.Flush()
			_ = conn.Close()
		}))
		t.Cleanup(srv.Close)
		client, err := mihu.New("", token, mihu.WithBaseURL(srv.URL), fastRetries)
		require.NoError(t, err)
		t.Cleanup(client.CloseIdleConnections)
		snap, err := client.Channels.GetByNumber(t.Context(), number)
		require.NoError(t, err, cut)
		assert.Equal(t, number, snap.Number)
		assert.EqualValues(t, 2, requests.Load())
	}
}

// Whatever form a refusal has, the error has what the server said.
func TestErrorKeepsWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	const said = "must be at most 65535"
	for name, body := range map[string]string{
		"errors as text":            `{"message":"No","errors":"` + said + `"}`,
		"errors nested":             `{"message":"No","errors":{"sip":{"port":["` + said + `"]}}}`,
		"errors nested as text":     `{"message":"No","errors":{"sip":{"port":"` + said + `"}}}`,
		"errors as objects":         `{"message":"No","errors":[{"field":"sip.port","message":"` + said + `"}]}`,
		"errors by name":            `{"message":"No","errors":{"sip.port":{"message":"` + said + `"}}}`,
		"the message of the error":  `{"success":false,"error":{"code":"X","message":"` + said + `"}}`,
		"details as an object":      `{"success":false,"message":"No","error":{"code":"X","details":{"sip.port":"` + said + `"}}}`,
		"details as a list":         `{"success":false,"message":"No","error":{"code":"X","details":["` + said + `"]}}`,
		"details as objects":        `{"success":false,"message":"No","error":{"details":[{"path":"sip.port","msg":"` + said + `"}]}}`,
		"data by field":             `{"success":false,"message":"No","data":{"sip.port":["` + said + `"]}}`,
		"errors in data":            `{"success":false,"message":"No","data":{"errors":{"sip.port":["` + said + `"]}}}`,
		"a message in data":         `{"success":false,"data":{"message":"` + said + `"}}`,
		"a problem":                 `{"type":"https://mihu.ai/problems/port","title":"No","status":422,"detail":"` + said + `"}`,
		"a problem with parameters": `{"type":"about:blank","title":"No","invalid-params":[{"name":"sip.port","reason":"` + said + `"}]}`,
		"a problem with pointers":   `{"title":"No","errors":[{"pointer":"#/sip/port","detail":"` + said + `"}]}`,
		"a message that is a list":  `{"message":["No","` + said + `"]}`,
		"a byte order mark":         "\ufeff" + `{"message":"` + said + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []int{http.StatusUnprocessableEntity, http.StatusBadRequest} {
				err := getError(t, respondWith(status, body, "Content-Type", "application/problem+json"))
				api := requireAPIError(t, err)
				parts := []string{api.Message, api.Details}
				for field, messages := range api.FieldErrors {
					assert.True(t, field == "request" || strings.HasPrefix(field, "sip.port"), field)
					parts = append(parts, messages...)
				}
				assert.True(t, slices.ContainsFunc(parts, func(s string) bool { return strings.Contains(s, said) }), "%#v", parts)
				assert.Contains(t, err.Error(), said)
			}
		})
	}
}

// A Retry-After that is a date is measured against the response's own Date.
func TestRetryAfterOfAServerWithAnotherClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-24 * time.Hour, -10 * time.Minute, 0, 10 * time.Minute, 24 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				theirs := time.Now().Add(off).UTC()
				wire := newWire(t, apiError(http.StatusTooManyRequests, "Retry-After", theirs.Add(30*time.Second).Format(http.TimeFormat), "Date", theirs.Format(http.TimeFormat)), ok())
				_, err := newClient(t, wire).Channels.Get(t.Context(), numberUUID)
				require.NoError(t, err)
				assert.GreaterOrEqual(t, wire.Waits()[0], 30*time.Second)
				assert.LessOrEqual(t, wire.Waits()[0], 33*time.Second)
			})
		})
	}
}

// A call that a pause holds back reports what the server asked for, and for how long the client
// pauses.
func TestPauseReportsBothWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, newWire(t, apiError(http.StatusTooManyRequests, "Retry-After", "300"), ok()))
		_, err := client.Channels.Get(t.Context(), numberUUID)
		assert.Equal(t, 5*time.Minute, requireAPIError(t, err).RetryAfter)
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = client.Channels.Get(soon, numberUUID)
		require.ErrorIs(t, err, mihu.ErrRateLimited)
		assert.ErrorContains(t, err, "5m0s")
		assert.ErrorContains(t, err, "1m0s")
	})
}

var errStillThere = errors.New("found")

// A client's own writes count: a read that may be older is not decided on.
func TestReadsLagBehindWrites(t *testing.T) {
	t.Parallel()
	const lag, eve = 4 * time.Second, "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b"
	ensure := func(agent string, want mihu.Action) func(context.Context, *mihu.Client) error {
		return func(ctx context.Context, c *mihu.Client) error {
			result, err := c.Trunks.Ensure(ctx, &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: agent})
			if err == nil && result.Action != want {
				err = fmt.Errorf("%s, and not %s", result.Action, want)
			}
			return err
		}
	}
	assign := func(agent string) func(context.Context, *mihu.Client) error {
		return func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Trunks.Assign(ctx, frontDesk, agent)
			return err
		}
	}
	remove := func(ctx context.Context, c *mihu.Client) error { return c.Trunks.Delete(ctx, frontDesk) }
	get := func(agent string) func(context.Context, *mihu.Client) error {
		return func(ctx context.Context, c *mihu.Client) error {
			binding, err := c.Trunks.Get(ctx, frontDesk)
			if err == nil && binding.AgentUUID != agent {
				err = errors.New("on " + binding.AgentUUID)
			}
			return err
		}
	}
	missing := func(ctx context.Context, c *mihu.Client) error {
		_, err := c.Channels.GetByNumber(ctx, number)
		if errors.Is(err, mihu.ErrNotFound) {
			return nil
		}
		return errors.Join(errStillThere, err)
	}
	unknown := func(call func(context.Context, *mihu.Client) error) func(context.Context, *mihu.Client) error {
		return func(ctx context.Context, c *mihu.Client) error {
			if err := call(ctx, c); !errors.Is(err, mihu.ErrOutcomeUnknown) {
				return fmt.Errorf("want an unknown outcome: %w", err)
			}
			return nil
		}
	}
	lose := func(method string, made bool) mihutest.Fault {
		return mihutest.Fault{On: mihutest.Match{Method: method}, Drop: true, AfterChange: made}
	}
	later := func(context.Context, *mihu.Client) error { time.Sleep(2 * lag); return nil }
	update := func(ctx context.Context, c *mihu.Client) error {
		snap, err := c.Trunks.Update(ctx, frontDesk, rename)
		if err == nil && snap.Channels.Call.AgentUUID != agentUUID {
			err = errors.New("on " + snap.Channels.Call.AgentUUID)
		}
		return err
	}
	create := func(ctx context.Context, c *mihu.Client) error {
		snap, err := c.Trunks.Create(ctx, createRequest(agentUUID))
		if err == nil && snap.Channels.Call.AgentUUID != agentUUID {
			err = errors.New("on " + snap.Channels.Call.AgentUUID)
		}
		return err
	}
	for _, tt := range []struct {
		name   string
		faults []mihutest.Fault
		steps  []func(context.Context, *mihu.Client) error
		agent  string // of the trunk in the end
	}{
		{"ensure A, B and A", nil, []func(context.Context, *mihu.Client) error{
			ensure(agentUUID, mihu.ActionCreated), ensure(eve, mihu.ActionAssigned), ensure(agentUUID, mihu.ActionAssigned), get(agentUUID),
		}, agentUUID},
		{"ensure twice", nil, []func(context.Context, *mihu.Client) error{ensure(agentUUID, mihu.ActionCreated), ensure(agentUUID, mihu.ActionUnchanged)}, agentUUID},
		{"ensure, delete and ensure", nil, []func(context.Context, *mihu.Client) error{
			ensure(agentUUID, mihu.ActionCreated), remove, missing, ensure(agentUUID, mihu.ActionCreated), get(agentUUID),
		}, agentUUID},
		{"a Create that is lost after a Delete", []mihutest.Fault{{On: mihutest.Match{Method: "POST"}, Delay: time.Millisecond}, lose("POST", false)}, []func(context.Context, *mihu.Client) error{
			ensure(agentUUID, mihu.ActionCreated), remove, ensure(agentUUID, mihu.ActionCreated),
		}, agentUUID},
		{"a Create that is lost and made", []mihutest.Fault{lose("POST", true)}, []func(context.Context, *mihu.Client) error{ensure(agentUUID, mihu.ActionCreated)}, agentUUID},
		{"an Assign whose response proves nothing, back to the agent before", []mihutest.Fault{{On: mihutest.Match{Method: "PUT", Skip: 1}, Body: []byte(`{}`)}}, []func(context.Context, *mihu.Client) error{
			ensure(agentUUID, mihu.ActionCreated), later, assign(eve), unknown(assign(agentUUID)), get(eve),
		}, eve},
		{"an Assign that is made and whose outcome is unknown", []mihutest.Fault{
			{On: mihutest.Match{Method: "PUT"}, Status: http.StatusInternalServerError, AfterChange: true},
		}, []func(context.Context, *mihu.Client) error{
			ensure(agentUUID, mihu.ActionCreated), later, unknown(assign(eve)), ensure(agentUUID, mihu.ActionAssigned), get(agentUUID),
		}, agentUUID},
		{"a Delete that is made and whose outcome is unknown", []mihutest.Fault{
			{On: mihutest.Match{Method: "DELETE"}, Status: http.StatusInternalServerError, AfterChange: true},
		}, []func(context.Context, *mihu.Client) error{
			ensure(agentUUID, mihu.ActionCreated), later, unknown(remove), ensure(agentUUID, mihu.ActionCreated),
		}, agentUUID},
		{"an Assign back that is not made and whose outcome is unknown", []mihutest.Fault{
			{On: mihutest.Match{Method: "PUT", Skip: 1}, Status: http.StatusInternalServerError},
		}, []func(context.Context, *mihu.Client) error{
			ensure(agentUUID, mihu.ActionCreated), later, assign(eve), unknown(assign(agentUUID)), get(eve),
		}, eve},
		{"a read that takes long", []mihutest.Fault{{On: mihutest.Match{Method: "GET", Skip: 1}, DelayAfter: 3 * lag}}, []func(context.Context, *mihu.Client) error{
			ensure(agentUUID, mihu.ActionCreated), get(agentUUID),
		}, agentUUID},
		{"an Update whose response is about another agent", []mihutest.Fault{{On: mihutest.Match{Method: "PATCH"}, Contradict: mihutest.OtherAgent}}, []func(context.Context, *mihu.Client) error{
			ensure(agentUUID, mihu.ActionCreated), update,
		}, agentUUID},
		{"a reconciled Create whose PATCH is about another agent", []mihutest.Fault{
			lose("POST", true), {On: mihutest.Match{Method: "PATCH"}, Contradict: mihutest.OtherAgent},
		}, []func(context.Context, *mihu.Client) error{create}, agentUUID},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := mihutest.NewServer(t, mihutest.WithInMemoryTransport(), mihutest.WithRules(mihutest.Rules{ReadLag: lag}))
				require.NoError(t, srv.AddAgentWithUUID(agentUUID, "Ada"))
				require.NoError(t, srv.AddAgentWithUUID(eve, "Eve"))
				require.NoError(t, srv.Inject(tt.faults...))
				client := srv.Client(t, mihu.WithRetryPolicy(mihu.RetryPolicy{Budget: 5}))
				for i, step := range tt.steps {
					require.NoError(t, step(t.Context(), client), "step %d", i+1)
				}
				trunk, ok := srv.Trunk(frontDesk)
				require.True(t, ok)
				assert.Equal(t, tt.agent, trunk.AgentUUID)
			})
		})
	}
}

// If the context ends before a read can be believed, that is the error.
func TestReadsThatLagUntilTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mihutest.NewServer(t, mihutest.WithInMemoryTransport(), mihutest.WithRules(mihutest.Rules{ReadLag: 4 * time.Second}))
		require.NoError(t, srv.AddAgentWithUUID(agentUUID, "Ada"))
		client := srv.Client(t)
		_, err := client.Trunks.Create(t.Context(), createRequest(agentUUID))
		require.NoError(t, err)
		soon, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err = client.Trunks.Get(soon, frontDesk)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, mihu.ErrNotFound)
		assert.ErrorContains(t, err, "may be older than this client's last change")

		_, err = srv.Client(t, mihu.WithMaxReadLag(-1)).Trunks.Get(t.Context(), frontDesk)
		require.ErrorIs(t, err, mihu.ErrNotFound, "another client believes what it reads")
	})
}
