package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
)

// meter is a log handler that counts the attempts of a client, and those that a fault hit: without
// an answer, with one that is cut short or cannot be read, or with a server error; and those that
// were answered 429.
type meter struct{ sent, hit, limited atomic.Int64 }

// logger is for mihu.WithLogger.
func (m *meter) logger() *slog.Logger { return slog.New(m) }

// Enabled takes everything.
func (m *meter) Enabled(context.Context, slog.Level) bool { return true }

// Handle counts a record that tells of an attempt.
func (m *meter) Handle(_ context.Context, record slog.Record) error {
	if record.Message != "mihu: attempt" {
		return nil
	}
	status, failed := int64(0), false
	record.Attrs(func(attr slog.Attr) bool {
		switch attr.Key {
		case "status":
			status = attr.Value.Int64()
		case "error":
			failed = true
		}
		return true
	})
	m.sent.Add(1)
	if status == http.StatusTooManyRequests {
		m.limited.Add(1)
	}
	if failed && (status < http.StatusMultipleChoices || status >= http.StatusInternalServerError) {
		m.hit.Add(1)
	}
	return nil
}

// WithAttrs and WithGroup change nothing, since nothing is written.
func (m *meter) WithAttrs([]slog.Attr) slog.Handler { return m }

// WithGroup is as WithAttrs.
func (m *meter) WithGroup(string) slog.Handler { return m }
