package mihu

import (
	"context"
	"fmt"
)

// TokenSource returns the token for a request, so that a token that expires or is rotated needs no
// new client. Token is called before every attempt: keep the token and return it fast. It must be
// safe for concurrent use and obey the context.
//
// If the API rejects a token (401), the source is asked once more: Refresh of a [TokenRefresher],
// otherwise Token. If the result differs from the rejected token, the request is retried with it.
// This includes POST, since a rejected request was not applied.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// TokenFunc is a function that is a TokenSource.
type TokenFunc func(ctx context.Context) (string, error)

// Token calls the function.
func (f TokenFunc) Token(ctx context.Context) (string, error) { return f(ctx) }

// TokenRefresher is an optional interface of a [TokenSource]. If the API rejects a token (401),
// Refresh is called with it, once per call, instead of Token. Many calls may be rejected at once:
// if the source already has a newer token than the rejected one, Refresh returns that and does not
// fetch another.
type TokenRefresher interface {
	TokenSource
	Refresh(ctx context.Context, rejected string) (string, error)
}

// bearer is a token and the header made of it.
type bearer struct {
	token  string
	header []string
}

// bearer returns the token with its header. It keeps the last one, since nearly every request has
// the same.
func (c *core) bearer(token string) *bearer {
	last := c.last.Load()
	if last == nil || last.token != token {
		last = &bearer{token, []string{"Bearer " + token}}
		c.last.Store(last)
	}
	return last
}

// freshToken asks the source for the token of an attempt; rejected is the token that the API has
// just rejected, "" if none.
func (c *core) freshToken(ctx context.Context, rejected string) (string, error) {
	token, err := c.token(ctx, rejected)
	if err != nil {
		return "", fmt.Errorf("token source: %w", err)
	}
	if problem := tokenProblem(token); problem != "" {
		return "", fmt.Errorf("token source: the token cannot be used: %s", problem)
	}
	return token, nil
}

// tokenFunc asks the source for a token, or for another one than the rejected one.
func tokenFunc(source TokenSource) func(ctx context.Context, rejected string) (string, error) {
	return func(ctx context.Context, rejected string) (string, error) {
		if refresher, ok := source.(TokenRefresher); ok && rejected != "" {
			return refresher.Refresh(ctx, rejected)
		}
		return source.Token(ctx)
	}
}
