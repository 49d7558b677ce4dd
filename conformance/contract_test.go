package conformance

import (
	"bytes"
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

// contract judges requests and responses. It is read only once made.
type contract struct {
	doc     *openapi3.T
	router  routers.Router
	options *openapi3filter.Options
}

// loadContract reads the contract. Its own server, a host per workspace, stands beside a server
// without host, so that the requests to a test server find their operation too.
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

// request is what the contract has to say of a request, and the operation that it belongs to.
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

// checkQuery finds what the validator leaves alone: parameters that the contract does not have, and
// repeated ones, of which only the first would be looked at.
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
			problems = append(problems, fmt.Errorf("the query repeats %q", name))
		}
	}
	return errors.Join(problems...)
}

// checkWholeBody finds what the validator leaves alone as well: what follows the first value of a
// body, text that is not UTF-8, and repeated names, which it sees from Go 1.27 on only.
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

// checkNames reads one value, which is known to be well-formed.
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
				return fmt.Errorf("the body repeats the name %q", name)
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

// response is what the contract has to say of a response. A request that belongs to no operation
// can only be answered with an error.
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

// exchange is a request, its response, and what the contract has to say of them.
type exchange struct {
	method, url string
	server      string // the URL template of the contract's server that the request went to
	operation   string // by operationId; empty where the contract has none
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

// checker is a transport that holds every exchange against the contract and keeps what it found.
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
		c.keep(e) // an answer may be lost on purpose; the request was sent all the same
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

// take gives the exchanges since the last take.
func (c *checker) take() []exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.exchanges
	c.exchanges = nil
	return taken
}

// one gives the exchange since the last take, which has to be the only one.
func (c *checker) one(t *testing.T) exchange {
	t.Helper()
	taken := c.take()
	require.Len(t, taken, 1)
	return taken[0]
}

// valid gives the exchange since the last take, which the contract has to allow.
func (c *checker) valid(t *testing.T) exchange {
	t.Helper()
	e := c.one(t)
	e.requireValid(t)
	return e
}

// answer is a transport that answers every request with one response.
type answer struct {
	status      int
	contentType string
	body        string
}

func (a answer) RoundTrip(req *http.Request) (*http.Response, error) {
	header := http.Header{}
	if a.contentType != "" {
		header.Set("Content-Type", a.contentType)
	}
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: req,
	}, nil
}

func jsonAnswer(status int, body string) answer { return answer{status, "application/json", body} }

// newClient is a client of the workspace demo whose requests the checker takes.
func newClient(t *testing.T, check *checker, opts ...mihu.Option) *mihu.Client {
	t.Helper()
	opts = append([]mihu.Option{mihu.WithHTTPClient(&http.Client{Transport: check})}, opts...)
	client, err := mihu.New("demo", "mihu-0123456789", opts...)
	require.NoError(t, err)
	return client
}
