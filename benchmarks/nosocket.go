package main

import "slices"

// noSocketCalls measures one call and one page of 200 numbers without a network, on both Go releases.
func (b *bench) noSocketCalls() error {
	columns := []column{
		{Key: "ratio", Title: "time / NAIVE", Format: "%.2f", Spread: true},
		{Key: "cpu", Title: "CPU / NAIVE", Format: "%.2f"},
		{Key: "seconds", Title: "µs", Format: "%.1f", Scale: 1e-6},
		{Key: "allocs", Title: "allocations", Format: "%.0f"},
		{Key: "bytes", Title: "kB", Format: "%.1f", Scale: 1000},
	}
	across := column{Key: "across", Title: "time / NAIVE on " + b.goVersion, Format: "%.2f", Spread: true}

	here, next := newSheet(), newSheet()
	if err := b.alternate("call", 4000, 20, contenders, here, next); err != nil {
		return err
	}
	compare(here, next, naive)
	b.tables = append(b.tables, here.table(table{Name: "call", Title: "One call without a socket, " + b.goVersion, Columns: columns}))
	if b.nextWorker != nil {
		b.tables = append(b.tables, next.table(table{
			Name: "call-next", Title: "One call without a socket, " + b.nextVersion, Columns: append(slices.Clone(columns), across),
		}))
	}

	readers := []contender{{name: plain}}
	for _, c := range contenders {
		if !slices.Contains([]string{floor, "twilio", "stripe"}, c.name) { // which decode into nothing else than what is theirs
			readers = append(readers, c)
		}
	}
	columns = slices.Clone(columns)
	columns[0].Title, columns[1].Title = "time / json.Unmarshal alone", "CPU / json.Unmarshal alone"
	here, next = newSheet(), newSheet()
	if err := b.alternate("page", 20, 20, readers, here, next); err != nil {
		return err
	}
	compare(here, next, plain)
	b.tables = append(b.tables, here.table(table{Name: "page", Title: "A page of 200 numbers without a socket, " + b.goVersion, Columns: columns}))
	if b.nextWorker != nil {
		b.tables = append(b.tables, next.table(table{
			Name: "page-next", Title: "A page of 200 numbers without a socket, " + b.nextVersion, Columns: columns,
		}))
	}
	return nil
}

// plain is json.Unmarshal of existing bytes into plain structs.
const plain = "json.Unmarshal"

// alternate lets every contender do a task in turn, on each Go release.
func (b *bench) alternate(task string, calls, rounds int, who []contender, here, next *sheet) error {
	if b.short {
		calls /= 10
	}
	for round := range b.times(rounds) {
		for _, c := range rotated(who, round) {
			o := order{Do: task, Contender: c.name, Calls: calls}
			if c.name == plain {
				o.Do = "plain"
			}
			for _, turn := range []struct {
				*worker
				*sheet
			}{{b.worker, here}, {b.nextWorker, next}} {
				if turn.worker == nil {
					continue
				}
				got, err := turn.do(o)
				if err != nil {
					return err
				}
				turn.add(c.name, "seconds", got.Seconds/float64(calls))
				turn.add(c.name, "cpu seconds", got.CPU/float64(calls))
				turn.add(c.name, "allocs", got.Allocs)
				turn.add(c.name, "bytes", got.Bytes)
			}
		}
	}
	return nil
}

func compare(here, next *sheet, base string) {
	for _, s := range []*sheet{here, next} {
		s.ratio("ratio", "seconds", s.samples[base]["seconds"])
		s.ratio("cpu", "cpu seconds", s.samples[base]["cpu seconds"])
	}
	next.ratio("across", "seconds", here.samples[base]["seconds"])
}
