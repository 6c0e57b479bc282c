package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
)

// retired is what the engine of earlier versions, the bbolt file, can do beside
// [kv.Tx]: give and drop the tables that are no longer in the schema.
type retired interface {
	Retired(name string) kv.Table
	Drop(name string) error
}

// state2 is the value of the table states in format 2, where records lay under random
// keys in tables of their own:
//
//	licences         record key → ciphertext of the signed form
//	states           record key → state (CBOR), reason encrypted
//	by-number        look-up key ‖ record key → issuer's code
//	by-holder        look-up key ‖ record key → nothing
//	requests         look-up key → digest of the application ‖ record key
//	changes          revision → record key; one entry a record, its last change
type state2 struct {
	State    uint8  `cbor:"1,keyasint"`
	Since    int64  `cbor:"2,keyasint"`
	Revision uint64 `cbor:"3,keyasint"`
	Status   uint64 `cbor:"4,keyasint"`
	Point    []byte `cbor:"5,keyasint"`
	Reason   []byte `cbor:"6,keyasint,omitempty"`
}

// upgrade brings a store of an earlier version up to this one, in one transaction, which
// holds the whole register in memory. Every licence is verified on the way.
func (s *Store) upgrade(ctx context.Context, stored uint64) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		old, able := tx.(retired)
		if !able {
			return errors.New("this engine has no earlier versions")
		}
		if err := s.moveLicences(tx, old); err != nil {
			return err
		}
		if err := s.moveNodes(tx); err != nil {
			return err
		}
		for _, name := range []string{"licences", "states", "by-number", "by-holder", "requests"} {
			if err := old.Drop(name); err != nil {
				return fmt.Errorf("dropping table %s: %w", name, err)
			}
		}
		return putUint(tx.Table(tableMeta), metaFormat, formatShared)
	})
	if err != nil {
		return fmt.Errorf("bringing the store from format %d to %d: %w", stored, formatShared, err)
	}
	return nil
}

func (s *Store) moveLicences(tx kv.Tx, old retired) error {
	licences, states, requests := old.Retired("licences"), old.Retired("states"), old.Retired("requests")
	if licences == nil || states == nil || requests == nil {
		return errors.New("a table is missing")
	}
	asked := make(map[sealed.Key]request2)
	for key, value := range requests.Range(nil, nil) {
		if len(value) != 32+sealed.KeySize || len(key) < sealed.RequestSize {
			return errors.New("a stored request is damaged")
		}
		asked[sealed.Key(value[32:])] = request2{bytes.Clone(key[:sealed.RequestSize]), bytes.Clone(value[:32])}
	}
	order, err := renumber(tx.Table(tableChanges))
	if err != nil {
		return err
	}
	for _, o := range order {
		if err := s.moveLicence(tx, licences, states, o, asked[o.key]); err != nil {
			return fmt.Errorf("licence with revision %d: %w", o.revision, err)
		}
		if err := tx.Table(tableChanges).Delete(uint64Key(o.revision)); err != nil {
			return err
		}
		if o.number == o.revision {
			continue
		}
		if err := tx.Table(tableChanges).Put(uint64Key(o.revision), uint64Key(o.number)); err != nil {
			return err
		}
	}
	return nil
}

// moveNodes makes the hashes of the log anew, which stood under level ‖ index.
func (s *Store) moveNodes(tx kv.Tx) error {
	nodes, l := tx.Table(tableAuditNodes), s.log(tx)
	var keys [][]byte
	for key := range nodes.Range(nil, nil) {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		hash := bytes.Clone(nodes.Get(key))
		if len(key) != 9 || len(hash) != sm3.Size {
			return errors.New("a node of the log is damaged")
		}
		if err := errors.Join(l.PutNode(uint(key[0]), binary.BigEndian.Uint64(key[1:]), hash), nodes.Delete(key)); err != nil {
			return err
		}
	}
	size, err := l.Size()
	if err != nil {
		return err
	}
	return l.SetSize(size)
}

// request2 is a request of format 2.
type request2 struct{ key, digest []byte }

// renumbered is a licence of format 2 and the number that it gets.
type renumbered struct {
	key              sealed.Key
	revision, number uint64
}

// renumber gives every licence a number: the revision of its issue. Where it has changed
// since, that one is not known any more, and is one of those below its last change that
// no licence has now; so it gets the lowest of them that is left.
func renumber(changes kv.Table) ([]renumbered, error) {
	var all []renumbered
	var free []uint64
	last := uint64(0)
	for key, value := range changes.Range(nil, nil) {
		if len(key) != 8 || len(value) != sealed.KeySize {
			return nil, errors.New("an entry of the changes is damaged")
		}
		revision := binary.BigEndian.Uint64(key)
		for n := last + 1; n < revision; n++ {
			free = append(free, n)
		}
		last = revision
		all = append(all, renumbered{sealed.Key(value), revision, revision})
	}
	for i, r := range all {
		if len(free) > 0 && free[0] < r.revision {
			all[i].number, free = free[0], free[1:]
		}
	}
	return all, nil
}

func (s *Store) moveLicence(tx kv.Tx, licences, states kv.Table, r renumbered, asked request2) error {
	var st state2
	there, err := get(states, r.key[:], &st)
	ciphertext := licences.Get(r.key[:])
	if err != nil || !there || ciphertext == nil || len(st.Point) != pki.PointSize {
		return errors.Join(err, errors.New("the record is damaged"))
	}
	signed, err := s.box.Open(r.key, licence.UnpackStatusRef(st.Status), "licence", ciphertext)
	if err != nil {
		return err
	}
	public, err := pki.ParsePoint(st.Point)
	if err != nil {
		return err
	}
	l, err := licence.Open(signed, public)
	if err != nil {
		return err
	}
	i, err := s.prepare(licence.Submission{Licence: l, Signed: signed, Point: pki.Point(st.Point)})
	if err != nil {
		return err
	}
	by, err := s.numberSigner(tx, i.by)
	if err != nil {
		return err
	}
	f := found{number: r.number, stored: stored{
		Key: r.key[:], Category: uint16(l.Category), State: st.State, Since: st.Since, Status: st.Status, Signer: by, //nolint:gosec // categories have three digits
		Request: asked.digest, Reason: st.Reason, Sealed: bytes.Clone(ciphertext),
	}}
	if r.number != r.revision {
		f.Revision = r.revision
	}
	i.keys.request = asked.key
	return errors.Join(i.index(tx, refOf(r.number)), count(tx, f.Category, f.state(), 1), f.write(tx))
}
