package sdf

import (
	"errors"
	"fmt"
)

// session is an open session and the private keys it may use. The right ends with
// the session.
type session struct {
	Session
	granted map[uint32]bool
}

func (s *session) access(index uint32, password []byte) error {
	if s.granted[index] || len(password) == 0 {
		return nil
	}
	if err := s.AccessPrivateKey(index, password); err != nil {
		return fmt.Errorf("asking for the right to use the key: %w", err)
	}
	s.granted[index] = true
	return nil
}

// with lends f a session. A session in which anything has failed is closed; one
// that had served before may have been lost with the device's last restart, so f is
// then tried once more in a new one; not with a password that was refused, as devices
// count those.
func (d *Device) with(f func(*session) error) error {
	s := <-d.sessions
	served := s != nil
	for {
		if s == nil {
			opened, err := d.library.OpenSession()
			if err != nil {
				d.sessions <- nil
				return fmt.Errorf("opening a session: %w", err)
			}
			s = &session{opened, make(map[uint32]bool)}
		}
		err := f(s)
		if err == nil {
			d.sessions <- s
			return nil
		}
		closing := s.Close()
		s = nil
		if !served || errors.Is(err, StatusAccess) || errors.Is(err, StatusNoKey) {
			d.sessions <- nil
			return errors.Join(err, closing)
		}
		served = false
	}
}
