package terminal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/qr/verify"
)

// MemoryRoom is how many presentations a terminal remembers: more than one counter can
// see in the time that they are good for.
const MemoryRoom = 4096

const memoryFile = "memory"

// Memory remembers across restarts which codes were presented. A presentation is on the
// disk before its verdict is given, so what was accepted once is not accepted again
// after a power loss.
//
// Where the file is damaged or was taken away, nobody knows what was shown: everything
// made before the start counts as shown, and its holder is asked to refresh the code.
// Where there is no folder the terminal starts for the first time and has seen nothing.
type Memory struct {
	memory *verify.Memory
	path   string // empty: kept nowhere
	unlock func()
	warn   func(string)
}

// OpenMemory opens the memory in a folder, making the folder on first use. If another
// process uses it, this one remembers by itself only, and says so.
func OpenMemory(dir string, now time.Time, warn func(string)) (*Memory, error) {
	_, err := os.Stat(dir)
	first := errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("memory of what was shown: %w", err)
	}
	m := &Memory{memory: verify.NewMemory(MemoryRoom), path: filepath.Join(dir, memoryFile), warn: warn}
	unlock, err := durable.LockDir(dir)
	switch {
	case errors.Is(err, durable.ErrInUse):
		m.path, m.unlock = "", func() {}
		m.memory.ForgetBefore(now)
		warn("another hallscan uses this state folder: each remembers by itself which codes were presented; give --state")
		return m, nil
	case err != nil:
		return nil, fmt.Errorf("memory of what was shown: %w", err)
	}
	m.unlock = unlock
	if err := m.restore(now, first); err != nil {
		unlock()
		return nil, fmt.Errorf("memory of what was shown: %w", err)
	}
	return m, nil
}

func (m *Memory) restore(now time.Time, first bool) error {
	b, err := os.ReadFile(m.path)
	if err == nil {
		var restored *verify.Memory
		if restored, err = verify.Restore(b, MemoryRoom); err == nil {
			m.memory = restored
			return nil
		}
		m.warn("what was shown before the start is not known: " + err.Error())
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !first {
		m.memory.ForgetBefore(now)
	}
	return m.write()
}

// Seen implements verify.Replays.
func (m *Memory) Seen(s verify.Showing, now time.Time) bool {
	if m.memory.Seen(s, now) {
		return true
	}
	if err := m.write(); err != nil {
		m.warn("what was shown is not on the disk and would be forgotten at a restart: " + err.Error())
	}
	return false
}

func (m *Memory) write() error {
	if m.path == "" {
		return nil
	}
	return durable.WriteFile(m.path, m.memory.Snapshot(), 0o600)
}

// Close lets another process have the memory.
func (m *Memory) Close() { m.unlock() }
