package mihu_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// A Decimal keeps the digits of the response, whether they are a number or a string.
func TestDecimalKeepsItsDigits(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]mihu.Decimal{
		`1.50`: "1.50", `"1.50"`: "1.50", `0.10`: "0.10", `-3`: "-3", `1e3`: "1e3", `1E-3`: "1E-3", `null`: "", `""`: "",
		`9007199254740993`: "9007199254740993",
	} {
		var got mihu.Decimal
		require.NoError(t, json.Unmarshal([]byte(sent), &got), sent)
		assert.Equal(t, want, got, sent)
	}
	for _, sent := range []string{`"1,234.50"`, `true`, `[]`, `"+1"`, `"1."`, `".5"`, `"01"`, `"0x10"`, `"1/3"`, `1e999`, `"1e"`, `"Inf"`, `"1e+-3"`, `"` + strings.Repeat("9", 65) + `"`} {
		assert.Error(t, json.Unmarshal([]byte(sent), new(mihu.Decimal)), sent)
	}
}

func TestDecimalIsExact(t *testing.T) {
	t.Parallel()
	a, ok := mihu.Decimal("0.1").Rat()
	require.True(t, ok)
	b, _ := mihu.Decimal("0.2").Rat()
	sum, _ := mihu.Decimal("0.30").Rat()
	assert.Zero(t, sum.Cmp(new(big.Rat).Add(a, b)))
	for _, none := range []mihu.Decimal{"", "x", "1/3", "1e999"} {
		_, ok := none.Rat()
		assert.False(t, ok, none)
	}
}

func TestDecimalMarshalsUnchanged(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal([]mihu.Decimal{"1.50", ""})
	require.NoError(t, err)
	assert.JSONEq(t, `[1.50, null]`, string(b))
	assert.Contains(t, string(b), "1.50")
	_, err = json.Marshal(mihu.Decimal("ten"))
	assert.Error(t, err)
	assert.Equal(t, "1.50", mihu.Decimal("1.50").String())
}
