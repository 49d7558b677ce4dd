package mihutest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// SuccessShape is the JSON form of successful responses. Its zero value is the documented form.
type SuccessShape struct {
	// Paging is how a list reports its extent. The default is PagingFull.
	Paging Paging
	// IgnorePage makes a list ignore page, per_page and cursor: it always returns the first 50 items.
	IgnorePage bool
	// ItemsKey replaces the key "items" of a list; "" means "items". It has no effect with
	// PagingFramework, PagingSimple and PagingArray.
	ItemsKey string
	// Wrapped wraps data once more: {"success":true,"data":{"data":{…}}}.
	Wrapped bool
	// OmitData omits data, so that the response only reports success.
	OmitData bool
	// OmitSuccess omits success.
	OmitSuccess bool
	// ByteOrderMark puts a byte order mark in front of the JSON, also in front of errors.
	ByteOrderMark bool
}

// Paging is how a list reports its extent.
type Paging int

// The ways to report the extent of a list.
const (
	// PagingFull sends all fields of data.pagination:
	//
	//	{"items":[…],"pagination":{"current_page":1,"per_page":50,"total":120,"last_page":3,"from":1,"to":50,"has_more":true}}
	PagingFull Paging = iota
	// PagingPartial sends only the page and its size. The list may have more pages:
	//
	//	{"items":[…],"pagination":{"current_page":1,"per_page":50}}
	PagingPartial
	// PagingFramework sends the paginator of the framework that the API appears to be built on:
	//
	//	{"current_page":1,"data":[…],"from":1,"last_page":3,"next_page_url":"…","per_page":50,"prev_page_url":null,"to":50,"total":120}
	PagingFramework
	// PagingSimple sends the framework's paginator without last_page and total.
	PagingSimple
	// PagingArray sends the items of the page as data, without any information on its extent.
	PagingArray
	// PagingCursor sends a cursor instead of page numbers. Lists then ignore page, and accept the
	// parameter cursor if the Rules set this shape:
	//
	//	{"items":[…],"next_cursor":"after-50","has_more":true}
	PagingCursor
	// PagingNone sends the items of the page, without any information on its extent:
	//
	//	{"items":[…]}
	PagingNone
)

// violation is the first rule that the shape breaks; "" means none.
func (s SuccessShape) violation() string {
	if s.Paging < PagingFull || s.Paging > PagingNone {
		return fmt.Sprintf("there is no Paging %d", s.Paging)
	}
	return ""
}

const cursorPrefix = "after-"

// slice is a part of a list.
type slice struct {
	items         any // a slice that is not nil
	count         int // of items
	page, perPage int
	offset, total int
	url           string // of the list
	unpaged       bool   // the rules turn pagination off
}

func (s *slice) end() int      { return s.offset + s.count }
func (s *slice) lastPage() int { return max(1, (s.total+s.perPage-1)/s.perPage) }

// bounds returns the positions of the first and the last item; nil if there are no items.
func (s *slice) bounds() (from, to *int) {
	if s.count == 0 {
		return nil, nil
	}
	return new(s.offset + 1), new(s.end())
}

// data returns the data of a list in a shape.
func (s *slice) data(shape SuccessShape) any {
	if s.unpaged {
		if shape.Paging == PagingArray {
			return s.items
		}
		return listData{key: shape.ItemsKey, items: s.items}
	}
	from, to := s.bounds()
	switch shape.Paging {
	case PagingArray:
		return s.items
	case PagingCursor:
		d := cursorData{HasMore: s.end() < s.total}
		if d.HasMore {
			d.NextCursor = new(cursorPrefix + strconv.Itoa(s.end()))
		}
		return listData{key: shape.ItemsKey, items: s.items, rest: d}
	case PagingFramework, PagingSimple:
		d := paginatorData{CurrentPage: s.page, Data: s.items, From: from, To: to, PerPage: s.perPage}
		if s.page > 1 {
			d.PrevPageURL = new(fmt.Sprintf("%s?page=%d", s.url, s.page-1))
		}
		if s.page < s.lastPage() {
			d.NextPageURL = new(fmt.Sprintf("%s?page=%d", s.url, s.page+1))
		}
		if shape.Paging == PagingFramework {
			d.LastPage, d.Total = new(s.lastPage()), new(s.total)
		}
		return d
	case PagingNone:
		return listData{key: shape.ItemsKey, items: s.items}
	case PagingPartial:
		return listData{key: shape.ItemsKey, items: s.items, rest: paginationData{partialPagination{s.page, s.perPage}}}
	default:
		full := pagination{
			CurrentPage: s.page, PerPage: s.perPage, Total: s.total, LastPage: s.lastPage(),
			From: from, To: to, HasMore: s.page < s.lastPage(),
		}
		return listData{key: shape.ItemsKey, items: s.items, rest: paginationData{full}}
	}
}

// listData is the data of a list: the items and the fields of rest.
type listData struct {
	key   string // of the items; "" means items
	items any
	rest  any // a struct; nil means no other fields
}

// MarshalJSON puts the items in front of the other fields.
func (d listData) MarshalJSON() ([]byte, error) {
	key := d.key
	if key == "" {
		key = "items"
	}
	items, err := json.Marshal(d.items)
	if err != nil {
		return nil, err
	}
	name, err := json.Marshal(key)
	if err != nil {
		return nil, err
	}
	text := "{" + string(name) + ":" + string(items)
	if d.rest != nil {
		rest, err := json.Marshal(d.rest)
		if err != nil {
			return nil, err
		}
		text += "," + strings.TrimPrefix(string(rest), "{")
	} else {
		text += "}"
	}
	return []byte(text), nil
}
