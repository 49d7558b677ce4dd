package provision

// digests are of finished items by their place in the input: half of each, which is enough to see
// that something else is there, since the input as a whole is known to be the same.
type digests struct {
	pages map[int]*digestPage // by place: a journal that skips places takes no memory for them
	end   int                 // one more than the last place
}

const pageSize = 1024

type digestPage [pageSize]uint32

// shortDigest is never 0, which stands for none.
func shortDigest(digest uint64) uint32 { return max(1, uint32(digest)) } //nolint:gosec // half of it is what is wanted

// set says whether there was none in that place.
func (d *digests) set(place int, digest uint64) bool {
	page := d.pages[place/pageSize]
	if page == nil {
		if d.pages == nil {
			d.pages = map[int]*digestPage{}
		}
		page = new(digestPage)
		d.pages[place/pageSize] = page
	}
	before := page[place%pageSize]
	page[place%pageSize] = shortDigest(digest)
	d.end = max(d.end, place+1)
	return before == 0
}

// at is 0 where there is none.
func (d *digests) at(place int) uint32 {
	if page := d.pages[place/pageSize]; page != nil {
		return page[place%pageSize]
	}
	return 0
}
