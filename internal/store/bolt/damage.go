package bolt

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/kv"
)

// ErrDamaged says that the file is not what was written to it.
var ErrDamaged = bilingual.New("记录文件已损坏，请恢复备份", "the store's file is damaged: restore a backup")

// guarded turns bbolt's panics at a damaged page, and pages that the disk cannot read, into
// [ErrDamaged]. Every other panic is a mistake of the program and goes on.
func guarded(f func() error) (err error) {
	// The file is mapped into memory: a page that cannot be read is a fault there, which
	// would end the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if !ofDamage(r) {
			panic(r)
		}
		err = fmt.Errorf("%w (%v)", ErrDamaged, r)
	}()
	return f()
}

// ofDamage reports whether a panic is bbolt's, or that of a run that lacks a segment. It
// is called while the panic is being recovered from.
func ofDamage(r any) bool {
	if text, ok := r.(string); ok && strings.HasPrefix(text, "bolt: segment ") {
		return true
	}
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
	panicked := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic" || frame.Function == "runtime.sigpanic":
			panicked = true
		case panicked && !strings.HasPrefix(frame.Function, "runtime."):
			return strings.HasPrefix(frame.Function, "go.etcd.io/bbolt")
		}
		if !more {
			return false
		}
	}
}

// checkLength refuses a file that is shorter than it says: bbolt maps it into memory, and
// whoever reads behind the end of a file that way is killed.
func checkLength(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockWait})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return kv.ErrInUse
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	var says int64
	err = db.View(func(tx *bbolt.Tx) error {
		says = tx.Size()
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() < says {
		return fmt.Errorf("%w: it has %d bytes and says that it has %d", ErrDamaged, info.Size(), says)
	}
	return nil
}
