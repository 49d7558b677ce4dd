// Package xlsx reads the rows of a sheet of an Excel workbook (.xlsx), as a [provision.RowReader].
//
// It takes texts and whole numbers as they are stored. What a person sees differently than it is
// stored, such as a date, is a problem of its cell, and so is what has no value, such as an error. A
// workbook that is damaged is an error: no row is missing in silence. Sizes are bounded before
// anything is inflated, one row is held at a time, and all shared strings.
//
// It is not one of the libraries for workbooks, because those that read rows one by one return texts
// alone: a date, a decimal number, an error and a formula without a value look like a text,
// and the rows behind the place where a damaged sheet breaks off are missing without an error.
package xlsx

import "github.com/mihu-go/mihu/provision"

var _ provision.RowReader = (*Rows)(nil)
