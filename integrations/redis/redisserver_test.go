package mihuredis_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// server is a redis-server with a directory of its own that stores nothing on disk.
type server struct {
	t       testing.TB
	options []string
	network string
	addr    string
	log     bytes.Buffer
	command *exec.Cmd
}

// startServer starts a server on a Unix socket. It stops with the test.
func startServer(tb testing.TB) *server {
	tb.Helper()
	dir, err := os.MkdirTemp("", "redis") //nolint:usetesting // the path of TempDir may be too long for a socket
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	s := &server{t: tb, network: "unix", addr: socket, options: []string{"--port", "0", "--unixsocket", socket, "--dir", dir}}
	s.start()
	return s
}

// startCluster starts a cluster of one node, which only speaks TCP.
func startCluster(t *testing.T) *server {
	t.Helper()
	port, busPort := freePort(t), freePort(t)
	s := &server{t: t, network: "tcp", addr: "127.0.0.1:" + port, options: []string{
		"--bind", "127.0.0.1", "--port", port, "--cluster-enabled", "yes", "--cluster-port", busPort, "--dir", t.TempDir(),
	}}
	s.start()
	node := s.client()
	require.NoError(t, node.ClusterAddSlotsRange(t.Context(), 0, 16383).Err())
	require.Eventually(t, func() bool { return node.Set(t.Context(), "ready", 1, time.Second).Err() == nil }, 10*time.Second, 10*time.Millisecond)
	return s
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}

func (s *server) start() {
	s.t.Helper()
	path, err := exec.LookPath("redis-server")
	require.NoError(s.t, err, "these tests run a real Redis: install the package redis-server")
	s.command = exec.Command(path, append(s.options, "--save", "", "--appendonly", "no", "--daemonize", "no")...) //nolint:noctx // ends with the test
	s.command.Stdout, s.command.Stderr = &s.log, &s.log
	require.NoError(s.t, s.command.Start())
	s.t.Cleanup(s.kill)
	require.Eventually(s.t, func() bool {
		client := redis.NewClient(s.clientOptions())
		defer func() { _ = client.Close() }()
		return client.Ping(s.t.Context()).Err() == nil
	}, 10*time.Second, 10*time.Millisecond, "redis-server does not respond")
}

// kill stops it as a crash would; start starts it again, empty.
func (s *server) kill() {
	if s.command.ProcessState == nil {
		_ = s.command.Process.Kill()
		_ = s.command.Wait()
	}
}

// freeze makes it accept connections and not respond, until thaw.
func (s *server) freeze() { require.NoError(s.t, s.command.Process.Signal(stopSignal)) }

func (s *server) thaw() { require.NoError(s.t, s.command.Process.Signal(continueSignal)) }

func (s *server) clientOptions() *redis.Options {
	return &redis.Options{Network: s.network, Addr: s.addr, ContextTimeoutEnabled: true}
}

// client returns a new client, as every process has its own.
func (s *server) client() *redis.Client {
	client := redis.NewClient(s.clientOptions())
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// contents returns all keys and values.
func (s *server) contents() string {
	s.t.Helper()
	client := s.client()
	var all bytes.Buffer
	keys, err := client.Keys(s.t.Context(), "*").Result()
	require.NoError(s.t, err)
	for _, key := range keys {
		value, err := client.Get(s.t.Context(), key).Result()
		require.NoError(s.t, err)
		fmt.Fprintf(&all, "%s=%s\n", key, value)
	}
	return all.String()
}
