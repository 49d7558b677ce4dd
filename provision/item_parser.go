package provision

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/redact"
	"github.com/mihu-go/mihu/internal/rows"
)

const unknownSecret = "there are no credentials with this name" //nolint:gosec // it is a problem

// itemParser turns rows into items.
type itemParser struct {
	table    *rows.Table
	defaults Item
	seen     *seenTrunks // by line; nil: the rows are known to be consistent
	repeats  bool        // the last item says the same as one before it

	clears fieldSet // fields of which items note that they are there and empty

	hasSecret    func(name string) bool // nil: every name is accepted
	resolveAgent func(name string) (uuid, problem string)
	agents       map[string]string // the UUIDs of the names that were resolved

	codes  CountryCodes
	counts map[string]int // of numbers to which a plus was added, by code; nil: they are not counted
	edit   func(*Row)
	mapped ColumnMap
}

// newItemParser checks the options.
func newItemParser(opts ReadOptions) (*itemParser, error) {
	switch opts.Format {
	case FormatAuto, FormatCSV, FormatJSON, FormatRows:
	default:
		return nil, unknownFormat(opts.Format)
	}
	p := &itemParser{
		defaults: opts.Defaults, table: trunkTable(), agents: map[string]string{},
		codes: slices.Clone(opts.CountryCodes), edit: opts.EditRow, mapped: maps.Clone(opts.Map),
	}
	var err error
	if p.table.Map, err = p.mapped.fields(opts.Ignore); err != nil {
		return nil, err
	}
	if err := p.codes.validate(); err != nil {
		return nil, err
	}
	p.table.Ignore = slices.Clone(opts.Ignore)
	p.table.Raw = p.edit != nil
	if !p.table.Raw { // it may fill in what there is no column for
		p.table.Required = p.required()
	}
	if err := checkDefaults(&opts); err != nil {
		return nil, err
	}
	// The caller may change its own copy.
	trunk := &p.defaults.Trunk
	trunk.PhoneNumber, p.defaults.Line = "", 0
	trunk.AdditionalSettings = maps.Clone(trunk.AdditionalSettings)
	if trunk.SIP != nil {
		trunk.SIP = new(*trunk.SIP)
	}
	return p, nil
}

// checkDefaults returns what is wrong with the defaults: it would be wrong with every row.
func checkDefaults(opts *ReadOptions) error {
	trial := opts.Defaults.Trunk
	trial.PhoneNumber = "+12345678901"
	if trial.Channel == "" || trial.Channel == mihu.ChannelWhatsApp {
		trial.Channel = mihu.ChannelCall
	}
	if trial.AgentUUID == "" {
		trial.AgentUUID = "00000000-0000-0000-0000-000000000000"
	}
	if err := trial.Validate(); err != nil {
		return fmt.Errorf("provision: invalid defaults: %w", err)
	}
	if name := opts.Defaults.SecretName; name != "" && opts.HasSecret != nil && !opts.HasSecret(name) {
		violation := mihu.FieldViolation{Field: "secret name", Value: redact.Text(redact.Clip(name)), Problem: unknownSecret}
		return fmt.Errorf("provision: invalid defaults: %w", invalid("read", violation))
	}
	return nil
}

// required returns the fields for which there is no default.
func (p *itemParser) required() []int {
	required := []int{int(fieldPhoneNumber)}
	if p.defaults.Trunk.Channel == "" {
		required = append(required, int(fieldChannel))
	}
	if p.defaults.Trunk.AgentUUID == "" {
		required = append(required, int(fieldAgentUUID))
		p.table.Instead = map[int]int{int(fieldAgentUUID): int(fieldAgent)}
	}
	return required
}

// itemRow is a row that is being turned into an item.
type itemRow struct {
	*rows.Row
	bad [numFields]bool // fields that have a violation
}

// isCSV reports whether a spreadsheet may have written the row.
func (r *itemRow) isCSV() bool { return r.Format == rows.CSV }

// name returns the field's name in the format of the row.
func (r *itemRow) name(f field) string {
	known := trunkFields()[f]
	if r.isCSV() {
		return known.Column()
	}
	return known.Key
}

// violate adds a violation of a field. If the row has no such field, its place is the end of the
// row.
func (r *itemRow) violate(f field, value, problem string) {
	at := r.Cells[f].At
	if !r.Cells[f].Present {
		at = r.End
	}
	r.bad[f] = true
	r.Violations = append(r.Violations, at.Violation(r.name(f), value, problem))
}

// text returns the value of a field, "" if it has none or cannot be read. A cell that has nothing
// to be seen is empty.
func (r *itemRow) text(f field) string {
	if r.bad[f] {
		return ""
	}
	return r.Cells[f].Text
}

// clean turns the cells into the values that they stand for, or finds out why they cannot be used.
func (r *itemRow) clean() {
	for f := range numFields {
		c := &r.Cells[f]
		switch {
		case c.Problem != "":
			r.Violations = append(r.Violations, c.Bad.Violation(r.name(f), "", c.Problem))
			r.bad[f] = true
		case c.Text == "":
		default:
			if problem := r.cleanCell(f, c); problem != "" {
				r.violate(f, "", problem)
			}
		}
	}
}

// cleanCell cleans a cell. It returns the problem for which the cell cannot be used.
func (r *itemRow) cleanCell(f field, c *rows.Cell) (problem string) {
	if rows.Trim(c.Shown) == "" {
		c.Text, c.Shown = "", ""
		return ""
	}
	if r.isCSV() {
		var done bool
		if problem, done = r.cleanText(f, c); done {
			return problem
		}
	}
	switch {
	case !f.isFreeText():
		c.Text = rows.Trim(c.Text)
		if hidden := rows.HiddenFiller(rows.Trim(c.Shown)); hidden != "" && f != fieldAdditionalSettings && f != fieldPhoneNumber {
			return "has " + hidden + ", which cannot be seen; remove it"
		}
		return ""
	case f.isExact():
		return rows.Suspect(c.Shown, rows.Exact, r.Format)
	}
	return rows.Suspect(c.Shown, rows.Name, r.Format)
}

// cleanText removes from a cell of a CSV file what is there for the eye or for a spreadsheet. done
// reports that nothing else is to be checked.
func (r *itemRow) cleanText(f field, c *rows.Cell) (problem string, done bool) {
	if r.PaddedBefore {
		c.Text = strings.TrimLeftFunc(c.Text, unicode.IsSpace)
	}
	if r.PaddedAfter {
		c.Text = strings.TrimRightFunc(c.Text, unicode.IsSpace)
	}
	text := c.Text
	if !f.isFreeText() {
		text = rows.Trim(text)
	}
	switch {
	case f == fieldPhoneNumber || f == fieldAdditionalSettings:
	case r.Cells[fieldSourceLine].Present: // as in the file of a Writer
		if unmarked, marked := rows.FromSheet(text); marked {
			c.Text = unmarked
			return "", true
		}
	default:
		unmarked, unsure := rows.Unmark(text)
		if unsure && f.isSIPSecret() {
			return "begins with an apostrophe, as a cell does that a spreadsheet must not change; " +
				"write two if the value begins with one, and none if it does not", true
		}
		if unmarked != text {
			c.Text, c.Shown = unmarked, "x"+strings.TrimLeft(unmarked, "'") // only its end can be wrong
			return "", false
		}
	}
	c.Shown = c.Text
	return "", false
}

// word returns a value of a fixed set. Spreadsheets like to capitalize its first letter.
func (r *itemRow) word(f field) string {
	if r.isCSV() {
		return strings.ToLower(r.text(f))
	}
	return r.text(f)
}

// incomplete reports whether something is wrong with the row, so that what it asks for is not
// known.
func (r *itemRow) incomplete() bool {
	return len(r.Violations) > 0 || slices.Contains(r.Missing, true)
}

// item returns the item of a row, or everything that is wrong with the row.
func (p *itemParser) item(row *rows.Row) (Item, []rows.Violation) {
	if row.Unreadable {
		return Item{}, row.Violations
	}
	r := &itemRow{Row: row}
	if p.edit != nil {
		p.edit(&Row{row: r})
	}
	r.clean()
	r.splitGateway()
	item := Item{Line: r.line(), SecretName: r.text(fieldSecretName)}
	trunk := &item.Trunk
	trunk.PhoneNumber = p.number(r)
	trunk.Channel = mihu.Channel(r.word(fieldChannel))
	trunk.AgentUUID = p.agent(r)
	trunk.Name = r.text(fieldName)
	trunk.Direction = mihu.Direction(r.word(fieldDirection))
	sip := mihu.SIPCredentials{
		Gateway: r.text(fieldSIPGateway), Port: r.port(), Username: r.text(fieldSIPUsername), Password: r.text(fieldSIPPassword),
		SecondaryGateway: r.text(fieldSIPSecondaryGateway),
	}
	trunk.AdditionalSettings = r.settings()
	p.fillIn(&item, &sip)
	if sip != (mihu.SIPCredentials{}) {
		trunk.SIP = &sip
	}
	if p.clears != 0 {
		item.blank = r.blank() & p.clears &^ fieldsOf(trunk)
	}
	r.check(&item)
	p.checkSecret(r)
	p.checkRepeat(r, &item)
	if len(r.Violations) > 0 {
		rows.Sort(r.Violations)
	}
	return item, r.Violations
}

// blank returns the fields that the row has, and has no value for.
func (r *itemRow) blank() fieldSet {
	var blank fieldSet
	for f := range numSentFields {
		if cell := &r.Cells[f.ofFile()]; cell.Present && cell.Text == "" && !r.bad[f.ofFile()] {
			blank.add(f)
		}
	}
	return blank
}

// agent returns the UUID of the row's agent. A name that is wrong is not shown: in a row whose columns
// have moved, it may be a password.
func (p *itemParser) agent(r *itemRow) string {
	uuid, name := r.text(fieldAgentUUID), r.text(fieldAgent)
	if name == "" {
		return uuid
	}
	found, problem := p.lookUpAgent(name)
	switch {
	case problem != "":
		r.violate(fieldAgent, "", problem)
	case uuid != "" && !strings.EqualFold(uuid, found):
		r.violate(fieldAgent, "", "another agent than that of agent_uuid; leave one of the two empty")
	default:
		return found
	}
	return uuid
}

// lookUpAgent returns the UUID of an agent, or why there is none.
func (p *itemParser) lookUpAgent(name string) (uuid, problem string) {
	if isUUID(name) {
		return name, ""
	}
	if known, ok := p.agents[name]; ok {
		return known, ""
	}
	if p.resolveAgent == nil {
		return "", "the names of agents cannot be looked up here; use the agent's UUID"
	}
	uuid, problem = p.resolveAgent(name)
	switch {
	case problem != "":
		return "", problem
	case !isUUID(uuid):
		return "", "the UUID of this agent is invalid; use its UUID"
	}
	p.agents[strings.Clone(name)] = uuid
	return uuid, ""
}

func isUUID(text string) bool {
	_, ok := agentOf(text, mihu.ChannelCall)
	return ok && strings.Count(text, "-") == 4
}

func (p *itemParser) number(r *itemRow) string {
	text := r.text(fieldPhoneNumber)
	if text == "" {
		return ""
	}
	number, code, problem := p.codes.parse(text)
	switch {
	case problem != "":
		r.violate(fieldPhoneNumber, redact.BadNumber(text), problem)
	case code != "" && p.counts != nil:
		p.counts[code]++
	}
	return number
}

// splitGateway makes two cells of one that holds a host and a port. If it has no port, or nothing, the
// cells are empty.
func (r *itemRow) splitGateway() {
	if !r.Cells[fieldGatewayPort].Present || r.bad[fieldGatewayPort] {
		return
	}
	text := r.text(fieldGatewayPort)
	host, port, problem := splitHostPort(text)
	if problem != "" {
		r.violate(fieldGatewayPort, "", problem)
		return
	}
	for _, part := range [...]struct {
		f    field
		text string
	}{{fieldSIPGateway, host}, {fieldSIPPort, port}} {
		c := &r.Cells[part.f]
		switch {
		case c.Text != "" && part.text != "" && c.Text != part.text && !r.bad[part.f]:
			r.violate(fieldGatewayPort, "", "does not agree with the column that holds "+part.f.key()+"; leave one of the two empty")
		case c.Text == "" && (part.text != "" || !c.Present):
			*c = rows.Cell{At: r.Cells[fieldGatewayPort].At, Present: true, Text: part.text, Shown: part.text}
		}
	}
}

// splitHostPort splits a host from its port, which may be missing.
func splitHostPort(text string) (host, port, problem string) {
	const want = "; want a host and a port such as sip.example.com:5061"
	if strings.HasPrefix(text, "[") {
		i := strings.IndexByte(text, ']')
		if i < 0 {
			return "", "", "has a bracket that is not closed" + want
		}
		host, port = text[:i+1], text[i+1:]
		if port == "" {
			return host, "", ""
		}
		if port[0] != ':' {
			return "", "", "has something other than a port behind the bracket" + want
		}
		port = port[1:]
	} else {
		switch strings.Count(text, ":") {
		case 0:
			return text, "", ""
		case 1:
			host, port, _ = strings.Cut(text, ":")
		default:
			return "", "", "has several colons; write an IPv6 address in brackets, such as [2001:db8::1]:5061, and no scheme such as sip:"
		}
	}
	switch {
	case rows.Trim(host) == "":
		return "", "", "has no host before the colon" + want
	case rows.Trim(port) == "":
		return "", "", "has no port behind the colon" + want
	}
	return rows.Trim(host), rows.Trim(port), ""
}

// line returns the line of the item: the one that a Writer has kept, or that of the row.
func (r *itemRow) line() int {
	text := r.text(fieldSourceLine)
	if text == "" {
		return r.At.Line
	}
	line, err := strconv.ParseUint(text, 10, 31)
	if err != nil || line == 0 {
		r.violate(fieldSourceLine, "", "not the number of a line; correct it, empty it, or ignore "+fieldSourceLine.key()+" by name")
		return r.At.Line
	}
	return int(line)
}

func (r *itemRow) port() int {
	text := r.text(fieldSIPPort)
	if text == "" {
		return 0
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		value := ""
		if strings.Trim(text, "0123456789") == "" && len(text) <= 5 {
			value = text // a longer one may be a password
		}
		r.violate(fieldSIPPort, value, "not a port; want a number from 1 to 65535")
		return 0
	}
	return int(port)
}

func (r *itemRow) settings() map[string]any {
	text := r.text(fieldAdditionalSettings)
	if text == "" {
		return nil
	}
	settings, offset, problem := rows.DecodeObject([]byte(text))
	if problem == "" {
		return settings
	}
	character := rows.CharacterAt(text, offset)
	if r.isCSV() {
		// The characters of a cell are not where they are in the line: quotes in it are doubled.
		problem += ", at character " + strconv.Itoa(character) + " of the field"
	} else {
		r.Cells[fieldAdditionalSettings].At.Column += character - 1
	}
	r.violate(fieldAdditionalSettings, "", problem)
	return nil
}

// fillIn sets what the row leaves out to the defaults. Direction and SIP are of calls only.
func (p *itemParser) fillIn(item *Item, sip *mihu.SIPCredentials) {
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
		if !ownSecret { // they would take precedence over the secret
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

// check adds the violations that package mihu finds.
func (r *itemRow) check(item *Item) {
	if strings.ContainsFunc(item.SecretName, isControl) {
		r.violate(fieldSecretName, "", "has a control character")
	}
	if item.Trunk.Channel == mihu.ChannelWhatsApp && item.SecretName != "" {
		r.violate(fieldSecretName, "", "a WhatsApp trunk has no SIP credentials")
	}
	err, _ := errors.AsType[*mihu.ValidationError](item.Trunk.Validate())
	if err == nil {
		return
	}
	for _, violation := range err.Violations {
		f := r.fieldOf(violation.Field)
		if r.bad[f] || r.Missing[f] && !r.Cells[f].Present || f == fieldAgentUUID && r.bad[fieldAgent] {
			continue
		}
		r.violate(f, shown(f, violation.Value), violation.Problem)
	}
}

// checkSecret looks up the credentials that the row names.
func (p *itemParser) checkSecret(r *itemRow) {
	name := r.text(fieldSecretName)
	if name == "" || p.hasSecret == nil || p.hasSecret(name) {
		return
	}
	value := ""
	if !r.incomplete() { // in a row whose columns have moved, it may be a password
		value = redact.Text(redact.Clip(name))
	}
	r.violate(fieldSecretName, value, unknownSecret)
}

// checkRepeat compares the row with those before it that have the same trunk.
func (p *itemParser) checkRepeat(r *itemRow, item *Item) {
	if p.seen == nil || r.incomplete() {
		return
	}
	line, again, same := p.seen.add(item, r.At.Line)
	if p.repeats = again; again && !same {
		value := mihu.MaskNumber(item.Trunk.PhoneNumber)
		r.violate(fieldPhoneNumber, value, "same trunk as in line "+strconv.Itoa(line)+", with different content; keep one of the two")
	}
}

// fieldOf finds the field by its name in the API.
func (r *itemRow) fieldOf(apiName string) field {
	named := func(f rows.Field) bool { return f.Key == apiName }
	if i := slices.IndexFunc(trunkFields(), named); i >= 0 {
		return field(i)
	}
	f := fieldSIPGateway // of all credentials, the first that is set
	for f < fieldSIPSecondaryGateway && r.Cells[f].Text == "" {
		f++
	}
	return f
}

// shown returns a wrong value if it looks like what belongs there, and "" otherwise: in a row whose
// columns have moved, it may be a password.
func shown(f field, value string) string {
	plausible := false
	switch f {
	default:
	case fieldChannel:
		plausible = isNear(value, "call", "whatsapp", "sms", "voice")
	case fieldDirection:
		plausible = isNear(value, "inbound", "outbound", "both")
	case fieldAgentUUID:
		plausible = strings.Count(value, "-") == 4
	case fieldSIPGateway, fieldSIPSecondaryGateway:
		_, host, found := strings.Cut(value, "://")
		if !found {
			host = value
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
	return slices.ContainsFunc(words, func(w string) bool { return rows.Distance(strings.ToLower(word), w) <= 2 })
}
