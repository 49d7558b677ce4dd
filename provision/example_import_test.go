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

// importFile creates the trunks of a file, or updates them to match. Called again with the same
// file, it resumes.
func importFile(ctx context.Context, client *mihu.Client, path string) (err error) {
	source, err := provision.Open(path, provision.ReadOptions{}) // finds all violations of the file
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	journal, err := provision.OpenJournal(path+".journal", source.Fingerprint())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()

	for result, err := range source.Run(ctx, client, provision.Options{Workers: 32, Journal: journal}) {
		switch {
		case err != nil:
			return err // of the run; what was not done, the next one does
		case result.Err != nil:
			fmt.Printf("line %d: %v\n", result.Item.Line, result.Err)
		default:
			fmt.Printf("line %d: %s\n", result.Item.Line, result.Action)
		}
	}
	return nil
}

// A file of trunks is imported twice. The journal records what is finished.
func Example() {
	client, server := fake()
	defer server.Close()
	dir, err := os.MkdirTemp("", "provision")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "numbers.csv")
	rows := "phone_number;channel;agent_uuid;name\n'+1 202-555-0142;call;3c90c3cc-0d44-4b50-8888-8dd25736052a;Front desk\n"
	if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		if err := importFile(context.Background(), client, path); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// line 2: created
	// line 2: resumed
}
