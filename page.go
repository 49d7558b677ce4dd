package mihu

import (
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/mihu-go/mihu/internal/lenient"
)

// Page is one page of a list.
type Page[T any] struct {
	// Items are the items of the page. A list of numbers has one item per number, however many of
	// its channels are bound.
	Items []T `json:"items"`
	// Pagination is nil if the API sends none.
	Pagination *Pagination `json:"pagination"`
}

// Pagination is the position of a page. The API documents it for its rates, and not for its trunks.
// Fields that the API does not send are zero.
type Pagination struct {
	CurrentPage int  `json:"current_page"`
	PerPage     int  `json:"per_page"`
	Total       int  `json:"total"`
	LastPage    int  `json:"last_page"`
	From        int  `json:"from"`
	To          int  `json:"to"`
	HasMore     bool `json:"has_more"`
}

// item is an item of a list: T is a struct, and *T an item.
type item[T any] interface {
	*T
	// identity identifies the item within its list; "" if the item does not say what it is.
	identity() string
	// isWhole reports whether nothing that the item says is in doubt.
	isWhole() bool
	// isListed reports whether a body with n items has what isWhole cannot tell. It may be called
	// on nil.
	isListed(body []byte, n int) bool
	// prepare completes the fields of the item before they are decoded, and notes what is not
	// known.
	prepare(fields map[string]any, r *lenient.Reader)
	// unreadable keeps the fields of the item that could not be read.
	unreadable(paths []string)
}

// pageTarget is a page to decode. It keeps what the page says of the extent of the list, and what
// it leaves open, which Pagination cannot: there, what is missing is zero.
type pageTarget[T any, P item[T]] struct {
	wire struct {
		Items      []T     `json:"items"`
		Pagination *extent `json:"pagination"`
	}
	problems [][]string        // of each item
	raws     []json.RawMessage // of each item, if items keep it
}

// rawItem is an item that keeps its JSON.
type rawItem interface{ keep(json.RawMessage) }

// extent is what a page says about its list.
type extent struct {
	CurrentPage *int    `json:"current_page"`
	PerPage     *int    `json:"per_page"`
	Total       *int    `json:"total"`
	LastPage    *int    `json:"last_page"`
	From        *int    `json:"from"`
	To          *int    `json:"to"`
	HasMore     *bool   `json:"has_more"`
	NextPageURL *string `json:"next_page_url"`
	NextCursor  *string `json:"next_cursor"`
}

func (t *pageTarget[T, P]) into() any { return &t.wire }

func (t *pageTarget[T, P]) reset() { *t = pageTarget[T, P]{} }

// isWhole reports whether the page and all its items say what they should where they should.
func (t *pageTarget[T, P]) isWhole(body []byte) bool {
	for i := range t.wire.Items {
		if each := P(&t.wire.Items[i]); each.identity() == "" || !each.isWhole() {
			return false
		}
	}
	return t.wire.Items != nil && P(nil).isListed(body, len(t.wire.Items)) && !t.wire.Pagination.isSilent() // what it lacks may stand elsewhere
}

// shape finds the items and the pagination in the shapes that this API and its framework have. A
// page without items is malformed, and so is an item that does not say what it is.
func (t *pageTarget[T, P]) shape(data any, root map[string]any, r *lenient.Reader) (any, error) {
	items, at, err := findItems(data, root, 1)
	if err != nil {
		return nil, err
	}
	t.problems = make([][]string, len(items))
	for i, raw := range items {
		each := &lenient.Reader{BadText: r.BadText}
		fields, ok := raw.(map[string]any)
		if !ok {
			return nil, malformed("item " + strconv.Itoa(i+1) + " is not an object")
		}
		t.keepRaw(fields)
		P(new(T)).prepare(fields, each)
		items[i] = each.Fields(fields, reflect.TypeFor[T](), "")
		t.problems[i] = paths(each.Problems)
	}
	pagination := r.Value(at, reflect.TypeFor[extent](), "pagination")
	return map[string]any{"items": items, "pagination": pagination}, nil
}

// note keeps the fields that could not be read, and returns an error if an item does not say what
// it is.
func (t *pageTarget[T, P]) note(*lenient.Reader) error {
	for i := range t.wire.Items {
		each := P(&t.wire.Items[i])
		if each.identity() == "" {
			return malformed("item " + strconv.Itoa(i+1) + " does not say what it is")
		}
		if t.problems[i] != nil {
			each.unreadable(t.problems[i])
		}
		if raw, ok := any(each).(rawItem); ok {
			raw.keep(t.raws[i])
		}
	}
	return nil
}

// keepRaw keeps the JSON of the next item before it is rewritten.
func (t *pageTarget[T, P]) keepRaw(fields map[string]any) {
	if _, ok := any(P(nil)).(rawItem); !ok {
		return
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		raw = nil // not possible: it was decoded from JSON
	}
	t.raws = append(t.raws, raw)
}

// findItems returns the items of a page and what it says about the list. depth bounds how often the
// page may be wrapped.
func findItems(data any, root map[string]any, depth int) ([]any, any, error) {
	if list, ok := data.([]any); ok {
		return list, paginationOf(nil, root), nil
	}
	fields, ok := data.(map[string]any)
	if !ok {
		if data == nil {
			return nil, nil, errNoData
		}
		return nil, nil, malformed("its data is neither an object nor a list")
	}
	if hasError(fields) {
		return nil, nil, malformed("its data has an error")
	}
	at := paginationOf(fields, root)
	if raw, found := fields["items"]; found {
		if items, ok := lenient.List(raw); ok {
			return items, at, nil
		}
		if pagination, _ := at.(map[string]any); raw == nil && isZero(pagination["total"]) {
			return []any{}, at, nil // the list is said to be empty
		}
		return nil, nil, malformed("its items are not a list")
	}
	if inner, found := fields["data"]; found {
		if items, ok := inner.([]any); ok {
			return items, paginationOf(fields, fields), nil // the framework's paginator
		}
		if depth > 0 {
			return findItems(inner, root, depth-1)
		}
	}
	return nil, nil, malformed("it has no items")
}

// isZero reports whether a number is sent and is 0.
func isZero(v any) bool {
	n := (&lenient.Reader{}).Value(v, reflect.TypeFor[int](), "")
	return v != nil && n == int64(0)
}

// paginationOf returns what a page says about its list, put together from the places where it may
// stand. The first place has precedence.
func paginationOf(fields, root map[string]any) any {
	at := map[string]any{}
	for _, page := range []map[string]any{fields, root} {
		meta, _ := page["meta"].(map[string]any)
		for _, place := range []any{page["pagination"], meta, meta["pagination"], linksOf(page), page} {
			add(at, place)
		}
	}
	if len(at) == 0 {
		return nil
	}
	return at
}

// add adds what a place says about the list and no earlier one did.
func add(at map[string]any, place any) {
	fields, _ := place.(map[string]any)
	for _, name := range [...]string{
		"current_page", "per_page", "total", "last_page", "from", "to", "has_more", "next_page_url", "next_cursor",
	} {
		if v, ok := fields[name]; ok && at[name] == nil {
			at[name] = v
		}
	}
	if v, ok := fields["total_pages"]; ok && at["last_page"] == nil {
		at["last_page"] = v
	}
}

// linksOf returns the link to the next page as a pagination.
func linksOf(page map[string]any) map[string]any {
	links, _ := page["links"].(map[string]any)
	if next, ok := links["next"].(string); ok {
		return map[string]any{"next_page_url": next}
	}
	return nil
}

// page returns the page as callers see it.
func (t *pageTarget[T, P]) page() *Page[T] {
	p := &Page[T]{Items: t.wire.Items}
	if e := t.wire.Pagination; e != nil {
		p.Pagination = &Pagination{
			CurrentPage: value(e.CurrentPage), PerPage: value(e.PerPage), Total: value(e.Total), LastPage: value(e.LastPage),
			From: value(e.From), To: value(e.To), HasMore: value(e.HasMore),
		}
	}
	return p
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
