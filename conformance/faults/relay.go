package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// relay is a TCP proxy. It can discard all data of its connections, and it can be closed and opened
// again on the same port. It counts the connections that it accepts.
type relay struct {
	target  string
	address string
	tls     *tls.Config // not nil: the relay terminates TLS

	mu       sync.Mutex
	listener net.Listener // nil while closed
	pairs    map[*pair]bool
	accepted int
	work     sync.WaitGroup
}

// pair is a connection of a client and its connection to the target.
type pair struct {
	client, target net.Conn
	frozen         atomic.Bool
}

func newRelay(ctx context.Context, target string, config *tls.Config) (*relay, error) {
	r := &relay{target: target, address: "127.0.0.1:0", tls: config, pairs: map[*pair]bool{}}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// open listens on the same address as before.
func (r *relay) open(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(context.WithoutCancel(ctx), "tcp", r.address)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.address, r.listener = listener.Addr().String(), listener
	r.work.Go(func() { r.accept(listener) })
	return nil
}

// close refuses new connections and resets the open ones. Calling it again has no effect.
func (r *relay) close() {
	r.mu.Lock()
	if r.listener != nil {
		_ = r.listener.Close()
		r.listener = nil
	}
	for p := range r.pairs {
		p.reset()
	}
	r.mu.Unlock()
	r.work.Wait()
}

// freeze makes the open connections discard all data. New connections work.
func (r *relay) freeze() (frozen int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pairs {
		p.frozen.Store(true)
	}
	return len(r.pairs)
}

// connections returns the number of connections accepted so far.
func (r *relay) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted
}

func (r *relay) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.accepted++
		r.mu.Unlock()
		r.work.Go(func() { r.serve(listener, client) })
	}
}

// serve copies data until either side closes.
func (r *relay) serve(listener net.Listener, client net.Conn) {
	var dialer net.Dialer
	target, err := dialer.DialContext(context.Background(), "tcp", r.target)
	if err != nil {
		_ = client.Close()
		return
	}
	p := &pair{client: client, target: target}
	r.mu.Lock()
	if r.listener != listener { // closed in the meantime, and perhaps opened again
		r.mu.Unlock()
		p.reset()
		return
	}
	r.pairs[p] = true
	r.mu.Unlock()
	outside := client
	if r.tls != nil {
		outside = tls.Server(client, r.tls)
	}
	var both sync.WaitGroup
	both.Go(func() { p.copy(target, outside) })
	both.Go(func() { p.copy(outside, target) })
	both.Wait()
	r.mu.Lock()
	delete(r.pairs, p)
	r.mu.Unlock()
}

// copy copies data in one direction. Its end closes both connections.
func (p *pair) copy(to io.Writer, from io.Reader) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !p.frozen.Load() {
			if _, werr := to.Write(buffer[:n]); werr != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = p.client.Close()
	_ = p.target.Close()
}

// reset closes both connections with a TCP reset.
func (p *pair) reset() {
	for _, conn := range []net.Conn{p.client, p.target} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}
