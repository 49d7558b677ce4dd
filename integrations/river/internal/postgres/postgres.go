// Package postgres starts a PostgreSQL server for the tests and the lab: in a temporary directory, on a Unix
// socket there, as an unprivileged user. Close removes it. On systems other than Unix, Start returns an error.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds a start and a stop.
const patience = time.Minute

// Server is a PostgreSQL server that this process has started. [Start] creates one.
type Server struct {
	bin, dir string
	durable  bool
	as       *credential // nil for the user of this process
	process  *os.Process
	exited   chan error
}

// Start starts a server. A durable server syncs to disk as PostgreSQL does by default, so that its data survive
// Kill; another one does not, and is faster. If PostgreSQL is not installed, the error says how to install it.
func Start(ctx context.Context, durable bool) (*Server, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mihu-postgres-") // a short path, as sockets need
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, durable: durable}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.Restart(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// binaries returns the directory of initdb and postgres: that of the newest version in the directories of
// Debian's packages, or the one in PATH.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		version := func(path string) int {
			n, _ := strconv.Atoi(strings.Split(path, "/")[4])
			return n
		}
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("there is no PostgreSQL server: neither /usr/lib/postgresql/*/bin/initdb nor initdb in PATH; on Debian: apt-get install postgresql")
	}
	return filepath.Dir(path), nil
}

// prepare initializes the directory. PostgreSQL does not run as root: then another user owns the directory.
func (s *Server) prepare(ctx context.Context) error {
	if os.Geteuid() == 0 {
		who, err := unprivileged()
		if err != nil {
			return err
		}
		s.as = who
		if err := os.Chown(s.dir, who.uid, who.gid); err != nil {
			return err
		}
	}
	initdb := s.command(ctx, "initdb", "-D", s.data(), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...) //nolint:gosec // found by binaries
	cmd.Dir = s.dir
	runAs(cmd, s.as)
	return cmd
}

// Restart starts a server that was stopped or killed, and waits until it accepts connections.
func (s *Server) Restart(ctx context.Context) error {
	args := []string{
		"-D", s.data(), "-c", "listen_addresses=", "-c", "unix_socket_directories=" + s.dir,
		"-c", "max_connections=150", "-c", "shared_buffers=256MB", "-c", "max_wal_size=2GB",
	}
	if !s.durable {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	cmd := s.command(context.WithoutCancel(ctx), "postgres", args...)
	dieWithParent(cmd)
	out, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = out, out
	s.exited = make(chan error, 1)
	started := make(chan error)
	go func() {
		// The parent whose death ends the server is the thread that started it.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			s.exited <- cmd.Wait()
		}
		_ = out.Close() // the server writes to its own descriptor
	}()
	if err := <-started; err != nil {
		return err
	}
	s.process = cmd.Process
	return s.ready(ctx)
}

func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case ended := <-s.exited:
			s.exited <- ended
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("postgres ended: %w: %s", ended, log)
		case <-ctx.Done():
			return fmt.Errorf("postgres does not respond: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// URL returns the connection string of a database of the server.
func (s *Server) URL(database string) string {
	return "postgres:///" + database + "?host=" + s.dir + "&user=postgres"
}

// Stop shuts the server down without waiting for its clients.
func (s *Server) Stop() error { return s.end(fastShutdown) }

// Kill ends the server as a crash would.
func (s *Server) Kill() error { return s.end(immediateShutdown) }

func (s *Server) end(signal os.Signal) error {
	if s.process == nil {
		return nil
	}
	if err := s.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case ended := <-s.exited:
		_ = ended // by the signal
	case <-time.After(patience):
		return errors.New("postgres does not stop")
	}
	s.process = nil
	return nil
}

// Close stops the server and removes what it has written.
func (s *Server) Close() error { return errors.Join(s.Kill(), os.RemoveAll(s.dir)) }

// Create creates a database: an empty one, or a copy of another one that has no connections.
func (s *Server) Create(ctx context.Context, name, template string) (err error) {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	query := "CREATE DATABASE " + pgx.Identifier{name}.Sanitize()
	if template != "" {
		query += " TEMPLATE " + pgx.Identifier{template}.Sanitize()
	}
	_, err = conn.Exec(ctx, query)
	return err
}
