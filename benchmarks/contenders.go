package main

// contender is a package to compare. The file of its adapter contains all of its code.
type contender struct {
	name     string
	file     string // the file of its adapter
	maker    string // the function in that file
	module   string // "" for the standard library
	response string // to an update
	make     func(place) (caller, error)
}

const (
	floor = "FLOOR"
	naive = "NAIVE"
	ours  = "mihu"
)

var contenders = []contender{
	{floor, "contender_floor.go", "newFloor", "", responseJSON, newFloor},
	{naive, "contender_naive.go", "newNaive", "", responseJSON, newNaive},
	{ours, "contender_mihu.go", "newMihu", "github.com/mihu-go/mihu", responseJSON, newMihu},
	{retryable, "contender_retryablehttp.go", "newRetryable", "github.com/hashicorp/go-retryablehttp", responseJSON, newRetryable},
	{"go-github", "contender_github.go", "newGitHub", "github.com/google/go-github/v92", protectionJSON, newGitHub},
	{"godo", "contender_godo.go", "newGodo", "github.com/digitalocean/godo", balancerJSON, newGodo},
	{"resty", "contender_resty.go", "newResty", "github.com/go-resty/resty/v2", responseJSON, newResty},
	{"resty v3", "contender_resty3.go", "newResty3", "resty.dev/v3", responseJSON, newResty3},
	{"twilio", "contender_twilio.go", "newTwilio", "github.com/twilio/twilio-go", trunkJSON, newTwilio},
	{"hcloud", "contender_hcloud.go", "newHcloud", "github.com/hetznercloud/hcloud-go/v2", networkJSON, newHcloud},
	{"stripe", "contender_stripe.go", "newStripe", "github.com/stripe/stripe-go/v85", customerJSON, newStripe},
}

const retryable = "go-retryablehttp"

// isPeer reports whether the contender is the client of another API, or a package to write one.
func (c contender) isPeer() bool { return c.module != "" && c.name != ours && c.name != retryable }
