package mihu_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

func TestPortUpdate(t *testing.T) {
	t.Parallel()
	for want, update := range map[string]*mihu.PortUpdate{`5061`: mihu.SetPort(5061), `""`: mihu.ClearPort()} {
		encoded, err := json.Marshal(update)
		require.NoError(t, err)
		assert.Equal(t, want, string(encoded))
		var decoded mihu.PortUpdate
		require.NoError(t, json.Unmarshal(encoded, &decoded))
		assert.Equal(t, *update, decoded, "it must decode what it encoded")
	}
	for _, other := range []string{`"5061"`, `{}`, `1.5`, `true`} {
		require.Error(t, json.Unmarshal([]byte(other), new(mihu.PortUpdate)), other)
	}
	assert.Equal(t, "5061", mihu.SetPort(5061).String())
	assert.Equal(t, "clear", mihu.ClearPort().String())
}

// In every update type, an unset field is nil and omitted, and an empty one is sent: it is a
// pointer with omitempty, or a map or slice with omitzero.
func TestUpdateTypesOmitOnlyNil(t *testing.T) {
	t.Parallel()
	checked := map[string]reflect.Type{}
	for _, each := range []reflect.Type{
		reflect.TypeFor[mihu.TrunkUpdateRequest](), reflect.TypeFor[mihu.SIPUpdate](), reflect.TypeFor[mihu.PortUpdate](),
		reflect.TypeFor[mihu.ChannelSettingsUpdate](), reflect.TypeFor[mihu.ChannelSettingUpdate](), reflect.TypeFor[mihu.InboundSettingUpdate](),
	} {
		checked[each.Name()] = each
	}
	assert.ElementsMatch(t, exportedTypes(t, "Update"), keys(checked), "every update type is checked")

	for name, each := range checked {
		empty, err := json.Marshal(reflect.New(each).Interface())
		require.NoError(t, err)
		if name != "PortUpdate" { // a single value, not a set of fields
			assert.Equal(t, "{}", string(empty), name)
		}
		for _, field := range reflect.VisibleFields(each) {
			if !field.IsExported() {
				continue
			}
			_, option, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch kind := field.Type.Kind(); kind {
			case reflect.Pointer:
				assert.Equal(t, "omitempty", option, "%s.%s", name, field.Name)
			case reflect.Map, reflect.Slice:
				assert.Equal(t, "omitzero", option, "%s.%s", name, field.Name)
			default:
				assert.Fail(t, "neither a pointer nor a map nor a slice", "%s.%s is a %s", name, field.Name, kind)
			}
		}
	}
}

// exportedTypes returns the exported types of the package whose name contains a word.
func exportedTypes(t *testing.T, word string) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var names []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() && strings.Contains(spec.Name.Name, word) {
				names = append(names, spec.Name.Name)
			}
			return true
		})
	}
	return names
}

func keys[V any](m map[string]V) []string {
	var all []string
	for key := range m {
		all = append(all, key)
	}
	return all
}

// Binding returns the binding of a channel, and the zero value for an unknown channel.
func TestBindingByChannel(t *testing.T) {
	t.Parallel()
	call, sms, whatsApp := mihu.Binding{AgentUUID: "1"}, mihu.Binding{AgentUUID: "2"}, mihu.Binding{AgentUUID: "3"}
	snap := mihu.ChannelSnapshot{Channels: mihu.SnapshotChannels{
		Call: mihu.CarrierChannel{Binding: call}, SMS: mihu.CarrierChannel{Binding: sms}, WhatsApp: whatsApp,
	}}
	item := mihu.PhoneNumber{Bindings: mihu.Bindings{Call: call, SMS: sms, WhatsApp: whatsApp}}
	for channel, want := range map[mihu.Channel]mihu.Binding{
		mihu.ChannelCall: call, mihu.ChannelSMS: sms, mihu.ChannelWhatsApp: whatsApp, "fax": {}, "": {},
	} {
		assert.Equal(t, want, snap.Binding(channel), channel)
		assert.Equal(t, want, item.Binding(channel), channel)
	}
}

// One of the two marks of an external number is enough, since the API's own samples contradict
// themselves.
func TestExternal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		isExternal bool
		source     mihu.Source
		want       bool
	}{
		{false, mihu.SourcePurchased, false},
		{false, "", false},
		{false, "leased", false},
		{true, mihu.SourcePurchased, true},
		{true, "", true},
		{false, mihu.SourceExternal, true},
		{true, mihu.SourceExternal, true},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, mihu.ChannelSnapshot{IsExternal: tt.isExternal, Source: tt.source}.External(), "%+v", tt)
		assert.Equal(t, tt.want, mihu.PhoneNumber{IsExternal: tt.isExternal, Source: tt.source}.External(), "%+v", tt)
	}
}
