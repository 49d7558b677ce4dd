module example.com/consumer

go 1.26

require github.com/mihu-go/mihu v0.0.0-00010101000000-000000000000

require (
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
)

replace github.com/mihu-go/mihu => ../..
