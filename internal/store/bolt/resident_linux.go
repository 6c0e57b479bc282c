package bolt

import (
	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// letGo tells the kernel that the pages of the map may go, when much was written or looked
// up since it was told last. They stay in its cache, clean, as the file is written by its
// descriptor; but they no longer count as this process's memory, which would else grow with
// all that it ever read. Who reads one again waits a moment. A kernel that declines changes
// nothing.
func (e *Engine) letGo() {
	stats := e.db.Stats()
	touched := stats.TxStats.GetPageAlloc() + e.views.Load()*viewed
	last := e.letGoAt.Load()
	if touched-last < e.letGoEvery || !e.letGoAt.CompareAndSwap(last, touched) {
		return
	}
	// A transaction holds the map in its place meanwhile.
	_ = e.db.View(func(tx *bbolt.Tx) error {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, e.db.Info().Data, uintptr(tx.Size()), unix.MADV_DONTNEED) //nolint:gosec // a file's size
		return nil
	})
}
