package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/store/kv"

	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki/audit"
)

// log is the audit log within one transaction. What lies beside an entry is
// encrypted.
type log struct {
	meta, leaves, beside, nodes kv.Table
	box                         *sealed.Box
}

var _ audit.Storage = log{}

func (s *Store) log(tx kv.Tx) log {
	return log{tx.Table(tableMeta), tx.Table(tableAuditLeaves), tx.Table(tableAuditBeside), tx.Table(tableAuditNodes), s.box}
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

// EraseDetails removes what lies beside entries and records that, in one
// transaction (see [audit.Erase]). The file keeps the ciphertext in pages that are
// free until they are written to again; copies of the file keep it as well.
func (s *Store) EraseDetails(ctx context.Context, erasures ...audit.Record) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		_, err := audit.Erase(s.log(tx), erasures...)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing to the audit log: %w", err)
	}
	return nil
}

// Size implements [audit.Storage].
func (l log) Size() (uint64, error) { return getUint(l.meta, metaAuditSize), nil }

// SetSize implements [audit.Storage].
func (l log) SetSize(n uint64) error { return putUint(l.meta, metaAuditSize, n) }

func nodeKey(level uint, index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(level)}, index)
}

// Node implements [audit.Storage].
func (l log) Node(level uint, index uint64) ([]byte, error) {
	hash := l.nodes.Get(nodeKey(level, index))
	if hash == nil {
		return nil, errors.New("the node is missing")
	}
	return bytes.Clone(hash), nil
}

// PutNode implements [audit.Storage].
func (l log) PutNode(level uint, index uint64, hash []byte) error {
	return l.nodes.Put(nodeKey(level, index), hash)
}

// erasedMark begins what stands in the place of erased details, before the index
// of the entry that erased them. Ciphertexts begin with a version, which is never 0.
const erasedMark = 0

// Record implements [audit.Storage].
func (l log) Record(index uint64) (audit.Record, error) {
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
func (l log) PutRecord(index uint64, r audit.Record) error {
	if err := l.leaves.Put(uint64Key(index), r.Leaf); err != nil {
		return err
	}
	if r.ErasedBy > 0 {
		return l.beside.Put(uint64Key(index), binary.BigEndian.AppendUint64([]byte{erasedMark}, r.ErasedBy))
	}
	if len(r.Key) == 0 {
		return nil
	}
	ciphertext, err := l.box.SealBeside(index, append(bytes.Clone(r.Key), r.Details...))
	if err != nil {
		return err
	}
	return l.beside.Put(uint64Key(index), ciphertext)
}
