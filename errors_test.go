package mihu_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// getError returns the error of a Channels.Get whose only request ends with the step.
func getError(t *testing.T, s step) error {
	t.Helper()
	wire := newWire(t, s)
	snap, err := newClient(t, wire, withoutRetries).Channels.Get(t.Context(), numberUUID)
	assert.Nil(t, snap)
	assert.Equal(t, 1, wire.Attempts())
	return err
}

// Every error status is an *APIError that matches the sentinels of that status and no others.
func TestStatuses(t *testing.T) {
	t.Parallel()
	html := "<html><head><title>502 Bad Gateway</title></head><body>pl4nted</body></html>"
	documented := `{"success": false, "message": "Refused", "error": {"code": "REFUSED", "details": "Not this one"}}`
	const page = ": malformed response: not JSON: invalid character '<' looking for beginning of value (text/html, 76 bytes)"
	const empty = ": malformed response: empty (no content type, 0 bytes)"
	tests := []struct {
		status int
		body   string
		want   []error
		text   string
	}{
		{400, documented, []error{mihu.ErrInvalid}, "400 REFUSED: Refused: Not this one"},
		{401, documented, []error{mihu.ErrUnauthorized}, "401 REFUSED: Refused: Not this one"},
		{403, documented, []error{mihu.ErrForbidden}, "403 REFUSED: Refused: Not this one"},
		{404, documented, []error{mihu.ErrNotFound}, "404 REFUSED: Refused: Not this one"},
		{405, documented, nil, "405 REFUSED: Refused: Not this one"},
		{408, documented, nil, "408 REFUSED: Refused: Not this one"},
		{409, documented, []error{mihu.ErrConflict}, "409 REFUSED: Refused: Not this one"},
		{413, documented, nil, "413 REFUSED: Refused: Not this one"},
		{418, documented, nil, "418 REFUSED: Refused: Not this one"},
		{422, documented, []error{mihu.ErrInvalid}, "422 REFUSED: Refused: Not this one"},
		{429, documented, []error{mihu.ErrRateLimited}, "429 REFUSED: Refused: Not this one"},
		{500, documented, []error{mihu.ErrServer}, "500 REFUSED: Refused: Not this one"},
		{502, documented, []error{mihu.ErrServer}, "502 REFUSED: Refused: Not this one"},
		{503, documented, []error{mihu.ErrServer}, "503 REFUSED: Refused: Not this one"},
		{504, documented, []error{mihu.ErrServer}, "504 REFUSED: Refused: Not this one"},
		{599, documented, []error{mihu.ErrServer}, "599 REFUSED: Refused: Not this one"},
		{401, `{"message": "Unauthenticated."}`, []error{mihu.ErrUnauthorized}, "401 Unauthorized: Unauthenticated."},
		{404, `{}`, []error{mihu.ErrNotFound}, "404 Not Found"},
		{404, ``, []error{mihu.ErrNotFound, mihu.ErrMalformedResponse}, "404 Not Found" + empty},
		{500, ``, []error{mihu.ErrServer, mihu.ErrMalformedResponse}, "500 Internal Server Error" + empty},
		{502, html, []error{mihu.ErrServer, mihu.ErrMalformedResponse}, "502 Bad Gateway" + page},
		{404, html, []error{mihu.ErrNotFound, mihu.ErrMalformedResponse}, "404 Not Found" + page},
		{599, `[]`, []error{mihu.ErrServer, mihu.ErrMalformedResponse}, "599: malformed response: not a JSON object (no content type, 2 bytes)"},
		{200, html, []error{mihu.ErrMalformedResponse}, "200 OK" + page},
		{204, ``, []error{mihu.ErrMalformedResponse}, "204 No Content" + empty},
	}
	for _, tt := range tests {
		t.Run(strconv.Itoa(tt.status), func(t *testing.T) {
			t.Parallel()
			header := []string{}
			if strings.HasPrefix(tt.body, "<") {
				header = []string{"Content-Type", "text/html; charset=utf-8"}
			}
			err := getError(t, respondWith(tt.status, tt.body, header...))
			api := requireAPIError(t, err)
			assertMatches(t, err, tt.want...)
			assert.Equal(t, "mihu: channels.get: "+tt.text, err.Error())
			assert.Equal(t, tt.status, api.StatusCode)
			assert.Equal(t, http.MethodGet, api.Method)
			assert.Equal(t, "/phone-numbers/{uuid}/channels", api.Path)
			assert.Equal(t, "channels.get", api.Op)
			assert.Equal(t, 1, api.Attempts)
			assert.Equal(t, tt.body, string(api.Body))
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q %d", err, err, err, err, err, err), "pl4nted")
		})
	}
}

// Every shape of error body that the API and its framework use is decoded.
func TestErrorShapes(t *testing.T) {
	t.Parallel()
	fields := func(pairs ...string) map[string][]string {
		all := map[string][]string{}
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = append(all[pairs[i]], pairs[i+1])
		}
		return all
	}
	tests := []struct {
		name, body string
		want       mihu.APIError
		text       string
	}{
		{
			"documented",
			`{"success": false, "message": "Invalid data", "error": {"code": "VALIDATION_ERROR", "details": "The port is out of range", "field": "sip.port"}}`,
			mihu.APIError{Message: "Invalid data", Code: "VALIDATION_ERROR", Details: "The port is out of range", FieldErrors: fields("sip.port", "The port is out of range")},
			"422 VALIDATION_ERROR: Invalid data: The port is out of range; sip.port: The port is out of range",
		},
		{
			"documented, with a field but no details",
			`{"success": false, "message": "Invalid data", "error": {"field": "sip.port"}}`,
			mihu.APIError{Message: "Invalid data", FieldErrors: fields("sip.port", "Invalid data")},
			"422 Unprocessable Entity: Invalid data; sip.port: Invalid data",
		},
		{
			"documented, with a field only",
			`{"error": {"field": "sip.port"}}`,
			mihu.APIError{FieldErrors: fields("sip.port", "refused")},
			"422 Unprocessable Entity; sip.port: refused",
		},
		{
			"code within data",
			`{"success": false, "message": "You have reached your limit", "data": {"error": "purchase_limit_reached", "limit": 5, "current": 5}}`,
			mihu.APIError{Message: "You have reached your limit", Code: "purchase_limit_reached"},
			"422 purchase_limit_reached: You have reached your limit",
		},
		{
			"framework",
			`{"message": "The given data was invalid.", "errors": {"phone_number": ["It is taken.", "It is too long."], "channel": ["It is wrong."]}}`,
			mihu.APIError{
				Message:     "The given data was invalid.",
				FieldErrors: fields("phone_number", "It is taken.", "phone_number", "It is too long.", "channel", "It is wrong."),
			},
			"422 Unprocessable Entity: The given data was invalid.; channel: It is wrong.; phone_number: It is taken., It is too long.",
		},
		{
			"framework, without lists", `{"message": "No", "errors": {"phone_number": "It is taken."}}`,
			mihu.APIError{Message: "No", FieldErrors: fields("phone_number", "It is taken.")},
			"422 Unprocessable Entity: No; phone_number: It is taken.",
		},
		{
			"framework, without fields", `{"message": "No", "errors": ["It is taken.", {"x": 1}, null, 7]}`,
			mihu.APIError{Message: "No", FieldErrors: fields("request", "It is taken.", "request", "7", "x", "1")},
			"422 Unprocessable Entity: No; request: It is taken., 7; x: 1",
		},
		{
			"framework, empty", `{"message": "No", "errors": []}`,
			mihu.APIError{Message: "No"},
			"422 Unprocessable Entity: No",
		},
		{
			"code only", `{"error": "invalid_sip"}`,
			mihu.APIError{Code: "invalid_sip"},
			"422 invalid_sip",
		},
		{
			"code as a number, message of another type", `{"message": {"x": 1}, "error": {"code": 1042, "details": true, "field": null}}`,
			mihu.APIError{Code: "1042", Details: "true"},
			"422 1042: true",
		},
		{
			"code in two places", `{"error": {"code": "FIRST"}, "data": {"error": "second"}}`,
			mihu.APIError{Code: "FIRST"},
			"422 FIRST",
		},
		{
			"details equal to the message", `{"message": "No", "error": {"details": "No"}}`,
			mihu.APIError{Message: "No", Details: "No"},
			"422 Unprocessable Entity: No",
		},
		{
			"duplicate keys", `{"message": "first", "message": "second"}`,
			mihu.APIError{Message: "second"},
			"422 Unprocessable Entity: second",
		},
		{
			"text that is not UTF-8", "{\"message\": \"a\xff\xfeb\"}",
			mihu.APIError{Message: "a��b"},
			"422 Unprocessable Entity: a��b",
		},
		{
			"line ends and control characters", `{"message": "a\r\nmihu: all is well\u0000\u001b[31m\u2028b"}`,
			mihu.APIError{Message: "a  mihu: all is well  [31m b"},
			"422 Unprocessable Entity: a  mihu: all is well  [31m b",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := getError(t, respondWith(http.StatusUnprocessableEntity, tt.body))
			api := requireAPIError(t, err)
			assertMatches(t, err, mihu.ErrInvalid)
			assert.Equal(t, tt.want.Code, api.Code)
			assert.Equal(t, tt.want.Message, api.Message)
			assert.Equal(t, tt.want.Details, api.Details)
			assert.Equal(t, tt.want.FieldErrors, api.FieldErrors)
			require.NoError(t, api.Err)
			assert.Equal(t, "mihu: channels.get: "+tt.text, err.Error())
		})
	}
}

// Programs compare codes. A username that is a word of a code does not change the code.
func TestCodesAreNotRedacted(t *testing.T) {
	t.Parallel()
	client := newClient(t, newWire(t, respondWith(http.StatusUnprocessableEntity, `{"message": "The user is invalid", "error": {"code": "invalid_sip"}}`)))
	_, err := client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Username: new("invalid")}})
	assert.EqualError(t, err, "mihu: trunks.update: 422 invalid_sip: The user is [redacted]")
}

// "success": false is an error under any status and with any other content.
func TestSuccessFalse(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `, "data": null`, `, "data": []`, `, "data": {}`, `, "data": "x"`, `, "data": 7`, `, "data": {"number": {}}`} {
		for _, no := range []string{`false`, `0`, `"0"`, `"false"`, `""`} {
			body := `{"success": ` + no + `, "message": "It is taken", "error": {"code": "PHONE_IN_USE"}` + data + `}`
			err := getError(t, respondWith(http.StatusOK, body))
			assert.Equal(t, `mihu: channels.get: 200 PHONE_IN_USE: It is taken`, err.Error(), body)
			assertMatches(t, err)
			err = newClient(t, newWire(t, respondWith(http.StatusOK, body))).Trunks.Delete(t.Context(), frontDesk)
			assert.Equal(t, "PHONE_IN_USE", requireAPIError(t, err).Code, body)
		}
	}
}

// The documented codes of 401 match ErrUnauthorized under other statuses too.
func TestUnauthorizedByCode(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"MISSING_AUTH_TOKEN", "INVALID_AUTH_TOKEN"} {
		for _, status := range []int{200, 400, 401} {
			err := getError(t, respondWith(status, `{"success": false, "message": "No", "error": {"code": "`+code+`"}}`))
			require.ErrorIs(t, err, mihu.ErrUnauthorized)
		}
	}
}

// A redirect is never followed: it could send the token to another host, and turn a write into a
// read that succeeds.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, location, errText string }{
		{"to another host", "https://evil.example.com/steal?x=pl4nted", "redirected to https://evil.example.com, not followed; check the base URL"},
		{"to plain HTTP", "http://acme.mihu.ai/api/v1", "redirected to http://acme.mihu.ai, not followed"},
		{"with credentials", "https://alice:pl4nted@evil.example.com/", "redirected to https://evil.example.com, not followed"},
		{"to a page of the same host", "/login?next=pl4nted", "redirected to the same host, not followed"},
		{"to another host without a scheme", "//evil.example.com/pl4nted", "redirected to evil.example.com, not followed"},
		{"to a mail address", "mailto:pl4nted@example.com", "redirected to a location that is not on the web, not followed"},
		{"to nowhere", "", "redirected to nowhere, not followed"},
		{"to an invalid host", "https://[pl4nted", "redirected to a location that is not a URL, not followed"},
		{"to an invalid escape", "%zz/pl4nted", "redirected to a location that is not a URL, not followed"},
		{"to a control character", "/pl4nted\x7f", "redirected to a location that is not a URL, not followed"},
	}
	for _, status := range []int{301, 302, 303, 307, 308, 300} {
		for _, tt := range tests {
			t.Run(fmt.Sprint(status, " ", tt.name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					for _, op := range operations() {
						var header []string
						if tt.location != "" {
							header = []string{"Location", tt.location}
						}
						wire := newWire(t, respondWith(status, "<html>Moved</html>", header...))
						var resp mihu.Response
						err := op.call(t.Context(), newClient(t, wire), mihu.WithResponse(&resp))
						assert.Equal(t, tt.location, resp.Header.Get("Location"))
						require.ErrorIs(t, err, mihu.ErrRedirect)
						require.NotErrorIs(t, err, mihu.ErrOutcomeUnknown, "a redirect was not applied")
						assert.Equal(t, status, requireAPIError(t, err).StatusCode)
						assert.Contains(t, err.Error(), tt.errText)
						assert.NotContains(t, err.Error(), "pl4nted")
						assert.Equal(t, 1, wire.Attempts())
					}
				})
			})
		}
	}
}

// A 304 is no redirect. Only a proxy or a cache sends one, since no request has a condition.
func TestNotModified(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		wire := newWire(t, respondWith(http.StatusNotModified, "", "Location", "https://example.com"))
		err := op.call(t.Context(), newClient(t, wire))
		require.ErrorIs(t, err, mihu.ErrMalformedResponse, op.name)
		require.NotErrorIs(t, err, mihu.ErrRedirect, op.name)
		require.NotErrorIs(t, err, mihu.ErrOutcomeUnknown, op.name)
		assert.Equal(t, http.StatusNotModified, requireAPIError(t, err).StatusCode)
		assert.Contains(t, err.Error(), "not modified, although the request had no condition; check the proxies and caches on the way")
		assert.False(t, mihu.IsRefusal(err), op.name)
		assert.Equal(t, 1, wire.Attempts(), op.name)
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		header []string
		want   string
	}{
		{"none", nil, ""},
		{"X-Request-Id", []string{"X-Request-Id", "abc"}, "abc"},
		{"X-Correlation-Id", []string{"X-Correlation-Id", "def"}, "def"},
		{"Cf-Ray", []string{"Cf-Ray", "8c1f-FRA"}, "8c1f-FRA"},
		{"X-Request-Id takes precedence", []string{"Cf-Ray", "3", "X-Correlation-Id", "2", "X-Request-Id", "1"}, "1"},
		{"digits only", []string{"X-Request-Id", "9876543210987654"}, "9876543210987654"},
		{"a line end", []string{"X-Request-Id", "a\r\nb"}, "a  b"},
		{"a megabyte", []string{"X-Request-Id", strings.Repeat("a", 1<<20)}, strings.Repeat("a", 128) + "…"},
		{"not UTF-8", []string{"X-Request-Id", "a\xff\xfe"}, "a\uFFFD"},
		{"the number of the request", []string{"X-Request-Id", "req-12345678901"}, "req-1234•••8901"},
		{"the token", []string{"X-Request-Id", "req-" + token}, "req-[redacted]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range []step{apiError(http.StatusForbidden, tt.header...), respondWith(http.StatusOK, snapshotJSON, tt.header...)} {
				var resp mihu.Response
				var records logbook
				client := newClient(t, newWire(t, s), mihu.WithLogger(records.logger()))
				_, err := client.Channels.GetByNumber(t.Context(), number, mihu.WithResponse(&resp))
				assert.Equal(t, tt.want, resp.RequestID)
				require.Len(t, records.Lines(), 1)
				assert.NotContains(t, records.String(), token)
				assert.NotContains(t, records.String(), "12345678901 ")
				assert.Less(t, len(records.String()), 1000)
				if err == nil {
					continue
				}
				assert.Equal(t, tt.want, requireAPIError(t, err).RequestID)
				want := "mihu: channels.get_by_number: 403 CODE_403: Refused"
				if tt.want != "" {
					want += " (request " + tt.want + ")"
				}
				assert.Equal(t, want, err.Error())
			}
		})
	}
}

func TestErrorTextsOfAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := newClient(t, newWire(t, apiError(503, "Retry-After", "2", "X-Request-Id", "abc"))).Trunks.List(t.Context(), nil)
		assert.EqualError(t, err, "mihu: trunks.list: 503 CODE_503: Refused (request abc, 4 attempts, retry after 2s)")
		assert.Equal(t, 2*time.Second, requireAPIError(t, err).RetryAfter)

		_, err = newClient(t, newWire(t, lost())).Trunks.List(t.Context(), nil)
		assert.EqualError(t, err, "mihu: trunks.list: connection lost (4 attempts)")
		assert.False(t, requireTransportError(t, err).Timeout())

		err = newClient(t, newWire(t, lost()), withoutRetries).Trunks.Delete(t.Context(), frontDesk)
		assert.EqualError(t, err, "mihu: trunks.delete: outcome unknown: connection lost; send it again: if the trunk is gone, the error is ErrNotFound")
	})
}

// An error prints and logs as its text, without the body.
func TestErrorsPrintTheirText(t *testing.T) {
	t.Parallel()
	api := &mihu.APIError{Op: "trunks.list", StatusCode: 403, Code: "NO", Attempts: 2, RequestID: "abc", Body: []byte("pl4nted")}
	const apiText = "mihu: trunks.list: 403 NO (request abc, 2 attempts)"
	transport := &mihu.TransportError{Op: "trunks.list", Attempts: 2, Err: context.Canceled, Last: api}
	const transportText = "mihu: trunks.list: context canceled; before that: 403 NO (request abc, 2 attempts)"
	unknown := &mihu.UnknownOutcomeError{Op: "trunks.update", Causes: []error{api, context.Canceled}, Advice: "look"}
	const unknownText = "mihu: trunks.update: outcome unknown: trunks.list: 403 NO (request abc, 2 attempts); then: context canceled; look"
	invalid := &mihu.ValidationError{Op: "new", Violations: []mihu.FieldViolation{{Field: "token", Problem: "empty"}, {Field: "x", Value: "y", Problem: "odd"}}}
	const invalidText = `mihu: new: not sent: token: empty; x "y": odd`
	tests := []struct {
		err    error
		text   string
		logged string
	}{
		{api, apiText, `err.error="` + apiText + `" err.op=trunks.list err.status=403 err.attempts=2 err.code=NO err.request_id=abc`},
		{transport, transportText, `err.error="` + transportText + `" err.op=trunks.list err.attempts=2`},
		{unknown, unknownText, `err.error="` + unknownText + `" err.op=trunks.update`},
		{invalid, invalidText, `err.error=` + strconv.Quote(invalidText) + ` err.op=new`},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%T", tt.err), func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.text, tt.err.Error())
			for _, verb := range []string{"%v", "%+v", "%s"} {
				assert.Equal(t, tt.text, fmt.Sprintf(verb, tt.err))
			}
			assert.Equal(t, strconv.Quote(tt.text), fmt.Sprintf("%q", tt.err))
			for _, verb := range []string{"%#v", "%d", "%x", "%t"} {
				assert.NotContains(t, fmt.Sprintf(verb, tt.err), "pl4nted")
			}
			var records logbook
			records.logger().LogAttrs(t.Context(), slog.LevelInfo, "failed", slog.Any("err", tt.err))
			assert.Equal(t, "level=INFO msg=failed "+tt.logged, records.Lines()[0])
		})
	}
	var records logbook
	records.logger().LogAttrs(t.Context(), slog.LevelInfo, "failed", slog.Any("err", &mihu.APIError{StatusCode: 429, RetryAfter: 2 * time.Second}))
	assert.Contains(t, records.String(), " err.retry_after=2s")
	assert.Equal(t, fmt.Sprintf("%60s|%-60s|", apiText, apiText), fmt.Sprintf("%60v|%-60v|", api, api), "width and alignment apply")
}

// Errors that a program constructs itself, such as in a test, print even if fields are unset.
func TestEmptyErrorsPrint(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		new(mihu.APIError), new(mihu.TransportError), new(mihu.UnknownOutcomeError), new(mihu.ValidationError), new(mihu.ConflictError),
		&mihu.UnknownOutcomeError{Causes: []error{nil}},
	} {
		assert.NotPanics(t, func() {
			assert.True(t, strings.HasPrefix(err.Error(), "mihu: "), err.Error())
			assert.NotContains(t, strings.Join(printed(t, err), ""), "PANIC")
			assertMatches(t, err, sentinelsOf(err)...)
		}, "%T", err)
	}
}

// sentinelsOf returns the sentinels that an error matches by its type alone.
func sentinelsOf(err error) []error {
	switch err.(type) { //nolint:errorlint // the type is the point
	case *mihu.UnknownOutcomeError:
		return []error{mihu.ErrOutcomeUnknown}
	case *mihu.ValidationError:
		return []error{mihu.ErrInvalid}
	case *mihu.ConflictError:
		return []error{mihu.ErrConflict}
	}
	return nil
}

func TestErrorsMatchTheirCauses(t *testing.T) {
	t.Parallel()
	api := &mihu.APIError{Op: "trunks.list", StatusCode: 403, Err: mihu.ErrMalformedResponse}
	assertMatches(t, api, mihu.ErrForbidden, mihu.ErrMalformedResponse)
	transport := &mihu.TransportError{Op: "trunks.list", Err: context.Canceled, Last: api}
	assertMatches(t, transport, mihu.ErrForbidden, mihu.ErrMalformedResponse)
	require.ErrorIs(t, transport, context.Canceled)
	unknown := &mihu.UnknownOutcomeError{Op: "trunks.update", Causes: []error{transport}}
	assertMatches(t, unknown, mihu.ErrForbidden, mihu.ErrMalformedResponse, mihu.ErrOutcomeUnknown)
	assert.Equal(t, "mihu: trunks.update: outcome unknown: trunks.list: context canceled; before that: 403 Forbidden: malformed response", unknown.Error())
	found, ok := errors.AsType[*mihu.APIError](error(unknown))
	require.True(t, ok)
	assert.Same(t, api, found)
	assertMatches(t, &mihu.ValidationError{}, mihu.ErrInvalid)
	assertMatches(t, &mihu.TransportError{Err: errLost})
	require.ErrorIs(t, &mihu.TransportError{Err: errLost}, errLost)
	assert.True(t, (&mihu.TransportError{Err: context.DeadlineExceeded}).Timeout())
	assert.False(t, (&mihu.TransportError{Err: context.Canceled}).Timeout())
}

// The text of an error is of bounded length, however deep, long or numerous the values of the
// response.
func TestErrorTextIsBounded(t *testing.T) {
	t.Parallel()
	var fields strings.Builder
	for i := range 5_000 {
		fmt.Fprintf(&fields, `"field_%d": ["It is taken."],`, i)
	}
	long := strings.Repeat("ü", 1<<17)
	for name, body := range map[string]string{
		"deep nesting":   strings.Repeat(`{"message":`, 1<<20),
		"deep lists":     strings.Repeat(`[`, 1<<20),
		"a long message": `{"message": "` + long + `"}`,
		"a long code":    `{"error": {"code": "` + long + `", "details": "` + long + `", "field": "` + long + `"}}`,
		"a long field":   `{"errors": {"` + long + `": ["` + long + `"]}}`,
		"many fields":    `{"errors": {` + strings.TrimSuffix(fields.String(), ",") + `}}`,
		"many messages":  `{"errors": {"x": [` + strings.Repeat(`"It is taken.",`, 5_000) + `"and so on"]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []int{http.StatusOK, http.StatusUnprocessableEntity} {
				err := getError(t, respondWith(status, body))
				require.Error(t, err)
				assert.Less(t, len(err.Error()), 16<<10)
				assert.True(t, utf8.ValidString(err.Error()))
			}
		})
	}
}

// A server that does not speak HTTP may echo the request. Its text in a transport error is
// redacted.
func TestTransportErrorsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		_, _ = buffered.WriteString("HTTP/1.1 200 OK\r\nyou sent me " + r.Header.Get("Authorization") + " " + string(body) + "\r\n\r\n")
		_ = buffered.Flush()
		_ = conn.Close()
	}))
	t.Cleanup(srv.Close)
	client, err := mihu.New("", token, mihu.WithBaseURL(srv.URL), withoutRetries)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	_, err = client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Username: new("al1ce"), Password: new("pl4nted")}})
	unknown := requireUnknownOutcome(t, err)
	for _, secret := range []string{token, "al1ce", "pl4nted", "12345678901"} {
		assert.NotContains(t, fmt.Sprintf("%v %+v", err, unknown.Causes), secret)
	}
}

// A caller's transport that uses an http.Client puts the URL into its errors. It is removed.
func TestTransportErrorsHaveNoURL(t *testing.T) {
	t.Parallel()
	inner := &http.Client{Transport: newWire(t, lost())}
	client := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		return inner.Do(req)
	}), withoutRetries)
	_, err := client.Channels.GetByNumber(t.Context(), number)
	require.ErrorIs(t, err, errLost)
	assert.NotContains(t, err.Error(), "https://")
	assert.NotContains(t, err.Error(), "12345678901")
}

// Every error is transient, a refusal, or neither. If neither, something other than the request has
// to change.
func TestIsTransientAndIsRefusal(t *testing.T) {
	t.Parallel()
	api := func(status int) error { return &mihu.APIError{StatusCode: status} }
	page := func(status int) error { return &mihu.APIError{StatusCode: status, Err: mihu.ErrMalformedResponse} }
	lost := &mihu.TransportError{Err: errors.New("connection lost")}
	tests := []struct {
		name               string
		err                error
		transient, refusal bool
	}{
		{"nil", nil, false, false},
		{"connection lost", lost, true, false},
		{"503", api(503), true, false},
		{"500", api(500), true, false},
		{"429", api(429), true, false},
		{"408", api(408), false, false},
		{"499", api(499), false, false},
		{"a proxy's page under 404", page(404), true, false},
		{"a proxy's page under 403", page(403), true, false},
		{"outcome unknown, refused in the end", &mihu.UnknownOutcomeError{Causes: []error{lost, api(409)}}, true, false},
		{"outcome unknown, token rejected in the end", &mihu.UnknownOutcomeError{Causes: []error{lost, api(401)}}, false, false},
		{"conflict after a lost response", &mihu.ConflictError{Causes: []error{lost}}, false, true},
		{"conflict after a response that could not be read", &mihu.ConflictError{Causes: []error{page(200)}}, false, true},
		{"400", api(400), false, true},
		{"401", api(401), false, false},
		{"403", api(403), false, true},
		{"404", api(404), false, true},
		{"409", api(409), false, true},
		{"422", api(422), false, true},
		{"402, which no sentinel matches", api(402), false, true},
		{"success false under 200", &mihu.APIError{StatusCode: 200, Code: "TRUNK_EXISTS"}, false, true},
		{"validation error", &mihu.ValidationError{}, false, true},
		{"redirect", &mihu.APIError{StatusCode: 302, Err: mihu.ErrRedirect}, false, false},
		{"untrusted certificate", &mihu.TransportError{Err: x509.UnknownAuthorityError{}}, false, false},
		{"the caller's deadline", &mihu.TransportError{Err: context.DeadlineExceeded}, false, false},
		{"canceled by the caller", &mihu.TransportError{Err: context.Canceled}, false, false},
		{"an error of another package", errors.New("disk full"), false, false},
	}
	for _, tt := range tests {
		for _, err := range []error{tt.err, wrapped(tt.err)} {
			assert.Equal(t, tt.transient, mihu.IsTransient(err), "%s is transient", tt.name)
			assert.Equal(t, tt.refusal, mihu.IsRefusal(err), "%s is a refusal", tt.name)
		}
	}
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("moving the number: %w", err)
}

func TestRetryAfterOfAnError(t *testing.T) {
	t.Parallel()
	api := &mihu.APIError{StatusCode: 429, RetryAfter: 5 * time.Second}
	paused := &mihu.TransportError{Err: mihu.ErrRateLimited, RetryAfter: 3 * time.Second}
	tests := []struct {
		name string
		err  error
		want time.Duration
	}{
		{"nil", nil, 0},
		{"a 429", api, 5 * time.Second},
		{"a paused client", paused, 3 * time.Second},
		{"the longest of several", errors.Join(paused, api), 5 * time.Second},
		{"a cause of an unknown outcome", &mihu.UnknownOutcomeError{Causes: []error{errors.New("lost"), api}}, 5 * time.Second},
		{"the failure before the deadline", &mihu.TransportError{Err: context.DeadlineExceeded, Last: api}, 5 * time.Second},
		{"no Retry-After", &mihu.APIError{StatusCode: 503}, 0},
	}
	for _, tt := range tests {
		wait, ok := mihu.RetryAfter(wrapped(tt.err))
		assert.Equal(t, tt.want, wait, tt.name)
		assert.Equal(t, tt.want > 0, ok, tt.name)
	}
}
