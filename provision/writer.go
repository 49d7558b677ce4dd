package provision

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/rows"
)

// Writer writes items as CSV or JSON lines in the form that [Open] reads. The file holds the SIP
// credentials too, so keep it private. Create a Writer with [NewWriter], and call Flush after the
// last item. There is nothing to close. A Writer is not safe for concurrent use. Every method of
// its zero value returns an error.
//
// A spreadsheet takes a cell that begins with =, +, -, @ or a tab for a formula, and writes numbers
// and dates in its own way. In CSV, a text that it would change, username and password included, has
// an apostrophe before it, and so has one with blanks or invisible characters that would be refused.
// Open removes the apostrophe again. In JSON lines, such blanks and characters are escapes.
type Writer struct {
	csv    *csv.Writer
	json   *bufio.Writer
	err    error
	header bool // is written
}

// NewWriter returns a Writer to w. FormatAuto means FormatCSV. If the format is unknown or w is
// nil, Write and Flush return the error. Nothing is written before the first item, not even the
// header.
func NewWriter(w io.Writer, format Format) *Writer {
	switch {
	case w == nil:
		return &Writer{err: errors.New("provision: NewWriter: w is nil")}
	case format == FormatAuto, format == FormatCSV:
		return &Writer{csv: csv.NewWriter(w)}
	case format == FormatJSON:
		return &Writer{json: bufio.NewWriter(w)}
	}
	return &Writer{err: unknownFormat(format)}
}

// usable returns the error that every later call returns too.
func (w *Writer) usable() error {
	if w.err == nil && w.csv == nil && w.json == nil {
		w.err = errors.New("provision: Writer was not created by NewWriter")
	}
	return w.err
}

// Write writes an item and a reason for people to read; "" is none. [Open] ignores reasons, and
// keeps the line from which an item came in Item.Line. An invalid item is written too, so that it can be corrected in the
// file. Write returns an error, and writes nothing of the item, if the format cannot hold it. After
// an error of the file, every later call returns that error.
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

// Flush writes what is buffered. If it returns nil, every item that was passed to Write is written.
// More items may follow.
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

// writable returns an error for what the file would not hold unchanged.
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
	// What can be sent of settings can be written, and package mihu knows that.
	trial := mihu.TrunkCreateRequest{AdditionalSettings: trunk.AdditionalSettings}
	invalid, ok := errors.AsType[*mihu.ValidationError](trial.Validate())
	if !ok {
		return nil
	}
	for _, violation := range invalid.Violations {
		if violation.Field == trunkFields()[fieldAdditionalSettings].Key {
			return fmt.Errorf("provision: not written: %w", &mihu.ValidationError{Op: "write", Violations: []mihu.FieldViolation{violation}})
		}
	}
	return nil
}

func (w *Writer) writeCSV(item Item, reason string) error {
	if !w.header {
		var header []string
		for _, f := range trunkFields()[:fieldAgent] {
			header = append(header, f.Column())
		}
		header = append(header[:fieldSourceLine], reasonColumn, header[fieldSourceLine])
		if err := w.csv.Write(header); err != nil {
			return wrap(err)
		}
		w.header = true
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
	cells := []string{
		fieldPhoneNumber: trunk.PhoneNumber, fieldChannel: string(trunk.Channel), fieldAgentUUID: trunk.AgentUUID,
		fieldName: trunk.Name, fieldDirection: string(trunk.Direction),
		fieldSIPGateway: sip.Gateway, fieldSIPUsername: sip.Username, fieldSIPPassword: sip.Password,
		fieldSIPSecondaryGateway: sip.SecondaryGateway, fieldSecretName: item.SecretName,
	}
	for f, text := range cells {
		cells[f] = rows.ToSheet(text)
	}
	cells[fieldSIPPort], cells[fieldAdditionalSettings] = orEmpty(sip.Port), settings
	return wrap(w.csv.Write(append(cells, rows.ToSheet(reason), orEmpty(item.Line))))
}

func (w *Writer) writeJSON(item Item, reason string) error {
	trunk := &item.Trunk
	line := jsonLine{
		PhoneNumber: trunk.PhoneNumber, Channel: string(trunk.Channel), AgentUUID: trunk.AgentUUID,
		Name: jsonText{trunk.Name, rows.Name}, Direction: string(trunk.Direction), AdditionalSettings: trunk.AdditionalSettings,
		SecretName: jsonText{item.SecretName, rows.Exact}, Reason: reason, SourceLine: item.Line,
	}
	if sip := trunk.SIP; sip != nil && *sip != (mihu.SIPCredentials{}) {
		line.SIP = &jsonSIP{
			Gateway: sip.Gateway, Port: sip.Port, SecondaryGateway: sip.SecondaryGateway,
			Username: jsonText{sip.Username, rows.Exact}, Password: jsonText{sip.Password, rows.Exact},
		}
	}
	encoder := json.NewEncoder(w.json)
	encoder.SetEscapeHTML(false)
	return wrap(encoder.Encode(line))
}

// jsonLine is a line of JSON lines.
type jsonLine struct {
	PhoneNumber        string         `json:"phone_number"`
	Channel            string         `json:"channel"`
	AgentUUID          string         `json:"agent_uuid"`
	Name               jsonText       `json:"name,omitzero"`
	Direction          string         `json:"direction,omitempty"`
	SIP                *jsonSIP       `json:"sip,omitempty"`
	AdditionalSettings map[string]any `json:"additional_settings,omitzero"`
	SecretName         jsonText       `json:"secret_name,omitzero"`
	Reason             string         `json:"reason,omitempty"`
	SourceLine         int            `json:"source_line,omitempty"`
}

type jsonSIP struct {
	Gateway          string   `json:"gateway,omitempty"`
	Port             int      `json:"port,omitempty"`
	Username         jsonText `json:"username,omitzero"`
	Password         jsonText `json:"password,omitzero"`
	SecondaryGateway string   `json:"secondary_gateway,omitempty"`
}

// jsonText is a text that is read as it was written, whatever it is.
type jsonText struct {
	text string
	kind rows.TextKind
}

func (t jsonText) IsZero() bool { return t.text == "" }

// MarshalJSON writes with escapes what the reader would refuse without.
func (t jsonText) MarshalJSON() ([]byte, error) {
	if rows.Trim(t.text) == "" || rows.Suspect(t.text, t.kind, rows.JSON) != "" {
		return rows.Escaped(t.text), nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(t.text)
	return b.Bytes(), err
}

// orEmpty returns the number, and "" for 0.
func orEmpty(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
