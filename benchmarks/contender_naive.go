package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// newNaive is a program without a client package: net/http and encoding/json as in their examples.
func newNaive(at place) (caller, error) {
	transport, closeIdle := at.own(standard())
	client := &http.Client{Transport: transport}
	do := func(ctx context.Context, method, path string, in, into any) error {
		var body io.Reader
		if in != nil {
			encoded, err := json.Marshal(in)
			if err != nil {
				return err
			}
			body = bytes.NewReader(encoded)
		}
		req, err := http.NewRequestWithContext(ctx, method, at.URL+path, body)
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
	return plainCaller(do, closeIdle), nil
}
