package main

import (
	"time"

	"github.com/mihu-go/mihu"
)

// lagOption is the client's option for reads that lag behind its own writes.
func lagOption(time.Duration) mihu.Option { return nil }

// unreadable reports whether an item says that not all of it could be read.
func unreadable(*mihu.PhoneNumber) bool { return false }
