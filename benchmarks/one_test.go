package main

import "testing"

// BenchmarkCall is one call without a socket, everything on.
func BenchmarkCall(b *testing.B) {
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			client, err := c.make(place{URL: "https://api.example.com", Transport: noSocket{update: []byte(c.answer)}})
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

// BenchmarkPage is a page of 200 numbers, decoded.
func BenchmarkPage(b *testing.B) {
	page := pageJSON(1)
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			client, err := c.make(place{URL: "https://api.example.com", Transport: noSocket{page: page}})
			if err != nil {
				b.Fatal(err)
			}
			if client.page == nil {
				b.Skip("it reads no answers")
			}
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
