package provision_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// No value of a field is in a state, in an audit log or in what prints of them, in clear, encoded or
// as a hash that can be guessed. Nor is the key.
func TestStateHoldsNoSecret(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	client := srv.Client(t, onceOnly)
	path, key := filepath.Join(t.TempDir(), "state.jsonl"), provision.NewStateKey()
	file := openStateFile(t, path)
	state := stateIn(t, client, file, key)
	var log bytes.Buffer
	audit := provision.NewAuditWriter(&log)
	var planted []string
	item := func(i int) provision.Item {
		plant := func(field string) string {
			planted = append(planted, fmt.Sprintf("planted-%s-%d", field, i))
			return planted[len(planted)-1]
		}
		item := want(i, i)
		item.Trunk.Name = plant("name")
		item.Trunk.SIP = &mihu.SIPCredentials{Gateway: plant("gateway") + ".example.com", Username: plant("username"), Password: plant("password")}
		item.Trunk.AdditionalSettings = map[string]any{plant("key"): plant("value")}
		return item
	}
	var items []provision.Item
	for i := range 40 {
		items = append(items, item(i))
	}
	srv.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
		switch {
		case req.Method == http.MethodPost && bytes.Contains(req.Body, []byte(trunk(3).PhoneNumber)):
			sip := items[3].Trunk.SIP // a message that quotes the credentials
			return &mihutest.Fault{Status: http.StatusUnprocessableEntity, Message: "refused: " + sip.Username + " " + sip.Password}
		case bytes.Contains(req.Body, []byte(trunk(4).PhoneNumber)):
			return &mihutest.Fault{Drop: true}
		}
		return nil
	})
	_, err := collect(t, provision.Run(t.Context(), client, stream(nil, items...), provision.Options{State: state, Audit: audit.Write}))
	require.NoError(t, err)
	passwords := newStore(t)
	_, err = rotated(t, provision.Rotate(t.Context(), client, trunks(10), passwords, provision.RotateOptions{State: state, Audit: audit.Write}))
	require.NoError(t, err)
	for _, password := range passwords.prepared {
		planted = append(planted, password)
	}
	require.NoError(t, audit.Err())
	appended, err := os.ReadFile(path)
	require.NoError(t, err)
	var printed bytes.Buffer
	for entry, err := range state.All(t.Context()) {
		require.NoError(t, err)
		_, _ = fmt.Fprintf(&printed, "%v %+v %#v\n", entry, entry, entry.Sent)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", entry, entry, entry), entry.Trunk.PhoneNumber)
	}
	require.NoError(t, file.Close())
	sorted, err := os.ReadFile(path)
	require.NoError(t, err)

	planted = append(planted, key.Encode())
	require.Greater(t, len(planted), 250)
	for _, secret := range planted {
		md, sha, sha2 := fmt.Sprintf("%x", md5.Sum([]byte(secret))), fmt.Sprintf("%x", sha1.Sum([]byte(secret))), fmt.Sprintf("%x", sha256.Sum256([]byte(secret)))
		for _, form := range []string{
			secret, fmt.Sprintf("%x", secret), base64.StdEncoding.EncodeToString([]byte(secret))[:len(secret)], fmt.Sprintf("%q", secret)[1 : len(secret)+1],
			md[:16], sha[:16], sha2[:16],
		} {
			for name, text := range map[string][]byte{"state": appended, "sorted state": sorted, "audit": log.Bytes(), "print": printed.Bytes()} {
				if bytes.Contains(text, []byte(form)) {
					t.Errorf("%s has %q", name, secret)
				}
			}
		}
	}
	assert.Contains(t, string(sorted), trunk(1).PhoneNumber)
	assert.Contains(t, log.String(), trunk(1).PhoneNumber)
}

// Equal values of two trunks, and of two fields, have different digests.
func TestDigestsOfEqualValuesDiffer(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	store := newTable()
	same := func(i int) provision.Item {
		item := want(i, i)
		item.Trunk.Name, item.Trunk.SIP = "same", &mihu.SIPCredentials{Username: "same", Password: "same"}
		return item
	}
	_, err := collect(t, provision.Run(t.Context(), srv.Client(t), stream(nil, same(1), same(2)), provision.Options{State: stateIn(t, srv.Client(t), store, provision.NewStateKey())}))
	require.NoError(t, err)
	digests := map[string]bool{}
	for _, entry := range store.entries {
		text, err := entry.Sent.MarshalJSON()
		require.NoError(t, err)
		var again provision.SentFields
		require.NoError(t, again.UnmarshalJSON(text))
		assert.Equal(t, entry.Sent, again)
		for digest := range bytes.SplitSeq(text, []byte(`"`)) {
			if len(digest) == 16 {
				digests[string(digest)] = true
			}
		}
	}
	assert.Len(t, digests, 2*3)
}
