package conformance

import (
	"bytes"
	"os"
	"testing"
	"testing/synctest"

	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/internal/probe/probetest"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// TestReportSchema: the report of a probe is what docs/probe-report.schema.json describes, under any rules.
func TestReportSchema(t *testing.T) {
	t.Parallel()
	schemaText, err := os.ReadFile("../docs/probe-report.schema.json")
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("report.json", document))
	schema, err := compiler.Compile("report.json")
	require.NoError(t, err)

	probed := 0
	for seed := range uint64(60) {
		rules := probetest.Random(seed)
		if probetest.Refuses(rules) {
			continue
		}
		var text []byte
		synctest.Test(t, func(t *testing.T) {
			result, err := probe.Run(t.Context(), probetest.Options(probetest.Workspace(t, rules), new(probe.Memory)))
			require.NoError(t, err)
			text, err = result.Report.Write()
			require.NoError(t, err)
		})
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(value), "seed %d", seed)
		probed++
	}
	require.Greater(t, probed, 30)
	require.Error(t, schema.Validate(map[string]any{"format": 1}), "a schema that refuses nothing shows nothing")
}
