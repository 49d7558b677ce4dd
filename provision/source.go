package provision

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/redact"
)

// Format is the format of a file of items.
type Format string

// The formats.
const (
	// FormatAuto tells by the file's content: what begins with a brace is JSON lines, all else CSV.
	FormatAuto Format = ""
	// FormatCSV is comma-separated values as spreadsheets write them: the first row names the columns.
	FormatCSV Format = "csv"
	// FormatJSON is JSON lines: one object a line.
	FormatJSON Format = "jsonl"
)

// ReadOptions are those of [Open] and [Spool]. The zero value of each is its default.
type ReadOptions struct {
	// Format is the format of the input; FormatAuto by default.
	Format Format
	// Defaults stand in for what a row leaves out, field by field: channel, agent, name, SIP gateway and so on;
	// settings as a whole. Direction, SIP and SecretName stand in on the channel call only, and username and
	// password not where a row has a SecretName of its own. PhoneNumber and Line are not used.
	Defaults Item
	// Ignore names columns, or keys, that are not for this package. All others that it does not know are faults,
	// since a misspelled one would be lost in silence.
	Ignore []string
	// HasSecret tells whether credentials of a name will be found, such as by [Options.Secrets]: a row that names
	// others is a fault. It is called while the input is opened, for Defaults and for each row that has a SecretName
	// of its own. nil: no name is looked up.
	HasSecret func(name string) bool
}

// Source is an input that was read once from end to end and has no fault. It holds the file open, not its rows:
// opening it takes some thirty bytes of memory a row, and afterwards it takes four for each row that repeats another.
// It is safe for concurrent use. Its zero value holds no file: it has no items, and Items yields an error.
type Source struct {
	file        *os.File
	remove      string // the path of a temporary file that has one still
	size        int64
	format      Format
	parser      *parser
	sum         hashSum
	count       int
	repeats     []uint32 // the items that say what one before them says, by index
	fingerprint string
}

// Open reads the file at path to its end and finds all its faults: the error is an [*InputError] that names
// the line and column of each. A file without a row is a fault, and so are rows that want different things of one trunk;
// those that say the same are none, and [Run] calls the later ones [Duplicate]. Close the source after use; until then the file is
// not to be changed. Errors of the file itself are those of package os; what cannot be read twice, such as a
// pipe, is for [Spool].
func Open(path string, opts ReadOptions) (*Source, error) {
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

// Spool is Open for what can be read only once, such as standard input: it is copied to a temporary file of mode 0600,
// which Close removes. Where the system allows it the file has no name from the beginning, so that a killed program
// leaves none behind. Nothing but the disk bounds the copy.
func Spool(r io.Reader, opts ReadOptions) (*Source, error) {
	s, err := spool(r)
	if err != nil {
		return nil, err
	}
	return open(s, "input", opts)
}

var errNoReader = invalid("read", mihu.FieldViolation{Field: "reader", Problem: "nil; want an input"})

// spool copies what can be read only once to a temporary file, which is all that the source has.
func spool(r io.Reader) (*Source, error) {
	if r == nil {
		return nil, errNoReader
	}
	file, err := os.CreateTemp("", "mihu-input-*")
	if err != nil {
		return nil, fmt.Errorf("provision: %w", err)
	}
	s := &Source{file: file}
	if os.Remove(file.Name()) != nil {
		s.remove = file.Name()
	}
	if s.size, err = io.Copy(file, r); err != nil {
		return nil, errors.Join(fmt.Errorf("provision: copying the input: %w", err), s.Close())
	}
	return s, nil
}

// open looks at all of the file, which it closes if it fails.
func open(s *Source, name string, opts ReadOptions) (*Source, error) {
	if err := s.examine(name, opts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Source) examine(name string, opts ReadOptions) error {
	parser, err := newParser(opts)
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
	first.seen, first.hasSecret = newSeen(), opts.HasSecret
	s.format, s.sum, err = s.read(&first, opts.Format, func(_ Item, faults []InputViolation) bool {
		if len(faults) == 0 {
			if first.repeats {
				s.repeats = append(s.repeats, short(s.count))
			}
			s.count++
		}
		found.add(faults...)
		return true
	})
	switch {
	case err != nil:
		return fmt.Errorf("provision: reading %s: %w", name, err)
	case len(found.Violations) > 0:
		return found
	case s.count == 0:
		found.add(place{1, 1}.fault("", "", "has no rows"))
		return found
	}
	s.parser = parser
	s.fingerprint = fingerprint(s.format, s.sum, parser.defaults)
	return nil
}

// read gives every row to emit, until that says false, and the hash of the content if it does not.
func (s *Source) read(p *parser, format Format, emit func(Item, []InputViolation) bool) (Format, hashSum, error) {
	hash := sha256.New()
	l := newLines(io.NewSectionReader(s.file, 0, s.size), hash)
	beginning, problem, err := l.start()
	if err != nil {
		return format, hashSum{}, err
	}
	if problem != "" {
		emit(Item{}, []InputViolation{place{1, 1}.fault("", "", problem)})
		return format, hashSum{}, nil
	}
	if format == FormatAuto {
		format = FormatCSV
		if text := bytes.TrimLeft(beginning, " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
			format = FormatJSON
		}
	}
	if format == FormatJSON {
		err = p.jsonLines(l, emit)
	} else {
		err = p.csv(l, emit)
	}
	return format, hashSum(hash.Sum(nil)), err
}

type hashSum [sha256.Size]byte

// fingerprint is of everything that decides what the items are.
func fingerprint(format Format, content hashSum, defaults Item) string {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s\n%x\n", format, content)
	writeItem(sum, &defaults, true)
	return hex.EncodeToString(sum.Sum(nil))
}

// newParser checks the options.
func newParser(opts ReadOptions) (*parser, error) {
	switch opts.Format {
	case FormatAuto, FormatCSV, FormatJSON:
	default:
		return nil, unknownFormat(opts.Format)
	}
	p := &parser{defaults: opts.Defaults, keys: slices.Clone(opts.Ignore)}
	for _, name := range opts.Ignore {
		p.ignore = append(p.ignore, columnName(name))
	}
	// What a default is wrong with would be wrong with every row.
	trial := opts.Defaults.Trunk
	trial.PhoneNumber = "+12345678901"
	if trial.Channel == "" || trial.Channel == mihu.ChannelWhatsApp {
		trial.Channel = mihu.ChannelCall
	}
	if trial.AgentUUID == "" {
		trial.AgentUUID = "00000000-0000-0000-0000-000000000000"
	}
	if err := trial.Validate(); err != nil {
		return nil, fmt.Errorf("provision: the defaults cannot be used: %w", err)
	}
	if name := opts.Defaults.SecretName; name != "" && opts.HasSecret != nil && !opts.HasSecret(name) {
		fault := mihu.FieldViolation{Field: "secret name", Value: redact.Text(redact.Clip(name)), Problem: unknownName}
		return nil, fmt.Errorf("provision: the defaults cannot be used: %w", invalid("read", fault))
	}
	// The caller may change what is his.
	trunk := &p.defaults.Trunk
	trunk.PhoneNumber, p.defaults.Line = "", 0
	trunk.AdditionalSettings = maps.Clone(trunk.AdditionalSettings)
	if trunk.SIP != nil {
		trunk.SIP = new(*trunk.SIP)
	}
	return p, nil
}

func unknownFormat(format Format) error {
	return fmt.Errorf("provision: format %q is not known; want %q or %q", format, FormatCSV, FormatJSON)
}

// Items yields the items in the order of the input, as often as it is called. It reads the file again each time: if
// that does not hold any more what it held when it was opened, it yields [ErrInputChanged] where that shows, at
// the end at the latest, and stops.
func (s *Source) Items() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		if s.file == nil {
			yield(Item{}, fmt.Errorf("provision: %w", os.ErrClosed))
			return
		}
		count, stopped, changed := 0, false, false
		_, sum, err := s.read(s.parser, s.format, func(item Item, faults []InputViolation) bool {
			if changed = len(faults) > 0 || count == s.count; changed {
				return false
			}
			count++
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
			yield(Item{}, fmt.Errorf("%w after it was opened, which no item can be trusted after; begin again", ErrInputChanged))
		}
	}
}

// Len is the number of items, duplicates included.
func (s *Source) Len() int { return s.count }

// Format is the format that the input has.
func (s *Source) Format() Format { return s.format }

// Fingerprint identifies the input's content, its format and the defaults, for [OpenJournal]. It is a SHA-256 in
// hexadecimal: whoever can guess the whole input can verify the guess with it.
func (s *Source) Fingerprint() string { return s.fingerprint }

// Close closes the file, and removes a temporary one. Items that are being read end with an error.
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
