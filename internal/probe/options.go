package probe

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Options are what a probe needs.
type Options struct {
	// BaseURL is the address of the workspace's API, and Token its token.
	BaseURL, Token string
	// Transport sends the requests; nil is that of net/http.
	Transport http.RoundTripper
	// Numbers are one or two phone numbers that nobody uses, in E.164, and Agents one or two UUIDs of
	// agents that serve no number.
	Numbers, Agents []string
	// WhatsApp allows requests for the channel whatsapp.
	WhatsApp bool
	// MaxRequests bounds the requests, beside those of the preflight. 0 means 80, or 45 with one number
	// and one agent.
	MaxRequests int
	// Interval is the time between two requests. Reads that measure how late a read is do not wait.
	Interval time.Duration
	// Late is how long a change without a response may take to be applied. 0 means 30 s.
	Late time.Duration
	// Timeout is that of a request. 0 means none.
	Timeout time.Duration
	// UserAgent is the header of that name.
	UserAgent string
	// Journal records the changes.
	Journal Journal
	// Recorded is called after each line of the journal of a clean-up. nil is not called.
	Recorded func(Change)
	// Stop ends the questions when it is closed; what is registered is still removed. nil never does.
	Stop <-chan struct{}
	// Progress is called before each question. nil is not called.
	Progress func(asked, total int, question string)
}

const (
	defaultLate = 30 * time.Second
	// unknownLag is how long reads may be late if it was not measured.
	unknownLag = 10 * time.Second
	// removal is how many requests remove a trunk, beside the read that shows that it is gone.
	removal = 2
)

var (
	isNumber = regexp.MustCompile(`^\+[1-9]\d{1,14}$`)
	isUUID   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// complete returns o with its defaults, and checks the targets.
func (o Options) complete() (*Options, error) {
	one, other := append(slices.Clone(o.Numbers), "", "")[0], append(slices.Clone(o.Numbers), "", "")[1]
	oneAgent, otherAgent := append(slices.Clone(o.Agents), "", "")[0], append(slices.Clone(o.Agents), "", "")[1]
	switch {
	case len(o.Numbers) < 1 || len(o.Numbers) > 2 || len(o.Agents) < 1 || len(o.Agents) > 2:
		return nil, errors.New("probe: want one or two numbers, and one or two agents")
	case !isNumber.MatchString(one) || other != "" && !isNumber.MatchString(other):
		return nil, errors.New("probe: a number is not in E.164, such as +12025550123")
	case !isUUID.MatchString(oneAgent) || otherAgent != "" && !isUUID.MatchString(otherAgent):
		return nil, errors.New("probe: an agent is not a UUID")
	case one == other || strings.EqualFold(oneAgent, otherAgent):
		return nil, errors.New("probe: the two numbers, and the two agents, must differ")
	case o.Journal == nil:
		return nil, errors.New("probe: there is no journal")
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	o.Late = cmp.Or(o.Late, defaultLate)
	o.MaxRequests = MaxRequests(o)
	return &o, nil
}

// MaxRequests returns the most requests of a probe with these options, beside those of the preflight.
func MaxRequests(o Options) int {
	byDefault := 80
	if len(o.Numbers) == 1 && len(o.Agents) == 1 {
		byDefault = 45
	}
	return cmp.Or(o.MaxRequests, byDefault)
}
