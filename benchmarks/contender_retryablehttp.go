package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// newRetryable is newNaive with go-retryablehttp's NewClient instead of http.Client.
func newRetryable(at place) (caller, error) {
	client := retryablehttp.NewClient()
	client.Logger = nil // its default logs every request
	client.RetryWaitMin, client.RetryWaitMax = time.Millisecond, time.Millisecond
	if at.Transport != nil {
		client.HTTPClient.Transport = at.Transport
	}
	do := func(ctx context.Context, method, path string, in, into any) error {
		var body any
		if in != nil {
			encoded, err := json.Marshal(in)
			if err != nil {
				return err
			}
			body = encoded
		}
		req, err := retryablehttp.NewRequestWithContext(ctx, method, at.URL+path, body)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		content, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return json.Unmarshal(content, into)
	}
	return plainCaller(do, client.HTTPClient.CloseIdleConnections), nil
}
