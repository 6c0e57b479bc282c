package sdf

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"

	"github.com/emmansun/gmsm/sm3"
)

// session is an open session and the private keys it may use, each with the SM3 of
// the password that gave the right: another password is put to the device, though
// the session has the right already. The right ends with the session.
type session struct {
	Session
	granted map[uint32][sm3.Size]byte
}

func (s *session) access(index uint32, password []byte) error {
	if len(password) == 0 {
		return nil
	}
	sum := sm3.Sum(password)
	if given, ok := s.granted[index]; ok && subtle.ConstantTimeCompare(given[:], sum[:]) == 1 {
		return nil
	}
	if err := s.AccessPrivateKey(index, password); err != nil {
		return fmt.Errorf("asking for the right to use the key: %w", err)
	}
	s.granted[index] = sum
	return nil
}

// sessions are a device's sessions: a bounded number is in use, the others wait.
type sessions struct {
	inUse chan struct{}

	mu   sync.Mutex // guards idle
	idle []*session
}

// take returns an idle session, or nil where one must be opened, when there is room.
func (p *sessions) take() *session {
	p.inUse <- struct{}{}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	s := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return s
}

// leave gives the room back, and the session unless it is nil.
func (p *sessions) leave(s *session) {
	p.mu.Lock()
	if s != nil {
		p.idle = append(p.idle, s)
	}
	p.mu.Unlock()
	<-p.inUse
}

// close closes the idle sessions.
func (p *sessions) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var failed error
	for _, s := range p.idle {
		failed = errors.Join(failed, s.Close())
	}
	p.idle = nil
	return failed
}

// with lends f a session. A session in which anything has failed is closed; one
// that had served before may have been lost with the device's last restart, so f is
// then tried once more in a new one; not with a password that was refused, as devices
// count those.
func (d *Device) with(f func(*session) error) error {
	s := d.sessions.take()
	served := s != nil
	for {
		if s == nil {
			opened, err := d.library.OpenSession()
			if err != nil {
				d.sessions.leave(nil)
				return fmt.Errorf("opening a session: %w", err)
			}
			s = &session{opened, make(map[uint32][sm3.Size]byte)}
		}
		err := f(s)
		if err == nil {
			d.sessions.leave(s)
			return nil
		}
		closing := s.Close()
		s = nil
		if !served || errors.Is(err, StatusAccess) || errors.Is(err, StatusNoKey) {
			d.sessions.leave(nil)
			return errors.Join(err, closing)
		}
		served = false
	}
}
