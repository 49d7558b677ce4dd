package main

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// responseJSON is the response to an update.
const responseJSON = `{"success":true,"message":"Trunk updated","data":{"phone_number_uuid":"9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b",` +
	`"number":"+12345678901","is_external":true,"source":"external","channels":{` +
	`"call":{"capable":true,"enabled":true,"channel_limit":10,"whitelisted_destinations":["US"],` +
	`"bound":true,"agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a","agent_name":"Ada"},` +
	`"sms":{"capable":true,"enabled":false,"channel_limit":10,"whitelisted_destinations":["US","CA"],` +
	`"bound":false,"agent_uuid":null,"agent_name":null},` +
	`"whatsapp":{"bound":true,"agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a","agent_name":"Ada"},` +
	`"inbound":{"enabled":true,"channel_limit":10}}}}`

const (
	perPage    = 200
	allNumbers = 100_000
	lastPage   = allNumbers / perPage
)

// pageJSON is one page of a list of 100,000 numbers.
func pageJSON(page int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"success":true,"data":{"items":[`)
	for i := range perPage {
		if i > 0 {
			b.WriteByte(',')
		}
		n := strconv.Itoa(1_000_000 + (page-1)*perPage + i)
		b.WriteString(`{"phone_number_uuid":"9bcb8f00-c0c5-4ee1-9b75-ad1e8` + n + `","number":"+1208` + n + `","country_code":"US",` +
			`"location":"Sassari, Sardegna","type":"local","is_external":true,"source":"external","status":"active",` +
			`"compliance":{"status":"completed","requirements":[{"name":"Proof of address","type":"textual","description":"Street and town"}]},` +
			`"capabilities":{"voice":true,"sms":true,"mms":false,"fax":false,"emergency":true,"local_calling":true},` +
			`"channel_settings":{"voice":{"enabled":true,"channel_limit":10,"whitelisted_destinations":["US"]},` +
			`"sms":{"enabled":false,"channel_limit":null,"whitelisted_destinations":[]},"inbound":{"enabled":true,"channel_limit":10}},` +
			`"billing":{"monthly_fee":1.5,"currency":"EUR"},` +
			`"bindings":{"call":{"bound":true,"agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a","agent_name":"Ada"},` +
			`"sms":{"bound":false,"agent_uuid":null,"agent_name":null},"whatsapp":{"bound":false,"agent_uuid":null,"agent_name":null}},` +
			`"purchased_at":"2026-01-02T03:04:05Z","updated_at":"2026-02-03T04:05:06.789Z"}`)
	}
	b.WriteString(`],"pagination":{"current_page":` + strconv.Itoa(page) + `,"per_page":` + strconv.Itoa(perPage) +
		`,"total":` + strconv.Itoa(allNumbers) + `,"last_page":` + strconv.Itoa(lastPage) + `,"from":` + strconv.Itoa((page-1)*perPage+1) +
		`,"to":` + strconv.Itoa(page*perPage) + `,"has_more":` + strconv.FormatBool(page < lastPage) + `}}}`)
	return b.Bytes()
}

// responseHeader is shared: no contender modifies it.
var responseHeader = http.Header{
	"Content-Type": {"application/json"}, "Date": {"Fri, 02 Jan 2026 03:04:05 GMT"}, "X-Request-Id": {"3f8a1c"},
}

// noSocket returns responses like net/http's transport, in almost no time.
type noSocket struct{ update, page []byte }

func (n noSocket) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		if err := req.Body.Close(); err != nil {
			return nil, err
		}
	}
	body := n.update
	if req.Method == http.MethodGet {
		body = n.page
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header:        responseHeader,
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}
