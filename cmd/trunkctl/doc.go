// Trunkctl connects phone numbers to Mihu agents from the command line, one at a time or a
// carrier's spreadsheet at once.
//
//	go install github.com/mihu-go/mihu/cmd/trunkctl@latest
//	trunkctl --demo list
//	trunkctl import numbers.csv --dry-run
//
// Data goes to standard output, everything else to standard error. "trunkctl help" lists the
// commands; README.md beside this file walks through them. This command is not made by the vendor.
package main
