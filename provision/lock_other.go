//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package provision

import "os"

// lock does nothing: on this system the standard library has no lock that ends with its process.
func lock(*os.File) error { return nil }

func unlock(*os.File) error { return nil }

// syncDir does nothing: on this system a directory cannot be synced.
func syncDir(string) error { return nil }
