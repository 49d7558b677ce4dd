package mihu_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// Secrets with characters that JSON, HTML and URLs escape.
const (
	sipUser     = `al1ce"/<&é`
	sipPassword = `p"w/<&é`
	apiKey      = `k3y/+=&é`
)

// spellings returns a secret in every encoding in which a server may echo it.
func spellings(secret string) []string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		return []string{secret}
	}
	inJSON := string(quoted[1 : len(quoted)-1])
	plain := strings.Trim(strconv.Quote(secret), `"`)
	ascii := strings.Trim(strconv.QuoteToASCII(secret), `"`)
	all := []string{
		secret, inJSON, plain, ascii, // as JSON writes it, with and without escapes for HTML and other letters
		strings.ReplaceAll(plain, "/", `\/`), strings.ReplaceAll(ascii, "/", `\/`), // as PHP does
		html.EscapeString(secret), strings.NewReplacer(`&`, "&amp;", `<`, "&lt;", `"`, "&quot;").Replace(secret),
		url.QueryEscape(secret), url.PathEscape(secret),
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// echo responds with the secrets of the request in every spelling, in every place of a response of
// the shape.
func echo(status int, shape string) step {
	return step{then: func(req *http.Request) (*http.Response, error) {
		secrets := secretsIn(req)
		var all []string
		for _, secret := range secrets {
			all = append(all, spellings(secret)...)
		}
		text := strings.Join(append(all, "+1 234-567-8901", "tel:"+number, "%2B12345678901", "(12345678901)"), " ")
		inJSON, _ := json.Marshal(text)
		short, _ := json.Marshal(secrets[0])
		body := map[string]string{
			"documented": `{"success": false, "message": ` + string(inJSON) + `, "error": {"code": ` + string(short) + `, "details": ` +
				string(inJSON) + `, "field": ` + string(inJSON) + `}}`,
			"code": `{"error": {"code": ` + string(inJSON) + `}}`,
			"data": `{"success": false, "message": ` + string(inJSON) + `, "data": {"error": ` + string(inJSON) + `}}`,
			"framework": `{"message": ` + string(inJSON) + `, "errors": {` + string(inJSON) + `: [` + string(inJSON) + `], ` +
				string(short) + `: ` + string(inJSON) + `}}`,
			"html":    `<html><body>` + text + `</body></html>`,
			"broken":  `{"message": ` + string(inJSON),
			"success": `{"success": true, "message": ` + string(inJSON) + `, "data": {"number": "+12345678901", "items": [{"number": "+12345678901"}], "echo": ` + string(inJSON) + `}}`,
			"wrong":   `{"success": true, "data": {"number": {"a": ` + string(inJSON) + `}, "items": ` + string(inJSON) + `, "is_external": ` + string(inJSON) + `}}`,
		}[shape]
		return response(status, body,
			"X-Request-Id", "req "+strings.Join(all, " "), "Location", "https://evil.example.com/"+strings.Join(all, "/"),
			"Content-Type", "text/"+secrets[0], "Retry-After", secrets[0]), nil
	}}
}

// secretsIn returns the secrets of a request, and its phone number.
func secretsIn(req *http.Request) []string {
	secrets := []string{strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")}
	secrets = append(secrets, req.Header.Values("X-Api-Key")...)
	body, _ := io.ReadAll(req.Body)
	text := string(body) + req.URL.RawQuery
	for _, secret := range []string{sipUser, sipPassword, number} {
		if slices.ContainsFunc(spellings(secret), func(s string) bool { return strings.Contains(text, s) }) {
			secrets = append(secrets, secret)
		}
	}
	return secrets
}

// Whatever the server echoes, under any status, no secret and no whole number is in an error, a log
// record or anything else that is printed.
func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	type call func(context.Context, *mihu.Client, ...mihu.CallOption) (any, error)
	create := &mihu.TrunkCreateRequest{
		TrunkID: frontDesk, AgentUUID: agentUUID, Name: "Front desk",
		SIP:                &mihu.SIPCredentials{Gateway: "sip.example.com", Username: sipUser, Password: sipPassword},
		AdditionalSettings: map[string]any{"api_key": apiKey},
	}
	update := &mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Username: new(sipUser), Password: new(sipPassword)}}
	request := &mihu.Request{
		Method: http.MethodPost, Path: "/x", Query: url.Values{"phone_number": {number}},
		Body: map[string]any{"sip": []any{map[string]any{"username": sipUser, "password": sipPassword}}},
	}
	calls := map[string]call{
		"create": func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) (any, error) {
			return c.Trunks.Create(ctx, create, opts...)
		},
		"update": func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) (any, error) {
			return c.Trunks.Update(ctx, frontDesk, update, opts...)
		},
		"assign": func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) (any, error) {
			return c.Trunks.Assign(ctx, frontDesk, agentUUID, opts...)
		},
		"delete": func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) (any, error) {
			return nil, c.Trunks.Delete(ctx, frontDesk, opts...)
		},
		"list": func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) (any, error) {
			return c.Trunks.List(ctx, nil, opts...)
		},
		"get": func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) (any, error) {
			return c.Channels.Get(ctx, numberUUID, opts...)
		},
		"get by number": func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) (any, error) {
			return c.Channels.GetByNumber(ctx, number, opts...)
		},
		"do": func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) (any, error) {
			return nil, c.Do(ctx, request, nil, append(opts, mihu.WithHeader("X-Api-Key", apiKey))...)
		},
	}
	var echoes []step
	for _, shape := range []string{"documented", "code", "data", "framework", "html", "broken", "success", "wrong"} {
		for _, status := range []int{200, 302, 401, 404, 422, 429, 500, 503} {
			echoes = append(echoes, echo(status, shape))
		}
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, echoed := range echoes {
					assertNoSecretIsPrinted(t, echoed, call)
				}
			})
		})
	}
}

func assertNoSecretIsPrinted(t *testing.T, echoed step, call func(context.Context, *mihu.Client, ...mihu.CallOption) (any, error)) {
	t.Helper()
	var records logbook
	debug := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&records, debug), slog.NewJSONHandler(&records, debug)} {
		var resp mihu.Response
		client := newClient(t, newWire(t, echoed), mihu.WithLogger(slog.New(handler)), mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 2}))
		got, err := call(t.Context(), client, mihu.WithResponse(&resp))
		texts := append(printed(t, resp), records.String())
		texts = append(texts, printed(t, client)...)
		texts = append(texts, printed(t, got)...)
		bodies := []string{string(resp.Body)}
		for _, each := range chain(err) {
			texts = append(texts, each.Error())
			texts = append(texts, printed(t, each)...)
			if api, ok := each.(*mihu.APIError); ok { //nolint:errorlint // each error of the chain is looked at
				bodies = append(bodies, string(api.Body))
				encoded, err := json.Marshal(api)
				require.NoError(t, err)
				texts = append(texts, string(encoded))
			}
		}
		for _, secret := range []string{token, sipUser, sipPassword, apiKey} {
			for _, spelling := range spellings(secret) {
				for _, text := range append(texts, bodies...) {
					if strings.Contains(text, spelling) {
						t.Fatalf("%q is printed: %s", spelling, text)
					}
				}
			}
		}
		for _, text := range texts {
			bare := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(text)
			if strings.Contains(text, "2345678901") || strings.Contains(bare, "2345678901") {
				t.Fatalf("the whole number is printed: %s", text)
			}
		}
	}
}

// chain returns an error and all errors that it wraps.
func chain(err error) []error {
	if err == nil {
		return nil
	}
	all := []error{err}
	switch wrapper := err.(type) { //nolint:errorlint // this is what walks the chain
	case interface{ Unwrap() error }:
		all = append(all, chain(wrapper.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, each := range wrapper.Unwrap() {
			all = append(all, chain(each)...)
		}
	}
	return all
}

// Every token that a call has sent is redacted, not only the last one.
func TestEveryTokenOfACallIsRedacted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := []string{"f1rst-token", "s3cond-token", "th1rd-token", "f0urth-token"}
		wire := newWire(t, apiError(503), apiError(401), apiError(503), respondWith(403, `{"message": "`+strings.Join(all, " ")+`"}`))
		client, err := mihu.New("acme", "", mihu.WithTokenSource(tokens(all...)), mihu.WithHTTPClient(&http.Client{Transport: wire}))
		require.NoError(t, err)
		err = doRequest(t.Context(), client, http.MethodGet)
		require.ErrorIs(t, err, mihu.ErrForbidden)
		assert.EqualError(t, err, "mihu: GET /x: 403 Forbidden: [redacted] [redacted] [redacted] [redacted] (4 attempts)")
		assert.JSONEq(t, `{"message":"[redacted] [redacted] [redacted] [redacted]"}`, string(requireAPIError(t, err).Body))
	})
}

// Numbers in the server's text are masked, even if they are not the request's.
func TestOtherNumbersAreMasked(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"+12084439178", "12084439178", "+1 208-443-9178", "+1 (208) 443.9178", "tel:+12084439178", "number=%2B12084439178"} {
		err := newClient(t, newWire(t, respondWith(409, `{"message": "The agent serves `+text+` already"}`))).Trunks.Delete(t.Context(), frontDesk)
		require.ErrorIs(t, err, mihu.ErrConflict)
		assert.Contains(t, err.Error(), "1208•••9178 already")
		assert.True(t, strings.HasPrefix(err.Error(), "mihu: trunks.delete: 409 Conflict: The agent serves "), err)
	}
	_, err := newClient(t, newWire(t, respondWith(404, `{"message": "No agent 3c90c3cc-0d44-4b50-8888-000012345678"}`))).
		Trunks.Assign(t.Context(), frontDesk, agentUUID)
	assert.EqualError(t, err, "mihu: trunks.assign: 404 Not Found: No agent 3c90c3cc-0d44-4b50-8888-000012345678", "a UUID is not a phone number")
}

// An error of the caller's transport stays matchable, and its text is redacted.
func TestErrorsOfTheTransportStayMatchable(t *testing.T) {
	t.Parallel()
	errDial := fmt.Errorf("could not dial with %s: %w", token, errLost)
	_, err := newClient(t, transportFunc(func(*http.Request) (*http.Response, error) { return nil, errDial }), withoutRetries).Trunks.List(t.Context(), nil)
	require.ErrorIs(t, err, errLost)
	require.ErrorIs(t, err, errDial)
	assert.EqualError(t, err, "mihu: trunks.list: could not dial with [redacted]: connection lost")
}
