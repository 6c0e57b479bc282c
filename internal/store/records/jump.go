package records

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/qr/status"
)

// How far numbers go ahead in a store that may be older than what was given out from it.
const (
	// versionJump is for the versions of trust files and the numbers of CRLs: 30 years of
	// a time file every 15 minutes.
	versionJump = 1 << 20
	// revisionJump is for the register's revisions, which cursors of the changes hold.
	revisionJump = 1 << 24
	// listJump is for the numbers of status lists: so many may have been opened since.
	listJump = 1 << 12
	// firstCertificateList begins the numbers of the lists of certificates, which their
	// authorities count themselves.
	firstCertificateList = 1 << 31
)

// Jump takes the store out of the way of everything that may have been given out after
// the moment that it is of, in one transaction with the entry that says why:
//
//   - every status list that is there is closed: each index that is free may have been
//     given out. Its high mark is its end, so that what was given out is not said never
//     to have been. Every authority gets a new list, whose number nobody has.
//   - the versions of trust files and the numbers of CRLs go on far above.
//   - the audit log has a new epoch: entries under numbers that were given before may have
//     had details whose keys were destroyed.
//   - so do the revisions of the register, so that a cursor of before misses nothing.
//
// Published is what terminals are known to have, or nil: of its lists nothing may be
// revoked there and not here. The certificates' lists that are not in use yet stay.
func (s *Store) Jump(ctx context.Context, published []*status.Set, entry audit.Record) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		highest, err := closeLists(tx, published)
		if err != nil {
			return err
		}
		if err := newLists(tx, highest+listJump); err != nil {
			return err
		}
		if err := jumpNumbers(tx); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
	if err != nil {
		return fmt.Errorf("going ahead of what was given out: %w", err)
	}
	// What was reserved before is gone with the lists.
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.allotters)
	return nil
}

// closeLists closes all lists and returns the highest number of one of licences.
func closeLists(tx kv.Tx, published []*status.Set) (uint32, error) {
	lists := make(map[uint32]bool)
	for key := range tx.Table(tableLists).Range(nil, nil) {
		if len(key) != 4 {
			return 0, errors.New("the key of a status list is damaged")
		}
		lists[binary.BigEndian.Uint32(key)] = true
	}
	for _, set := range published {
		lists[set.List] = true
	}
	highest := uint32(0)
	full := bytes.Repeat([]byte{0xff}, windowBytes)
	for list := range lists {
		if list < firstCertificateList {
			highest = max(highest, list)
		}
		for w := range windows {
			if err := tx.Table(tableWindows).Put(windowKey(list, w), full); err != nil {
				return 0, err
			}
		}
		if err := putUint(tx.Table(tableLists), listKey(list), status.ListSize); err != nil {
			return 0, err
		}
	}
	for _, set := range published {
		if err := keepRevoked(tx, set); err != nil {
			return 0, err
		}
	}
	return highest, nil
}

// keepRevoked adds what a published list says to be revoked.
func keepRevoked(tx kv.Tx, set *status.Set) error {
	for w := range windows {
		revoked := set.Revoked[w*windowBytes : (w+1)*windowBytes]
		key := binary.BigEndian.AppendUint16(append(listKey(set.List), planeRevoked), uint16(w)) //nolint:gosec // 256 windows
		bits := make([]byte, windowBytes)
		copy(bits, tx.Table(tablePlanes).Get(key))
		changed := false
		for i, b := range revoked {
			changed = changed || b&^bits[i] != 0
			bits[i] |= b
		}
		if !changed {
			continue
		}
		if err := tx.Table(tablePlanes).Put(key, bits); err != nil {
			return err
		}
	}
	return nil
}

// newLists gives every authority a list with a number of its own, from one on.
func newLists(tx kv.Tx, number uint32) error {
	t := tx.Table(tableAuthorities)
	changed := make(map[string][]byte)
	for key, value := range t.Range(nil, nil) {
		var a authority
		if err := json.Unmarshal(value, &a); err != nil {
			return err
		}
		a.Authority.Lists = append(a.Authority.Lists, number)
		v, err := json.Marshal(a)
		if err != nil {
			return err
		}
		changed[string(key)] = v
		if err := putUint(tx.Table(tableLists), listKey(number), windowSize); err != nil {
			return err
		}
		number++
	}
	for key, value := range changed {
		if err := t.Put([]byte(key), value); err != nil {
			return err
		}
	}
	return nil
}

func jumpNumbers(tx kv.Tx) error {
	meta, crls := tx.Table(tableMeta), tx.Table(tableCRLNumbers)
	ahead := make(map[string]uint64)
	for key, value := range prefixed(meta, takenKey("")) {
		if len(value) != 8 {
			return errors.New("a number of versions is damaged")
		}
		ahead[string(takenKey(string(key)))] = binary.BigEndian.Uint64(value) + versionJump
	}
	ahead[string(metaRevision)] = getUint(meta, metaRevision) + revisionJump
	var epoch [4]byte
	if _, err := rand.Read(epoch[:]); err != nil {
		return fmt.Errorf("drawing an epoch: %w", err)
	}
	ahead[string(metaEpoch)] = uint64(binary.BigEndian.Uint32(epoch[:]))
	for key, n := range ahead {
		if err := putUint(meta, []byte(key), n); err != nil {
			return err
		}
	}
	numbers := make(map[string]uint64)
	for key := range crls.Range(nil, nil) {
		numbers[strings.Clone(string(key))] = getUint(crls, key) + versionJump
	}
	for key, n := range numbers {
		if err := putUint(crls, []byte(key), n); err != nil {
			return err
		}
	}
	return nil
}
