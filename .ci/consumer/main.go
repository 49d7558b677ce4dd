// Command consumer is a program that uses package mihu. The check builds it outside the repository
// to find out which packages it links.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mihu-go/mihu"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	client, err := mihu.NewFromEnv()
	if err != nil {
		return err
	}
	for number, err := range client.Trunks.All(ctx, nil) {
		if errors.Is(err, mihu.ErrUnauthorized) {
			return fmt.Errorf("the token is no longer valid: %w", err)
		}
		if err != nil {
			return err
		}
		fmt.Println(number)
	}
	return nil
}
