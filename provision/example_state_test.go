package provision_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// applyWithState makes trunks as a list of items wants them, and sends only what differs from the
// last time.
func applyWithState(ctx context.Context, client *mihu.Client, path string, key provision.StateKey, items ...provision.Item) (err error) {
	file, err := provision.OpenStateFile(path, provision.StateFileOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	state, err := provision.OpenState(ctx, file, key, client.BaseURL())
	if err != nil {
		return err
	}
	for result, err := range provision.Run(ctx, client, stream(nil, items...), provision.Options{Workers: 1, State: state}) {
		if err := errors.Join(err, result.Err); err != nil {
			return err
		}
		fmt.Println(result.Item.Trunk.TrunkID, result.Action, result.Sent)
	}
	return nil
}

// The second time, only the password has changed.
func ExampleOpenState() {
	client, server := fake()
	defer server.Close()
	dir, err := os.MkdirTemp("", "provision")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "acme.state.jsonl")
	key := provision.NewStateKey() // keep what its Encode returns where secrets are kept

	first, second := want(1, 1), want(2, 2)
	first.Trunk.Name = "Front desk"
	second.Trunk.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com", Password: "old"}
	for range 2 {
		if err := applyWithState(context.Background(), client, path, key, first, second); err != nil {
			fmt.Println(err)
			return
		}
		second.Trunk.SIP.Password = "new"
	}
	// Output:
	// +1234•••0001/call created [name]
	// +1234•••0002/call created [sip.gateway sip.password]
	// +1234•••0001/call unchanged []
	// +1234•••0002/call updated [sip.password]
}
