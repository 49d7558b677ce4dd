package mihu

import (
	"context"
	"fmt"
)

// TokenSource gives the token for a request, so that a token that expires or is rotated needs no
// new client. It is asked before every attempt and must be fast where it has a token at hand; it
// keeps its own copy. It must be safe for concurrent use and obey the context.
//
// Where the API refuses a token (401), the source is asked once more, with a context from which
// [RefusedToken] tells the token that was refused. If the answer differs the request is repeated
// with it, a POST too, since a refused request was not carried out. Many calls may be refused at
// once: a source that has a newer token than the refused one should return it and not fetch
// another.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// TokenFunc makes a function a TokenSource.
type TokenFunc func(ctx context.Context) (string, error)

// Token calls the function.
func (f TokenFunc) Token(ctx context.Context) (string, error) { return f(ctx) }

type refusedTokenKey struct{}

// RefusedToken is for token sources: the token that the API has just refused, and true, where the
// source is asked again because of that.
func RefusedToken(ctx context.Context) (string, bool) {
	token, ok := ctx.Value(refusedTokenKey{}).(string)
	return token, ok
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

// freshToken asks for the token of an attempt.
func (c *core) freshToken(ctx context.Context) (string, error) {
	token, err := c.token(ctx)
	if err != nil {
		return "", fmt.Errorf("token source: %w", err)
	}
	if problem := tokenProblem(token); problem != "" {
		return "", fmt.Errorf("token source: the token is unusable: %s", problem)
	}
	return token, nil
}
