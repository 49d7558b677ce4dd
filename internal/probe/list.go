package probe

// list is a page of a list.
type list struct {
	items   []map[string]any
	members string // how it reports its extent
	key     string // the member with the items
	page    int    // its number; 0 is unknown
	perPage int
	last    int // the last page; 0 is unknown
	total   int // -1 is unknown
	more    *bool
	cursor  string
}

// list returns the page of a response, or nil. wrapped is whether data is wrapped once more; if it is
// not known yet, the response decides.
func (a *answer) list(wrapped, known bool) *list {
	data, looksWrapped := a.data()
	if known && !wrapped && looksWrapped {
		data = map[string]any{"data": data}
	}
	l := &list{members: "none", total: -1}
	if items, ok := data.([]any); ok {
		l.members = "array"
		return l.with(items)
	}
	object, ok := data.(map[string]any)
	if !ok {
		return nil
	}
	items := l.find(object)
	if items == nil {
		return nil
	}
	l.extent(object)
	return l.with(items)
}

// itemKeys are the names that the items of a list are known to have.
var itemKeys = []string{"items", "data", "results", "records", "list", "phone_numbers", "trunks", "agents"}

// find returns the items of a list.
func (l *list) find(object map[string]any) []any {
	for _, key := range itemKeys {
		if items, ok := object[key].([]any); ok {
			l.key = key
			return items
		}
	}
	for _, value := range object {
		if items, ok := value.([]any); ok {
			l.key = otherText
			return items
		}
	}
	return nil
}

// extent reads what a page says about its list.
func (l *list) extent(object map[string]any) {
	switch pagination, paged := object["pagination"].(map[string]any); {
	case paged:
		l.members = "partial"
		if counts(pagination, "total", "last_page") {
			l.members = "full"
		}
		if !counts(pagination, "current_page", "per_page") || l.members == "partial" && (has(pagination, "total") || has(pagination, "last_page")) {
			l.members = "other"
		}
		l.numbers(pagination)
	case counts(object, "current_page"):
		l.members = "simple"
		if counts(object, "total", "last_page") {
			l.members = "framework"
		} else if has(object, "next_page_url") {
			l.more = new(object["next_page_url"] != nil)
		}
		l.numbers(object)
	case has(object, "next_cursor"):
		l.members = "cursor"
		l.cursor, _ = object["next_cursor"].(string)
		l.more = new(l.cursor != "")
	case has(object, "meta") || has(object, "links"):
		l.members = "other"
		if meta, ok := object["meta"].(map[string]any); ok {
			l.numbers(meta)
		}
	}
}

func (l *list) numbers(from map[string]any) {
	l.page, l.perPage = number(from, "current_page", 0), number(from, "per_page", 0)
	l.last, l.total = number(from, "last_page", 0), number(from, "total", -1)
	if more, ok := from["has_more"].(bool); ok {
		l.more = &more
	}
}

func (l *list) with(items []any) *list {
	for _, item := range items {
		object, _ := item.(map[string]any)
		l.items = append(l.items, object)
	}
	return l
}

// hasExtent reports whether the page says where its list ends.
func (l *list) hasExtent() bool { return l.total >= 0 || l.last > 0 || l.more != nil }

// index returns the place of a number in the page; -1 means that it is not there.
func (l *list) index(e164 string) int {
	for i, item := range l.items {
		if text, _ := item["number"].(string); digits(text) == digits(e164) {
			return i
		}
	}
	return -1
}

// name identifies an item, in memory only.
func name(item map[string]any) string {
	for _, key := range []string{"number", "phone_number_uuid", "agent_uuid"} {
		if text, ok := item[key].(string); ok {
			return text
		}
	}
	return ""
}
