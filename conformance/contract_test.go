package conformance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/mihu-go/mihu"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const contractFile = "../testdata/openapi.yaml"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// contract validates requests and responses. It is immutable.
type contract struct {
	doc     *openapi3.T
	router  routers.Router
	options *openapi3filter.Options
}

// loadContract reads the contract. It adds a server without a host to the contract's own servers, so
// that requests to a test server match an operation too.
var loadContract = sync.OnceValues(func() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(contractFile)
	if err != nil {
		return nil, err
	}
	doc.Servers = append(doc.Servers, &openapi3.Server{URL: "/api/v1"})
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	return &contract{doc: doc, router: router, options: &openapi3filter.Options{
		MultiError:                        true,
		RejectWhenRequestBodyNotSpecified: true,
		IncludeResponseStatus:             true,
		// Otherwise the validator would add the defaults of the contract to the request.
		SkipSettingDefaults: true,
		AuthenticationFunc:  requireBearer,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.EnableFormatValidation(),
			openapi3.WithStringFormatValidator("uuid", openapi3.NewRegexpFormatValidator(
				`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)),
		},
	}}, nil
})

func newContract(t *testing.T) *contract {
	t.Helper()
	c, err := loadContract()
	require.NoError(t, err)
	return c
}

var bearer = regexp.MustCompile(`^Bearer [\x21-\x7e]+$`)

func requireBearer(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	sent := input.RequestValidationInput.Request.Header.Values("Authorization")
	if len(sent) != 1 || !bearer.MatchString(sent[0]) {
		return errors.New("want one Authorization header with a bearer token")
	}
	return nil
}

// request validates a request and returns its operation.
func (c *contract) request(req *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		return nil, err
	}
	read := req.Clone(req.Context())
	read.Body = io.NopCloser(bytes.NewReader(body))
	read.ContentLength = int64(len(body))
	input := &openapi3filter.RequestValidationInput{Request: read, PathParams: params, Route: route, Options: c.options}
	return input, errors.Join(
		openapi3filter.ValidateRequest(req.Context(), input),
		checkQuery(req.URL.RawQuery, route.Operation),
		checkWholeBody(body),
	)
}

// checkQuery checks what the validator does not: unknown parameters and duplicate parameters, of which
// the validator only checks the first.
func checkQuery(raw string, operation *openapi3.Operation) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return err
	}
	var problems []error
	for name, values := range query {
		if operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			problems = append(problems, fmt.Errorf("the query has a parameter %q that the contract does not", name))
		}
		if len(values) != 1 {
			problems = append(problems, fmt.Errorf("the query contains %q twice", name))
		}
	}
	return errors.Join(problems...)
}

// checkWholeBody also checks what the validator does not: data after the first value of a body, text
// that is not UTF-8, and duplicate names, which the validator only detects since Go 1.27.
func checkWholeBody(body []byte) error {
	switch {
	case len(body) == 0:
		return nil
	case !json.Valid(body):
		return errors.New("the body is not one JSON value")
	case !utf8.Valid(body):
		return errors.New("the body is not UTF-8")
	}
	return checkNames(json.NewDecoder(bytes.NewReader(body)))
}

// checkNames checks one well-formed value for duplicate names.
func checkNames(decoder *json.Decoder) error {
	token, err := decoder.Token()
	if err != nil || token != json.Delim('{') && token != json.Delim('[') {
		return err
	}
	names := map[json.Token]bool{}
	for decoder.More() {
		if token == json.Delim('{') {
			name, err := decoder.Token()
			if err != nil {
				return err
			}
			if names[name] {
				return fmt.Errorf("the body contains the name %q twice", name)
			}
			names[name] = true
		}
		if err := checkNames(decoder); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}

// response validates a response. If the request matches no operation, the response must be an error.
func (c *contract) response(input *openapi3filter.RequestValidationInput, req *http.Request, resp *http.Response, body []byte) error {
	if input == nil {
		if resp.StatusCode < http.StatusBadRequest {
			return fmt.Errorf("status %d for a request that the contract does not have", resp.StatusCode)
		}
		failed := openapi3.NewResponses(openapi3.WithName("default", c.doc.Components.Responses["Error"].Value))
		input = &openapi3filter.RequestValidationInput{
			Request: req, Options: c.options,
			Route: &routers.Route{Spec: c.doc, Operation: &openapi3.Operation{Responses: failed}},
		}
	}
	err := openapi3filter.ValidateResponse(req.Context(), (&openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Options: c.options,
	}).SetBodyBytes(body))
	if resp.StatusCode == http.StatusNoContent {
		return err
	}
	return errors.Join(err, checkWholeBody(body))
}

// exchange is a request, its response, and the results of their validation.
type exchange struct {
	method, url string
	server      string // the URL template of the contract's server that the request went to
	operation   string // the operationId; empty if no operation matches
	status      int
	sent, got   []byte
	request     error
	response    error
}

func (e exchange) String() string {
	return fmt.Sprintf("%s %s %s: %d %s", e.method, e.url, e.sent, e.status, e.got)
}

func (e exchange) requireValid(t *testing.T) {
	t.Helper()
	require.NoError(t, e.request, "the request of %s", e)
	require.NoError(t, e.response, "the response of %s", e)
}

// checker is a transport that validates every exchange and keeps the results.
type checker struct {
	contract *contract
	next     http.RoundTripper

	mu        sync.Mutex
	exchanges []exchange
}

func newChecker(t *testing.T, next http.RoundTripper) *checker {
	t.Helper()
	return &checker{contract: newContract(t), next: next}
}

func (c *checker) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	e := exchange{method: req.Method, url: req.URL.String(), sent: sent}
	input, err := c.contract.request(req, sent)
	e.request = err
	if input != nil {
		e.operation, e.server = input.Route.Operation.OperationID, input.Route.Server.URL
	}
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		c.keep(e) // a response may be lost on purpose, but the request was sent
		return nil, err
	}
	e.status = resp.StatusCode
	if e.got, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(e.got))
	e.response = c.contract.response(input, req, resp, e.got)
	c.keep(e)
	return resp, nil
}

func (c *checker) keep(e exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exchanges = append(c.exchanges, e)
}

// take returns the exchanges since the last take.
func (c *checker) take() []exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.exchanges
	c.exchanges = nil
	return taken
}

// one returns the only exchange since the last take.
func (c *checker) one(t *testing.T) exchange {
	t.Helper()
	taken := c.take()
	require.Len(t, taken, 1)
	return taken[0]
}

// valid returns the only exchange since the last take, which must be valid.
func (c *checker) valid(t *testing.T) exchange {
	t.Helper()
	e := c.one(t)
	e.requireValid(t)
	return e
}

// stub is a transport that returns the same response to every request.
type stub struct {
	status      int
	contentType string
	body        string
}

func (s stub) RoundTrip(req *http.Request) (*http.Response, error) {
	header := http.Header{}
	if s.contentType != "" {
		header.Set("Content-Type", s.contentType)
	}
	return &http.Response{
		StatusCode: s.status, Status: http.StatusText(s.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(s.body)), ContentLength: int64(len(s.body)), Request: req,
	}, nil
}

func jsonStub(status int, body string) stub { return stub{status, "application/json", body} }

// confirm is a transport that responds to every request with its status and a snapshot of what the
// request is about: its number and, if it has one, its channel with its agent bound. The snapshot
// has an empty list of items too, so that it is a valid response to all operations. A DELETE gets no
// data.
type confirm int

func (status confirm) RoundTrip(req *http.Request) (*http.Response, error) {
	query := req.URL.Query()
	about := struct {
		PhoneNumber string `json:"phone_number"`
		Channel     string `json:"channel"`
		AgentUUID   string `json:"agent_uuid"`
	}{query.Get("phone_number") + query.Get("number"), query.Get("channel"), ""}
	if req.Body != nil {
		if err := json.NewDecoder(req.Body).Decode(&about); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		_ = req.Body.Close()
	}
	if req.Method == http.MethodDelete {
		return jsonStub(int(status), `{"success": true, "message": "Trunk deleted"}`).RoundTrip(req)
	}
	channels := map[string]any{}
	if about.Channel != "" {
		agent := cmp.Or(strings.ToLower(about.AgentUUID), uuid)
		channels[about.Channel] = map[string]any{"bound": true, "agent_uuid": agent, "agent_name": "Ada", "capable": true, "enabled": true}
	}
	body, err := json.Marshal(map[string]any{"success": true, "data": map[string]any{
		"number": cmp.Or(about.PhoneNumber, number), "is_external": true, "source": "external", "channels": channels, "items": []any{},
	}})
	if err != nil {
		return nil, err
	}
	return jsonStub(int(status), string(body)).RoundTrip(req)
}

// newClient returns a client of the workspace demo that uses the checker.
func newClient(t *testing.T, check *checker, opts ...mihu.Option) *mihu.Client {
	t.Helper()
	opts = append([]mihu.Option{mihu.WithHTTPClient(&http.Client{Transport: check})}, opts...)
	client, err := mihu.New("demo", "mihu-0123456789", opts...)
	require.NoError(t, err)
	return client
}
