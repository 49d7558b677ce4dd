package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestProbeOfNoAPI: whatever answers in place of the API, the probe ends before the first change, says
// why, and shows nothing that the response has.
func TestProbeOfNoAPI(t *testing.T) {
	t.Parallel()
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(connection, text)
				_ = connection.Close()
			}
		}
	}
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	const secret = "+12025550199 " + secretToken
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		code    int
		message string
	}{
		"portal":   {status(200, "<html>"+secret), exitLimit, "a response with 200 has none"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login?"+secret, http.StatusFound) }, exitLimit, "a response with 302 has none"},
		"location": {raw("HTTP/1.1 302 Found\r\nLocation: http://a b/?" + secret + "\r\n\r\n"), exitFailed, "Location"},
		"status":   {raw("HTTP/1.1 " + secret + "\r\n\r\n"), exitFailed, "malformed HTTP"},
		"no HTTP":  {raw(secret + "\r\n\r\n"), exitFailed, "malformed HTTP"},
		"header":   {raw("HTTP/1.1 200 OK\r\nX " + secret + "\r\n\r\n"), exitFailed, "malformed MIME header"},
		"length":   {raw("HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n"), exitFailed, "Content-Length"},
		"encoding": {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + secret + "\r\n\r\n"), exitFailed, "transfer encoding"},
		"chunk":    {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + "\r\n"), exitFailed, "chunk"},
		"long":     {status(200, strings.Repeat(" ", 2<<20)), exitFailed, "over 1 MiB"},
		"slow":     {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, exitFailed, "exceeded"},
		"pages": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"success":true,"data":{"items":[{"number":"+%d","bindings":{}}]}}`, time.Now().UnixNano())
		}, exitLimit, "more than 1000 pages"},
		"400": {status(400, ""), exitRefused, "check the token"},
		"401": {status(401, ""), exitRefused, "check the token"},
		"404": {status(404, ""), exitRefused, "check the address"},
		"429": {status(429, ""), exitRefused, "try again later"},
		"503": {status(503, ""), exitFailed, "try again later"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(c.answer)
			defer srv.Close()
			f := probeFake(t)
			cmd := f.process("probe", "--number", spareNumber, "--agent", agent3, "--confirm", spareNumber, "--rate", "100000/s", "--timeout", "5s")
			cmd.Env = append(cmd.Env, "MIHU_BASE_URL="+srv.URL)
			out, err := cmd.CombinedOutput()
			require.ErrorContains(t, err, fmt.Sprintf("exit status %d", c.code), string(out))
			require.Contains(t, string(out), c.message)
			checkPrinted(t, "", string(out))
			f.requireNoJournal()
		})
	}
}
