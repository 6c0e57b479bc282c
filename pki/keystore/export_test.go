package keystore

// StopAt has f called before and after each change of a file; its error ends the
// act there, as a crash would.
func (s *Store) StopAt(f func(step string) error) { s.at = f }
