package probe

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

func readProtocol(p *past, _ []answer) (observed, missing string) {
	if len(p.answers) == 0 {
		return "", "not observable: there was no response"
	}
	protocol := p.answers[0].proto
	for i := range p.answers {
		if p.answers[i].proto != protocol {
			return "varies", ""
		}
	}
	if protocol != "HTTP/1.1" && protocol != "HTTP/2.0" {
		return "other", ""
	}
	return protocol, ""
}

// maxSkew is how far a clock may be wrong: Date is in whole seconds.
const maxSkew = 2 * time.Second

func readClock(p *past, _ []answer) (observed, missing string) {
	var skews []time.Duration
	for _, a := range p.answers {
		if a.dated {
			skews = append(skews, a.skew)
		}
	}
	if len(skews) == 0 {
		return "no Date", ""
	}
	slices.Sort(skews)
	switch middle := skews[len(skews)/2] + time.Second/2; {
	case middle > maxSkew:
		return "ahead", ""
	case middle < -maxSkew:
		return "behind", ""
	}
	return "right", ""
}

// idHeaders and limitHeaders are the headers that a report names, in the form of net/http.
var (
	idHeaders    = []string{"X-Request-Id", "X-Correlation-Id", "Cf-Ray", "X-Trace-Id", "X-Amzn-Trace-Id", "X-Amzn-Requestid", "Request-Id", "Traceparent"}
	limitHeaders = []string{
		"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Ratelimit", "Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset", "Ratelimit-Policy",
	}
	likeID    = regexp.MustCompile(`(?i)request-?id|trace|correlation`)
	likeLimit = regexp.MustCompile(`(?i)rate-?limit`)
)

func readRequestID(p *past, _ []answer) (observed, missing string) {
	return always(p, idHeaders, likeID), ""
}

func readRateLimit(p *past, _ []answer) (observed, missing string) {
	return always(p, limitHeaders, likeLimit), ""
}

// always names the headers that every success has.
func always(p *past, known []string, like *regexp.Regexp) string {
	counts, total := map[string]int{}, 0
	for _, a := range p.answers {
		if !a.accepted() {
			continue
		}
		total++
		for name := range a.header {
			if slices.Contains(known, name) {
				counts[name]++
			} else if like.MatchString(name) {
				counts[otherText]++
			}
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] >= total {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, " ")
}
