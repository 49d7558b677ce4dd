// Package term is what trunkctl shows a person and how it asks one: the console with its progress
// line, color, tables, prompts, and the formats of data for programs. It knows nothing of trunks.
//
// Text that others have written passes through [Printable] before it reaches a terminal, so that a
// control character cannot act on it.
package term
