package probe_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/internal/probe/probetest"
	"github.com/mihu-go/mihu/mihutest"
)

// observe probes a new server with these rules, and checks that nothing else was touched.
func observe(t *testing.T, rules mihutest.Rules, change func(*probe.Options)) (*probe.Result, []byte) {
	t.Helper()
	var result *probe.Result
	var text []byte
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, rules)
		before := srv.Trunks()
		journal := new(probe.Memory)
		o := options(srv, journal)
		if change != nil {
			change(&o)
		}
		var err error
		result, err = probe.Run(t.Context(), o)
		require.NoError(t, err, "%+v", rules)
		require.Equal(t, before, srv.Trunks(), "%+v", rules)
		require.True(t, journal.Ended)
		result.Report.Date = "2026-01-02"
		text, err = result.Report.Write()
		require.NoError(t, err)
	})
	return result, text
}

// roundTrip checks that the report of a server whose rules come from a report is that report.
func roundTrip(t *testing.T, rules mihutest.Rules, change func(*probe.Options)) *probe.Result {
	t.Helper()
	first, text := observe(t, rules, change)
	read, _, err := mihutest.ReadRules(text)
	if !assert.NoError(t, err, "%+v", rules) {
		t.Log(string(text))
		t.FailNow()
	}
	_, again := observe(t, read, change)
	if !assert.Equal(t, string(text), string(again), "%+v\n%+v", rules, read) {
		t.FailNow()
	}
	return first
}

// refused checks that a probe does not begin.
func refused(t *testing.T, rules mihutest.Rules) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, rules)
		_, err := probe.Run(t.Context(), options(srv, new(probe.Memory)))
		_, ok := errors.AsType[*probe.RefusedError](err)
		require.True(t, ok, "%v\n%+v", err, rules)
		for _, r := range srv.Requests() {
			require.Equal(t, http.MethodGet, r.Method)
		}
	})
}

func one(o *probe.Options) { o.Numbers, o.Agents = o.Numbers[:1], o.Agents[:1] }

// sets is how many random sets of rules are tried; PROBE_TEST_SETS overrides it.
func sets(t *testing.T, byDefault int) int {
	t.Helper()
	if text := os.Getenv("PROBE_TEST_SETS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n
	}
	if testing.Short() {
		return byDefault / 4
	}
	return byDefault
}

func TestRoundTripOfRandomRules(t *testing.T) {
	t.Parallel()
	most := map[int]int{}
	for seed := range sets(t, 200) {
		rules := probetest.Random(uint64(seed))
		if probetest.Refuses(rules) {
			refused(t, rules)
			continue
		}
		change, targets := (func(*probe.Options))(nil), 2
		if seed%4 == 3 {
			change, targets = one, 1
		}
		result := roundTrip(t, rules, change)
		most[targets] = max(most[targets], result.Requests-result.Preflight)
	}
	fmt.Println(most)
	assert.LessOrEqual(t, most[2], 80)
	assert.LessOrEqual(t, most[1], 45)
}
