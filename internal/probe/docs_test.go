package probe_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/mihutest"
)

// docs/probe.md has every question as it is asked, and no other, and its rules exist.
func TestGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/probe.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "\n## The questions\n")
	require.True(t, found)
	type row struct {
		asks, documented string
		optional         bool
	}
	documented := map[string]row{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 5 || !strings.Contains(cells[0], "`") {
			continue
		}
		question := strings.Trim(cells[0], " *`")
		require.NotContains(t, documented, question)
		documented[question] = row{strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2]), strings.Contains(cells[0], "*")}
		for _, match := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[4], -1) {
			_, isRule := reflect.TypeFor[mihutest.Rules]().FieldByName(match[1])
			assert.True(t, isRule || match[1] == "WithTLS", "%s: there is no rule %s", question, match[1])
		}
	}
	plan, err := probe.Plan(probe.Options{BaseURL: "https://acme.mihu.ai/api/v1", Numbers: []string{numberOne}, Agents: []string{agentOne}})
	require.NoError(t, err)
	for _, p := range plan {
		assert.Equal(t, row{p.Asks, p.Documented, p.Optional}, documented[p.Question], p.Question)
		delete(documented, p.Question)
	}
	assert.Empty(t, documented, "no such question")

	contract, err := os.ReadFile("../../docs/contract.md")
	require.NoError(t, err)
	for _, p := range plan {
		assert.Contains(t, string(contract), "`"+p.Question+"`", "docs/contract.md has every question")
	}
}
