package provision

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/redact"
)

const unknownName = "there are no credentials of this name"

// parser turns rows into items.
type parser struct {
	defaults Item
	ignore   []string // names of columns, as columnName writes them
	keys     []string // names of keys to ignore
	seen     *seen    // by line; nil: what was wanted of which trunk is known to be consistent
	repeats  bool     // the last item said what one before it said

	hasSecret func(name string) bool // nil: every name is taken as good
}

// row is a row of CSV or an object of JSON.
type row struct {
	at, end place
	cells   [numFields]cell
	absent  [numFields]bool // required, and reported in the header
	csv     bool
	faults  []InputViolation
	faulty  [numFields]bool
}

func (r *row) name(f field) string {
	if r.csv {
		return f.column()
	}
	return f.key()
}

// fault is at the field, or at the end of a row that has no such field.
func (r *row) fault(f field, value, problem string) {
	at := r.cells[f].at
	if !r.cells[f].there {
		at = r.end
	}
	r.faulty[f] = true
	r.faults = append(r.faults, at.fault(r.name(f), value, problem))
}

// text is what a field says, "" where nothing is there or it is not to be read.
func (r *row) text(f field) string {
	c := r.cells[f]
	if r.faulty[f] {
		return ""
	}
	switch {
	case !f.isText():
		return trim(c.text)
	case r.csv && (f == colName || f == colSecretName):
		return fromSheet(c.text)
	}
	return c.text
}

// word is a text of a fixed set, in which spreadsheets like to make the first letter a capital.
func (r *row) word(f field) string {
	if r.csv {
		return strings.ToLower(r.text(f))
	}
	return r.text(f)
}

// item makes an item of a row, or says all that is wrong with it.
func (p *parser) item(r *row) (Item, []InputViolation) {
	for f := range numFields {
		if c := r.cells[f]; c.problem != "" {
			r.faults = append(r.faults, c.bad.fault(r.name(f), "", c.problem))
			r.faulty[f] = true
		}
	}
	item := Item{Line: r.at.line, SecretName: r.text(colSecretName)}
	trunk := &item.Trunk
	trunk.PhoneNumber = r.number()
	trunk.Channel = mihu.Channel(r.word(colChannel))
	trunk.AgentUUID = r.text(colAgentUUID)
	trunk.Name = r.text(colName)
	trunk.Direction = mihu.Direction(r.word(colDirection))
	sip := mihu.SIPCredentials{
		Gateway: r.text(colSIPGateway), Port: r.port(), Username: r.text(colSIPUsername), Password: r.text(colSIPPassword),
		SecondaryGateway: r.text(colSIPSecondaryGateway),
	}
	trunk.AdditionalSettings = r.settings()
	p.fillIn(&item, &sip)
	if sip != (mihu.SIPCredentials{}) {
		trunk.SIP = &sip
	}
	r.check(&item)
	p.checkSecret(r)
	if p.seen != nil && len(r.faults) == 0 && r.absent == [numFields]bool{} { // otherwise what the row wants is not known
		line, again, same := p.seen.add(&item, item.Line)
		if p.repeats = again; again && !same {
			value := mihu.MaskNumber(trunk.PhoneNumber)
			r.fault(colPhoneNumber, value, "the same trunk as in line "+strconv.Itoa(line)+", with other content; keep one of the two")
		}
	}
	if len(r.faults) > 0 {
		sortFaults(r.faults)
	}
	return item, r.faults
}

func (r *row) number() string {
	text := r.text(colPhoneNumber)
	if text == "" {
		return ""
	}
	number, problem := cleanNumber(text)
	if problem != "" {
		r.fault(colPhoneNumber, redact.BadNumber(text), problem)
	}
	return number
}

func (r *row) port() int {
	text := r.text(colSIPPort)
	if text == "" {
		return 0
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		value := ""
		if strings.Trim(text, "0123456789") == "" && len(text) <= 5 {
			value = text // what is longer may be a password
		}
		r.fault(colSIPPort, value, "not a port; want a number from 1 to 65535")
		return 0
	}
	return int(port)
}

func (r *row) settings() map[string]any {
	text := r.text(colAdditionalSettings)
	if text == "" {
		return nil
	}
	settings, at, problem := readSettings([]byte(text))
	if problem == "" {
		return settings
	}
	if r.csv {
		// The characters of a cell are not where they are in the line: quotes in it stand twice.
		problem += ", at character " + strconv.Itoa(column([]byte(text), at)) + " of the field"
		r.fault(colAdditionalSettings, "", problem)
		return nil
	}
	c := &r.cells[colAdditionalSettings]
	c.at.column += column([]byte(text), at) - 1
	r.fault(colAdditionalSettings, "", problem)
	return nil
}

// fillIn puts the defaults where the row says nothing. Direction and SIP are of calls only.
func (p *parser) fillIn(item *Item, sip *mihu.SIPCredentials) {
	trunk, defaults := &item.Trunk, &p.defaults.Trunk
	fill(&trunk.Channel, defaults.Channel)
	fill(&trunk.AgentUUID, defaults.AgentUUID)
	fill(&trunk.Name, defaults.Name)
	if trunk.AdditionalSettings == nil {
		trunk.AdditionalSettings = maps.Clone(defaults.AdditionalSettings)
	}
	if trunk.Channel == mihu.ChannelWhatsApp {
		return
	}
	fill(&trunk.Direction, defaults.Direction)
	ownSecret := item.SecretName != ""
	fill(&item.SecretName, p.defaults.SecretName)
	if from := defaults.SIP; from != nil {
		fill(&sip.Gateway, from.Gateway)
		fill(&sip.Port, from.Port)
		fill(&sip.SecondaryGateway, from.SecondaryGateway)
		if !ownSecret { // they would win over the secret
			fill(&sip.Username, from.Username)
			fill(&sip.Password, from.Password)
		}
	}
}

func fill[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

// check adds what package mihu would refuse.
func (r *row) check(item *Item) {
	if strings.ContainsFunc(item.SecretName, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.fault(colSecretName, "", "has a control character")
	}
	if item.Trunk.Channel == mihu.ChannelWhatsApp && item.SecretName != "" {
		r.fault(colSecretName, "", "a WhatsApp trunk has no SIP credentials")
	}
	err, _ := errors.AsType[*mihu.ValidationError](item.Trunk.Validate())
	if err == nil {
		return
	}
	for _, fault := range err.Violations {
		f := r.fieldOf(fault.Field)
		if r.faulty[f] || r.absent[f] && !r.cells[f].there {
			continue
		}
		r.fault(f, shown(f, fault.Value), fault.Problem)
	}
}

// checkSecret looks for the credentials that the row names.
func (p *parser) checkSecret(r *row) {
	name := r.text(colSecretName)
	if name == "" || p.hasSecret == nil || p.hasSecret(name) {
		return
	}
	value := ""
	if len(r.faults) == 0 && r.absent == [numFields]bool{} { // in a row whose columns have moved, it may be a password
		value = redact.Text(redact.Clip(name))
	}
	r.fault(colSecretName, value, unknownName)
}

// fieldOf finds the field by its name in the API.
func (r *row) fieldOf(apiName string) field {
	if i := slices.Index(names[:], apiName); i >= 0 {
		return field(i)
	}
	f := colSIPGateway // of all credentials, the first that is there
	for f < colSIPSecondaryGateway && r.cells[f].text == "" {
		f++
	}
	return f
}

// shown is the value of a field that is wrong, where it looks like what belongs there: in a row whose columns
// have moved, it may be a password. What package mihu shows, it shows quoted.
func shown(f field, value string) string {
	bare := strings.Trim(value, `"`)
	plausible := false
	switch f {
	default:
	case colChannel:
		plausible = isNear(bare, "call", "whatsapp", "sms", "voice")
	case colDirection:
		plausible = isNear(bare, "inbound", "outbound", "both")
	case colAgentUUID:
		plausible = strings.Count(bare, "-") == 4
	case colSIPGateway, colSIPSecondaryGateway:
		_, host, found := strings.Cut(bare, "://")
		if !found {
			host = bare
		}
		_, port, _ := strings.Cut(host, ":")
		plausible = strings.Contains(host, ".") && strings.Trim(port, "0123456789") == ""
	}
	if plausible {
		return value
	}
	return ""
}

func isNear(word string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return distance(strings.ToLower(word), w) <= 2 })
}

// requiredFields are those that no default stands in for.
func (p *parser) requiredFields() []field {
	required := []field{colPhoneNumber}
	if p.defaults.Trunk.Channel == "" {
		required = append(required, colChannel)
	}
	if p.defaults.Trunk.AgentUUID == "" {
		required = append(required, colAgentUUID)
	}
	return required
}

func (p *parser) required() string {
	var all []string
	for _, f := range p.requiredFields() {
		all = append(all, f.column())
	}
	return strings.Join(all, ",")
}

func (p *parser) columnNames() []string {
	var all []string
	for f := range numFields {
		all = append(all, f.column())
	}
	return all
}
