//go:build !unix || solaris || aix

package files

import "os"

const canLock = false

// Lock does nothing: the standard library has no lock for this system. Whoever starts two runs with
// one file has to avoid it.
func Lock(*os.File) error { return nil }
