package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki/audit"
)

// log is the audit log within one transaction. What lies beside an entry is
// encrypted.
type log struct {
	tx  *bbolt.Tx
	box *sealed.Box
}

var _ audit.Storage = log{}

// appendAudit adds entries to the log in the transaction of what they record.
func (s *Store) appendAudit(tx *bbolt.Tx, records ...audit.Record) error {
	if _, err := audit.Append(log{tx, s.box}, records...); err != nil {
		return fmt.Errorf("appending to the audit log: %w", err)
	}
	return nil
}

// ReadLog calls f with the log as of one moment. It cannot be written to.
func (s *Store) ReadLog(f func(audit.Storage) error) error {
	return s.db.View(func(tx *bbolt.Tx) error { return f(log{tx, s.box}) })
}

// Size implements [audit.Storage].
func (l log) Size() (uint64, error) { return getUint(l.tx.Bucket(buckets.meta), metaAuditSize), nil }

// SetSize implements [audit.Storage].
func (l log) SetSize(n uint64) error { return putUint(l.tx.Bucket(buckets.meta), metaAuditSize, n) }

func nodeKey(level uint, index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(level)}, index)
}

// Node implements [audit.Storage].
func (l log) Node(level uint, index uint64) ([]byte, error) {
	hash := l.tx.Bucket(buckets.auditNodes).Get(nodeKey(level, index))
	if hash == nil {
		return nil, errors.New("the node is missing")
	}
	return bytes.Clone(hash), nil
}

// PutNode implements [audit.Storage].
func (l log) PutNode(level uint, index uint64, hash []byte) error {
	return l.tx.Bucket(buckets.auditNodes).Put(nodeKey(level, index), hash)
}

// keySize is the length of the key that an entry's details are committed with.
const keySize = 32

// Record implements [audit.Storage].
func (l log) Record(index uint64) (audit.Record, error) {
	leaf := l.tx.Bucket(buckets.auditLeaves).Get(uint64Key(index))
	if leaf == nil {
		return audit.Record{}, errors.New("the entry is missing")
	}
	r := audit.Record{Leaf: bytes.Clone(leaf)}
	ciphertext := l.tx.Bucket(buckets.auditBeside).Get(uint64Key(index))
	if ciphertext == nil {
		return r, nil // no details, or erased
	}
	beside, err := l.box.OpenBeside(index, ciphertext)
	if err != nil {
		return r, fmt.Errorf("what lies beside the entry: %w", err)
	}
	if len(beside) < keySize {
		return r, errors.New("what lies beside the entry is too short")
	}
	r.Key, r.Details = beside[:keySize], beside[keySize:]
	return r, nil
}

// PutRecord implements [audit.Storage].
func (l log) PutRecord(index uint64, r audit.Record) error {
	if err := l.tx.Bucket(buckets.auditLeaves).Put(uint64Key(index), r.Leaf); err != nil {
		return err
	}
	if len(r.Key) == 0 {
		return nil
	}
	ciphertext, err := l.box.SealBeside(index, append(bytes.Clone(r.Key), r.Details...))
	if err != nil {
		return err
	}
	return l.tx.Bucket(buckets.auditBeside).Put(uint64Key(index), ciphertext)
}
