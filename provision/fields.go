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
	}
}

// The columns that a Writer adds for people. They are not read.
const (
	reasonColumn     = "reason"
	sourceLineColumn = "source_line"
)

// trunkTable describes a file of trunks without defaults and without columns to ignore.
func trunkTable() *rows.Table {
	return &rows.Table{Fields: trunkFields(), Unread: []string{reasonColumn, sourceLineColumn}}
}

// isFreeText reports whether any text is a value of the field. Such a value is not trimmed.
func (f field) isFreeText() bool {
	switch f {
	case fieldName, fieldSIPUsername, fieldSIPPassword, fieldSecretName:
		return true
	default:
		return false
	}
}
