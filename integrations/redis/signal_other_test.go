//go:build !unix

package mihuredis_test

import "os"

// Without these signals the tests that freeze a process fail.
var stopSignal, continueSignal = os.Interrupt, os.Interrupt
