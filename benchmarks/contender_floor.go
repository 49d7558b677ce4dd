package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// newFloor is the minimum with net/http: the body is prepared and the response is discarded.
func newFloor(at place) (caller, error) {
	transport, closeIdle := at.own(standard())
	client := &http.Client{Transport: transport}
	body := []byte(`{"phone_number":"+12345678901","channel":"call","name":"Reception","sip":{"gateway":"sip.example.com",` +
		`"username":"reception","password":"s3cret-0123456789"}}`)
	return caller{
		update: func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPatch, at.URL+trunksPath, bytes.NewReader(body))
			if err != nil {
				return err
			}
			req.Header["Authorization"] = []string{"Bearer " + token}
			req.Header["Content-Type"] = []string{"application/json"}
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		},
		close: closeIdle,
	}, nil
}
