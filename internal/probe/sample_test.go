package probe_test

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/mihutest"
)

// The sample report is that of an API that refuses duplicates with 422, lets a second request of an agent
// take it from the first, and shows a write within a second. The example of mihutest.ReadRules reads it.
// PROBE_TEST_UPDATE=1 writes it.
func TestSampleReport(t *testing.T) {
	t.Parallel()
	const path = "../../mihutest/testdata/probe-report.json"
	_, text := observe(t, mihutest.Rules{
		DuplicateStatus: http.StatusUnprocessableEntity, OnBusyAgent: mihutest.ShareBusyAgent, DeleteStatus: http.StatusNoContent,
		UnboundUnknown: true, ErrorShape: mihutest.ErrorFramework, ReadLag: 400 * time.Millisecond,
	}, nil)
	if os.Getenv("PROBE_TEST_UPDATE") != "" {
		require.NoError(t, os.WriteFile(path, text, 0o600))
	}
	sample, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(text), string(sample), "PROBE_TEST_UPDATE=1 writes it")
}
