package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	lockRetry = 5 * time.Millisecond
	lockWait  = 10 * time.Second
)

// Hold locks a file of this name, which it creates, and waits while another process holds it, for
// at most 10 seconds. The file stays. On a system without locks, such as Windows, Hold does not
// keep other processes out.
func Hold(ctx context.Context, path string) (release func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // a file of this program's own
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(lockWait)
	for {
		err := Lock(file)
		switch {
		case err == nil:
			return func() { _ = file.Close() }, nil
		case !errors.Is(err, ErrInUse) || time.Now().After(deadline):
			_ = file.Close()
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, context.Cause(ctx)
		case <-time.After(lockRetry):
		}
	}
}
