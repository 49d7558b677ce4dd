package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisServer is a redis-server in a temporary directory that stores nothing on disk.
type redisServer struct {
	dir string
	cmd *exec.Cmd
}

// startRedis starts a Redis and waits until it accepts connections.
func (l *lab) startRedis(ctx context.Context) (*redisServer, error) {
	dir, err := os.MkdirTemp("", "mihu-redis-")
	if err != nil {
		return nil, err
	}
	r := &redisServer{dir: dir}
	l.redis = r
	err = r.start(ctx)
	return r, err
}

func (r *redisServer) socket() string { return filepath.Join(r.dir, "socket") }

func (r *redisServer) start(ctx context.Context) error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return errors.New("there is no redis-server in PATH; on Debian: apt-get install redis-server")
	}
	ctx = context.WithoutCancel(ctx)
	r.cmd = exec.CommandContext(ctx, path, "--port", "0", "--unixsocket", r.socket(), "--dir", r.dir, "--save", "") //nolint:gosec // found in PATH
	if err := r.cmd.Start(); err != nil {
		return err
	}
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: r.socket()})
	defer func() { _ = rdb.Close() }() // nothing is lost with it
	for range 200 {
		if err = rdb.Ping(ctx).Err(); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("redis does not respond: %w", err)
}

// stop kills it.
func (r *redisServer) stop() {
	if r.cmd != nil && r.cmd.Process != nil {
		_ = r.cmd.Process.Kill() // it may have ended
		_ = r.cmd.Wait()         // by a signal
	}
}

func (r *redisServer) close() {
	r.stop()
	_ = os.RemoveAll(r.dir) // a temporary directory
}
