package main

// contender is one of those who are compared. Each has a file of its own, which is all of its code.
type contender struct {
	name   string
	file   string // that of its adapter
	maker  string // the name of its function there
	module string // "" for the standard library
	answer string // to its update
	make   func(place) (caller, error)
}

const (
	floor = "FLOOR"
	naive = "NAIVE"
	ours  = "mihu"
)

var contenders = []contender{
	{floor, "contender_floor.go", "newFloor", "", answerJSON, newFloor},
	{naive, "contender_naive.go", "newNaive", "", answerJSON, newNaive},
	{ours, "contender_mihu.go", "newMihu", "github.com/mihu-go/mihu", answerJSON, newMihu},
	{retryable, "contender_retryablehttp.go", "newRetryable", "github.com/hashicorp/go-retryablehttp", answerJSON, newRetryable},
	{"go-github", "contender_github.go", "newGitHub", "github.com/google/go-github/v92", protectionJSON, newGitHub},
	{"godo", "contender_godo.go", "newGodo", "github.com/digitalocean/godo", balancerJSON, newGodo},
	{"resty", "contender_resty.go", "newResty", "github.com/go-resty/resty/v2", answerJSON, newResty},
	{"resty v3", "contender_resty3.go", "newResty3", "resty.dev/v3", answerJSON, newResty3},
	{"twilio", "contender_twilio.go", "newTwilio", "github.com/twilio/twilio-go", trunkJSON, newTwilio},
	{"hcloud", "contender_hcloud.go", "newHcloud", "github.com/hetznercloud/hcloud-go/v2", networkJSON, newHcloud},
	{"stripe", "contender_stripe.go", "newStripe", "github.com/stripe/stripe-go/v85", customerJSON, newStripe},
}

const retryable = "go-retryablehttp"

// isPeer says whether it is the client of another API, or made to write one with.
func (c contender) isPeer() bool { return c.module != "" && c.name != ours && c.name != retryable }
