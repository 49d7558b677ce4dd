package provision

// digests are the digests of finished items by their index in the input. Half of each digest is
// enough to detect another item in its place, because the input as a whole is known to be the same.
type digests struct {
	pages map[int]*digestPage // sparse: a journal that skips indexes takes no memory for them
	end   int                 // one more than the last index
}

const pageSize = 1024

type digestPage [pageSize]uint32

// shortDigest is never 0, which means none.
func shortDigest(digest uint64) uint32 { return max(1, uint32(digest)) } //nolint:gosec // half of it is enough

// set stores a digest. It reports whether there was none for the index.
func (d *digests) set(index int, digest uint64) bool {
	page := d.pages[index/pageSize]
	if page == nil {
		if d.pages == nil {
			d.pages = map[int]*digestPage{}
		}
		page = new(digestPage)
		d.pages[index/pageSize] = page
	}
	before := page[index%pageSize]
	page[index%pageSize] = shortDigest(digest)
	d.end = max(d.end, index+1)
	return before == 0
}

// at returns the digest for an index, 0 if there is none.
func (d *digests) at(index int) uint32 {
	if page := d.pages[index/pageSize]; page != nil {
		return page[index%pageSize]
	}
	return 0
}
