package mihuriver

import (
	"encoding/hex"
	"strings"

	"github.com/mihu-go/mihu"
)

// IndexedQueries are the queries that are asked for each job, with values in them.
func IndexedQueries() map[string]string {
	low, high := bounds(mihu.TrunkID{PhoneNumber: "+15550000042", Channel: mihu.ChannelCall})
	bytea := func(b []byte) string { return `'\x` + hex.EncodeToString(b) + `'::bytea` }
	t := newTable("")
	return map[string]string{
		"siblings": strings.NewReplacer("$1", bytea(low), "$2", bytea(high), "$3", "7").Replace(t.siblings),
		"newest": strings.NewReplacer("$1", "ARRAY["+bytea(low)+"]", "$2", "ARRAY["+bytea(high)+"]", "$3", "'x'").
			Replace(t.newest),
	}
}
