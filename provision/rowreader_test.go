package provision_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/provision"
)

// tableReader is a RowReader of rows with spaces between their cells; "-" is an empty cell, and a cell
// that begins with "!" is a problem.
type tableReader struct {
	rows []string
	line int
	err  error
}

func (r *tableReader) ReadRow() (provision.RawRow, error) {
	if r.line == len(r.rows) {
		if r.err != nil {
			return provision.RawRow{}, r.err
		}
		return provision.RawRow{}, io.EOF
	}
	row := provision.RawRow{Line: r.line + 1}
	for i, text := range strings.Fields(r.rows[r.line]) {
		c := provision.RawCell{Text: strings.ReplaceAll(text, "-", ""), Name: "T!" + string(rune('A'+i)) + string(rune('1'+r.line))}
		if text == desk {
			c.Text = text
		}
		if problem, wrong := strings.CutPrefix(text, "!"); wrong {
			c.Text, c.Problem = "", problem
		}
		row.Cells = append(row.Cells, c)
	}
	r.line++
	return row, nil
}

// A program can bring rows of its own. They can be read any number of times.
func TestOpenRows(t *testing.T) {
	t.Parallel()
	rows := []string{"-", "phone_number channel agent_uuid name x", "+12025550123 call " + desk, "- -", "+12025550124 CALL " + desk + " Bob !ignored"}
	source, err := provision.OpenRows(&tableReader{rows: rows}, provision.ReadOptions{Ignore: []string{"x"}})
	require.NoError(t, err)
	defer func() { assert.NoError(t, source.Close()) }()
	assert.Equal(t, provision.FormatRows, source.Format())
	for range 2 {
		var got []string
		for item, err := range source.Items() {
			require.NoError(t, err)
			got = append(got, item.Trunk.PhoneNumber+" "+item.Trunk.Name+" "+string(rune('0'+item.Line)))
		}
		assert.Equal(t, []string{"+12025550123  3", "+12025550124 Bob 5"}, got)
	}
	require.ErrorContains(t, source.CheckAgents(), "line 3 wants this agent")
}

// Violations name the cell.
func TestOpenRowsViolations(t *testing.T) {
	t.Parallel()
	rows := []string{"phone_number channel agent_uuid name", "12 fax " + desk + " !a_date", "+12025550123 call -"}
	_, err := provision.OpenRows(&tableReader{rows: rows}, provision.ReadOptions{})
	var input *provision.InputError
	require.ErrorAs(t, err, &input)
	var cells []string
	for _, v := range input.Violations {
		cells = append(cells, v.Cell+" "+v.Field)
	}
	assert.Equal(t, []string{"T!A2 phone_number", "T!B2 channel", "T!D2 name", "T!C3 agent_uuid"}, cells)
	assertViolations(t, input.Violations[2:3], wanted{2, 4, "name", "", "a_date"})
	assert.Equal(t, "T!D2: name: a_date", input.Violations[2].String())

	_, err = provision.OpenRows(&tableReader{rows: []string{"phone_number !x"}}, provision.ReadOptions{})
	require.ErrorContains(t, err, "T!B1: x")
	_, err = provision.OpenRows(&tableReader{}, provision.ReadOptions{})
	require.ErrorContains(t, err, "has no rows")
}

// rawRows is a RowReader of rows.
type rawRows []provision.RawRow

func (r *rawRows) ReadRow() (provision.RawRow, error) {
	if len(*r) == 0 {
		return provision.RawRow{}, io.EOF
	}
	row := (*r)[0]
	*r = (*r)[1:]
	return row, nil
}

// Rows that break the rules of a RowReader are an error, and so is an error of the reader.
func TestRowReaderErrors(t *testing.T) {
	t.Parallel()
	big := provision.RawCell{Text: strings.Repeat("x", 1<<20)}
	for want, rows := range map[string]rawRows{
		"row 0 comes after row 0":         {{}},
		"row 2 comes after row 3":         {{Line: 3}, {Line: 2}},
		"row 1 has more than 20000 cells": {{Line: 1, Cells: make([]provision.RawCell, 20_001)}},
		"row 1 is longer than 1 MiB":      {{Line: 1, Cells: []provision.RawCell{big, big}}},
	} {
		_, err := provision.OpenRows(&rows, provision.ReadOptions{})
		require.ErrorContains(t, err, want)
	}
	_, err := provision.OpenRows(&rawRows{
		{Line: 1, Cells: []provision.RawCell{{Text: "phone_number"}, {Text: "name"}}},
		{Line: 2, Cells: []provision.RawCell{{Text: "\xff"}, {Text: "a\x00"}}},
	}, provision.ReadOptions{})
	require.ErrorContains(t, err, "line 2, column 1: phone_number: not UTF-8 text")
	require.ErrorContains(t, err, "line 2, column 2: name: has a NUL byte")

	broken := errors.New("broken")
	_, err = provision.OpenRows(&tableReader{rows: []string{"a"}, err: broken}, provision.ReadOptions{})
	require.ErrorIs(t, err, broken)
	_, err = provision.ReadNumberRows(&tableReader{err: broken}, provision.NumberOptions{})
	require.ErrorIs(t, err, broken)
	_, err = provision.OpenRows(nil, provision.ReadOptions{})
	require.Error(t, err)
	_, err = provision.OpenRows(&rawRows{}, provision.ReadOptions{Format: provision.FormatCSV})
	require.ErrorContains(t, err, "want \"rows\"")
	_, err = provision.Spool(strings.NewReader(""), provision.ReadOptions{Format: provision.FormatRows})
	require.ErrorContains(t, err, "unknown format")
	_, err = provision.Open("x", provision.ReadOptions{Format: provision.FormatRows})
	require.ErrorContains(t, err, "unknown format")
}

// The same rows have the same fingerprint, and other rows another.
func TestFingerprintOfRows(t *testing.T) {
	t.Parallel()
	fingerprint := func(name string) string {
		source, err := provision.OpenRows(&tableReader{rows: []string{"phone_number channel agent_uuid name", "+12025550123 call " + desk + " " + name}}, provision.ReadOptions{})
		require.NoError(t, err)
		defer func() { assert.NoError(t, source.Close()) }()
		return source.Fingerprint()
	}
	first := fingerprint("a")
	assert.Equal(t, first, fingerprint("a"))
	assert.NotEqual(t, first, fingerprint("b"))
}

// Numbers can be read from the column of a map, and from rows.
func TestReadNumbersOfAMap(t *testing.T) {
	t.Parallel()
	opts := provision.NumberOptions{Map: provision.ColumnMap{"Rufnummer": "phone_number", "Kunde": "name"}, CountryCodes: codes(t, "49:11")}
	numbers, err := provision.ReadNumbers(strings.NewReader("x;Rufnummer;phone_number\n;49 30 1234567;y\n"), opts)
	require.NoError(t, err)
	assert.Equal(t, []string{"+49301234567"}, numbers)
	_, err = provision.ReadNumbers(strings.NewReader("x;number\n;49 30 1234567\n"), opts)
	require.ErrorContains(t, err, "phone_number: no such column")

	numbers, err = provision.ReadNumberRows(&tableReader{rows: []string{"x Rufnummer", "a 49301234567"}}, opts)
	require.NoError(t, err)
	assert.Equal(t, []string{"+49301234567"}, numbers)
	numbers, err = provision.ReadNumberRows(&tableReader{rows: []string{"phone_number", "+49301234567"}}, provision.NumberOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"+49301234567"}, numbers)
	_, err = provision.ReadNumberRows(&tableReader{rows: []string{"did", "+49301234567", "!a_date"}}, provision.NumberOptions{Column: "DID"})
	require.ErrorContains(t, err, "T!A3: DID: a_date")
	_, err = provision.ReadNumberRows(&tableReader{rows: []string{"did"}}, provision.NumberOptions{Column: "DID"})
	require.ErrorContains(t, err, "has no numbers")
	for _, wrong := range []provision.NumberOptions{{Map: provision.ColumnMap{"x": "y"}}, {CountryCodes: provision.CountryCodes{{}}}} {
		_, err = provision.ReadNumberRows(&tableReader{}, wrong)
		require.Error(t, err)
	}
	assert.True(t, slices.IsSorted(numbers))
}
