package provision

import "github.com/mihu-go/mihu/internal/rows"

// field is one of trunkFields, by its index.
type field int

// The fields.
const (
	fieldPhoneNumber field = iota
	fieldChannel
	fieldAgentUUID
	fieldName
	fieldDirection
	fieldSIPGateway
	fieldSIPPort
	fieldSIPUsername
	fieldSIPPassword
	fieldSIPSecondaryGateway
	fieldAdditionalSettings
	fieldSecretName
	fieldSourceLine
	fieldAgent       // a Writer writes the UUID instead, and nothing of what follows
	fieldGatewayPort // both in one cell
	numFields
)

// trunkFields returns the fields that a row of a file may have, by their names in the API if they
// have one.
func trunkFields() []rows.Field {
	return []rows.Field{
		fieldPhoneNumber:         {Key: "phone_number"},
		fieldChannel:             {Key: "channel"},
		fieldAgentUUID:           {Key: "agent_uuid"},
		fieldName:                {Key: "name"},
		fieldDirection:           {Key: "direction"},
		fieldSIPGateway:          {Key: "sip.gateway"},
		fieldSIPPort:             {Key: "sip.port", Kind: rows.Number},
		fieldSIPUsername:         {Key: "sip.username"},
		fieldSIPPassword:         {Key: "sip.password"},
		fieldSIPSecondaryGateway: {Key: "sip.secondary_gateway"},
		fieldAdditionalSettings:  {Key: "additional_settings", Kind: rows.Object},
		fieldSecretName:          {Key: "secret_name"},
		fieldSourceLine:          {Key: "source_line", Kind: rows.Number},
		fieldAgent:               {Key: "agent"},
		fieldGatewayPort:         {Key: MapGatewayPort, ColumnOnly: true},
	}
}

// reasonColumn is a column that a Writer adds for people. It is not read.
const reasonColumn = "reason"

// trunkTable describes a file of trunks without defaults and without columns to ignore.
func trunkTable() *rows.Table {
	return &rows.Table{Fields: trunkFields(), Unread: []string{reasonColumn}, Synonym: synonym}
}

// isFreeText reports whether any text is a value of the field.
func (f field) isFreeText() bool { return f == fieldName || f == fieldAgent || f.isExact() }

// isExact reports whether the field is a text for programs, in which every character counts.
func (f field) isExact() bool {
	switch f {
	case fieldSIPUsername, fieldSIPPassword, fieldSecretName:
		return true
	default:
		return false
	}
}

// isSIPSecret reports whether the field is a secret, which may begin with any character.
func (f field) isSIPSecret() bool { return f == fieldSIPUsername || f == fieldSIPPassword }

// key returns the field's name in the API, or in JSON lines if the API has none.
func (f field) key() string { return trunkFields()[f].Key }
