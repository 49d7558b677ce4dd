package mihu

import (
	"context"
	"fmt"
)

// TokenSource gives the token for a request, so that a token that expires or is rotated needs no
// new client. It is asked before every attempt and must be fast where it has a token at hand; it
// keeps its own copy. It must be safe for concurrent use and obey the context.
//
// If the API rejects a token (401), the source is asked once more: Refresh of a [TokenRefresher], otherwise
// Token. If the result differs from the rejected token, the request is retried with it. This includes POST,
// since a rejected request was not applied.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// TokenFunc makes a function a TokenSource.
type TokenFunc func(ctx context.Context) (string, error)

// Token calls the function.
func (f TokenFunc) Token(ctx context.Context) (string, error) { return f(ctx) }

// TokenRefresher is an optional interface of a [TokenSource]. If the API rejects a token (401), Refresh is
// called with it, once per call, instead of Token. Many calls may be rejected at once: if the source already
// has a newer token than the rejected one, Refresh returns that and does not fetch another.
type TokenRefresher interface {
	TokenSource
	Refresh(ctx context.Context, rejected string) (string, error)
}

// tokenProblem says why a token cannot be sent, in words that do not repeat it.
func tokenProblem(token string) string {
	if token == "" {
		return "empty; create one in the workspace's settings"
	}
	for i, r := range token {
		if r <= ' ' || r > '~' {
			return fmt.Sprintf("holds white space, a control character or one that is not ASCII, at position %d; was it read with its line end?", i+1)
		}
	}
	return ""
}

// bearer is a token and the header made of it.
type bearer struct {
	token  string
	header []string
}

// bearer keeps the header of the last token, since nearly every request has the same.
func (c *core) bearer(token string) *bearer {
	last := c.last.Load()
	if last == nil || last.token != token {
		last = &bearer{token, []string{"Bearer " + token}}
		c.last.Store(last)
	}
	return last
}

// freshToken asks the source for the token of an attempt; rejected is the token that the API has just
// rejected, "" if none.
func (c *core) freshToken(ctx context.Context, rejected string) (string, error) {
	token, err := c.token(ctx, rejected)
	if err != nil {
		return "", fmt.Errorf("token source: %w", err)
	}
	if problem := tokenProblem(token); problem != "" {
		return "", fmt.Errorf("token source: the token is unusable: %s", problem)
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
