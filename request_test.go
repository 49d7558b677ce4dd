package mihu_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

func TestDoSendsTheRequest(t *testing.T) {
	t.Parallel()
	type rates struct {
		CountryCode string `url:"country_code,omitempty"`
		Prefix      string `url:"prefix,omitempty"`
		Page        int    `url:"page,omitempty"`
	}
	tests := []struct {
		name              string
		req               mihu.Request
		path, query, body string
	}{
		{"GET", mihu.Request{Method: "GET", Path: "/phone-numbers"}, "/phone-numbers", "", ""},
		{"POST", mihu.Request{Method: "POST", Path: "/a/b", Body: map[string]any{"a": 1}}, "/a/b", "", `{"a":1}`},
		{"POST without a body", mihu.Request{Method: "POST", Path: "/a/b"}, "/a/b", "", ``},
		{"PUT", mihu.Request{Method: "PUT", Path: "/a", Body: []int{}}, "/a", "", `[]`},
		{"PATCH", mihu.Request{Method: "PATCH", Path: "/a", Body: json.RawMessage(`{"b" : null}`)}, "/a", "", `{"b":null}`},
		{"DELETE", mihu.Request{Method: "DELETE", Path: "/a", Body: "x"}, "/a", "", `"x"`},
		{"false is a body", mihu.Request{Method: "PUT", Path: "/a", Body: false}, "/a", "", `false`},
		{"a query as a struct", mihu.Request{Method: "GET", Path: "/a", Query: rates{CountryCode: "IT", Prefix: "+39 &"}}, "/a", "country_code=IT&prefix=%2B39+%26", ""},
		{"a query as a pointer", mihu.Request{Method: "GET", Path: "/a", Query: &rates{Page: 2}}, "/a", "page=2", ""},
		{"a query as a nil pointer", mihu.Request{Method: "GET", Path: "/a", Query: (*rates)(nil)}, "/a", "", ""},
		{"a query as values", mihu.Request{Method: "GET", Path: "/a", Query: url.Values{"b": {"1", "2"}, "a": {""}}}, "/a", "a=&b=1&b=2", ""},
		{"empty values", mihu.Request{Method: "GET", Path: "/a", Query: url.Values{}}, "/a", "", ""},
		{
			"path arguments",
			mihu.Request{Method: "GET", Path: "/agents/{agent}/channels/{channel}", PathArgs: map[string]string{"agent": agentUUID, "channel": "sms"}},
			"/agents/3c90c3cc-0d44-4b50-8888-8dd25736052a/channels/sms", "", "",
		},
		{"a path argument that is used twice", mihu.Request{Method: "GET", Path: "/{a}/{a}", PathArgs: map[string]string{"a": "x"}}, "/x/x", "", ""},
		{"plain characters", mihu.Request{Method: "GET", Path: "/a-b_c.d~e/9"}, "/a-b_c.d~e/9", "", ""},
		{"three dots are an ordinary segment", mihu.Request{Method: "GET", Path: "/..."}, "/...", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wire := newWire(t, respondWith(http.StatusOK, deletedJSON))
			require.NoError(t, newClient(t, wire).Do(t.Context(), &tt.req, nil))
			got := wire.Sent()[0]
			assert.Equal(t, tt.req.Method, got.Method)
			assert.Equal(t, tt.path, got.Path)
			assert.Equal(t, tt.query, got.Query)
			assert.Equal(t, tt.body, got.Body)
			if tt.body != "" {
				assert.Equal(t, "application/json", got.Header.Get("Content-Type"))
			}
		})
	}
}

// A path argument is one segment of the path, whatever characters it has, or it is rejected. The
// server records the path that arrives.
func TestPathArguments(t *testing.T) {
	t.Parallel()
	paths := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths <- r.RequestURI
		_, _ = io.WriteString(w, deletedJSON)
	}))
	t.Cleanup(srv.Close)
	client, err := mihu.New("", token, mihu.WithBaseURL(srv.URL+"/api/v1"))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)

	escaped := []struct{ arg, want string }{
		{"a", "/api/v1/x/a/y"},
		{"a b", "/api/v1/x/a%20b/y"},
		{"x#y", "/api/v1/x/x%23y/y"},
		{"?q", "/api/v1/x/%3Fq/y"},
		{"%2e%2e", "/api/v1/x/%252e%252e/y"},
		{"%2f", "/api/v1/x/%252f/y"},
		{"a;b=c", "/api/v1/x/a%3Bb=c/y"},
		{"é", "/api/v1/x/%C3%A9/y"},
		{"+12345678901", "/api/v1/x/+12345678901/y"},
		{"..a", "/api/v1/x/..a/y"},
		{"...", "/api/v1/x/.../y"},
		{"{uuid}", "/api/v1/x/%7Buuid%7D/y"},
		{"http:", "/api/v1/x/http:/y"},
		{strings.Repeat("a", 1024), "/api/v1/x/" + strings.Repeat("a", 1024) + "/y"},
	}
	for _, tt := range escaped {
		err := client.Do(t.Context(), &mihu.Request{Method: "GET", Path: "/x/{arg}/y", PathArgs: map[string]string{"arg": tt.arg}}, nil)
		require.NoError(t, err, tt.arg)
		assert.Equal(t, tt.want, <-paths)
	}

	rejected := map[string]string{
		"":                           "empty",
		".":                          "is a dot segment",
		"..":                         "is a dot segment",
		"a/b":                        "has a slash",
		"/":                          "has a slash",
		"../..":                      "has a slash",
		`a\b`:                        "has a slash",
		"a\r\nHost: evil":            "has a control character",
		"a\x00":                      "has a control character",
		"\x7f":                       "has a control character",
		"a\xff":                      "is not valid UTF-8",
		strings.Repeat("a", 1025):    "is longer than 1024 bytes",
		strings.Repeat("a", 1<<20):   "is longer than 1024 bytes",
		strings.Repeat("../", 1<<20): "has a slash",
	}
	for arg, want := range rejected {
		err := client.Do(t.Context(), &mihu.Request{Method: "GET", Path: "/x/{arg}/y", PathArgs: map[string]string{"arg": arg}}, nil)
		violation := requireViolations(t, err, "GET /x/{arg}/y", `path argument "arg"`).Violations[0]
		assert.Contains(t, violation.Problem, want)
		assert.Less(t, len(err.Error()), 200)
	}
	assert.Empty(t, paths, "a rejected argument must not be sent")
}

// An invalid request is not sent, and the error lists every violation.
func TestDoRejectsInvalidRequests(t *testing.T) {
	t.Parallel()
	get := func(path string, args map[string]string) mihu.Request {
		return mihu.Request{Method: "GET", Path: path, PathArgs: args}
	}
	body := func(v any) mihu.Request { return mihu.Request{Method: "POST", Path: "/x", Body: v} }
	query := func(v any) mihu.Request { return mihu.Request{Method: "GET", Path: "/x", Query: v} }
	var none *mihu.TrunkCreateRequest
	tests := []struct {
		name    string
		req     mihu.Request
		data    any
		opts    []mihu.CallOption
		fields  []string
		errText string
	}{
		{"no method", mihu.Request{Path: "/x"}, nil, nil, []string{"method"}, "want GET, POST, PUT, PATCH or DELETE"},
		{"a method in lower case", mihu.Request{Method: "get", Path: "/x"}, nil, nil, []string{"method"}, `"get"`},
		{"another method", mihu.Request{Method: "CONNECT", Path: "/x"}, nil, nil, []string{"method"}, `"CONNECT"`},
		{"a header within the method", mihu.Request{Method: "GET /\r\nHost:", Path: "/x"}, nil, nil, []string{"method"}, `\r\n`},

		{"no path", get("", nil), nil, nil, []string{"path"}, "want a path relative to the base URL"},
		{"the root", get("/", nil), nil, nil, []string{"path"}, "want a path"},
		{"no leading slash", get("x", nil), nil, nil, []string{"path"}, "want a path"},
		{"a whole URL", get("https://evil.example.com/x", nil), nil, nil, []string{"path"}, "want a path"},
		{"another host", get("//evil.example.com/x", nil), nil, nil, []string{"path"}, "want a path"},
		{"another host after an @", get("@evil.example.com/x", nil), nil, nil, []string{"path"}, "want a path"},
		{"a query in the path", get("/x?number=1", nil), nil, nil, []string{"path"}, "want a path"},
		{"a fragment in the path", get("/x#y", nil), nil, nil, []string{"path"}, "want a path"},
		{"a dot segment", get("/x/../y", nil), nil, nil, []string{"path"}, "want a path"},
		{"one dot", get("/x/./y", nil), nil, nil, []string{"path"}, "want a path"},
		{"an escaped dot segment", get("/x/%2e%2e/y", nil), nil, nil, []string{"path"}, "want a path"},
		{"an empty segment", get("/x//y", nil), nil, nil, []string{"path"}, "want a path"},
		{"a trailing slash", get("/x/", nil), nil, nil, []string{"path"}, "want a path"},
		{"a backslash", get(`/x\y`, nil), nil, nil, []string{"path"}, "want a path"},
		{"a line end", get("/x\r\n", nil), nil, nil, []string{"path"}, "want a path"},
		{"a space", get("/x y", nil), nil, nil, []string{"path"}, "want a path"},
		{"a phone number instead of an argument", get("/phone-numbers/+12345678901", nil), nil, nil, []string{"path"}, "want a path"},

		{"a missing argument", get("/{a}/{b}", map[string]string{"a": "1"}), nil, nil, []string{`path argument "b"`}, "missing"},
		{"an unused argument", get("/{a}", map[string]string{"a": "1", "b": "2"}), nil, nil, []string{`path argument "b"`}, "the path has no such segment"},
		{"an unused argument beside one that is used twice", get("/{a}/{a}", map[string]string{"a": "1", "b": "2"}), nil, nil, []string{`path argument "b"`}, "the path has no such segment"},
		{"an argument for a path that has none", get("/x", map[string]string{"a": "1"}), nil, nil, []string{`path argument "a"`}, "the path has no such segment"},
		{"an argument within a segment", get("/x{a}", map[string]string{"a": "1"}), nil, nil, []string{"path", `path argument "a"`}, "takes a whole segment"},
		{"an argument without a name", get("/{}", map[string]string{"": "1"}), nil, nil, []string{"path", `path argument ""`}, "takes a whole segment"},
		{
			"two arguments in a segment", get("/{a}{b}", map[string]string{"a": "1", "b": "2"}), nil, nil,
			[]string{`path argument "a}{b"`, `path argument "a"`, `path argument "b"`},
			"missing",
		},
		{"two invalid arguments", get("/{a}/{b}", map[string]string{"a": "..", "b": ""}), nil, nil, []string{`path argument "a"`, `path argument "b"`}, "dot segment"},

		{"a number as query", query(7), nil, nil, []string{"query"}, "got int"},
		{"a map as query", query(map[string]string{"a": "b"}), nil, nil, []string{"query"}, "got map[string]string"},
		{"a query that is not UTF-8", query(url.Values{"a": {"b\xff"}}), nil, nil, []string{`query "a"`}, "not valid UTF-8"},
		{"a parameter that is not UTF-8", query(url.Values{"a\xff": {"b"}}), nil, nil, []string{`query "a\xff"`}, "not valid UTF-8"},
		{"a struct as query that is not UTF-8", query(struct {
			A string `url:"a"`
		}{"b\xff"}), nil, nil, []string{`query "a"`}, "not valid UTF-8"},

		{"a body of null", body(json.RawMessage("null")), nil, nil, []string{"body"}, "is null, which the API does not document"},
		{"a body of null, spaced", body(json.RawMessage(" null\n")), nil, nil, []string{"body"}, "is null"},
		{"a nil pointer as body", body(none), nil, nil, []string{"body"}, "is null"},
		{"a nil map as body", body(map[string]any(nil)), nil, nil, []string{"body"}, "is null"},
		{"a nil slice as body", body([]string(nil)), nil, nil, []string{"body"}, "is null"},
		{"a body that is not JSON", body(json.RawMessage("{")), nil, nil, []string{"body"}, "cannot be encoded as JSON"},
		{"an empty body", body(json.RawMessage("")), nil, nil, []string{"body"}, "cannot be encoded as JSON"},
		{"a body that is not UTF-8", body(json.RawMessage("\"\xff\"")), nil, nil, []string{"body"}, "not valid UTF-8"},
		{"a body with a text that is not UTF-8", body(struct{ A string }{"\xff"}), nil, nil, []string{"body"}, "not valid UTF-8"},
		{"a channel as body", body(make(chan int)), nil, nil, []string{"body"}, "cannot be encoded as JSON: json: unsupported type: chan int"},
		{"a type whose encoding fails", body(failingMarshaler{}), nil, nil, []string{"body"}, "cannot be encoded as JSON (*json.MarshalerError)"},

		{"bytes as body", body([]byte(`{}`)), nil, nil, []string{"body"}, "[]uint8 would not be sent as it is"},
		{"a reader as body", body(strings.NewReader(`{}`)), nil, nil, []string{"body"}, "*strings.Reader would not be sent as it is"},

		{"data that is not a pointer", get("/x", nil), mihu.ChannelSnapshot{}, nil, []string{"data"}, "got mihu.ChannelSnapshot"},
		{"data that is a nil pointer", get("/x", nil), (*mihu.ChannelSnapshot)(nil), nil, []string{"data"}, "got a nil *mihu.ChannelSnapshot"},
		{"data that is a map", get("/x", nil), map[string]any{}, nil, []string{"data"}, "got map[string]interface {}"},

		{
			"everything at once",
			mihu.Request{Method: "x", Path: "x", PathArgs: map[string]string{"a": "1"}, Query: 7, Body: json.RawMessage("null")},
			7,
			[]mihu.CallOption{mihu.WithHeader("Host", "x")},
			[]string{"data", "method", "path", `path argument "a"`, "query", "body", `header "Host"`},
			"",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := mustNotSend(t).Do(t.Context(), &tt.req, tt.data, tt.opts...)
			var invalid *mihu.ValidationError
			require.ErrorAs(t, err, &invalid)
			requireViolations(t, err, invalid.Op, tt.fields...)
			assert.Contains(t, err.Error(), tt.errText)
			assert.NotContains(t, err.Error(), "s3cret")
			assert.NotContains(t, err.Error(), "12345678901")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

// The operation of Do is its method and path, on one line and with phone numbers masked.
func TestOperationOfDo(t *testing.T) {
	t.Parallel()
	tests := []struct{ method, path, op string }{
		{"GET", "/phone-numbers/{uuid}", "GET /phone-numbers/{uuid}"},
		{"GET", "/phone-numbers/12345678901/x", "GET /phone-numbers/1234•••8901/x"},
		{"", "", "do"},
		{"", "/x", "/x"},
		{"GET", "", "GET"},
		{"GET", "/\r\nx", "GET /  x"},
		{"GET", "/" + strings.Repeat("a", 1<<20), "GET /" + strings.Repeat("a", 123) + "…"},
	}
	for _, tt := range tests {
		var invalid *mihu.ValidationError
		err := new(mihu.Client).Do(t.Context(), &mihu.Request{Method: tt.method, Path: tt.path}, nil)
		require.ErrorAs(t, err, &invalid)
		assert.Equal(t, tt.op, invalid.Op)
	}
}

func TestWithHeader(t *testing.T) {
	t.Parallel()
	t.Run("sets the header on every attempt", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			wire := newWire(t, apiError(503), ok())
			_, err := newClient(t, wire).Channels.Get(t.Context(), numberUUID,
				mihu.WithHeader("x-trace", "first"), mihu.WithHeader("X-Trace", "a b\té"), mihu.WithHeader("User-Agent", "mine/1"),
				mihu.WithHeader("accept", "application/vnd.mihu+json"), mihu.WithHeader("X-Empty", ""))
			require.NoError(t, err)
			require.Equal(t, 2, wire.Attempts())
			for _, got := range wire.Sent() {
				assert.Equal(t, []string{"a b\té"}, got.Header["X-Trace"], "the last value overrides the others")
				assert.Equal(t, []string{"mine/1"}, got.Header["User-Agent"])
				assert.Equal(t, []string{"application/vnd.mihu+json"}, got.Header["Accept"])
				assert.Equal(t, []string{""}, got.Header["X-Empty"])
				assert.Equal(t, []string{"Bearer " + token}, got.Header["Authorization"])
			}
		})
	})
	t.Run("rejects invalid and reserved headers", func(t *testing.T) {
		t.Parallel()
		tests := []struct{ name, value, field, errText string }{
			{"Authorization", "Bearer pl4nted", `header "Authorization"`, "is set by this package or net/http"},
			{"authorization", "Bearer pl4nted", `header "Authorization"`, "is set by this package or net/http"},
			{"AUTHORIZATION", "Bearer pl4nted", `header "Authorization"`, "is set by this package or net/http"},
			{"Proxy-Authorization", "pl4nted", `header "Proxy-Authorization"`, "is set by this package or net/http"},
			{"host", "evil", `header "Host"`, "is set by this package or net/http"},
			{"Content-Length", "0", `header "Content-Length"`, "is set by this package or net/http"},
			{"content-type", "text/plain", `header "Content-Type"`, "is set by this package or net/http"},
			{"Transfer-Encoding", "chunked", `header "Transfer-Encoding"`, "is set by this package or net/http"},
			{"connection", "close", `header "Connection"`, "is set by this package or net/http"},
			{"accept-encoding", "br", `header "Accept-Encoding"`, "is set by this package or net/http"},
			{"Expect", "100-continue", `header "Expect"`, "is set by this package or net/http"},
			{"trailer", "X", `header "Trailer"`, "is set by this package or net/http"},
			{"TE", "trailers", `header "Te"`, "is set by this package or net/http"},
			{"upgrade", "h2c", `header "Upgrade"`, "is set by this package or net/http"},
			{"Idempotency-Key", "1", `header "Idempotency-Key"`, "would make net/http retry the request"},
			{"x-idempotency-key", "1", `header "X-Idempotency-Key"`, "would make net/http retry the request"},
			{"", "x", `header ""`, "not the name of a header"},
			{"X Y", "x", `header "X Y"`, "not the name of a header"},
			{"Authorization ", "x", `header "Authorization "`, "not the name of a header"},
			{"X:", "x", `header "X:"`, "not the name of a header"},
			{"X\r\nY", "x", `header "X\r\nY"`, "not the name of a header"},
			{"Xé", "x", `header "Xé"`, "not the name of a header"},
			{"X\u0141", "x", `header "XŁ"`, "not the name of a header"},
			{"X-Trace", "pl4nted\r\nHost: evil", `header "X-Trace"`, "a control character"},
			{"X-Trace", "pl4nted\x00", `header "X-Trace"`, "a control character"},
			{"X-Trace", "pl4nted\x7f", `header "X-Trace"`, "a control character"},
			{"X-Trace", "pl4nted\xff", `header "X-Trace"`, "not UTF-8"},
		}
		for _, tt := range tests {
			_, err := mustNotSend(t).Channels.Get(t.Context(), numberUUID, mihu.WithHeader(tt.name, tt.value))
			invalid := requireViolations(t, err, "channels.get", tt.field)
			assert.Contains(t, invalid.Violations[0].Problem, tt.errText)
			assert.NotContains(t, err.Error(), "pl4nted")
		}
	})
}

// The response is filled in whether the call succeeds or fails.
func TestWithResponse(t *testing.T) {
	t.Parallel()
	t.Run("success", func(t *testing.T) {
		t.Parallel()
		wire := newWire(t, respondWith(http.StatusCreated, snapshotJSON, "X-Request-Id", "abc", "X-RateLimit-Remaining", "7"))
		resp := mihu.Response{Attempts: 9, Reconciled: true, Body: []byte("old")}
		_, err := newClient(t, wire).Trunks.Create(t.Context(), createRequest(agentUUID), mihu.WithResponse(&resp))
		require.NoError(t, err)
		assert.Equal(t, http.StatusCreated, resp.StatusCode)
		assert.Equal(t, "abc", resp.RequestID)
		assert.Equal(t, "7", resp.Header.Get("X-Ratelimit-Remaining"))
		assert.Equal(t, 1, resp.Attempts)
		assert.False(t, resp.Reconciled)
		assert.JSONEq(t, snapshotJSON, string(resp.Body), "the body is unchanged")
		assert.Equal(t, fmt.Sprintf(`Response{status:201 request_id:"abc" attempts:1 reconciled:false bytes:%d}`, len(snapshotJSON)), fmt.Sprintf("%+v", resp))
	})
	t.Run("an error, without the secrets of the request", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			echoed := respondWith(http.StatusUnprocessableEntity, `{"message": "No", "echo": {"password": "s3cret", "number": "+12345678901"}}`)
			var resp mihu.Response
			_, err := newClient(t, newWire(t, apiError(429), echoed)).Trunks.Create(t.Context(), createRequest(agentUUID), mihu.WithResponse(&resp))
			require.ErrorIs(t, err, mihu.ErrInvalid)
			assert.Equal(t, http.StatusUnprocessableEntity, resp.StatusCode)
			assert.Equal(t, 2, resp.Attempts)
			const want = `{"message": "No", "echo": {"password": "[redacted]", "number": "+12345678901"}}`
			assert.JSONEq(t, want, string(resp.Body))
			assert.JSONEq(t, want, string(requireAPIError(t, err).Body), "numbers are masked only when the error is printed")
		})
	})
	t.Run("a lost connection after a response", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var resp mihu.Response
			err := doRequest(t.Context(), newClient(t, newWire(t, apiError(503), lost())), http.MethodGet, mihu.WithResponse(&resp))
			require.ErrorIs(t, err, errLost)
			assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
			assert.Equal(t, 4, resp.Attempts)
		})
	})
	t.Run("no response", func(t *testing.T) {
		t.Parallel()
		resp := mihu.Response{StatusCode: 200, RequestID: "old", Body: []byte("old")}
		err := doRequest(t.Context(), newClient(t, newWire(t, lost()), withoutRetries), http.MethodGet, mihu.WithResponse(&resp))
		require.ErrorIs(t, err, errLost)
		assert.Equal(t, mihu.Response{Attempts: 1}, resp)
	})
	t.Run("numbers that are keys stay distinct", func(t *testing.T) {
		t.Parallel()
		const body = `{"data":{"+12345678901":"s3cret-t0ken","+12341118901":2},"success":true}`
		var resp mihu.Response
		client, err := mihu.New("acme", "s3cret-t0ken", mihu.WithHTTPClient(&http.Client{Transport: newWire(t, respondWith(http.StatusOK, body))}))
		require.NoError(t, err)
		require.NoError(t, client.Do(t.Context(), &mihu.Request{Method: "GET", Path: "/x"}, nil, mihu.WithResponse(&resp)))
		assert.JSONEq(t, strings.Replace(body, "s3cret-t0ken", "[redacted]", 1), string(resp.Body))
	})
}

// A body has a length and can be read again, so that net/http can use another connection if an idle
// one turns out to be closed.
func TestBodiesCanBeReadAgain(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		client := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
			if req.Body == nil || req.Body == http.NoBody {
				return response(http.StatusOK, op.success), nil
			}
			body, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			assert.Equal(t, int64(len(body)), req.ContentLength, op.name)
			second, err := req.GetBody()
			require.NoError(t, err)
			secondBody, err := io.ReadAll(second)
			require.NoError(t, err)
			assert.Equal(t, body, secondBody, op.name)
			return response(http.StatusOK, op.success), nil
		}))
		require.NoError(t, op.call(t.Context(), client))
	}
}

func TestHeadersOfEveryRequest(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			wire := newWire(t, respondWith(http.StatusOK, op.success))
			require.NoError(t, op.call(t.Context(), newClient(t, wire)))
			got := wire.Sent()[0]
			assert.Equal(t, []string{"Bearer " + token}, got.Header["Authorization"])
			assert.Equal(t, []string{"application/json"}, got.Header["Accept"])
			assert.Empty(t, got.Header["Idempotency-Key"])
			if got.Body == "" {
				assert.Empty(t, got.Header["Content-Type"])
			} else {
				assert.Equal(t, []string{"application/json"}, got.Header["Content-Type"])
			}
		})
	}
}

// A request without a body has a nil body, which is how transports recognize it.
func TestRequestWithoutBody(t *testing.T) {
	t.Parallel()
	var sent *http.Request
	client := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		sent = req
		return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
	}))
	_, err := client.Channels.GetByNumber(t.Context(), number)
	require.ErrorIs(t, err, mihu.ErrNotFound)
	assert.Nil(t, sent.Body)
	assert.Zero(t, sent.ContentLength)
}
