package mihuriver

import (
	"encoding/hex"
	"strings"

	"github.com/mihu-go/mihu"
)

// CancelQueries returns the queries of Cancel for a small batch, with values, and the index that each must
// use.
func CancelQueries(batch string) map[string]string {
	holds, _ := holding(batch)
	t := newQueries("")
	return map[string]string{
		strings.NewReplacer("$1", "'"+holds+"'", "$2", "'"+JobKind+"'", "$3", "0", "$4", "20000").Replace(t.members): "river_job_metadata_index",
		strings.NewReplacer("$1", "'{1,2,3}'", "$2", "'"+holds+"'").Replace(t.unfinished):                            "river_job_pkey",
		strings.NewReplacer("$1", "1", "$2", "'{1,2,3}'").Replace(t.lockJobs):                                        "river_job_pkey",
		strings.NewReplacer("$1", "'{1,2,3}'", "$2", "'"+batch+"'").Replace(t.leave):                                 "river_job_pkey",
		strings.NewReplacer("$1", "'{1,2,3}'").Replace(t.cancel):                                                     "river_job_pkey",
	}
}

// IndexedQueries returns the queries of every job, with values.
func IndexedQueries() map[string]string {
	low, high := bounds(mihu.TrunkID{PhoneNumber: "+15550000042", Channel: mihu.ChannelCall})
	bytea := func(b []byte) string { return `'\x` + hex.EncodeToString(b) + `'::bytea` }
	t := newQueries("")
	return map[string]string{
		"siblings": strings.NewReplacer("$1", bytea(low), "$2", bytea(high), "$3", "7").Replace(t.siblings),
		"newest": strings.NewReplacer("$1", "ARRAY["+bytea(low)+"]", "$2", "ARRAY["+bytea(high)+"]", "$3", "'x'").
			Replace(t.newest),
	}
}
