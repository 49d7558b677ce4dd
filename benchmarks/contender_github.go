package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/go-github/v92/github"
)

// protectionJSON is the response of GitHub to an update of a branch protection, without its links.
const protectionJSON = `{"url":"https://api.github.com/repos/o/r/branches/main/protection",` +
	`"required_status_checks":{"strict":true,"contexts":["build"],"checks":[{"context":"build"}]},` +
	`"required_pull_request_reviews":{"dismiss_stale_reviews":true,"require_code_owner_reviews":true,` +
	`"required_approving_review_count":2,"require_last_push_approval":false},` +
	`"enforce_admins":{"enabled":true},"required_signatures":{"enabled":false},"required_linear_history":{"enabled":true},` +
	`"allow_force_pushes":{"enabled":false},"allow_deletions":{"enabled":false},"block_creations":{"enabled":false},` +
	`"required_conversation_resolution":{"enabled":true},"lock_branch":{"enabled":false},"allow_fork_syncing":{"enabled":false}}`

// newGitHub is go-github. It updates a branch protection.
func newGitHub(at place) (caller, error) {
	transport, closeIdle := at.own(standard())
	base := at.URL + "/"
	client, err := github.NewClient(github.WithHTTPClient(&http.Client{Transport: transport}), github.WithAuthToken(token),
		github.WithURLs(&base, &base))
	if err != nil {
		return caller{}, err
	}
	change := &github.ProtectionRequest{
		RequiredStatusChecks:       &github.RequiredStatusChecks{Strict: true, Contexts: &[]string{"build"}},
		RequiredPullRequestReviews: &github.PullRequestReviewsEnforcementRequest{RequiredApprovingReviewCount: 2},
		EnforceAdmins:              true,
	}
	c := plainCaller(func(ctx context.Context, method, path string, in, into any) error {
		req, err := client.NewRequest(ctx, method, strings.TrimPrefix(path, "/"), in)
		if err != nil {
			return err
		}
		_, err = client.Do(req, into)
		return err
	}, closeIdle)
	c.update = func(ctx context.Context) error {
		protection, _, err := client.Repositories.UpdateBranchProtection(ctx, "o", "r", "main", change)
		if err == nil && !protection.GetRequiredStatusChecks().Strict {
			err = errResponse
		}
		return err
	}
	return c, nil
}
