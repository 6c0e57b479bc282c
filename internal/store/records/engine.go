package records

import (
	"context"
	"fmt"
)

// checker is an engine that can check what it keeps below tables and indexes.
type checker interface {
	Check(ctx context.Context, tell func(string)) error
}

// tidier is an engine that can leave out of its indexes what was removed from them and lies
// in its files still.
type tidier interface {
	Tidy(ctx context.Context, index string) error
}

// CheckEngine has the database check itself, where it can, and tells of each fault.
func (s *Store) CheckEngine(ctx context.Context, tell func(Fault)) error {
	c, able := s.engine.(checker)
	if !able {
		return nil
	}
	if err := c.Check(ctx, func(what string) { tell(Fault{"store file", what}) }); err != nil {
		return fmt.Errorf("checking the store's file: %w", err)
	}
	return nil
}
