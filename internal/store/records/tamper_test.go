package records_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

// victim is the file of a log that somebody with every right on the machine, and
// with the register's keys, changes.
type victim struct {
	tb  testing.TB
	tx  *bbolt.Tx
	box *sealed.Box
}

// logSize is the number of entries; every third has details, and those of entries 0
// and 6 are erased by entries 12 and 13.
const logSize = 42

var domain = "安徽省(测试)"

func at(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

// place is where a node stands among the hashes.
func place(level uint, index uint64) uint64 {
	e := (index+1)<<level - 1
	return 2*e - uint64(bits.OnesCount64(e)) + uint64(level)
}

// nodes changes the hashes, as one value.
func (v victim) nodes(change func([]byte) []byte) {
	v.tb.Helper()
	var all []byte
	for i := uint64(0); ; i++ {
		chunk := v.get("audit.nodes", at(i))
		if chunk == nil {
			break
		}
		v.remove("audit.nodes", at(i))
		all = append(all, chunk...)
	}
	i := uint64(0)
	for chunk := range slices.Chunk(change(all), 31*32) {
		v.put("audit.nodes", at(i), bytes.Clone(chunk))
		i++
	}
}

func (v victim) bucket(name string) *bbolt.Bucket { return v.tx.Bucket([]byte(name)) }

func (v victim) get(bucket string, key []byte) []byte {
	return bytes.Clone(v.bucket(bucket).Get(key))
}

func (v victim) put(bucket string, key, value []byte) {
	v.tb.Helper()
	if err := v.bucket(bucket).Put(key, value); err != nil {
		v.tb.Fatal(err)
	}
}

func (v victim) remove(bucket string, key []byte) {
	v.tb.Helper()
	if err := v.bucket(bucket).Delete(key); err != nil {
		v.tb.Fatal(err)
	}
}

func (v victim) flip(bucket string, key []byte) {
	v.tb.Helper()
	value := v.get(bucket, key)
	if len(value) == 0 {
		v.tb.Fatalf("%s has no %x", bucket, key)
	}
	value[len(value)-1] ^= 1
	v.put(bucket, key, value)
}

func (v victim) size() uint64 { return binary.BigEndian.Uint64(v.get("meta", []byte("audit.size"))) }

// move puts entry from in the place of entry to, with what lies beside it sealed
// anew for its new place.
func (v victim) move(from, to uint64) {
	v.tb.Helper()
	v.put("audit.leaves", at(to), v.get("audit.leaves", at(from)))
	v.remove("audit.beside", at(to))
	if beside := v.get("audit.beside", at(from)); len(beside) > 9 {
		plain, err := v.box.OpenBeside(from, beside)
		if err != nil {
			v.tb.Fatal(err)
		}
		v.reseal(to, plain)
	}
}

func (v victim) reseal(index uint64, plain []byte) {
	v.tb.Helper()
	beside, err := v.box.SealBeside(sealed.First, 0, index, plain)
	if err != nil {
		v.tb.Fatal(err)
	}
	v.put("audit.beside", at(index), beside)
}

// replace puts a new, well-formed entry in the place of one.
func (v victim) replace(index uint64) {
	v.tb.Helper()
	r := record(v.tb, audit.ActLicenceLook, "forged", "")
	v.put("audit.leaves", at(index), r.Leaf)
	v.remove("audit.beside", at(index))
}

// cut removes every entry from an index on, and every hash above them.
func (v victim) cut(size uint64) {
	v.tb.Helper()
	for i := size; i < v.size(); i++ {
		v.remove("audit.leaves", at(i))
		v.remove("audit.beside", at(i))
	}
	v.nodes(func(all []byte) []byte { return all[:32*(2*size-uint64(bits.OnesCount64(size)))] })
	v.put("meta", []byte("audit.size"), at(size))
}

// rehash puts every hash right, as an attacker does who knows how the log is made.
func (v victim) rehash() {
	v.tb.Helper()
	var records []audit.Record
	for i := range v.size() {
		records = append(records, audit.Record{Leaf: v.get("audit.leaves", at(i))})
	}
	if _, err := audit.Append(nodesOnly{v}, records...); err != nil {
		v.tb.Fatal(err)
	}
}

// nodesOnly is an empty log that keeps only hashes, in the victim's file.
type nodesOnly struct{ v victim }

func (nodesOnly) Size() (uint64, error)                { return 0, nil }
func (nodesOnly) SetSize(uint64) error                 { return nil }
func (nodesOnly) PutRecord(uint64, audit.Record) error { return nil }
func (nodesOnly) Record(uint64) (audit.Record, error)  { return audit.Record{}, errors.New("none") }
func (nodesOnly) Node(uint, uint64) ([]byte, error)    { return nil, errors.New("none") }
func (n nodesOnly) PutNode(level uint, index uint64, hash []byte) error {
	n.v.nodes(func(all []byte) []byte {
		at := 32 * int(place(level, index))
		all = append(all, make([]byte, max(0, at+32-len(all)))...)
		copy(all[at:], hash)
		return all
	})
	return nil
}

// TestTampering changes the file of a log in every way and at random places, and
// wants the entry named.
func TestTampering(t *testing.T) {
	t.Parallel()
	path, box, key, held := logToTamperWith(t)
	random := rand.New(rand.NewPCG(7, 7))
	pick := func(from, until uint64) uint64 { return from + random.Uint64N(until-from) }
	detailed := func() uint64 { return 3 * pick(5, logSize/3-1) }
	type change struct {
		do    func(victim)
		index uint64 // of the damage
		// Where the log is whole in itself, only the witness finds it, at an entry
		// from index up to until.
		until uint64
	}
	for name, make := range map[string]func() change{
		"a leaf edited": func() change {
			i := pick(0, logSize)
			return change{func(v victim) { v.flip("audit.leaves", at(i)) }, i, 0}
		},
		"a leaf replaced": func() change { i := pick(0, logSize); return change{func(v victim) { v.replace(i) }, i, 0} },
		"a leaf removed": func() change {
			i := pick(0, logSize)
			return change{func(v victim) { v.remove("audit.leaves", at(i)) }, i, 0}
		},
		"the last removed": func() change {
			return change{func(v victim) { v.remove("audit.leaves", at(logSize-1)) }, logSize - 1, 0}
		},
		"the size cut": func() change {
			i := pick(14, logSize-5)
			return change{func(v victim) { v.put("meta", []byte("audit.size"), at(i)) }, i, 0}
		},
		"the size raised": func() change {
			return change{func(v victim) { v.put("meta", []byte("audit.size"), at(logSize+1)) }, logSize, 0}
		},
		"a leaf's hash edited": func() change {
			i := pick(0, logSize)
			return change{func(v victim) {
				v.nodes(func(all []byte) []byte { all[32*place(0, i)] ^= 1; return all })
			}, i, 0}
		},
		"a node edited": func() change {
			i := pick(0, logSize/4)
			return change{func(v victim) {
				v.nodes(func(all []byte) []byte { all[32*place(2, i)] ^= 1; return all })
			}, 4*i + 3, 0}
		},
		"the last nodes removed": func() change {
			i := pick(0, logSize/2)
			return change{func(v victim) {
				v.nodes(func(all []byte) []byte { return all[:32*place(1, i)] })
			}, 2*i + 1, 0}
		},
		"what lies beside edited": func() change { i := detailed(); return change{func(v victim) { v.flip("audit.beside", at(i)) }, i, 0} },
		"what lies beside removed": func() change {
			i := detailed()
			return change{func(v victim) { v.remove("audit.beside", at(i)) }, i, 0}
		},
		"details put where none are": func() change {
			i := detailed() + 1
			return change{func(v victim) { v.reseal(i, bytes.Repeat([]byte{7}, 40)) }, i, 0}
		},
		"details edited, sealed anew": func() change {
			i := detailed()
			return change{func(v victim) {
				plain, err := v.box.OpenBeside(i, v.get("audit.beside", at(i)))
				if err != nil {
					t.Fatal(err)
				}
				plain[len(plain)-1] ^= 1
				v.reseal(i, plain)
			}, i, 0}
		},
		"key edited, sealed anew": func() change {
			i := detailed()
			return change{func(v victim) {
				plain, err := v.box.OpenBeside(i, v.get("audit.beside", at(i)))
				if err != nil {
					t.Fatal(err)
				}
				plain[0] ^= 1
				v.reseal(i, plain)
			}, i, 0}
		},
		"details said to be erased": func() change {
			i := detailed()
			return change{func(v victim) { v.put("audit.beside", at(i), append([]byte{0}, at(logSize+1)...)) }, i, 0}
		},
		"erased details put back": func() change {
			return change{func(v victim) { v.remove("audit.beside", at(0)) }, 0, 0}
		},
		"two entries exchanged": func() change {
			i := pick(0, logSize-1)
			j := pick(i+1, logSize)
			return change{func(v victim) {
				a, b := v.get("audit.leaves", at(i)), v.get("audit.leaves", at(j))
				v.put("audit.leaves", at(i), b)
				v.put("audit.leaves", at(j), a)
				for _, k := range []uint64{i, j} {
					v.remove("audit.beside", at(k))
				}
			}, i, 0}
		},
		"one dropped, the rest renumbered": func() change {
			i := pick(0, logSize-1)
			return change{func(v victim) {
				for k := i; k+1 < v.size(); k++ {
					v.move(k+1, k)
				}
				v.cut(v.size() - 1)
			}, i, 0}
		},
		// From here on every hash is put right.
		"edited and hashed anew": func() change {
			i := pick(15, 30)
			return change{func(v victim) { v.replace(i - i%3 + 1); v.rehash() }, 10, 30}
		},
		"the last cut off": func() change { return change{func(v victim) { v.cut(v.size() - 1) }, logSize - 1, logSize} },
		"many cut off":     func() change { i := pick(31, logSize); return change{func(v victim) { v.cut(i) }, i, i + 1} },
		"dropped and hashed anew": func() change {
			return change{func(v victim) {
				for k := uint64(16); k+1 < v.size(); k++ {
					v.move(k+1, k)
				}
				v.cut(v.size() - 1)
				v.rehash()
			}, 10, 30}
		},
	} {
		for round := range 3 {
			c := make()
			t.Run(fmt.Sprintf("%s at %d, %d", name, c.index, round), func(t *testing.T) {
				t.Parallel()
				changed := filepath.Join(t.TempDir(), "store.db")
				file, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(changed, file, 0o600); err != nil {
					t.Fatal(err)
				}
				db, err := bbolt.Open(changed, 0o600, &bbolt.Options{NoSync: true})
				if err != nil {
					t.Fatal(err)
				}
				err = db.Update(func(tx *bbolt.Tx) error {
					c.do(victim{t, tx, box})
					return nil
				})
				if err := errors.Join(err, db.Close()); err != nil {
					t.Fatal(err)
				}
				alone, witnessed := examine(t, changed, box, key, held)
				if c.until == 0 {
					var damage *audit.DamageError
					if !errors.As(alone, &damage) || damage.Index != c.index {
						t.Errorf("%v, want damage at entry %d", alone, c.index)
					}
					if witnessed == nil {
						t.Error("with witnesses it passes")
					}
					return
				}
				if alone != nil {
					t.Errorf("the log is not whole in itself: %v", alone)
				}
				var contradiction *audit.ContradictionError
				if !errors.As(witnessed, &contradiction) || contradiction.From != c.index || contradiction.Until != c.until {
					t.Errorf("%v, want a contradiction at %d to %d", witnessed, c.index, c.until)
				}
			})
		}
	}
}

// logToTamperWith makes a log with checkpoints at 10, 30 and its end.
func logToTamperWith(t *testing.T) (string, *sealed.Box, *pki.PublicKey, map[string][]byte) {
	t.Helper()
	box, key := newBox(t), pkitest.NewKey(t)
	path := filepath.Join(t.TempDir(), "store.db")
	s := createStore(t, path, box)
	for i := range logSize {
		if i == 12 || i == 13 {
			erasure, err := audit.NewErasure(uint64(i-12)*6, time.Unix(1700000000, 0), "officer", "依申请")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.EraseDetails(t.Context(), erasure); err != nil {
				t.Fatal(err)
			}
			continue
		}
		details := ""
		if i%3 == 0 {
			details = fmt.Sprintf("理由 %d", i)
		}
		if _, err := s.Append(t.Context(), record(t, audit.ActLicenceRevoke, fmt.Sprint(i), details)); err != nil {
			t.Fatal(err)
		}
	}
	held := make(map[string][]byte)
	keep := func(size uint64) {
		err := s.ReadLog(t.Context(), func(log audit.Storage) error {
			root, err := audit.Root(log, size)
			if err != nil {
				return err
			}
			held[fmt.Sprint(size)], err = audit.Checkpoint{Origin: domain, Size: size, Root: root, Time: 1}.Sign(key)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	keep(10)
	keep(30)
	keep(logSize)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if alone, witnessed := examine(t, path, box, key.Public(), held); alone != nil || witnessed != nil {
		t.Fatalf("the log is refused before it is changed: %v, %v", alone, witnessed)
	}
	return path, box, key.Public(), held
}

// examine verifies a log alone and with its witnesses.
func examine(t *testing.T, path string, box *sealed.Box, key *pki.PublicKey, held map[string][]byte) (alone, witnessed error) {
	t.Helper()
	s, err := openStore(path, box)
	if err != nil {
		t.Fatal(err)
	}
	var witnesses []audit.Witnessed
	for name, file := range held {
		w, err := audit.OpenWitnessed(name, file, key)
		if err != nil {
			t.Fatal(err)
		}
		witnesses = append(witnesses, w)
	}
	err = s.ReadLog(t.Context(), func(log audit.Storage) error {
		_, alone = audit.Verify(log)
		_, witnessed = audit.VerifyWitnessed(log, domain, witnesses)
		return nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return alone, witnessed
}
