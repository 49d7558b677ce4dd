package mihu

import (
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
	problems [][]string // of each item
}

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
	return t.wire.Items != nil && P(nil).isListed(body, len(t.wire.Items)) && t.wire.Pagination != nil
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
		P(new(T)).prepare(fields, each)
		items[i] = each.Fields(fields, reflect.TypeFor[T](), "")
		t.problems[i] = paths(each.Problems)
	}
	pagination := r.Value(onlyExtent(at), reflect.TypeFor[extent](), "pagination")
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
	}
	return nil
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

// onlyExtent returns what a page says about its list, without the items that may stand beside it.
func onlyExtent(at any) any {
	fields, ok := at.(map[string]any)
	if !ok {
		return at
	}
	extent := map[string]any{}
	for name, v := range fields {
		if _, isList := v.([]any); !isList {
			extent[name] = v
		}
	}
	return extent
}

// isZero reports whether a number is sent and is 0.
func isZero(v any) bool {
	n := (&lenient.Reader{}).Value(v, reflect.TypeFor[int](), "")
	return v != nil && n == int64(0)
}

// paginationOf returns what a page says about its list, from the first of the places where it may
// stand.
func paginationOf(fields, root map[string]any) any {
	for _, place := range []any{fields["pagination"], fields["meta"], root["pagination"], root["meta"]} {
		if at, ok := place.(map[string]any); ok && len(at) > 0 {
			return withLinks(at, root)
		}
	}
	for _, name := range []string{"last_page", "total", "has_more", "next_page_url", "next_cursor", "current_page"} {
		if _, ok := fields[name]; ok {
			return fields
		}
	}
	if links, ok := root["links"].(map[string]any); ok {
		return withLinks(map[string]any{}, map[string]any{"links": links})
	}
	return nil
}

// withLinks adds the link to the next page that stands beside.
func withLinks(at, root map[string]any) map[string]any {
	links, _ := root["links"].(map[string]any)
	if next, ok := links["next"].(string); ok && at["next_page_url"] == nil {
		at["next_page_url"] = next
	}
	return at
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
