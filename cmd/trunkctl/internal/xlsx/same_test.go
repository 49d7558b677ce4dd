package xlsx

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/mihu-go/mihu/provision"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// outcome is what a file is read as, without places: they differ between the formats.
type outcome struct {
	items      []provision.Item
	violations []string
}

func outcomeOf(tb testing.TB, source *provision.Source, err error) (all outcome) {
	tb.Helper()
	if err != nil {
		input, ok := errors.AsType[*provision.InputError](err)
		require.True(tb, ok, err)
		for _, v := range input.Violations {
			all.violations = append(all.violations, v.Text())
		}
		return all
	}
	for item, err := range source.Items() {
		require.NoError(tb, err)
		item.Line = 0
		all.items = append(all.items, item)
	}
	require.NoError(tb, source.Close())
	return all
}

func openCSV(tb testing.TB, table [][]any, opts provision.ReadOptions) (*provision.Source, error) {
	tb.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = ';'
	for _, row := range table {
		var cells []string
		for _, value := range row {
			if value == nil {
				value = ""
			}
			cells = append(cells, fmt.Sprint(value))
		}
		require.NoError(tb, w.Write(cells))
	}
	w.Flush()
	return provision.Spool(&b, opts)
}

func openBook(tb testing.TB, file []byte, opts provision.ReadOptions) (*provision.Source, error) {
	tb.Helper()
	book, err := Open(bytes.NewReader(file), int64(len(file)))
	require.NoError(tb, err)
	rows, err := book.Rows("Sheet1")
	require.NoError(tb, err)
	defer rows.Close()
	return provision.OpenRows(rows, opts)
}

// TestSameCells: the same cells are the same items in CSV and in a workbook, or have the same
// violations.
func TestSameCells(t *testing.T) {
	t.Parallel()
	count := 1000
	if testing.Short() || raceEnabled {
		count = 100
	}
	codes, err := provision.ParseCountryCodes("1,49:12-13")
	require.NoError(t, err)
	opts := provision.ReadOptions{Map: provision.ColumnMap{"MSISDN": "phone_number", "Gateway:Port": provision.MapGatewayPort}, CountryCodes: codes}
	opts.Defaults.Trunk.Channel = "call"
	good := 0
	for seed := range count {
		table := randomTable(rand.New(rand.NewPCG(uint64(seed), 0)))
		source, err := openCSV(t, table, opts)
		want := outcomeOf(t, source, err)
		source, err = openBook(t, written(t, table), opts)
		require.Equal(t, want, outcomeOf(t, source, err), "%d: %q", seed, table)
		if len(want.items) > 0 {
			good++
		}
	}
	require.Greater(t, good, count/10, "tables without an error")
	require.Less(t, good, count*9/10)
}

// randomTable is a table of which some cells are wrong.
func randomTable(r *rand.Rand) [][]any {
	pick := func(values ...any) any { return values[r.IntN(len(values))] }
	wrong := 1 + r.IntN(60) // one in so many
	header := []any{"MSISDN", pick("agent_uuid", "Agent UUID"), "name", "Gateway:Port", "sip_username", "sip_password", "additional_settings"}
	table := [][]any{header}
	for i := range 1 + r.IntN(8) {
		number := any(12025550100 + i)
		switch r.IntN(4) {
		case 0:
			number = fmt.Sprintf("+1 (202) 555-01%02d", i)
		case 1:
			number = "4930123456" + strconv.Itoa(10+i)
		}
		row := []any{
			number, fmt.Sprintf("3c90c3cc-0d44-4b50-8888-8dd25736%04d", i), pick(nil, "Front desk", `a "b"; c`, "two\nlines", "'1", "Zoë 😀", 17),
			pick(nil, "sip.example.com", "sip.example.com:5061", "[2001:db8::1]:5060"), pick(nil, "u", 1001), pick("p", "a;b", "'0017", -5), pick(nil, `{"a":"b"}`),
		}
		if r.IntN(wrong) == 0 {
			row[r.IntN(len(row))] = pick("", " x", "x ", 5, 2025550123, "a:b:c", "\u00a0", "é", "00491", "15112345678", "{", `"`, nil)
		}
		if r.IntN(10) == 0 {
			table = append(table, []any{nil, nil, nil, nil, nil, nil, nil}, row)
		} else {
			table = append(table, row)
		}
	}
	return table
}

// BenchmarkRows reads the same 100,000 rows of eight columns as CSV and as a workbook.
func BenchmarkRows(b *testing.B) {
	const count = 100_000
	header := []any{"MSISDN", "agent_uuid", "name", "Gateway:Port", "sip_username", "sip_password", "direction", "channel"}
	table := [][]any{header}
	book := excelize.NewFile()
	stream, err := book.NewStreamWriter("Sheet1")
	require.NoError(b, err)
	require.NoError(b, stream.SetRow("A1", header))
	for i := range count {
		row := []any{
			12025500000 + i%1_000_000 + 200_000, fmt.Sprintf("3c90c3cc-0d44-4b50-8888-8dd2%08d", i), fmt.Sprintf("Line %d", i), "sip.example.com:5061",
			fmt.Sprintf("user-%d", i), fmt.Sprintf("secret-%d", i), "both", "call",
		}
		table = append(table, row)
		require.NoError(b, stream.SetRow("A"+strconv.Itoa(i+2), row))
	}
	require.NoError(b, stream.Flush())
	out, err := book.WriteToBuffer()
	require.NoError(b, err)
	opts := provision.ReadOptions{Map: provision.ColumnMap{"MSISDN": "phone_number", "Gateway:Port": provision.MapGatewayPort}}
	opts.CountryCodes, err = provision.ParseCountryCodes("1")
	require.NoError(b, err)
	for name, open := range map[string]func() (*provision.Source, error){
		"csv":  func() (*provision.Source, error) { return openCSV(b, table, opts) },
		"xlsx": func() (*provision.Source, error) { return openBook(b, out.Bytes(), opts) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				runtime.GC()
				before, start := peak(), time.Now()
				source, err := open()
				require.NoError(b, err)
				b.ReportMetric(time.Since(start).Seconds(), "s/open")
				b.ReportMetric(float64(peak()-before)/(1<<20), "MB-heap")
				start = time.Now()
				n := 0
				for _, err := range source.Items() {
					require.NoError(b, err)
					n++
				}
				require.Equal(b, count, n)
				b.ReportMetric(time.Since(start).Seconds(), "s/items")
				require.NoError(b, source.Close())
			}
		})
	}
}
