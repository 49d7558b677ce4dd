package provision

import (
	"slices"
	"strings"
)

// field is what a column, or a key of JSON, is of.
type field int

const (
	colPhoneNumber field = iota
	colChannel
	colAgentUUID
	colName
	colDirection
	colSIPGateway
	colSIPPort
	colSIPUsername
	colSIPPassword
	colSIPSecondaryGateway
	colAdditionalSettings
	colSecretName
	numFields

	colReason  field = -1 // and source_line: written for people, and not read
	colOther   field = -2 // that the caller has for himself
	colUnnamed field = -3
	colUnknown field = -4
)

// names are those of the API where it has one. Those of CSV have _ for the dot.
var names = [numFields]string{
	colPhoneNumber: "phone_number", colChannel: "channel", colAgentUUID: "agent_uuid", colName: "name", colDirection: "direction",
	colSIPGateway: "sip.gateway", colSIPPort: "sip.port", colSIPUsername: "sip.username", colSIPPassword: "sip.password",
	colSIPSecondaryGateway: "sip.secondary_gateway", colAdditionalSettings: "additional_settings", colSecretName: "secret_name",
}

const (
	reasonName     = "reason"
	sourceLineName = "source_line"
)

func (f field) key() string    { return names[f] }
func (f field) column() string { return strings.ReplaceAll(names[f], ".", "_") }

// isText tells the fields whose content is anything, and is taken as it is.
func (f field) isText() bool {
	switch f {
	case colName, colSIPUsername, colSIPPassword, colSecretName:
		return true
	default:
		return false
	}
}

// columnField finds the field of a column.
func columnField(column string, ignore []string) field {
	column = columnName(column)
	switch {
	case column == "":
		return colUnnamed
	case slices.Contains(ignore, column):
		return colOther
	case column == reasonName, column == sourceLineName:
		return colReason
	}
	for f := range numFields {
		if f.column() == column {
			return f
		}
	}
	return colUnknown
}

// columnName writes the name of a column as this package does.
func columnName(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return r == '_' || r == '.' || r == '-' || isInvisible(r)
	}), "_")
}

// didYouMean ends a problem with the name that was probably meant.
func didYouMean(written string, known []string) string {
	best, least := "", 4
	for _, candidate := range known {
		if d := distance(written, candidate); d < least && d < len(candidate)/2 {
			best, least = candidate, d
		}
	}
	for _, candidate := range known {
		if best == "" && len(written) > 2 && strings.Contains(candidate, written) {
			best = candidate
		}
	}
	if best == "" {
		return "; is it to be ignored? Known are " + strings.Join(known, ", ")
	}
	return "; did you mean " + best + ", or is it to be ignored?"
}

// distance counts the letters to change, add or take away to get from one word to the other. Long words are
// far from everything.
func distance(a, b string) int {
	const long = 40
	if len(a) > long || len(b) > long {
		return long
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
