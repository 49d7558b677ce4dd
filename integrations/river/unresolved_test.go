package mihuriver_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/mihutest"
)

// An outcome that is unknown stays unknown until an attempt finds it out: a refusal of a later attempt does not
// show what became of an earlier one.
func TestUnknownOutcomeStaysUnknown(t *testing.T) {
	t.Parallel()
	applied, notApplied := mihutest.Fault{Drop: true, AfterChange: true}, mihutest.Fault{Drop: true}
	for _, c := range []struct {
		name   string
		first  *mihutest.Fault // of the Create of the first attempt; nil means that its first read fails
		killed bool            // instead, the worker of the first attempt was killed
		second mihutest.Fault  // of the second attempt
		want   mihuriver.Status
		says   string
	}{
		{"then a read is forbidden", &applied, false, mihutest.Fault{Status: 403, Code: "FORBIDDEN"}, mihuriver.Unknown, "FORBIDDEN"},
		{"then a read is invalid", &applied, false, mihutest.Fault{Status: 422, Code: "INVALID"}, mihuriver.Unknown, "INVALID"},
		{"then an update is refused", &applied, false, mihutest.Fault{Method: "PATCH", Status: 422, Code: "INVALID"}, mihuriver.Unknown, "INVALID"},
		{"then conflicts are exhausted", &applied, false, mihutest.Fault{Method: "PATCH", Status: 409, Code: "BUSY"}, mihuriver.Unknown, "BUSY"},
		{
			"not applied, then a Create is refused",
			&notApplied, false,
			mihutest.Fault{Method: "POST", Status: 422, Code: "INVALID"}, mihuriver.Refused, "INVALID",
		},
		{"of a killed worker, then a read is forbidden", nil, true, mihutest.Fault{Status: 403, Code: "FORBIDDEN"}, mihuriver.Unknown, "FORBIDDEN"},
		{
			"of a failed read is not one",
			nil, false, mihutest.Fault{Status: 403, Code: "FORBIDDEN"}, mihuriver.Refused, "FORBIDDEN",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, mihuriver.QueueOptions{})
			wanted := item(one, p.mihu.AddAgent("A"))
			wanted.Trunk.Name = "desk"
			p.enqueue("x", wanted)
			if c.killed {
				p.exec("UPDATE river_job SET attempt = 1, state = 'retryable'")
			} else {
				p.mihu.InjectFunc(firstAttempt(c.first))
			}
			second := c.second
			second.Times = -1
			if c.killed {
				require.NoError(t, p.mihu.Inject(second))
			}
			options := mihuriver.WorkerOptions{ContendedAttempts: 2}
			if !c.killed {
				worker := p.work(1, options, func(config *river.Config) { config.RetryPolicy = late{} })
				p.until(func(sum mihuriver.Summary) bool { return sum.Later == 1 })
				require.NoError(t, worker.Stop(t.Context()))
				p.mihu.InjectFunc(nil)
				require.NoError(t, p.mihu.Inject(second))
				p.exec("UPDATE river_job SET state = 'available', scheduled_at = now()")
			}
			p.work(1, options)
			p.until(mihuriver.Summary.Finished)
			found := p.problems()
			require.Len(t, found, 1)
			assert.Equal(t, c.want, found[0].Status, found[0].Reason)
			assert.Contains(t, found[0].Reason, c.says)
			if c.want == mihuriver.Unknown {
				assert.Contains(t, found[0].Reason, "an earlier attempt may have changed the trunk")
			}
			// Somebody makes it work, and enqueues the item again.
			p.mihu.ClearFaults()
			assert.Equal(t, 1, p.enqueue("x", wanted).Inserted)
			require.Equal(t, 1, p.until(mihuriver.Summary.Finished).Done)
		})
	}
}

// firstAttempt loses the response to a Create and to the reads that reconcile it, or to the first read.
func firstAttempt(create *mihutest.Fault) func(mihutest.Request) *mihutest.Fault {
	lost := create == nil
	return func(r mihutest.Request) *mihutest.Fault {
		switch {
		case lost:
			return &mihutest.Fault{Status: http.StatusBadGateway}
		case r.Method == http.MethodPost:
			lost = true
			return create
		}
		return nil
	}
}

// If a trunk was moved before its update was refused, the reason says so.
func TestRefusalAfterAChange(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	require.NoError(t, p.mihu.AddTrunk(mihutest.Trunk{ID: call(one), AgentUUID: p.mihu.AddAgent("A")}))
	require.NoError(t, p.mihu.Inject(mihutest.Fault{Method: "PATCH", Status: http.StatusUnprocessableEntity}))
	wanted := item(one, p.mihu.AddAgent("B"))
	wanted.Trunk.Name = "desk"
	p.enqueue("x", wanted)
	p.work(1, mihuriver.WorkerOptions{})
	p.until(mihuriver.Summary.Finished)
	found := p.problems(mihuriver.Refused)
	require.Len(t, found, 1)
	assert.Contains(t, found[0].Reason, "before that the trunk was assigned")
}

// A job that River's JobCancel ended before it began is canceled as by Queue.Cancel: it has no place in the order.
func TestJobCancelBeforeItBegan(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a, b := item(one, p.mihu.AddAgent("A")), item(one, p.mihu.AddAgent("B"))
	p.enqueue("y", a)
	p.enqueue("x", b)
	client, err := river.NewClient(riverpgxv5.New(p.pool), &river.Config{})
	require.NoError(t, err)
	_, err = client.JobCancel(t.Context(), p.jobs()[1].ID)
	require.NoError(t, err)
	assert.Equal(t, mihuriver.Summary{Wanted: 1, Canceled: 1}, p.summary("x"))
	assert.Empty(t, p.problems())
	canceled := p.problems(mihuriver.Canceled)
	require.Len(t, canceled, 1)
	assert.Equal(t, "canceled by JobCancel", canceled[0].Reason)
	assert.Equal(t, mihuriver.Enqueued{Items: 1, Unfinished: 1}, p.enqueue("y", a), "it is the newest again")
	p.work(2, mihuriver.WorkerOptions{})
	require.Eventually(t, func() bool { return p.summary("y").Finished() }, patience, often)
	assert.Equal(t, mihuriver.Summary{Wanted: 1, Done: 1}, p.summary("y"))
	trunk, _ := p.mihu.Trunk(call(one))
	assert.Equal(t, a.Trunk.AgentUUID, trunk.AgentUUID)

	// A job that River's JobCancel ended after an attempt keeps its place and is unknown.
	p.enqueue("x", item(two, nobody))
	p.exec(`UPDATE river_job SET attempt = 1, state = 'retryable', scheduled_at = now() + '1 hour' WHERE args->'trunk'->>'phone_number' = $1`, two)
	_, err = client.JobCancel(t.Context(), p.jobs()[2].ID)
	require.NoError(t, err)
	assert.Equal(t, 1, p.summary("x").Unknown)
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

// An item with settings that cannot be stored is refused by its line, and no other.
func TestEnqueueSettingsThatCannotBeStored(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	for _, c := range []struct {
		name     string
		settings map[string]any
		secret   string
		says     string
	}{
		{"U+0000 in a value", map[string]any{"a": "x\x00y"}, "", "additional_settings: has the character U+0000"},
		{"U+0000 in a name", map[string]any{"x\x00y": 1}, "", "additional_settings: has the character U+0000"},
		{"U+0000 inside", map[string]any{"a": []any{map[string]any{"b": "\x00"}}}, "", "additional_settings: has the character U+0000"},
		{"number out of range", map[string]any{"a": number("1e200000")}, "", "additional_settings: has a number out of range"},
		{"negative number out of range", map[string]any{"a": []any{number("-1e400")}}, "", "additional_settings: has a number out of range"},
		{"U+0000 in the secret name", nil, "desk\x00", "secret_name: has a control character"},
		{"secret name that is not UTF-8", nil, "desk\xff", "secret_name: has a control character or is not valid UTF-8"},
	} {
		bad := item(two, nobody)
		bad.Line, bad.Trunk.AdditionalSettings, bad.SecretName = 3, c.settings, c.secret
		_, err := p.queue.Enqueue(t.Context(), "x", stream(item(one, nobody), bad))
		require.ErrorIs(t, err, mihu.ErrInvalid, c.name)
		require.ErrorContains(t, err, "item 2 (line 3)", c.name)
		require.ErrorContains(t, err, c.says, c.name)
	}
	assert.Empty(t, p.jobs())
}

// Settings reach the API as they were enqueued, although jsonb rewrites numbers.
func TestSettingsAreStoredAsTheyAre(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	wanted := item(one, p.mihu.AddAgent("A"))
	wanted.Trunk.AdditionalSettings = map[string]any{
		"a": number("1.10e2"), "b": number("12345678901234567890.10"), "c": number("1e-200000"), "d": number("-0"), "e": number("1E5"), "text": `<\u0000>`,
	}
	p.enqueue("x", wanted)
	assert.Equal(t, 1, p.enqueue("x", wanted).Unfinished)
	p.work(1, mihuriver.WorkerOptions{})
	assert.Equal(t, 1, p.until(mihuriver.Summary.Finished).Done)
	requests := p.mihu.Requests()
	body := string(requests[len(requests)-1].Body)
	for _, text := range []string{`"a":1.10e2`, `"b":12345678901234567890.10`, `"c":1e-200000`, `"d":-0`, `"e":1E5`} {
		assert.Contains(t, body, text)
	}
	assert.Contains(t, body, `\\u0000`)

	cleared := item(two, p.mihu.AddAgent("B"))
	cleared.Trunk.AdditionalSettings = map[string]any{}
	p.enqueue("x", cleared)
	p.until(mihuriver.Summary.Finished)
	requests = p.mihu.Requests()
	assert.Contains(t, string(requests[len(requests)-1].Body), `"additional_settings":{}`)
}

func number(text string) json.Number { return json.Number(text) }
