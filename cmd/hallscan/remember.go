package main

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"time"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/terminal"
	"github.com/elicence/elicence/internal/terminal/journal"
	"github.com/elicence/elicence/qr/verify"
)

func journalFolder(state string) string { return filepath.Join(state, "journal") }

// remember opens what the terminal must not forget in its state folder, and returns what
// closes it again. What cannot be opened, on a full disk for example, is warned of and
// closes no counter.
func (s *settings) remember(o *terminal.Options) func() {
	closeMemory := s.rememberShown(o)
	closeJournal := s.keepJournal(o)
	return func() {
		closeJournal()
		closeMemory()
	}
}

func (s *settings) rememberShown(o *terminal.Options) func() {
	if s.state != "" {
		memory, err := terminal.OpenMemory(filepath.Join(s.state, "shown"), time.Now(), o.Warn)
		if err == nil {
			o.Replays = memory
			return memory.Close
		}
		o.Warn("which codes were presented is forgotten at the end: " + err.Error())
	}
	memory := verify.NewMemory(terminal.MemoryRoom)
	memory.ForgetBefore(time.Now())
	o.Replays = memory
	return func() {}
}

func (s *settings) keepJournal(o *terminal.Options) func() {
	if !s.journal || s.state == "" {
		return func() {}
	}
	j, err := journal.Open(journalFolder(s.state), rand.Reader)
	if errors.Is(err, durable.ErrInUse) {
		o.Warn("another hallscan writes the journal of this state folder, so these scans are not in it; give --state")
		return func() {}
	}
	if err != nil {
		o.Warn("no journal is kept: " + err.Error())
		return func() {}
	}
	o.Journal = j
	return func() {
		if err := j.Close(); err != nil {
			o.Warn(err.Error())
		}
	}
}
