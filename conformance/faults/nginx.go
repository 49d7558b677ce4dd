package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"text/template"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const nginxWorkers = 32

// nginxReload lets nginx limit the rate, close every connection after 100 requests and reload every
// second. No call may fail because of it.
func nginxReload(ctx context.Context, l *lab) error {
	b := &behind{settings: nginxSettings{Limit: true}, calls: either(l, 20_000, 3_000), minimum: 3}
	b.disrupt = func(ctx context.Context, front *nginx, _ *relay) error {
		if err := pause(ctx, time.Second); err != nil {
			return nil //nolint:nilerr // the scenario has ended
		}
		return front.reload()
	}
	if err := b.run(ctx, l); err != nil {
		return err
	}
	l.none("failed calls", len(b.lives.failed))
	l.atLeast("reloads", float64(b.disruptions.Load()), float64(b.minimum), "%.0f")
	l.atLeast("responses with 429", float64(b.meter.limited.Load()), 10, "%.0f")
	for _, line := range tally(b.lives.failed) {
		l.note("failed: %s", line)
	}
	return nil
}

// nginxRestart stops the server behind nginx for a second, again and again. With its default
// configuration, nginx retries a DELETE if the connection to the server is lost. The response can then
// be 404 although the call has removed the trunk.
func nginxRestart(ctx context.Context, l *lab) error {
	b := &behind{calls: either(l, 20_000, 3_000), minimum: int64(either(l, 12, 3))}
	b.disrupt = func(ctx context.Context, _ *nginx, server *relay) error {
		if err := pause(ctx, 2*time.Second); err != nil {
			return nil //nolint:nilerr // the scenario has ended
		}
		server.close()
		_ = pause(ctx, time.Second) // open it again in any case
		return server.open(ctx)
	}
	if err := b.run(ctx, l); err != nil {
		return err
	}
	l.atLeast("restarts", float64(b.disruptions.Load()), float64(b.minimum), "%.0f")
	l.atLeast("failed attempts", float64(b.meter.hit.Load()), 10, "%.0f")
	l.show("failed calls", len(b.lives.failed))
	l.show("deletes that nginx retried, then not found", len(b.lives.verdict.gone))
	return nil
}

// behind runs lives of trunks through nginx while something disrupts it.
type behind struct {
	settings nginxSettings
	disrupt  func(context.Context, *nginx, *relay) error // once
	calls    int                                         // minimum
	minimum  int64                                       // disruptions

	lives       *chain
	meter       meter
	disruptions atomic.Int64
}

func (b *behind) run(ctx context.Context, l *lab) error {
	srv, err := mihutest.Start(everyRequest(), anyAgent)
	if err != nil {
		return err
	}
	defer srv.Close()
	server, err := relayTo(ctx, srv, nil)
	if err != nil {
		return err
	}
	defer server.close()
	b.settings.Upstream = server.address
	front, err := startNginx(ctx, b.settings)
	if err != nil {
		return err
	}
	defer front.stop()
	client, err := mihu.New("", srv.Token(), mihu.WithBaseURL("https://"+front.settings.Address+"/api/v1"), mihu.WithLogger(b.meter.logger()))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()

	disrupting, stop := context.WithCancel(ctx)
	defer stop()
	disruptErr := make(chan error, 1)
	go func() {
		for disrupting.Err() == nil {
			if err := b.disrupt(disrupting, front, server); err != nil {
				stop()
				disruptErr <- err
				return
			}
			b.disruptions.Add(1)
		}
		disruptErr <- nil
	}()
	b.lives = &chain{client: client, srv: srv, proxied: true}
	b.lives.run(ctx, nginxWorkers, 0, func(calls int) bool {
		return calls >= b.calls && b.disruptions.Load() >= b.minimum || disrupting.Err() != nil
	})
	stop()
	if err := <-disruptErr; err != nil {
		return err
	}
	verdict, err := b.lives.end(ctx)
	if err != nil {
		return err
	}
	l.atLeast("calls, each checked against the server", float64(b.lives.calls), float64(b.calls), "%.0f")
	l.show("writes, reads", fmt.Sprint(b.lives.writes, ", ", b.lives.reads))
	l.show("attempts", b.meter.sent.Load())
	verdict.figures(l)
	l.note("the default retry policy; %d workers", nginxWorkers)
	return nil
}

// nginxSettings are the variables of the configuration.
type nginxSettings struct {
	Folder, Address, Upstream string
	// Limit turns on a rate limit with 429; half of these responses have a Retry-After.
	Limit bool
}

var nginxConfig = template.Must(template.New("nginx.conf").Parse(`
daemon off;
worker_processes 2;
pid {{.Folder}}/nginx.pid;
error_log {{.Folder}}/error.log warn;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path {{.Folder}}/body;
	proxy_temp_path {{.Folder}}/proxy;
	fastcgi_temp_path {{.Folder}}/fastcgi;
	uwsgi_temp_path {{.Folder}}/uwsgi;
	scgi_temp_path {{.Folder}}/scgi;
	ssl_certificate {{.Folder}}/cert.pem;
	ssl_certificate_key {{.Folder}}/key.pem;
	limit_req_zone $binary_remote_addr zone=api:1m rate=500r/s;
	limit_req_status 429;
	split_clients $request_id $retry_after { 50% 1; * ""; }
	upstream mihu { server {{.Upstream}}; keepalive 64; }
	server {
		listen {{.Address}} ssl http2;
		keepalive_requests 100;
		location / {
			{{if .Limit}}limit_req zone=api burst=250 nodelay;{{end}}
			error_page 429 = @limited;
			proxy_pass http://mihu;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
		}
		location @limited {
			default_type application/json;
			add_header Retry-After $retry_after always;
			return 429 '{"message":"Too Many Attempts."}';
		}
	}
}
`))

// nginx is a process of nginx with a directory of its own.
type nginx struct {
	binary   string
	settings nginxSettings
	process  *exec.Cmd
	stderr   *bytes.Buffer
	ended    chan struct{}
	err      error // of the process
}

// startNginx starts nginx without privileges. Another process may take its port first, so it tries
// up to three times.
func startNginx(ctx context.Context, settings nginxSettings) (*nginx, error) {
	binary, err := exec.LookPath("nginx")
	if err != nil {
		binary, err = exec.LookPath("/usr/sbin/nginx")
	}
	if err != nil {
		return nil, errors.New("nginx is not installed; install Debian's package nginx-light, or another nginx with TLS and HTTP/2")
	}
	self, err := authority()
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		n := &nginx{binary: binary, settings: settings, stderr: new(bytes.Buffer), ended: make(chan struct{})}
		if n.settings.Folder, err = os.MkdirTemp("", "faults-nginx"); err != nil {
			return nil, err
		}
		if err = n.start(ctx, self); err == nil {
			return n, nil
		}
		output := n.stop()
		if try == 2 || ctx.Err() != nil {
			return nil, fmt.Errorf("cannot start nginx: %w\n%s", err, output)
		}
	}
}

func (n *nginx) start(ctx context.Context, self *identity) error {
	var listening net.ListenConfig
	free, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	n.settings.Address = free.Addr().String()
	if err := free.Close(); err != nil {
		return err
	}
	var config bytes.Buffer
	if err := nginxConfig.Execute(&config, n.settings); err != nil {
		return err
	}
	if err := os.WriteFile(n.file("nginx.conf"), config.Bytes(), 0o600); err != nil {
		return err
	}
	if err := self.write(n.settings.Folder); err != nil {
		return err
	}
	if err := n.chown(); err != nil {
		return err
	}
	n.process = n.command()
	n.process.Stderr = n.stderr
	if err := n.process.Start(); err != nil {
		return err
	}
	go func() {
		n.err = n.process.Wait()
		close(n.ended)
	}()
	for range 1000 {
		dialer := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12}}
		conn, err := dialer.DialContext(ctx, "tcp", n.settings.Address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-n.ended:
			return fmt.Errorf("nginx exited: %w", n.err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.New("nginx does not accept connections")
}

func (n *nginx) file(name string) string { return filepath.Join(n.settings.Folder, name) }

// nobody is the user of nginx if this program runs as root.
const nobody = 65534

func (n *nginx) command(args ...string) *exec.Cmd {
	args = append([]string{"-p", n.settings.Folder, "-c", n.file("nginx.conf"), "-e", n.file("error.log")}, args...)
	cmd := exec.Command(n.binary, args...) //nolint:gosec,noctx // the path of LookPath; stop ends it
	cmd.Dir = n.settings.Folder
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

// chown makes the user of nginx the owner of its files.
func (n *nginx) chown() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, path := range []string{n.settings.Folder, n.file("nginx.conf"), n.file("cert.pem"), n.file("key.pem")} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			return err
		}
	}
	return nil
}

func (n *nginx) reload() error {
	out, err := n.command("-s", "reload").CombinedOutput()
	if err != nil {
		return fmt.Errorf("nginx -s reload: %w: %s", err, out)
	}
	return nil
}

// stop ends nginx, removes its directory and returns its output.
func (n *nginx) stop() string {
	if n.process != nil && n.process.Process != nil {
		_ = n.process.Process.Signal(syscall.SIGTERM)
		select {
		case <-n.ended:
		case <-time.After(5 * time.Second):
			_ = n.process.Process.Kill()
			<-n.ended
		}
	}
	log, _ := os.ReadFile(n.file("error.log")) // it may not exist
	_ = os.RemoveAll(n.settings.Folder)
	return n.stderr.String() + string(log)
}
