package provision

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mihu-go/mihu"
)

// Writer writes items as CSV or JSON lines in the form that [Open] reads, secrets included: the file is for nobody
// else. It is made by [NewWriter], and is not safe for concurrent use; its zero value answers everything with an error.
// Call Flush after the last item. There is nothing to close, and what it writes to is the caller's.
//
// A spreadsheet takes a cell that begins with =, +, -, @ or a tab for a formula. In CSV, phone number, name, secret
// name and reason therefore get an apostrophe before such a beginning, which also keeps the digits of a number as
// they are, and Open takes it away again. Username and password are written as they are.
type Writer struct {
	csv  *csv.Writer
	json *bufio.Writer
	err  error
	head bool // written
}

// NewWriter writes to w in a format; FormatAuto is FormatCSV. With a format that is not known, or a nil w, Write and
// Flush say so. Nothing is written before the first item, not the row of names either.
func NewWriter(w io.Writer, format Format) *Writer {
	switch {
	case w == nil:
		return &Writer{err: errors.New("provision: NewWriter: nothing to write to")}
	case format == FormatAuto, format == FormatCSV:
		return &Writer{csv: csv.NewWriter(w)}
	case format == FormatJSON:
		return &Writer{json: bufio.NewWriter(w)}
	}
	return &Writer{err: unknownFormat(format)}
}

// usable is the error that every call has from now on.
func (w *Writer) usable() error {
	if w.err == nil && w.csv == nil && w.json == nil {
		w.err = errors.New("provision: a Writer that NewWriter has not made")
	}
	return w.err
}

// Write adds an item, and the reason why it is there, "" for none. Open reads the file back, and ignores reasons and
// lines. It writes an item that is not acceptable too, so that it can be corrected there; only what the format cannot
// hold is an error, and nothing of such an item is written. An error of the file comes again with every call after it.
func (w *Writer) Write(item Item, reason string) error {
	if err := w.usable(); err != nil {
		return err
	}
	if err := writable(item, reason); err != nil {
		return err
	}
	if w.csv != nil {
		w.err = w.writeCSV(item, reason)
	} else {
		w.err = w.writeJSON(item, reason)
	}
	return w.err
}

// Flush writes out what is buffered; more can be added after it. Without an error, all that Write took is written.
func (w *Writer) Flush() error {
	if err := w.usable(); err != nil {
		return err
	}
	if w.csv != nil {
		w.csv.Flush()
		w.err = wrap(w.csv.Error())
	} else {
		w.err = wrap(w.json.Flush())
	}
	return w.err
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("provision: %w", err)
	}
	return nil
}

// writable refuses what would be changed on its way.
func writable(item Item, reason string) error {
	trunk := item.Trunk
	texts := []string{trunk.PhoneNumber, string(trunk.Channel), trunk.AgentUUID, trunk.Name, string(trunk.Direction), item.SecretName, reason}
	if sip := trunk.SIP; sip != nil {
		texts = append(texts, sip.Gateway, sip.Username, sip.Password, sip.SecondaryGateway)
	}
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return errors.New("provision: not written: an item, or its reason, holds text that is not UTF-8")
		}
	}
	if trunk.AdditionalSettings == nil {
		return nil
	}
	// Package mihu knows what of settings can be sent, and so written.
	trial := mihu.TrunkCreateRequest{AdditionalSettings: trunk.AdditionalSettings}
	invalid, ok := errors.AsType[*mihu.ValidationError](trial.Validate())
	if !ok {
		return nil
	}
	for _, fault := range invalid.Violations {
		if fault.Field == colAdditionalSettings.key() {
			return fmt.Errorf("provision: not written: %w", &mihu.ValidationError{Op: "write", Violations: []mihu.FieldViolation{fault}})
		}
	}
	return nil
}

func (w *Writer) writeCSV(item Item, reason string) error {
	if !w.head {
		var head []string
		for f := range numFields {
			head = append(head, f.column())
		}
		if err := w.csv.Write(append(head, reasonName, sourceLineName)); err != nil {
			return wrap(err)
		}
		w.head = true
	}
	trunk, sip := item.Trunk, mihu.SIPCredentials{}
	if trunk.SIP != nil {
		sip = *trunk.SIP
	}
	settings := ""
	if trunk.AdditionalSettings != nil {
		out, err := json.Marshal(trunk.AdditionalSettings)
		if err != nil {
			return wrap(err)
		}
		settings = string(out)
	}
	cells := [numFields]string{
		colPhoneNumber: toSheet(trunk.PhoneNumber), colChannel: string(trunk.Channel), colAgentUUID: trunk.AgentUUID,
		colName: toSheet(trunk.Name), colDirection: string(trunk.Direction),
		colSIPGateway: sip.Gateway, colSIPPort: number(sip.Port), colSIPUsername: sip.Username, colSIPPassword: sip.Password,
		colSIPSecondaryGateway: sip.SecondaryGateway,
		colAdditionalSettings:  settings, colSecretName: toSheet(item.SecretName),
	}
	return wrap(w.csv.Write(append(cells[:], toSheet(reason), number(item.Line))))
}

func (w *Writer) writeJSON(item Item, reason string) error {
	line := struct {
		mihu.TrunkCreateRequest
		SecretName string `json:"secret_name,omitempty"`
		Reason     string `json:"reason,omitempty"`
		SourceLine int    `json:"source_line,omitempty"`
	}{item.Trunk, item.SecretName, reason, item.Line}
	if line.SIP != nil && *line.SIP == (mihu.SIPCredentials{}) {
		line.SIP = nil
	}
	encoder := json.NewEncoder(w.json)
	encoder.SetEscapeHTML(false)
	return wrap(encoder.Encode(line))
}

// number is "" for 0, which stands for none.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// isFormula tells what a spreadsheet would calculate, and what looks like that behind apostrophes, so that
// fromSheet takes away exactly what toSheet has added.
func isFormula(s string) bool {
	s = strings.TrimLeft(s, "'")
	return s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0
}

func toSheet(s string) string {
	if isFormula(s) {
		return "'" + s
	}
	return s
}

func fromSheet(s string) string {
	if rest, found := strings.CutPrefix(s, "'"); found && isFormula(rest) {
		return rest
	}
	return s
}
