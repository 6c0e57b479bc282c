package records

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/store/kv"

	"github.com/elicence/elicence/internal/store/keytree"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki/audit"
)

// log is the audit log within one transaction. What lies beside an entry is
// encrypted.
type log struct {
	meta, leaves, beside, nodes kv.Table
	box                         *sealed.Box
	generation                  func() sealed.Generation
	added                       []placed       // hashes that SetSize will store
	destroys                    []keytree.Leaf // of what was erased
}

var _ audit.Storage = (*log)(nil)

func (s *Store) log(tx kv.Tx) *log {
	return &log{
		meta: tx.Table(tableMeta), leaves: tx.Table(tableAuditLeaves), beside: tx.Table(tableAuditBeside), nodes: tx.Table(tableAuditNodes), box: s.box,
		generation: func() sealed.Generation { return s.generation(tx) },
	}
}

// appendAudit adds entries to the log in the transaction of what they record.
func (s *Store) appendAudit(tx kv.Tx, records ...audit.Record) error {
	if len(records) == 0 {
		return nil
	}
	if _, err := audit.Append(s.log(tx), records...); err != nil {
		return fmt.Errorf("appending to the audit log: %w", err)
	}
	return nil
}

// ReadLog calls f with the log as of one moment. It cannot be written to.
func (s *Store) ReadLog(ctx context.Context, f func(audit.Storage) error) error {
	return s.db.View(ctx, func(tx kv.Tx) error { return f(s.log(tx)) })
}

// ConfirmLog is [Store.ReadLog] that returns when what f has seen is as durable as an
// acknowledged act.
func (s *Store) ConfirmLog(ctx context.Context, f func(audit.Storage) error) error {
	return s.db.Confirm(ctx, func(tx kv.Tx) error { return f(s.log(tx)) })
}

// EraseDetails removes what lies beside entries and records that, in one
// transaction (see [audit.Erase]), and then destroys the keys. The file keeps the
// ciphertext in pages that are free until they are written to again; copies of the file
// keep it as well.
func (s *Store) EraseDetails(ctx context.Context, erasures ...audit.Record) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		l := s.log(tx)
		if _, err := audit.Erase(l, erasures...); err != nil {
			return err
		}
		return s.destroy(tx, l.destroys...)
	})
	if err == nil {
		err = s.FollowDestroyed(ctx)
	}
	if err != nil {
		return fmt.Errorf("writing to the audit log: %w", err)
	}
	return nil
}

// Size implements [audit.Storage].
func (l *log) Size() (uint64, error) { return getUint(l.meta, metaAuditSize), nil }

// Hashes stand in the order in which entries complete their nodes, so that the log only
// ever grows at its end, [chunkNodes] of them in a value.

// chunkNodes is how many hashes a value holds: four values fill a page of the embedded
// store.
const chunkNodes = 31

// placed is a hash and its place.
type placed struct {
	place uint64
	hash  []byte
}

// nodePlace is the place of a node: it is completed by its last entry e, before which all
// entries together have completed 2e minus the one bits of e.
func nodePlace(level uint, index uint64) uint64 {
	e := (index+1)<<level - 1
	return 2*e - uint64(bits.OnesCount64(e)) + uint64(level) //nolint:gosec // at most 64
}

// Node implements [audit.Storage].
func (l *log) Node(level uint, index uint64) ([]byte, error) {
	place := nodePlace(level, index)
	if i := slices.IndexFunc(l.added, func(p placed) bool { return p.place == place }); i >= 0 {
		return l.added[i].hash, nil
	}
	chunk, at := l.nodes.Get(uint64Key(place/chunkNodes)), int(place%chunkNodes)*sm3.Size
	if len(chunk) < at+sm3.Size {
		return nil, errors.New("the node is missing")
	}
	return bytes.Clone(chunk[at : at+sm3.Size]), nil
}

// PutNode implements [audit.Storage]. Nodes are stored when the size is.
func (l *log) PutNode(level uint, index uint64, hash []byte) error {
	l.added = append(l.added, placed{nodePlace(level, index), hash})
	return nil
}

// SetSize implements [audit.Storage].
func (l *log) SetSize(n uint64) error {
	var chunk []byte
	var number uint64
	slices.SortFunc(l.added, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	for _, node := range l.added {
		place := node.place
		if chunk == nil || place/chunkNodes != number {
			if chunk != nil {
				if err := l.nodes.Put(uint64Key(number), chunk); err != nil {
					return err
				}
			}
			number = place / chunkNodes
			chunk = make([]byte, 0, chunkNodes*sm3.Size)
			if place%chunkNodes > 0 { // else it begins here
				chunk = append(chunk, l.nodes.Get(uint64Key(number))...)
			}
		}
		at := int(place%chunkNodes) * sm3.Size
		if len(chunk) < at {
			return errors.New("a node before it is missing")
		}
		chunk = append(chunk[:at], node.hash...)
	}
	if chunk != nil {
		if err := l.nodes.Put(uint64Key(number), chunk); err != nil {
			return err
		}
	}
	l.added = nil
	return putUint(l.meta, metaAuditSize, n)
}

// erasedMark begins what stands in the place of erased details, before the index
// of the entry that erased them. Ciphertexts begin with a version, which is never 0.
const erasedMark = 0

// Record implements [audit.Storage].
func (l *log) Record(index uint64) (audit.Record, error) {
	leaf := l.leaves.Get(uint64Key(index))
	if leaf == nil {
		return audit.Record{}, errors.New("the entry is missing")
	}
	r := audit.Record{Leaf: bytes.Clone(leaf)}
	ciphertext := l.beside.Get(uint64Key(index))
	if ciphertext == nil {
		return r, nil // no details
	}
	if len(ciphertext) == 9 && ciphertext[0] == erasedMark {
		r.ErasedBy = binary.BigEndian.Uint64(ciphertext[1:])
		return r, nil
	}
	beside, err := l.box.OpenBeside(index, ciphertext)
	if errors.Is(err, sealed.ErrDestroyed) {
		r.Destroyed = true
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("what lies beside the entry: %w", err)
	}
	if len(beside) <= audit.KeySize {
		return r, errors.New("what lies beside the entry is too short")
	}
	r.Key, r.Details = beside[:audit.KeySize], beside[audit.KeySize:]
	return r, nil
}

// PutRecord implements [audit.Storage].
func (l *log) PutRecord(index uint64, r audit.Record) error {
	if err := l.leaves.Put(uint64Key(index), r.Leaf); err != nil {
		return err
	}
	if r.ErasedBy > 0 {
		if err := l.destroy(index); err != nil {
			return err
		}
		return l.beside.Put(uint64Key(index), binary.BigEndian.AppendUint64([]byte{erasedMark}, r.ErasedBy))
	}
	if len(r.Key) == 0 {
		return nil
	}
	ciphertext, err := l.box.SealBeside(l.generation(), epoch(l.meta), index, append(bytes.Clone(r.Key), r.Details...))
	if err != nil {
		return err
	}
	return l.beside.Put(uint64Key(index), ciphertext)
}

// epoch is that of the log's new entries, in which their numbers are new.
func epoch(meta kv.Table) uint32 { return uint32(getUint(meta, metaEpoch)) } //nolint:gosec // 32 bits were put there

// destroy notes the key of what lies beside an entry.
func (l *log) destroy(index uint64) error {
	ciphertext := l.beside.Get(uint64Key(index))
	if ciphertext == nil {
		return nil
	}
	leaf, g, err := l.box.LeafBeside(index, ciphertext)
	if err != nil {
		return fmt.Errorf("what lies beside the entry: %w", err)
	}
	if g != sealed.Shared {
		l.destroys = append(l.destroys, leaf)
	}
	return nil
}
