package bolt

// A page of the map that is touched counts as this process's memory from then on, which would so
// grow with all that it ever read, and within one transaction with the indexes that it goes
// through. So pages are let go on the way: transactions count what they touch, roughly and
// rather too much, and each time that it is half of what may be there they look how many pages
// the process has.
const (
	// letGoEvery is by how many bytes the pages of files in this process's memory may grow
	// beside a transaction that writes until those of the map go.
	letGoEvery = 16 << 20
	// manyViews is how many times as much it may be when so many looks have found no commit
	// since the one before. Who only reads comes to the same pages again, and the one that lets
	// them go waits for it, a millisecond for some ten thousand pages; and there is no heap of
	// thousands of licences besides.
	manyViews = 16
	// window is what a kernel maps where a page is touched, if it has it in its cache.
	window = 16 * 4096
)

// touch counts bytes of the map that the transaction touches.
func (t *tx) touch(bytes int) {
	e := t.engine
	n := e.touched.Add(int64(bytes))
	if n >= e.letGoEvery/2 && e.touched.CompareAndSwap(n, 0) {
		most := e.letGoEvery
		if !t.tx.Writable() && e.looks.Add(1) > manyViews {
			most *= manyViews
		}
		e.letGo(t.tx.Size(), most) // a transaction holds the map in its place
	}
}
