package records

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/elicence/elicence/internal/store/keytree"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
)

// An erasure is two steps. The transaction that erases also notes in the table destroyed
// which keys are to be destroyed; it is durable before a key is touched, as a key that is
// gone cannot be had back if the erasure did not take place. Then the keys are destroyed,
// and only then the erasure is acknowledged. The table is what finishes an erasure that was
// cut off in between, and what tells other nodes: each has its own copy of the keys.

// destroyed is how far this process has followed the table.
type destroyed struct {
	mu   sync.Mutex
	rows uint64 // guarded by mu
}

// generation is the one under which a transaction encrypts.
func (s *Store) generation(tx kv.Tx) sealed.Generation {
	g := generationIn(tx)
	s.box.Use(g)
	return g
}

func generationIn(tx kv.Tx) sealed.Generation {
	if g := getUint(tx.Table(tableMeta), metaGeneration); g != 0 {
		return sealed.Generation(g) //nolint:gosec // one was put there
	}
	return sealed.Shared
}

// hasKeys says what is missing of the keys that the records are under and are looked up by.
func (s *Store) hasKeys(tx kv.Tx) error {
	g := generationIn(tx)
	if err := s.box.Has(g); err != nil {
		return fmt.Errorf("the records are under generation %d of their keys: %w", g, err)
	}
	s.box.Use(g)
	_, err := s.lookupsIn(tx)
	return err
}

// destroy notes keys that are to be destroyed when the transaction is durable.
func (s *Store) destroy(tx kv.Tx, leaves ...keytree.Leaf) error {
	g := s.generation(tx)
	if g == sealed.Shared || len(leaves) == 0 {
		return nil // there is no key of one licence yet
	}
	value := []byte{byte(g)}
	for _, l := range leaves {
		var err error
		if value, err = l.AppendBinary(value); err != nil {
			return err
		}
	}
	meta := tx.Table(tableMeta)
	n := getUint(meta, metaDestroyed) + 1
	return errors.Join(putUint(meta, metaDestroyed, n), tx.Table(tableDestroyed).Put(uint64Key(n), value))
}

// FollowDestroyed destroys the keys of what was erased, by this process or another one:
// those that are noted in the table since it was followed last. When it has returned they
// are gone from this machine's disk.
func (s *Store) FollowDestroyed(ctx context.Context) error {
	s.destroyed.mu.Lock()
	defer s.destroyed.mu.Unlock()
	done, rows := s.destroyed.rows, uint64(0)
	err := s.db.View(ctx, func(tx kv.Tx) error {
		rows = getUint(tx.Table(tableMeta), metaDestroyed)
		return nil
	})
	if err != nil || rows == done {
		return err
	}
	if rows < done {
		done = 0 // it is another history
	}
	leaves := make(map[sealed.Generation][]keytree.Leaf)
	// Only what is durable counts: see above.
	err = s.db.Confirm(ctx, func(tx kv.Tx) error {
		clear(leaves)
		rows = done
		for key, value := range tx.Table(tableDestroyed).Range(uint64Key(done+1), nil) {
			if len(key) != 8 || len(value) == 0 || (len(value)-1)%keytree.LeafSize != 0 {
				return errors.New("an entry of the destroyed keys is damaged")
			}
			rows = binary.BigEndian.Uint64(key)
			g := sealed.Generation(value[0])
			for rest := value[1:]; len(rest) > 0; rest = rest[keytree.LeafSize:] {
				l, err := keytree.ParseLeaf(rest[:keytree.LeafSize])
				if err != nil {
					return err
				}
				leaves[g] = append(leaves[g], l)
			}
		}
		return nil
	})
	for g, all := range leaves {
		if err == nil {
			err = s.box.Destroy(g, all...)
		}
	}
	if err != nil {
		return fmt.Errorf("destroying the keys of what was erased: %w", err)
	}
	s.destroyed.rows = rows
	return nil
}
