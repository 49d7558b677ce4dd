package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/runlog"
	"github.com/mihu-go/mihu/provision"
	"github.com/stretchr/testify/require"
)

// outputVersion is the version of what -o json prints. It grows if a member is removed or changes its
// meaning, and docs/trunkctl-output.md says so.
const outputVersion = 1

// outputs are the records that commands print with -o json, by their names in the schema.
func outputs() map[string]any {
	return map[string]any{
		"change": change{}, "trunk": trunkRow{}, "agent": agentRow{}, "number": numberRow{}, "rate": rateRow{}, "limit": settingRow{},
		"channels": mihu.ChannelSnapshot{}, "run": runSummary{}, "logged_change": runlog.Record{}, "state": stateRecord{}, "violation": violationRecord{},
		"check": finding{}, "version": versionRecord{}, "workspace": workspaceRecord{}, "selected_workspace": selectedRecord{},
		"observation": observation{}, "planned_question": plannedQuestion{},
		"planned_change": provision.PlannedChange{}, "plan_summary": provision.PlanSummary{},
	}
}

// TestOutputSchema: docs/trunkctl-output.schema.json is made of the types that are printed, and
// docs/trunkctl-output.md describes every member.
func TestOutputSchema(t *testing.T) {
	t.Parallel()
	definitions := map[string]any{}
	for name, record := range outputs() {
		definitions[name] = schemaOf(reflect.TypeOf(record))
	}
	schema, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "What trunkctl prints with -o json",
		"version": outputVersion, "$defs": definitions,
	}, "", "  ")
	require.NoError(t, err)
	const path = "../../docs/trunkctl-output.schema.json"
	if *update {
		require.NoError(t, os.WriteFile(path, append(schema, '\n'), 0o600))
	}
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.JSONEq(t, string(schema), string(written), "-update rewrites it")

	guide, err := os.ReadFile("../../docs/trunkctl-output.md")
	require.NoError(t, err)
	for name, record := range outputs() {
		_, section, found := strings.Cut(string(guide), "\n### "+name+"\n")
		require.True(t, found, "no section %q", name)
		section, _, _ = strings.Cut(section, "\n### ")
		var members []string
		for line := range strings.Lines(section) {
			if cell, ok := strings.CutPrefix(line, "| `"); ok {
				member, _, _ := strings.Cut(cell, "`")
				members = append(members, member)
			}
		}
		require.ElementsMatch(t, membersOf(reflect.TypeOf(record)), members, name)
	}
}

// schemaOf returns the JSON schema of a type.
func schemaOf(of reflect.Type) map[string]any {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case of == reflect.TypeFor[mihu.Decimal]():
		return map[string]any{"type": []string{"number", "null"}}
	}
	switch of.Kind() {
	case reflect.Pointer:
		inner := schemaOf(of.Elem())
		if text, ok := inner["type"].(string); ok {
			inner["type"] = []string{text, "null"}
		}
		return inner
	case reflect.Slice:
		return map[string]any{"type": []string{"array", "null"}, "items": schemaOf(of.Elem())}
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for field := range fieldsOfType(of) {
			name, omitted := jsonName(field)
			properties[name] = schemaOf(field.Type)
			if !omitted {
				required = append(required, name)
			}
		}
		slices.Sort(required)
		return map[string]any{"type": "object", "properties": properties, "required": required}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	default:
		return map[string]any{"type": "string"}
	}
}

func fieldsOfType(of reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for field := range of.Fields() {
			if field.Anonymous && field.Tag == "" {
				for inner := range fieldsOfType(field.Type) {
					if !yield(inner) {
						return
					}
				}
				continue
			}
			if name, _ := jsonName(field); name != "" && !yield(field) {
				return
			}
		}
	}
}

// jsonName returns the name of a member, "" if there is none, and whether it may be omitted.
func jsonName(field reflect.StructField) (name string, omitted bool) {
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	return strings.TrimPrefix(name, "-"), options != ""
}

func membersOf(of reflect.Type) (names []string) {
	for field := range fieldsOfType(of) {
		name, _ := jsonName(field)
		names = append(names, name)
	}
	return names
}

// TestOutputMatchesSchema: what commands print has the members of the schema, and no others.
func TestOutputMatchesSchema(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	id := f.trunk(1)
	agent := f.agent(2)
	_, err := f.AddPurchasedNumber(number(50))
	require.NoError(t, err)
	f.lines(",name", row(1, agent, ",Desk"), row(3, f.agent(3), ","))
	for _, test := range []struct {
		record string
		args   []string
	}{
		{"trunk", []string{"list"}},
		{"agent", []string{"agents"}},
		{"number", []string{"numbers"}},
		{"rate", []string{"rates"}},
		{"limit", []string{"limits", id.PhoneNumber}},
		{"channels", []string{"channels", id.PhoneNumber}},
		{"check", []string{"doctor"}},
		{"version", []string{"version"}},
		{"change", []string{"import", "DIR/numbers.csv", "--dry-run"}},
		{"change", []string{"sync", "DIR/numbers.csv", "--yes"}},
		{"change", []string{"update", id.PhoneNumber, "--name", "x"}},
		{"state", []string{"state", "show"}},
		{"run", []string{"log"}},
		{"logged_change", []string{"log", "show", "last"}},
		{"change", []string{"delete", id.PhoneNumber, "--yes"}},
	} {
		got := f.kept(append(test.args, "-o", "json")...)
		require.Zero(t, got.code, "%v: %s", test.args, got.stderr)
		records := []map[string]any{}
		if err := json.Unmarshal([]byte(got.stdout), &records); err != nil {
			var one map[string]any
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &one), "%v: %s", test.args, got.stdout)
			records = append(records, one)
		}
		of := reflect.TypeOf(outputs()[test.record])
		known := membersOf(of)
		if test.record != "rate" {
			require.NotEmpty(t, records, "%v", test.args)
		}
		for _, record := range records {
			require.Subset(t, known, slices.Collect(maps.Keys(record)), "%v", test.args)
			for field := range fieldsOfType(of) {
				if name, omitted := jsonName(field); !omitted {
					require.Contains(t, record, name, "%v", test.args)
				}
			}
		}
	}
	var plan bytes.Buffer
	plan.WriteString(f.kept("sync", "DIR/numbers.csv", "--dry-run", "-o", "json").stdout)
	var document map[string]any
	require.NoError(t, json.Unmarshal(plan.Bytes(), &document))
	require.InDelta(t, provision.PlanVersion, document["version"], 0)
	require.ElementsMatch(t, []string{"version", "id", "workspace", "prune", "summary", "changes", "failures", "drift"}, slices.Collect(maps.Keys(document)), fmt.Sprint(document))
}
