// Package files has the few things that trunkctl does with files and the standard library does not:
// locks between processes, and comparing the files behind two names.
package files
