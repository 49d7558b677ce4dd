package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/rows"
)

// Format is the format of a file of items.
type Format string

// The formats.
const (
	// FormatAuto detects the format: a file that begins with a brace is JSON lines, any other is
	// CSV.
	FormatAuto Format = ""
	// FormatCSV is comma-separated values as spreadsheets write them. The first row names the
	// columns.
	FormatCSV Format = "csv"
	// FormatJSON is JSON lines: one object per line.
	FormatJSON Format = "jsonl"
	// FormatRows is the format of a source whose rows come from a [RowReader]. Its first row names
	// the columns, as in CSV.
	FormatRows Format = "rows"
)

// ReadOptions are the options of [Open], [Spool] and [OpenRows]. The zero value of each is its default.
type ReadOptions struct {
	// Format is the format of the input. The default, FormatAuto, detects it.
	Format Format
	// Defaults fill in what a row omits, field by field: channel, agent, name, SIP gateway and so
	// on; settings as a whole. Direction, SIP and SecretName apply to the channel call only,
	// username and password only to rows without a SecretName of their own. PhoneNumber and Line
	// are not used.
	Defaults Item
	// Ignore names columns or keys to skip; "" means the columns that have no name. Any other name
	// that is not known is a violation, because a misspelled name would be lost silently, and so is
	// a value in a column without a name.
	Ignore []string
	// HasSecret reports whether credentials with a name exist, for [Options.Secrets] for example. A
	// row that names others is a violation. It is called while the input is opened, for Defaults
	// and for every row that has a SecretName of its own. If it is nil, no name is checked.
	HasSecret func(name string) bool
	// ResolveAgent returns the UUID of the agent that the field agent of a row names, or else why
	// there is none, which is a violation of that field. It is called while the input is opened, once
	// for every name that it resolves, and not for UUIDs, which are used as they are. It should not
	// wait for anything: list the agents first, as [AgentResolver] does. If it is nil, every name is a
	// violation.
	ResolveAgent func(name string) (uuid, problem string)
	// Map says which fields the columns hold whose names are not those of the fields.
	Map ColumnMap
	// CountryCodes are the country codes whose numbers may be without a plus. The default is none.
	CountryCodes CountryCodes
	// EditRow is called with every row before it is read as an item. It may change the fields of the
	// row, and refuse it. With it, a file may lack columns that are required otherwise, but not the
	// fields. It is called each time that the file is read, and must do the same each time; it must be
	// safe for concurrent use if the source is used so. If it is not, or if a run is resumed with
	// another function, items differ from those of the journal: Fingerprint does not cover it. If it
	// is nil, no row is changed.
	EditRow func(row *Row)
}

// Source is an input that was read from beginning to end and has no violation. It keeps the file
// open, not its rows: opening takes some thirty bytes of memory per row, and later four for each
// duplicate row. It is safe for concurrent use. Its zero value has no file: Len is 0,
// and Items yields an error.
type Source struct {
	file        *os.File
	name        string // for errors
	temporary   bool
	remove      string // the path of a temporary file that still has a name
	size        int64
	format      Format
	parser      *itemParser
	sum         hashSum
	count       int
	repeats     knownDuplicates
	fingerprint string
	counts      map[string]int // see CountryCodeCounts
}

// Open reads the file at path to its end and validates every row. If anything is wrong, the error
// is an [*InputError] with the line and column of every violation. A file without rows is a
// violation, and so are rows that ask for different things of one trunk. Rows that say the same are
// not: [Run] reports the later ones as [Duplicate].
//
// A file must be complete. If its last row has no line end and the file was changed within the last
// second, Open waits for that second, and refuses a file that has grown.
//
// Close the source after use, and do not change the file before that. Errors of the file itself are
// those of package os. For what cannot be read twice, such as a pipe, use [Spool].
func Open(path string, opts ReadOptions) (*Source, error) {
	if opts.Format == FormatRows {
		return nil, unknownFormat(opts.Format)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("provision: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("provision: %s is a directory; want a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("provision: %s is not a file that can be read twice; use Spool", path)
	}
	file, err := os.Open(path) //nolint:gosec // the path is what the caller wants opened
	if err != nil {
		return nil, fmt.Errorf("provision: %w", err)
	}
	return open(&Source{file: file}, path, opts)
}

// open validates the file. It closes the source if that fails.
func open(s *Source, name string, opts ReadOptions) (*Source, error) {
	if err := s.validate(name, opts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Source) validate(name string, opts ReadOptions) error {
	parser, err := newItemParser(opts)
	if err != nil {
		return err
	}
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("provision: %w", err)
	}
	s.size = info.Size()
	found := &InputError{Name: name}
	first := *parser
	first.counts = map[string]int{}
	first.seen, first.hasSecret, first.resolveAgent = newSeenTrunks(), opts.HasSecret, opts.ResolveAgent
	unended := rows.Place{}
	s.format, s.sum, err = s.read(&first, opts.Format, func(row *rows.Row, _ Item, violations []rows.Violation) bool {
		if row.Unended {
			unended = row.End
		}
		if len(violations) == 0 {
			if first.repeats {
				s.repeats = append(s.repeats, short(s.count))
			}
			s.count++
		}
		found.add(violations...)
		return true
	})
	switch {
	case err != nil:
		return fmt.Errorf("provision: reading %s: %w", name, err)
	case unended != (rows.Place{}) && !s.temporary:
		growing, err := isGrowing(s.file, s.size)
		if err != nil {
			return fmt.Errorf("provision: reading %s: %w", name, err)
		}
		if growing {
			found.add(unended.Violation("", "", stillWritten))
		}
	}
	return s.accept(parser, first.counts, found)
}

// accept makes the source ready for use, unless something is wrong with it.
func (s *Source) accept(parser *itemParser, counts map[string]int, found *InputError) error {
	switch {
	case len(found.Violations) > 0:
		return found
	case s.count == 0:
		found.add(beginning.Violation("", "", "has no rows"))
		return found
	}
	s.parser, s.name, s.counts = parser, found.Name, counts
	s.fingerprint = fingerprint(s.format, s.sum, parser)
	return nil
}

// read calls each with every row until each returns false. If it never does, the hash is that of
// the whole file.
func (s *Source) read(p *itemParser, format Format, each func(*rows.Row, Item, []rows.Violation) bool) (Format, hashSum, error) {
	hash := sha256.New()
	file := io.NewSectionReader(s.file, 0, s.size)
	eachRow := func(r *rows.Row) bool {
		item, violations := p.item(r)
		return each(r, item, violations)
	}
	if format == FormatRows {
		err := p.table.ReadCells(file, hash, eachRow)
		return format, hashSum(hash.Sum(nil)), err
	}
	found, err := p.table.Read(file, hash, rows.Format(format), eachRow)
	return Format(found), hashSum(hash.Sum(nil)), err
}

type hashSum [sha256.Size]byte

// fingerprint returns a hash of everything that decides what the items are.
func fingerprint(format Format, content hashSum, parser *itemParser) string {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s\n%x\n", format, content)
	writeItem(sum, &parser.defaults, true)
	parser.mapped.write(sum)
	if len(parser.codes) > 0 {
		_, _ = fmt.Fprintf(sum, "country codes %s\n", parser.codes)
	}
	for _, name := range slices.Sorted(maps.Keys(parser.agents)) {
		_, _ = fmt.Fprintf(sum, "agent %q %s\n", name, strings.ToLower(parser.agents[name]))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func unknownFormat(format Format) error {
	return fmt.Errorf("provision: unknown format %q; want %q or %q", format, FormatCSV, FormatJSON)
}

// Items iterates over the items in the order of the input. It can be called any number of times,
// and reads the file each time. If the file has changed since it was opened, Items yields
// [ErrInputChanged] as soon as that shows, at the end at the latest, and stops.
func (s *Source) Items() iter.Seq2[Item, error] { return s.items(s.parser) }

// itemsAndBlanks is Items with the fields that are there and empty, as far as they are in the set.
func (s *Source) itemsAndBlanks(clears fieldSet) iter.Seq2[Item, error] {
	if s.parser == nil {
		return s.items(nil)
	}
	parser := *s.parser
	parser.clears = clears
	return s.items(&parser)
}

func (s *Source) items(parser *itemParser) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		if s.file == nil {
			yield(Item{}, fmt.Errorf("provision: %w", os.ErrClosed))
			return
		}
		count, stopped, changed := 0, false, false
		var last *Item // which has no line end, and may be a part of a row
		_, sum, err := s.read(parser, s.format, func(row *rows.Row, item Item, violations []rows.Violation) bool {
			if changed = len(violations) > 0 || count == s.count; changed {
				return false
			}
			count++
			if row.Unended {
				last = &item
				return true
			}
			stopped = !yield(item, nil)
			return !stopped
		})
		if stopped {
			return
		}
		info, statErr := s.file.Stat()
		switch {
		case err != nil:
			yield(Item{}, fmt.Errorf("provision: reading the input again: %w", err))
		case statErr != nil:
			yield(Item{}, fmt.Errorf("provision: reading the input again: %w", statErr))
		case changed || sum != s.sum || info.Size() != s.size:
			yield(Item{}, fmt.Errorf("%w since it was opened; open it again", ErrInputChanged))
		case last != nil:
			yield(*last, nil)
		}
	}
}

// Run is [Run] for the items of the source, with fewer requests and less memory. Run reads the file
// before it sends anything. If two rows want one agent on one channel, it yields an [*InputError]
// with their lines, and sends nothing, unless [Options.AllowSharedAgents] is set.
//
// Then Run looks up all rows: it lists the workspace, or reads every row if that takes fewer
// requests, and changes nothing before that. So it knows which rows free agents that other rows
// need. It takes some 20 bytes of memory for a row, and 30 for a row that the workspace has; other
// trunks of the list take none.
func (s *Source) Run(ctx context.Context, client *mihu.Client, opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		newRun(ctx, client, s.Items(), opts, s.repeats).from(s).run(yield)
	}
}

// Plan is [Plan] for the items of the source, with fewer requests and less memory, as Run is [Run].
// Two rows that want one agent are refused in the same way. If few rows are looked up, they are
// read singly. The whole workspace is listed only if a row needs an agent, because only the list
// shows who has it; see [LookupRows].
func (s *Source) Plan(ctx context.Context, client *mihu.Client, opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		newPlan(ctx, client, s.Items(), opts, s.repeats).from(s).run(yield)
	}
}

// CheckAgents returns an [*InputError] if two rows want one agent on one channel, which Run and
// Plan refuse unless [Options.AllowSharedAgents] is set. Call it to find that out earlier, with the
// other errors of the file. It reads the file, and sends nothing.
func (s *Source) CheckAgents() error {
	never := func() bool { return false }
	_, _, err := (&survey{source: s, ended: never, finished: func(int) bool { return false }}).rows()
	return err
}

// Len returns the number of items, duplicates included.
func (s *Source) Len() int { return s.count }

// Format returns the format that the input has. It is never FormatAuto for an open source.
func (s *Source) Format() Format { return s.format }

// CountryCodeCounts returns how many numbers of the file had no plus and got one, by country code,
// for people to compare with what they expect.
func (s *Source) CountryCodeCounts() map[string]int { return maps.Clone(s.counts) }

// Fingerprint identifies the input's content, its format, the column map, the country codes, the
// defaults, and the UUIDs of the agents that it names, for [OpenJournal]: a journal is refused if a
// name has become another agent's. It is a SHA-256 in hexadecimal: whoever can guess the whole input
// can verify the guess with it.
func (s *Source) Fingerprint() string { return s.fingerprint }

// Close closes the file, and removes it if it is temporary. Iterations that are under way end with
// an error.
func (s *Source) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.remove != "" {
		err = errors.Join(err, os.Remove(s.remove))
	}
	if err != nil {
		return fmt.Errorf("provision: %w", err)
	}
	return nil
}
