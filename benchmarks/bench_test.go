package main

import (
	"encoding/json"
	"testing"
)

// The responses of all contenders have about the same size, in bytes and in names and values.
func TestAnswersAreOfOneSize(t *testing.T) {
	tenth := func(got, want int) bool { return 10*got >= 9*want && 10*got <= 11*want }
	for _, c := range contenders {
		if !tenth(len(c.response), len(responseJSON)) {
			t.Errorf("%s: %d bytes, ours %d", c.name, len(c.response), len(responseJSON))
		}
		if got, want := values(t, c.response), values(t, responseJSON); c.name != "twilio" && !tenth(got, want) {
			t.Errorf("%s: %d names and values, ours %d", c.name, got, want)
		}
	}
}

// values counts the names and values in a JSON text.
func values(t *testing.T, text string) (n int) {
	t.Helper()
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	var count func(any)
	count = func(v any) {
		n++
		switch v := v.(type) {
		case map[string]any:
			for _, nested := range v {
				n++
				count(nested)
			}
		case []any:
			for _, nested := range v {
				count(nested)
			}
		}
	}
	count(tree)
	return n
}

// BenchmarkCall measures one call without a socket, with the default options.
func BenchmarkCall(b *testing.B) {
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			client, err := c.make(place{URL: "https://api.example.com", Transport: noSocket{update: []byte(c.response)}})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := client.update(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPage measures reading a page of 200 numbers.
func BenchmarkPage(b *testing.B) {
	page := pageJSON(1)
	for _, c := range contenders {
		client, err := c.make(place{URL: "https://api.example.com", Transport: noSocket{page: page}})
		if err != nil {
			b.Fatal(err)
		}
		if client.page == nil {
			continue // it reads no responses
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(page)))
			for b.Loop() {
				if n, err := client.page(b.Context(), 1); err != nil || n != perPage {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkPlain measures only the decoding of a page of 200 numbers.
func BenchmarkPlain(b *testing.B) {
	page := pageJSON(1)
	b.ReportAllocs()
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		var got pageReply
		if err := json.Unmarshal(page, &got); err != nil {
			b.Fatal(err)
		}
	}
}
