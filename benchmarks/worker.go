package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A worker is a process that runs the clients. It separates their cost from that of the server, and
// can be built with each Go release.

// order is a task for a worker.
type order struct {
	Do        string // the name of a task
	Contender string
	Place     place
	Root      []byte        // the certificate to trust from then on
	Calls     int           // maximum number of calls
	Limit     time.Duration // maximum duration; 0 means no limit
	AtOnce    int
	CancelOne int  // every CancelOne-th call is canceled; 0 means none
	Pages     int  // number of pages to read, from the end of the list
	Iterate   bool // use the iterator of this package
	Ahead     int
}

// outcome is the result of an order.
type outcome struct {
	Error    string // of the worker itself
	Calls    int
	Seconds  float64
	CPU      float64 // seconds of all cores
	Allocs   float64
	Bytes    float64
	Failed   int    // calls with an error
	Canceled int    // calls with an error after cancellation
	Why      string // one of the errors
	Numbers  int
	HeapPeak float64
}

var tasks = map[string]func(order) (outcome, error){
	"trust":  trust,
	"call":   runCalls,
	"page":   runPages,
	"plain":  runPlain,
	"socket": runSocket,
	"list":   runList,
}

// serveOrders is the main function of a worker.
func serveOrders(in io.Reader, out io.Writer) error {
	decoder, encoder := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := decoder.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		got, err := tasks[o.Do](o)
		if err != nil {
			got.Error = err.Error()
		}
		if err := encoder.Encode(got); err != nil {
			return err
		}
	}
}

// worker is the parent's side of a worker process.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

func startWorker(ctx context.Context, binary string, root []byte) (*worker, error) {
	cmd := exec.CommandContext(ctx, binary, "-worker")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &worker{cmd, in, json.NewDecoder(bufio.NewReader(out))}
	_, err = w.do(order{Do: "trust", Root: root})
	return w, err
}

func (w *worker) do(o order) (outcome, error) {
	var got outcome
	if err := json.NewEncoder(w.in).Encode(o); err != nil {
		return got, err
	}
	if err := w.out.Decode(&got); err != nil {
		return got, fmt.Errorf("worker: %w", err)
	}
	if got.Error != "" {
		return got, errors.New("worker: " + o.Do + " " + o.Contender + ": " + got.Error)
	}
	return got, nil
}

func (w *worker) stop() {
	_ = w.in.Close()
	_ = w.cmd.Wait()
}

// trust adds a certificate to the system's roots, so that every contender works with its default TLS
// settings. It requires the directive in main.go.
func trust(o order) (outcome, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(o.Root) {
		return outcome{}, errors.New("no certificate to trust")
	}
	x509.SetFallbackRoots(roots)
	return outcome{}, nil
}

func find(name string) (contender, error) {
	for _, c := range contenders {
		if c.name == name {
			return c, nil
		}
	}
	return contender{}, fmt.Errorf("no contender is called %q", name)
}

// timed measures one goroutine.
func timed(calls int, f func() error) (outcome, error) {
	got := outcome{Calls: calls}
	runtime.GC() // every contender starts with the same heap
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	for range calls {
		if err := f(); err != nil {
			return got, err
		}
	}
	got.Seconds, got.CPU = time.Since(start).Seconds(), cpuTime()-cpu
	runtime.ReadMemStats(&after)
	got.Allocs = float64(after.Mallocs-before.Mallocs) / float64(calls)
	got.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(calls)
	return got, nil
}

// cpuTime returns the CPU time of the process on all cores.
func cpuTime() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func withoutSocket(o order) (caller, error) {
	c, err := find(o.Contender)
	if err != nil {
		return caller{}, err
	}
	return c.make(place{URL: "https://api.example.com", Transport: noSocket{update: []byte(c.response), page: firstPage}})
}

var firstPage = pageJSON(1)

func runCalls(o order) (outcome, error) {
	client, err := withoutSocket(o)
	if err != nil {
		return outcome{}, err
	}
	ctx := context.Background()
	if err := client.update(ctx); err != nil { // what is done once only
		return outcome{}, err
	}
	return timed(o.Calls, func() error { return client.update(ctx) })
}

func runPages(o order) (outcome, error) {
	client, err := withoutSocket(o)
	if err != nil {
		return outcome{}, err
	}
	ctx := context.Background()
	get := func() error {
		n, err := client.page(ctx, 1)
		if err == nil && n != perPage {
			err = errResponse
		}
		return err
	}
	if err := get(); err != nil {
		return outcome{}, err
	}
	return timed(o.Calls, get)
}

// runPlain only decodes the page.
func runPlain(o order) (outcome, error) {
	return timed(o.Calls, func() error {
		var got pageReply
		if err := json.Unmarshal(firstPage, &got); err != nil {
			return err
		}
		_, err := got.check()
		return err
	})
}

// runSocket calls a server from many goroutines.
func runSocket(o order) (outcome, error) {
	c, err := find(o.Contender)
	if err != nil {
		return outcome{}, err
	}
	client, err := c.make(o.Place)
	if err != nil {
		return outcome{}, err
	}
	defer client.close()
	ctx := context.Background()
	_ = client.update(ctx) // warms the connection up; what fails is seen below
	var (
		calls, failed, canceled atomic.Int64
		why                     atomic.Value
		work                    sync.WaitGroup
	)
	start := time.Now()
	cpu := cpuTime()
	for range o.AtOnce {
		work.Go(func() {
			for {
				n := calls.Add(1)
				if n > int64(o.Calls) || o.Limit > 0 && time.Since(start) > o.Limit {
					calls.Add(-1)
					return
				}
				wasCanceled, err := oneCall(ctx, client, o.CancelOne > 0 && n%int64(max(o.CancelOne, 1)) == 0)
				switch {
				case err == nil:
				case wasCanceled:
					canceled.Add(1)
				default:
					failed.Add(1)
					why.Store(err.Error())
				}
			}
		})
	}
	work.Wait()
	got := outcome{
		Calls: int(calls.Load()), Seconds: time.Since(start).Seconds(), CPU: cpuTime() - cpu,
		Failed: int(failed.Load()), Canceled: int(canceled.Load()),
	}
	got.Why, _ = why.Load().(string)
	return got, nil
}

// oneCall makes a call and cancels it in flight if cancelIt is set.
func oneCall(ctx context.Context, client caller, cancelIt bool) (canceled bool, err error) {
	if !cancelIt {
		return false, client.update(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := time.AfterFunc(time.Millisecond+rand.N(time.Millisecond), cancel)
	defer timer.Stop()
	err = client.update(ctx)
	return err != nil && errors.Is(ctx.Err(), context.Canceled), err
}
