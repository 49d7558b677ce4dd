package mihutest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// withShape returns the option for a shape.
func withShape(shape mihutest.SuccessShape) mihutest.Option {
	return mihutest.WithRules(mihutest.Rules{AnyAgent: true, SuccessShape: shape})
}

func TestPagingShapes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shape  mihutest.SuccessShape
		query  string
		want   string // the response with ITEMS for the array of items
		number []string
	}{
		"full": {
			mihutest.SuccessShape{},
			"?per_page=2",
			`{"success":true,"data":{"items":ITEMS,"pagination":{"current_page":1,"per_page":2,"total":3,"last_page":2,"from":1,"to":2,"has_more":true}}}`,
			[]string{"0", "1"},
		},
		"partial": {
			mihutest.SuccessShape{Paging: mihutest.PagingPartial},
			"?per_page=2&page=2",
			`{"success":true,"data":{"items":ITEMS,"pagination":{"current_page":2,"per_page":2}}}`,
			[]string{"2"},
		},
		"framework": {
			mihutest.SuccessShape{Paging: mihutest.PagingFramework},
			"?per_page=2",
			`{"success":true,"data":{"current_page":1,"data":ITEMS,"from":1,"last_page":2,"next_page_url":"URL/phone-numbers/trunks?page=2","per_page":2,"prev_page_url":null,"to":2,"total":3}}`,
			[]string{"0", "1"},
		},
		"framework, after the last page": {
			mihutest.SuccessShape{Paging: mihutest.PagingFramework},
			"?per_page=2&page=3",
			`{"success":true,"data":{"current_page":3,"data":ITEMS,"from":null,"last_page":2,"next_page_url":null,"per_page":2,"prev_page_url":"URL/phone-numbers/trunks?page=2","to":null,"total":3}}`,
			[]string{},
		},
		"simple": {
			mihutest.SuccessShape{Paging: mihutest.PagingSimple},
			"?per_page=2&page=2",
			`{"success":true,"data":{"current_page":2,"data":ITEMS,"from":3,"next_page_url":null,"per_page":2,"prev_page_url":"URL/phone-numbers/trunks?page=1","to":3}}`,
			[]string{"2"},
		},
		"array": {
			mihutest.SuccessShape{Paging: mihutest.PagingArray},
			"?per_page=2",
			`{"success":true,"data":ITEMS}`,
			[]string{"0", "1"},
		},
		"cursor, first page": {
			mihutest.SuccessShape{Paging: mihutest.PagingCursor},
			"?per_page=2&page=2",
			`{"success":true,"data":{"items":ITEMS,"next_cursor":"after-2","has_more":true}}`,
			[]string{"0", "1"},
		},
		"cursor, last page": {
			mihutest.SuccessShape{Paging: mihutest.PagingCursor},
			"?per_page=2&cursor=after-2",
			`{"success":true,"data":{"items":ITEMS,"next_cursor":null,"has_more":false}}`,
			[]string{"2"},
		},
		"page ignored": {
			mihutest.SuccessShape{IgnorePage: true},
			"?per_page=2&page=2",
			`{"success":true,"data":{"items":ITEMS,"pagination":{"current_page":1,"per_page":50,"total":3,"last_page":1,"from":1,"to":3,"has_more":false}}}`,
			[]string{"0", "1", "2"},
		},
		"items by another name": {
			mihutest.SuccessShape{ItemsKey: "trunks", Paging: mihutest.PagingPartial},
			"",
			`{"success":true,"data":{"trunks":ITEMS,"pagination":{"current_page":1,"per_page":50}}}`,
			[]string{"0", "1", "2"},
		},
		"wrapped, without success": {
			mihutest.SuccessShape{Wrapped: true, OmitSuccess: true, Paging: mihutest.PagingArray},
			"",
			`{"data":{"data":ITEMS}}`,
			[]string{"0", "1", "2"},
		},
		"without data": {mihutest.SuccessShape{OmitData: true}, "", `{"success":true}`, nil},
		"byte order mark": {
			mihutest.SuccessShape{ByteOrderMark: true, Paging: mihutest.PagingArray},
			"",
			"\ufeff" + `{"success":true,"data":ITEMS}`,
			[]string{"0", "1", "2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withShape(c.shape))
			all := w.seed(3)
			got := w.must(http.StatusOK, "GET", trunk+c.query, "")
			before, after, hasItems := strings.Cut(strings.ReplaceAll(c.want, "URL", w.URL()), "ITEMS")
			if !hasItems {
				assert.Equal(t, c.want, got)
				return
			}
			require.True(t, strings.HasPrefix(got, before), got)
			require.True(t, strings.HasSuffix(got, after), got)
			var items []struct{ Number string }
			require.NoError(t, json.Unmarshal([]byte(got[len(before):len(got)-len(after)]), &items), got)
			numbers := []string{}
			for _, item := range items {
				numbers = append(numbers, strings.TrimPrefix(item.Number, all[0][:len(all[0])-1]))
			}
			assert.Equal(t, c.number, numbers)
		})
	}
}

func TestCursorParameter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withShape(mihutest.SuccessShape{Paging: mihutest.PagingCursor}))
	for _, cursor := range []string{"", "2", "after-", "after--1", "after-x"} {
		w.refuses(http.StatusUnprocessableEntity, "VALIDATION_ERROR", "cursor", "GET", trunk+"?cursor="+cursor, "")
	}
	newWorld(t).refuses(http.StatusUnprocessableEntity, "VALIDATION_ERROR", "cursor", "GET", trunk+"?cursor=after-2", "")
}

func TestShapesWithNoPagination(t *testing.T) {
	t.Parallel()
	for _, paging := range []mihutest.Paging{mihutest.PagingFull, mihutest.PagingCursor, mihutest.PagingArray, mihutest.PagingFramework} {
		w := newWorld(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true, NoPagination: true, SuccessShape: mihutest.SuccessShape{Paging: paging}}))
		w.seed(60)
		got := w.must(http.StatusOK, "GET", trunk+"?per_page=2", "")
		assert.Equal(t, 60, strings.Count(got, `"phone_number_uuid"`))
		assert.NotContains(t, got, "page")
		assert.NotContains(t, got, "cursor")
	}
}

func TestShapesOfSnapshotsAndErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withShape(mihutest.SuccessShape{Wrapped: true, OmitSuccess: true, ByteOrderMark: true}))
	got := w.create(n1, "call", ada)
	assert.True(t, strings.HasPrefix(got, "\ufeff"+`{"message":"Trunk created","data":{"data":{"phone_number_uuid":`), got)
	got = w.must(http.StatusConflict, "POST", trunk, with(""))
	assert.True(t, strings.HasPrefix(got, "\ufeff"+`{"success":false,"message":`), got)
}

// A fault replaces the shape of one response.
func TestFaultWithASuccessShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withShape(mihutest.SuccessShape{Wrapped: true}))
	shape := &mihutest.SuccessShape{OmitData: true}
	require.NoError(t, w.Inject(mihutest.Fault{SuccessShape: shape}))
	shape.OmitData = false // Inject has copied it
	assert.JSONEq(t, `{"success":true,"message":"Trunk created"}`, w.create(n1, "call", ada))
	assert.Len(t, w.Trunks(), 1)
	assert.Contains(t, w.must(http.StatusOK, "GET", trunk, ""), `{"success":true,"data":{"data":{"items":`)
}

func TestContradictions(t *testing.T) {
	t.Parallel()
	const url = "/phone-numbers/channels?number=%2B12345678901"
	for name, c := range map[string]struct {
		contradiction mihutest.Contradiction
		want          func(t *testing.T, truth, got mihu.ChannelSnapshot)
	}{
		"other number": {mihutest.OtherNumber, func(t *testing.T, truth, got mihu.ChannelSnapshot) {
			t.Helper()
			assert.Equal(t, "+12345678902", got.Number)
			assert.NotEqual(t, truth.PhoneNumberUUID, got.PhoneNumberUUID)
			assert.Equal(t, truth.Channels, got.Channels)
		}},
		"other agent": {mihutest.OtherAgent, func(t *testing.T, truth, got mihu.ChannelSnapshot) {
			t.Helper()
			assert.Equal(t, truth.Number, got.Number)
			assert.True(t, got.Channels.Call.Bound)
			assert.NotEqual(t, ada, got.Channels.Call.AgentUUID)
			assert.False(t, got.Channels.WhatsApp.Bound)
		}},
		"not bound": {mihutest.NotBound, func(t *testing.T, truth, got mihu.ChannelSnapshot) {
			t.Helper()
			assert.Equal(t, truth.Number, got.Number)
			assert.Empty(t, got.Channels.Call.AgentUUID)
			assert.False(t, got.Channels.Call.Bound)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			read := func(body string) (snapshot mihu.ChannelSnapshot) {
				var envelope struct{ Data json.RawMessage }
				require.NoError(t, json.Unmarshal([]byte(body), &envelope))
				require.NoError(t, json.Unmarshal(envelope.Data, &snapshot))
				return snapshot
			}
			for _, method := range []string{"GET", "POST"} {
				require.NoError(t, w.Inject(mihutest.Fault{On: mihutest.Match{Method: method}, Contradict: c.contradiction}))
			}
			created := read(w.create(n1, "call", ada))
			got := read(w.must(http.StatusOK, "GET", url, ""))
			truth := read(w.must(http.StatusOK, "GET", url, ""))
			require.Equal(t, n1, truth.Number)
			require.Equal(t, ada, truth.Channels.Call.AgentUUID)
			c.want(t, truth, created)
			c.want(t, truth, got)
			assert.Equal(t, ada, w.held(n1, "call").AgentUUID, "the state is not affected")
		})
	}
}

func TestInvalidShapesAndContradictions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for want, fault := range map[string]mihutest.Fault{
		"there is no Paging 7":                                     {SuccessShape: &mihutest.SuccessShape{Paging: 7}},
		"there is no Contradiction 4":                              {Contradict: 4},
		"there is no Contradiction -1":                             {Contradict: -1},
		"Delay, DelayAfter or ReadLag is negative":                 {ReadLag: -1},
		"ReadLag 1ns is more than 0s, the MaxReadLag of the Rules": {ReadLag: 1},
	} {
		require.EqualError(t, w.Inject(fault), "mihutest: Inject: fault 0: "+want)
	}
	for _, fault := range []mihutest.Fault{
		{Status: 500, Contradict: mihutest.NotBound},
		{Drop: true, AfterChange: true, SuccessShape: new(mihutest.SuccessShape)},
		{Body: []byte("x"), ReadLag: 1},
	} {
		err := w.Inject(fault)
		require.EqualError(t, err, "mihutest: Inject: fault 0: SuccessShape, ReadLag and Contradict need the ordinary response, without Status, Body and Drop", "%+v", fault)
	}
	_, err := mihutest.Start(mihutest.WithRules(mihutest.Rules{SuccessShape: mihutest.SuccessShape{Paging: -1}}))
	require.EqualError(t, err, "mihutest: WithRules: there is no Paging -1")
	for _, rules := range []mihutest.Rules{{ReadLag: -1}, {MaxReadLag: -1}, {ReadLag: 2, MaxReadLag: 1}} {
		_, err = mihutest.Start(mihutest.WithRules(rules))
		require.EqualError(t, err, "mihutest: WithRules: ReadLag is negative or more than MaxReadLag")
	}
	w.InjectFunc(func(mihutest.Request) *mihutest.Fault { return &mihutest.Fault{ReadLag: 1} })
	assert.Contains(t, w.must(http.StatusInternalServerError, "GET", trunk, ""), "INVALID_FAULT")
}
