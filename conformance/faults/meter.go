package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
)

// meter is a log handler that counts the attempts of a client. It counts separately the attempts that
// failed (without a response, with one that is truncated or malformed, or with a server error) and
// those with a 429.
type meter struct{ sent, hit, limited atomic.Int64 }

// logger returns the logger for mihu.WithLogger.
func (m *meter) logger() *slog.Logger { return slog.New(m) }

// Enabled returns true for every level.
func (m *meter) Enabled(context.Context, slog.Level) bool { return true }

// Handle counts the records of attempts.
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

// WithAttrs returns m, because no record is written.
func (m *meter) WithAttrs([]slog.Attr) slog.Handler { return m }

// WithGroup returns m, because no record is written.
func (m *meter) WithGroup(string) slog.Handler { return m }
