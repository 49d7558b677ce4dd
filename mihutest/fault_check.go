package mihutest

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"strings"
)

// violation is the rule that the match breaks; "" means none. A match that breaks one could never
// select a request.
func (m Match) violation() string {
	_, badPattern := path.Match(m.Path, "")
	switch {
	case m.Method != strings.ToUpper(m.Method):
		return fmt.Sprintf("On.Method %q is not in capitals", m.Method)
	case badPattern != nil:
		return fmt.Sprintf("On.Path %q is not a pattern", m.Path)
	case m.Path != "" && !isRelativePath(m.Path):
		return fmt.Sprintf("On.Path %q is not a path relative to the server's URL, without query", m.Path)
	case m.Skip < 0:
		return "On.Skip is negative"
	}
	return ""
}

func isRelativePath(p string) bool {
	return p[0] == '/' && !strings.Contains(p, "?") && !strings.HasPrefix(p, basePath)
}

// violation is the first rule that the effects of the fault break; "" means none.
func (f *Fault) violation() string {
	for _, rule := range []struct {
		broken  bool
		message string
	}{
		{f.Status != 0 && !isFinalStatus(f.Status), fmt.Sprintf("Status %d is not 200 to 599", f.Status)},
		{min(f.Delay, f.DelayAfter, f.ReadLag) < 0, "Delay, DelayAfter or ReadLag is negative"},
		{f.Drop && f.responds(), "Drop sends no response, but the fault describes one"},
		{f.describesError() && (f.Status == 0 || f.Body != nil), "Code, Message and Field need a Status and no Body"},
		{f.bodyless() && f.needsBody(), "a response without a body cannot have a Body, a Code, a Message, a Field or Truncate"},
		{f.AfterChange && !f.replaces() && !f.Truncate, "AfterChange needs a Status, a Body, Drop or Truncate"},
		{f.Contradict < NoContradiction || f.Contradict > NotBound, fmt.Sprintf("there is no Contradiction %d", f.Contradict)},
		{f.replaces() && f.shapes(), "SuccessShape, ReadLag and Contradict need the ordinary response, without Status, Body and Drop"},
		{f.Detached && (f.Delay == 0 || !f.handles()), "Detached needs a Delay, and a request that is handled"},
	} {
		if rule.broken {
			return rule.message
		}
	}
	return cmp.Or(f.headerViolation(), f.shapeViolation())
}

func (f *Fault) shapeViolation() string {
	if f.SuccessShape == nil {
		return ""
	}
	return f.SuccessShape.violation()
}

func isFinalStatus(status int) bool { return status >= 200 && status <= 599 }

func (f *Fault) headerViolation() string {
	for key := range f.Header {
		if key = http.CanonicalHeaderKey(key); key == "Content-Length" || key == "Transfer-Encoding" {
			return fmt.Sprintf("Header %s is set by the server", key)
		}
	}
	return ""
}

// hasEffect reports whether the fault changes anything at all.
func (f *Fault) hasEffect() bool {
	return f.responds() || f.shapes() || f.Drop || f.Delay != 0 || f.DelayAfter != 0
}

// replaces reports whether the fault takes the place of the ordinary response.
func (f *Fault) replaces() bool { return f.Status != 0 || f.Body != nil || f.Drop }

// handles reports whether the server handles the request all the same.
func (f *Fault) handles() bool { return f.AfterChange || !f.replaces() }

// responds reports whether the fault changes any part of the response.
func (f *Fault) responds() bool {
	return f.Status != 0 || f.Body != nil || f.Truncate || f.RetryAfter != "" || f.ContentType != "" || len(f.Header) > 0
}

// shapes reports whether the fault changes the content of the ordinary response.
func (f *Fault) shapes() bool { return f.SuccessShape != nil || f.ReadLag != 0 || f.Contradict != 0 }

// describesError reports whether the fault sets a part of an error response.
func (f *Fault) describesError() bool { return f.Code != "" || f.Message != "" || f.Field != "" }

// bodyless reports whether the response of the fault has no body.
func (f *Fault) bodyless() bool {
	return f.Status == http.StatusNoContent || f.Status == http.StatusNotModified || f.Body != nil && len(f.Body) == 0
}

// needsBody reports whether the fault has an effect on the body of a response.
func (f *Fault) needsBody() bool { return len(f.Body) > 0 || f.Truncate || f.describesError() }
