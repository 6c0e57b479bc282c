package records_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

// TestUpgrade: stores of formats 1 and 2 open with everything in them; one of a later
// format does not, nor one that has lost a table.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for format := byte(1); format <= 2; format++ {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			t.Parallel()
			upgrade(t, format)
		})
	}
}

func upgrade(t *testing.T, format byte) {
	t.Helper()
	dir, key := newSharedFolder(t), pkitest.NewKey(t)
	s, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := lived(t, s, key)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	box, err := boxOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "store.db")
	change := func(f func(tx *bbolt.Tx) error) {
		t.Helper()
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(f), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	setFormat := func(tx *bbolt.Tx, n byte) error {
		return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte{7: n})
	}
	change(func(tx *bbolt.Tx) error {
		if err := older(tx, box, key.Public().Point()); err != nil {
			return err
		}
		if format == 1 {
			for _, name := range []string{"credentials", "devices", "bindings"} {
				if err := tx.DeleteBucket([]byte(name)); err != nil {
					return err
				}
			}
		}
		return setFormat(tx, format)
	})
	for range 2 {
		if s, err = openFolder(dir); err != nil {
			t.Fatal(err)
		}
		if after := everything(t, s); !reflect.DeepEqual(after, before) {
			t.Errorf("the register is\n%+v\nafterwards, want\n%+v", after, before)
		}
		err := s.ReadLog(t.Context(), func(log audit.Storage) error {
			_, err := audit.Verify(log)
			return err
		})
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = openFolder(dir); err != nil {
		t.Fatal(err)
	}
	// Numbers that were given anew are in nobody's way.
	if err := issueCredentials(s, key, 100); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	change(func(tx *bbolt.Tx) error { return setFormat(tx, 99) })
	if _, err := openFolder(dir); err == nil {
		t.Error("a store of a later format opens")
	}
	// What has lost a bucket is not mended.
	change(func(tx *bbolt.Tx) error { return errors.Join(tx.DeleteBucket([]byte("credentials")), setFormat(tx, 3)) })
	if _, err := openFolder(dir); err == nil {
		t.Error("a store without its credentials opens")
	}
}

// request of the third licence of [lived].
var request = licence.Request{Issuer: "11340000XN0000012E", ID: "r", Digest: [32]byte{1, 2, 3}}

// lived fills a store with licences that have been through something.
func lived(t *testing.T, s *records.Store, key *pki.Key) []licence.Record {
	t.Helper()
	step := func(id licence.Identifier, step licence.Step) {
		t.Helper()
		entry, err := entryOf(audit.Act("licence."+string(step)), id.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Transition(t.Context(), licence.Transition{Identifier: id, Step: step, Reason: "因为" + string(step), At: time.Unix(1700000100, 0), Audit: entry}); err != nil {
			t.Fatal(err)
		}
	}
	var ids []licence.Identifier
	for i := range 6 {
		sub, err := draft(s, key, i)
		if err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			sub.Request = request
		}
		if _, err := s.Issue(t.Context(), sub); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, sub.Licence.Identifier)
		if i == 3 {
			step(ids[1], licence.Suspend)
			step(ids[3], licence.Revoke)
			step(ids[1], licence.Resume)
		}
	}
	step(ids[5], licence.Suspend)
	return everything(t, s)
}

// everything is what a register says by each of its ways, one after another.
func everything(t *testing.T, s *records.Store) []licence.Record {
	t.Helper()
	ctx := context.Background()
	all, err := s.List(ctx, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	listed := slices.Clone(all)
	for _, r := range listed {
		one, err := s.ByIdentifier(ctx, r.Licence.Identifier)
		if err != nil {
			t.Fatal(err)
		}
		numbered, err := s.ByNumber(ctx, r.Licence.Category, r.Licence.Number)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, one), numbered...)
	}
	h := listed[0].Licence.Holders[0]
	held, err := s.ByHolder(ctx, h.IDType, h.IDNumber)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := s.Requested(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := map[licence.State]uint64{}
	for _, r := range listed {
		want[r.State]++
	}
	for _, c := range counts {
		if c.Licences != want[c.State] {
			t.Errorf("%d licences are %s, want %d", c.Licences, c.State, want[c.State])
		}
		delete(want, c.State)
	}
	if len(want) > 0 {
		t.Errorf("%v are not counted", want)
	}
	return append(append(all, held...), asked)
}

// older puts the records of a file where format 2 had them.
func older(tx *bbolt.Tx, box *sealed.Box, point pki.Point) error {
	buckets := make(map[string]*bbolt.Bucket)
	for _, name := range []string{"licences", "states", "by-number", "by-holder", "requests"} {
		b, err := tx.CreateBucket([]byte(name))
		if err != nil {
			return err
		}
		buckets[name] = b
	}
	if err := errors.Join(tx.DeleteBucket([]byte("schema")), tx.DeleteBucket([]byte("changes"))); err != nil {
		return err
	}
	changes, err := tx.CreateBucket([]byte("changes"))
	if err != nil {
		return err
	}
	public, err := pki.ParsePoint(point[:])
	if err != nil {
		return err
	}
	err = tx.Bucket([]byte("records")).ForEach(func(number, value []byte) error {
		var r struct {
			Key      []byte `cbor:"1,keyasint"`
			Category uint16 `cbor:"2,keyasint"`
			State    uint8  `cbor:"3,keyasint"`
			Since    int64  `cbor:"4,keyasint"`
			Revision uint64 `cbor:"5,keyasint,omitempty"`
			Status   uint64 `cbor:"6,keyasint"`
			Signer   uint32 `cbor:"7,keyasint"`
			Request  []byte `cbor:"8,keyasint,omitempty"`
			Reason   []byte `cbor:"9,keyasint,omitempty"`
			Sealed   []byte `cbor:"10,keyasint"`
		}
		if err := detcbor.Unmarshal(value, &r); err != nil {
			return err
		}
		signed, err := box.Open(sealed.Key(r.Key), licence.UnpackStatusRef(r.Status), "licence", r.Sealed)
		if err != nil {
			return err
		}
		l, err := licence.Open(signed, public)
		if err != nil {
			return err
		}
		revision := bytes.Clone(number)
		if r.Revision != 0 {
			revision = at(r.Revision)
		}
		state, err := detcbor.Marshal(struct {
			State    uint8  `cbor:"1,keyasint"`
			Since    int64  `cbor:"2,keyasint"`
			Revision uint64 `cbor:"3,keyasint"`
			Status   uint64 `cbor:"4,keyasint"`
			Point    []byte `cbor:"5,keyasint"`
			Reason   []byte `cbor:"6,keyasint,omitempty"`
		}{r.State, r.Since, 0, r.Status, point[:], r.Reason})
		if err != nil {
			return err
		}
		if r.Request != nil {
			lookup, err := box.RequestKey(sealed.FirstLookups, request.Issuer, request.ID)
			if err != nil {
				return err
			}
			lookup = append(lookup, "more"...) // format 2 kept all 16 bytes
			if err := buckets["requests"].Put(lookup, append(bytes.Clone(r.Request), r.Key...)); err != nil {
				return err
			}
		}
		number2, err := box.NumberKey(sealed.FirstLookups, l.Category, l.Number)
		if err != nil {
			return err
		}
		holder, err := box.HolderKey(sealed.FirstLookups, l.Holders[0].IDType, l.Holders[0].IDNumber)
		if err != nil {
			return err
		}
		return errors.Join(
			buckets["licences"].Put(r.Key, r.Sealed), buckets["states"].Put(r.Key, state), changes.Put(revision, r.Key),
			buckets["by-number"].Put(append(number2, r.Key...), []byte(l.Identifier.Issuer)),
			buckets["by-holder"].Put(append(holder, r.Key...), nil),
		)
	})
	err = errors.Join(err, olderNodes(tx))
	for _, name := range []string{"records", "counts", "signers", "identifiers", "numbers", "holders", "request-ids"} {
		err = errors.Join(err, tx.DeleteBucket([]byte(name)))
	}
	return err
}

// olderNodes puts the hashes of the log where format 2 had them.
func olderNodes(tx *bbolt.Tx) error {
	var leaves [][]byte
	err := tx.Bucket([]byte("audit.leaves")).ForEach(func(_, leaf []byte) error {
		leaves = append(leaves, bytes.Clone(leaf))
		return nil
	})
	if err := errors.Join(err, tx.DeleteBucket([]byte("audit.nodes"))); err != nil {
		return err
	}
	nodes, err := tx.CreateBucket([]byte("audit.nodes"))
	if err != nil {
		return err
	}
	level := make([][]byte, len(leaves))
	for i, leaf := range leaves {
		level[i] = audit.Hasher{}.HashLeaf(leaf)
	}
	for k := byte(0); len(level) > 0; k++ {
		var next [][]byte
		for i, hash := range level {
			if err := nodes.Put(append([]byte{k}, at(uint64(i))...), hash); err != nil {
				return err
			}
			if i%2 == 1 {
				next = append(next, audit.Hasher{}.HashChildren(level[i-1], hash))
			}
		}
		level = next
	}
	return nil
}
