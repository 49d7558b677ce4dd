package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/go-github/v92/github"
)

// hookJSON is the answer of GitHub to the update of a hook.
const hookJSON = `{"type":"Repository","id":12345678,"name":"web","active":true,"events":["push","pull_request"],` +
	`"config":{"content_type":"json","insecure_ssl":"0","url":"https://example.com/webhook","secret":"********"},` +
	`"updated_at":"2026-06-03T00:57:16Z","created_at":"2026-06-03T00:57:16Z",` +
	`"url":"https://api.github.com/repos/octocat/Hello-World/hooks/12345678",` +
	`"test_url":"https://api.github.com/repos/octocat/Hello-World/hooks/12345678/test",` +
	`"ping_url":"https://api.github.com/repos/octocat/Hello-World/hooks/12345678/pings",` +
	`"deliveries_url":"https://api.github.com/repos/octocat/Hello-World/hooks/12345678/deliveries",` +
	`"last_response":{"code":200,"status":"active","message":"OK"}}`

// newGitHub is go-github, which updates a hook.
func newGitHub(at place) (caller, error) {
	transport, closeIdle := at.own(standard())
	base := at.URL + "/"
	client, err := github.NewClient(github.WithHTTPClient(&http.Client{Transport: transport}), github.WithAuthToken(token),
		github.WithURLs(&base, &base))
	if err != nil {
		return caller{}, err
	}
	change := &github.Hook{Events: []string{"push", "pull_request"}, Config: &github.HookConfig{
		URL: new("https://example.com/webhook"), ContentType: new("json"), Secret: new("s3cret-0123456789"),
	}}
	c := plainCaller(func(ctx context.Context, method, path string, in, into any) error {
		req, err := client.NewRequest(ctx, method, strings.TrimPrefix(path, "/"), in)
		if err != nil {
			return err
		}
		_, err = client.Do(req, into)
		return err
	}, closeIdle)
	c.update = func(ctx context.Context) error {
		hook, _, err := client.Repositories.EditHook(ctx, "octocat", "Hello-World", 12345678, change)
		if err == nil && hook.GetConfig().GetURL() != "https://example.com/webhook" {
			err = errAnswer
		}
		return err
	}
	return c, nil
}
