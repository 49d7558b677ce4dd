package provision_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// fileStore is a store whose content survives its process: a line per call.
type fileStore struct {
	mu         sync.Mutex
	file       *os.File
	prepared   map[string]string // passwords by number
	confirmed  map[string]bool
	prepareErr error
	confirmErr error
	empty      bool
}

func openStore(path string) (*fileStore, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s := &fileStore{prepared: map[string]string{}, confirmed: map[string]bool{}}
	for line := range strings.Lines(string(text)) {
		switch words := strings.Fields(line); words[0] {
		case "prepared":
			s.prepared[words[1]] = words[2]
		case "confirmed":
			s.confirmed[words[1]] = true
		}
	}
	s.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return s, err
}

func newStore(t *testing.T) *fileStore {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "passwords"))
}

func reopen(t *testing.T, path string) *fileStore {
	t.Helper()
	store, err := openStore(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.file.Close() })
	return store
}

func (s *fileStore) Prepare(_ context.Context, id mihu.TrunkID) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.prepareErr != nil || s.empty:
		return "", s.prepareErr
	case s.confirmed[id.PhoneNumber]:
		return "", fmt.Errorf("the file has it: %w", provision.ErrAlreadyRotated)
	case s.prepared[id.PhoneNumber] == "":
		s.prepared[id.PhoneNumber] = "planted-" + rand.Text()
		_, err := fmt.Fprintln(s.file, "prepared", id.PhoneNumber, s.prepared[id.PhoneNumber])
		return s.prepared[id.PhoneNumber], err
	}
	return s.prepared[id.PhoneNumber], nil
}

func (s *fileStore) Confirm(ctx context.Context, id mihu.TrunkID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.confirmErr, ctx.Err()); err != nil {
		return err
	}
	s.confirmed[id.PhoneNumber] = true
	_, err := fmt.Fprintln(s.file, "confirmed", id.PhoneNumber)
	return err
}

// trunks are the first n trunks.
func trunks(n int) iter.Seq2[mihu.TrunkID, error] {
	return func(yield func(mihu.TrunkID, error) bool) {
		for i := range n {
			if !yield(trunk(i), nil) {
				return
			}
		}
	}
}

func idStream(err error, ids ...mihu.TrunkID) iter.Seq2[mihu.TrunkID, error] {
	return func(yield func(mihu.TrunkID, error) bool) {
		for _, id := range ids {
			if !yield(id, nil) {
				return
			}
		}
		if err != nil {
			yield(mihu.TrunkID{}, err)
		}
	}
}

// rotated collects the results in the order of the stream, and the error of the rotation.
func rotated(t *testing.T, run iter.Seq2[provision.Rotation, error]) ([]provision.Rotation, error) {
	t.Helper()
	var results []provision.Rotation
	var ended error
	for result, err := range run {
		require.NoError(t, ended, "an error of the rotation comes last and once")
		if err != nil {
			require.Zero(t, result)
			ended = err
			continue
		}
		wantNoPassword(t, result)
		results = append(results, result)
	}
	slices.SortStableFunc(results, func(a, b provision.Rotation) int { return a.Index - b.Index })
	return results, ended
}

// wantNoPassword prints a result in every way.
func wantNoPassword(t *testing.T, result provision.Rotation) {
	t.Helper()
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("rotated", "result", result, "error", result.Err)
	encoded, err := json.Marshal(result)
	require.NoError(t, err)
	for _, text := range []string{log.String(), string(encoded), fmt.Sprintf("%v %+v %#v %s %q", result, result, result, result, result)} {
		assert.NotContains(t, text, "planted")
		assert.NotContains(t, text, result.Trunk.PhoneNumber)
	}
}

func rotateActions(results []provision.Rotation) (all []provision.Action) {
	for _, result := range results {
		all = append(all, result.Action)
	}
	return all
}

func addTrunks(t *testing.T, srv *mihutest.Server, n int) {
	t.Helper()
	for i := range n {
		require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(i), AgentUUID: agent(i)}))
	}
}

// wantSent checks that each trunk was sent one password only, however often, and has it.
func wantSent(t *testing.T, srv *mihutest.Server, store *fileStore) {
	t.Helper()
	for _, req := range srv.Requests() {
		if req.Method != http.MethodPatch {
			continue
		}
		var body struct {
			PhoneNumber string `json:"phone_number"`
			SIP         struct{ Password string }
		}
		require.NoError(t, json.Unmarshal(req.Body, &body))
		assert.Equal(t, store.prepared[body.PhoneNumber], body.SIP.Password)
	}
	for _, held := range srv.Trunks() {
		if store.confirmed[held.ID.PhoneNumber] {
			assert.Equal(t, store.prepared[held.ID.PhoneNumber], held.SIP.Password)
		}
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	srv, store := newServer(t), newStore(t)
	addTrunks(t, srv, 50)
	for _, want := range []provision.Action{provision.Updated, provision.Resumed} {
		results, err := rotated(t, provision.Rotate(t.Context(), srv.Client(t), trunks(50), store, provision.RotateOptions{}))
		require.NoError(t, err)
		require.Len(t, results, 50)
		for i, result := range results {
			assert.Equal(t, provision.Rotation{Trunk: trunk(i), Index: i, Action: want}, result)
		}
		assert.Equal(t, 50, srv.RequestCount())
	}
	wantSent(t, srv, store)
	assert.Len(t, store.confirmed, 50)
}

func TestRotateWhatCannotBe(t *testing.T) {
	t.Parallel()
	srv, store := newServer(t), newStore(t)
	addTrunks(t, srv, 1)
	whatsApp := trunk(0)
	whatsApp.Channel = mihu.ChannelWhatsApp
	bad := mihu.TrunkID{PhoneNumber: "1234", Channel: mihu.ChannelCall}
	ids := idStream(nil, trunk(0), whatsApp, bad, trunk(0), trunk(7))
	var order []int
	var results []provision.Rotation
	for result, err := range provision.Rotate(t.Context(), srv.Client(t), ids, store, provision.RotateOptions{Workers: 1}) {
		require.NoError(t, err)
		order = append(order, result.Index)
		results = append(results, result)
	}
	assert.Equal(t, []int{0, 1, 2, 3, 4}, order)
	assert.Equal(t, []provision.Action{provision.Updated, provision.Failed, provision.Failed, provision.Duplicate, provision.Failed}, rotateActions(results))
	for _, i := range []int{1, 2} {
		_, ok := errors.AsType[*mihu.ValidationError](results[i].Err)
		assert.True(t, ok, results[i].Err)
	}
	require.ErrorIs(t, results[4].Err, mihu.ErrNotFound)
	assert.Len(t, store.prepared, 2, "the store is not called for invalid trunks")
}

func TestRotateRefusesArguments(t *testing.T) {
	t.Parallel()
	client := newMemory().client(t)
	for name, run := range map[string]iter.Seq2[provision.Rotation, error]{
		"context: nil":     provision.Rotate(nil, client, trunks(1), newStore(t), provision.RotateOptions{}), //nolint:staticcheck // it is refused
		"client: ":         provision.Rotate(t.Context(), nil, trunks(1), newStore(t), provision.RotateOptions{}),
		"trunks: nil":      provision.Rotate(t.Context(), client, nil, newStore(t), provision.RotateOptions{}),
		"store: nil":       provision.Rotate(t.Context(), client, trunks(1), nil, provision.RotateOptions{}),
		`workers "-1": `:   provision.Rotate(t.Context(), client, trunks(1), newStore(t), provision.RotateOptions{Workers: -1}),
		`failures "-1": n`: provision.Rotate(t.Context(), client, trunks(1), newStore(t), provision.RotateOptions{MaxFailures: -1}),
	} {
		results, err := rotated(t, run)
		require.ErrorIs(t, err, mihu.ErrInvalid, name)
		require.ErrorContains(t, err, name)
		assert.Empty(t, results)
	}
}

// The password is in the store before it is sent, and nothing is sent if it is not.
func TestRotateStoresFirst(t *testing.T) {
	t.Parallel()
	srv, store := newServer(t), newStore(t)
	addTrunks(t, srv, 20)
	srv.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
		text, err := os.ReadFile(store.file.Name())
		var body struct{ SIP struct{ Password string } }
		if err = errors.Join(err, json.Unmarshal(req.Body, &body)); err != nil || !strings.Contains(string(text), body.SIP.Password+"\n") {
			t.Errorf("a password was sent that is not stored: %v", err)
		}
		return nil
	})
	_, err := rotated(t, provision.Rotate(t.Context(), srv.Client(t), trunks(20), store, provision.RotateOptions{}))
	require.NoError(t, err)

	sent := srv.RequestCount()
	broken := newStore(t)
	broken.prepareErr = errors.New("disk full")
	results, err := rotated(t, provision.Rotate(t.Context(), srv.Client(t), trunks(3), broken, provision.RotateOptions{}))
	require.NoError(t, err)
	for _, result := range results {
		require.ErrorIs(t, result.Err, broken.prepareErr)
		require.ErrorContains(t, result.Err, "not sent")
	}
	broken.prepareErr, broken.empty = nil, true
	results, err = rotated(t, provision.Rotate(t.Context(), srv.Client(t), trunks(1), broken, provision.RotateOptions{}))
	require.NoError(t, err)
	require.ErrorIs(t, results[0].Err, mihu.ErrInvalid)
	assert.Equal(t, sent, srv.RequestCount())
}

// A password that the store has not confirmed is sent again, and is the same.
func TestRotateConfirmFails(t *testing.T) {
	t.Parallel()
	srv, store := newServer(t), newStore(t)
	addTrunks(t, srv, 3)
	store.confirmErr = errors.New("disk full")
	results, err := rotated(t, provision.Rotate(t.Context(), srv.Client(t), trunks(3), store, provision.RotateOptions{}))
	require.NoError(t, err)
	for _, result := range results {
		assert.Equal(t, provision.Failed, result.Action)
		require.ErrorIs(t, result.Err, store.confirmErr)
		require.ErrorContains(t, result.Err, "has its new password")
	}
	store = reopen(t, store.file.Name())
	results, err = rotated(t, provision.Rotate(t.Context(), srv.Client(t), trunks(3), store, provision.RotateOptions{}))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Updated, provision.Updated, provision.Updated}, rotateActions(results))
	wantSent(t, srv, store)
}

// Responses are lost, before and after the change. The next rotation sends the same passwords.
func TestRotateLostResponses(t *testing.T) {
	t.Parallel()
	srv, store := newServer(t), newStore(t)
	addTrunks(t, srv, 30)
	var n atomic.Int64
	srv.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		if i := n.Add(1); i <= 60 {
			return &mihutest.Fault{Drop: true, AfterChange: i%2 == 0}
		}
		return nil
	})
	opts := provision.RotateOptions{Workers: 16}
	results, err := rotated(t, provision.Rotate(t.Context(), srv.Client(t, onceOnly), trunks(30), store, opts))
	require.NoError(t, err)
	unknown := 0
	for _, result := range results {
		if result.Err != nil {
			unknown++
			require.ErrorIs(t, result.Err, mihu.ErrOutcomeUnknown)
		}
	}
	t.Logf("%d of 30 outcomes unknown", unknown)
	assert.Len(t, store.confirmed, 30-unknown)
	wantSent(t, srv, store)

	store = reopen(t, store.file.Name())
	results, err = rotated(t, provision.Rotate(t.Context(), srv.Client(t), trunks(30), store, opts))
	require.NoError(t, err)
	for _, result := range results {
		assert.NoError(t, result.Err)
	}
	assert.Len(t, store.confirmed, 30)
	wantSent(t, srv, store)
}

// An outcome that was unknown once is unknown until an attempt succeeds.
func TestRotateStaysUnknown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		then    int // the status of the second attempt, 0 for success
		unknown bool
	}{
		"refused": {http.StatusForbidden, true}, "gone": {http.StatusNotFound, true}, "done": {0, false}, "busy": {http.StatusTooManyRequests, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			synctest.Test(t, func(t *testing.T) {
				api := newMemory()
				api.trunks[trunk(0)] = agent(0)
				api.fault = func(n int, _ *http.Request) (*http.Response, error) {
					switch {
					case n == 1:
						return nil, errLost
					case test.then > 0:
						return problem(test.then), nil
					}
					return passes()
				}
				results, err := rotated(t, provision.Rotate(t.Context(), api.client(t, onceOnly), trunks(1), store, provision.RotateOptions{}))
				require.NoError(t, err)
				require.Len(t, results, 1)
				assert.Equal(t, test.unknown, errors.Is(results[0].Err, mihu.ErrOutcomeUnknown), results[0].Err)
				assert.Equal(t, !test.unknown, store.confirmed[trunk(0).PhoneNumber])
				assert.LessOrEqual(t, len(api.Flow()), 3)
				assert.GreaterOrEqual(t, len(api.Flow()), 2)
			})
		})
	}
}

func TestRotateEnds(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	addTrunks(t, srv, 20)
	errStream := errors.New("no more")
	store := newStore(t)
	results, err := rotated(t, provision.Rotate(t.Context(), srv.Client(t), idStream(errStream, trunk(0), trunk(1)), store, provision.RotateOptions{}))
	require.ErrorIs(t, err, errStream)
	assert.Len(t, results, 2)

	results, err = rotated(t, provision.Rotate(t.Context(), srv.Client(t), trunks(20), store, provision.RotateOptions{Stop: closed()}))
	require.ErrorIs(t, err, provision.ErrStopped)
	assert.Empty(t, results)

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	results, err = rotated(t, provision.Rotate(canceled, srv.Client(t), trunks(20), store, provision.RotateOptions{}))
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, results)

	require.NoError(t, srv.Inject(mihutest.Fault{On: mihutest.Match{Times: 2}, Status: http.StatusForbidden}))
	results, err = rotated(t, provision.Rotate(t.Context(), srv.Client(t), trunks(20), newStore(t), provision.RotateOptions{Workers: 1, MaxFailures: 2}))
	require.ErrorIs(t, err, provision.ErrTooManyFailures)
	assert.LessOrEqual(t, len(results), 3)

	srv.SetToken("another")
	client, err := mihu.New("", "refused", mihu.WithBaseURL(srv.URL()))
	require.NoError(t, err)
	results, err = rotated(t, provision.Rotate(t.Context(), client, trunks(20), newStore(t), provision.RotateOptions{Workers: 1}))
	require.ErrorIs(t, err, mihu.ErrUnauthorized)
	assert.LessOrEqual(t, len(results), 2)
}

// A trunk in progress is finished, and confirmed, when the loop is left or the context ends after
// the response.
func TestRotateConfirmsWhatWasSent(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	synctest.Test(t, func(t *testing.T) {
		api := newMemory()
		api.latency = time.Second
		for i := range 10 {
			api.trunks[trunk(i)] = agent(i)
		}
		opts := provision.RotateOptions{Workers: 4}
		for _, err := range provision.Rotate(t.Context(), api.client(t), trunks(10), store, opts) {
			require.NoError(t, err)
			break
		}
		assert.Len(t, store.confirmed, len(api.Flow()))
		assert.Len(t, store.prepared, len(api.Flow()))
		assert.Less(t, len(api.Flow()), 10)
	})

	srv := newServer(t)
	addTrunks(t, srv, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	late := cancelingStore{newStore(t), cancel}
	results, err := rotated(t, provision.Rotate(ctx, srv.Client(t), trunks(1), late, provision.RotateOptions{}))
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []provision.Action{provision.Updated}, rotateActions(results))
	assert.Len(t, late.confirmed, 1)
}

// cancelingStore ends the context of the run before it confirms.
type cancelingStore struct {
	*fileStore
	cancel context.CancelFunc
}

func (s cancelingStore) Confirm(ctx context.Context, id mihu.TrunkID) error {
	s.cancel()
	return s.fileStore.Confirm(ctx, id)
}

// rotateMany is the process that TestRotateKills kills.
func rotateMany(url, path string) error {
	client, err := mihu.New("", mihutest.DefaultToken, mihu.WithBaseURL(url))
	if err != nil {
		return err
	}
	store, err := openStore(path)
	if err != nil {
		return err
	}
	for result, err := range provision.Rotate(context.Background(), client, trunks(rotateTrunks), store, provision.RotateOptions{Workers: 16}) {
		if err = errors.Join(err, result.Err); err != nil {
			return err
		}
	}
	return store.file.Close()
}

const rotateTrunks = 500

// A rotation that is killed and started again, three times, sends each trunk one password only.
func TestRotateKills(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	addTrunks(t, srv, rotateTrunks)
	path := filepath.Join(t.TempDir(), "passwords")
	var requests, killAt atomic.Int64
	kill := make(chan struct{}, 1)
	srv.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		if requests.Add(1) == killAt.Load() {
			kill <- struct{}{}
		}
		return nil
	})
	for n := range 4 {
		killAt.Store(0)
		if n < 3 {
			killAt.Store(requests.Load() + 100)
		}
		runProcess(t, kill, n < 3, "PROVISION_TEST_URL="+srv.URL(), "PROVISION_TEST_PASSWORDS="+path)
	}
	store := reopen(t, path)
	assert.Len(t, store.confirmed, rotateTrunks)
	assert.Less(t, int(requests.Load()), rotateTrunks+3*40, "confirmed passwords are not sent again")
	wantSent(t, srv, store)
}
