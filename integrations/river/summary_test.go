package mihuriver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	mihuriver "github.com/mihu-go/mihu/integrations/river"
)

func TestSummaryOfEveryState(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	_, err := p.queue.Enqueue(t.Context(), "x", numbered(0, 12))
	require.NoError(t, err)
	_, err = p.queue.Enqueue(t.Context(), "another", numbered(100, 105))
	require.NoError(t, err)
	jobs := p.jobs()
	for i, set := range []string{
		"state = 'completed', finalized_at = now(), metadata = metadata || '{\"output\": {\"outcome\": \"done\"}}'",
		"state = 'completed', finalized_at = now(), metadata = metadata || '{\"output\": {\"outcome\": \"superseded\"}}'",
		"state = 'cancelled', finalized_at = now(), metadata = metadata || '{\"output\": {\"outcome\": \"superseded\"}}'",
		"state = 'cancelled', finalized_at = now(), metadata = metadata || '{\"output\": {\"outcome\": \"refused\", \"reason\": \"no\"}}'",
		"state = 'cancelled', finalized_at = now()",
		"state = 'discarded', finalized_at = now(), errors = ARRAY['{\"error\": \"lost\"}'::jsonb]",
		"state = 'running'",
		"state = 'retryable', metadata = metadata || '{\"output\": {\"outcome\": \"waiting\", \"reason\": \"503\"}}'",
		"state = 'scheduled'",
		"state = 'pending'",
		"state = 'cancelled', finalized_at = now(), metadata = metadata || '{\"output\": {\"outcome\": \"canceled\"}}'",
	} {
		_, err := p.pool.Exec(t.Context(), "UPDATE river_job SET "+set+" WHERE id = $1", jobs[i].ID)
		require.NoError(t, err)
	}
	sum := p.summary("x")
	assert.Equal(t, mihuriver.Summary{
		Wanted: 12, Done: 1, Superseded: 2, Refused: 1, Canceled: 1, Unknown: 2, Waiting: 5, Running: 1, Ready: 1, Later: 3,
	}, sum)
	assert.False(t, sum.Finished())
	assert.Equal(t, "wanted 12: done 1, superseded 2, refused 1, canceled 1, unknown 2, waiting 5 (running 1, ready 1, later 3)", sum.String())
	assert.Equal(t, 5, p.summary("another").Wanted)

	var lines []string
	for _, problem := range p.problems() {
		lines = append(lines, fmt.Sprint(problem))
	}
	assert.Equal(t, []string{
		"+1555•••0003/call refused: no", "+1555•••0004/call unknown: canceled by somebody", "+1555•••0005/call unknown: lost", "+1555•••0007/call waiting: 503",
	}, lines)
	assert.Len(t, p.problems(mihuriver.Refused), 1)
	canceled := p.problems(mihuriver.Canceled)
	require.Len(t, canceled, 1)
	assert.Equal(t, "+1555•••0010/call canceled: canceled with its batch", canceled[0].String())
	for range 30 { // more than there are connections
		for _, err := range p.queue.Problems(t.Context(), "x") {
			require.NoError(t, err)
			break
		}
	}
	for _, err := range p.queue.Problems(t.Context(), "") {
		require.ErrorContains(t, err, "batch: want a name")
	}
}

func TestBatchNamesAreNotSQL(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	for _, name := range []string{`'; DROP TABLE river_job; --`, `"}], "x": [`, `\`, "ü 日本", strings.Repeat("é", 100)} {
		p.enqueue(name, item(one, nobody))
		assert.Equal(t, 1, p.summary(name).Wanted)
	}
	assert.Len(t, p.jobs(), 1)
}

// A row that somebody inserted by hand is a problem of its own, whatever it lacks.
func TestProblemsOfForeignRows(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	p.enqueue("x", item(one, nobody))
	for _, args := range []string{
		`{}`, `[]`, `"text"`, `{"trunk": null}`, `{"trunk": {"phone_number": null, "channel": 7}}`, `{"trunk": [], "line": "three"}`,
		`{"line": 99999999999999999999}`, `{"line": -1}`, `{"line": 1.5}`, `{"line": 12}`,
	} {
		p.exec(`INSERT INTO river_job (state, max_attempts, args, kind, queue, metadata, errors, finalized_at)
			VALUES ('discarded', 3, $1::jsonb, 'mihu_provision', 'mihu', '{"mihu_batches": ["x"]}', ARRAY['{"error": "no"}'::jsonb], now())`, args)
	}
	p.exec(`INSERT INTO river_job (state, max_attempts, args, kind, queue, metadata, unique_key)
		VALUES ('available', 3, '{}', 'mihu_provision', 'mihu', '{"mihu_batches": ["x"], "output": 5}', '')`)
	p.exec(`UPDATE river_job SET state = 'discarded', finalized_at = now(), errors = ARRAY['{"error": "lost"}'::jsonb] WHERE id = (SELECT min(id) FROM river_job)`)
	found := p.problems()
	require.Len(t, found, 11)
	assert.Equal(t, call(one), found[0].Trunk)
	assert.Equal(t, "lost", found[0].Reason)
	for _, problem := range found[1:] {
		assert.Equal(t, mihuriver.Unknown, problem.Status)
		assert.Empty(t, problem.Trunk.PhoneNumber)
		assert.Equal(t, "no", problem.Reason)
	}
	assert.Equal(t, 12, found[10].Line)
	assert.Equal(t, mihuriver.Cancellation{Canceled: 1}, p.cancel("x"), "such a row can be canceled")
}
