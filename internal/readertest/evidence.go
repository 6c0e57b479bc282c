package readertest

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tjfoc/gmsm/sm3"
)

// Evidence is what the second reader finds proven in an evidence bundle, by the bundle's
// own keys: it does not judge the root or the stamp.
type Evidence struct {
	Licence  string
	Manifest []byte
	Stamp    []byte
	Proofs   int // entries of the log about the licence, its issue among them
}

// ReadEvidence reads an evidence bundle by docs/evidence.md and docs/audit-format.md. The
// log's public point is given in 33 bytes.
func ReadEvidence(archive, logPoint []byte) (Evidence, error) {
	var e Evidence
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return e, err
	}
	files := make(map[string][]byte)
	var names []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return e, err
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			return e, err
		}
		names = append(names, f.Name)
	}
	e.Manifest, e.Stamp = files["manifest.cbor"], files["manifest.tst"]
	v, err := decode(e.Manifest)
	if err != nil {
		return e, err
	}
	items, err := list(v, 4)
	if err != nil || items[0] != "elicence/evidence/1" {
		return e, errors.Join(err, errFormat)
	}
	e.Licence, _ = items[2].(string)
	listed, err := list(items[3], len(names)-2)
	if err != nil {
		return e, err
	}
	for i, item := range listed {
		entry, err := list(item, 3)
		if err != nil {
			return e, err
		}
		name, _ := entry[0].(string)
		sum, err := octets(entry[2], 32)
		if err != nil || name != names[i+2] || entry[1] != int64(len(files[name])) || !bytes.Equal(sum, sm3.Sm3Sum(files[name])) {
			return e, fmt.Errorf("%s: %w", name, errFormat)
		}
	}
	log, err := newKey(logPoint)
	if err != nil {
		return e, err
	}
	issued := false
	for _, name := range names {
		if !strings.HasPrefix(name, "log/") {
			continue
		}
		digest, err := provenEntry(files[name], log, e.Licence)
		if err != nil {
			return e, fmt.Errorf("%s: %w", name, err)
		}
		issued = issued || bytes.Equal(digest, sm3.Sm3Sum(files["licence.cose"]))
		e.Proofs++
	}
	if !issued {
		return e, errors.New("the issue is not proven")
	}
	return e, nil
}

// provenEntry verifies a proof file and returns the digest of its entry.
func provenEntry(file []byte, log key, subject string) ([]byte, error) {
	v, err := decode(file)
	if err != nil {
		return nil, err
	}
	items, err := list(v, 7)
	if err != nil || items[0] != "elicence/audit-proof/1" {
		return nil, errors.Join(err, errFormat)
	}
	signed, err := octets(items[1], -1)
	if err != nil {
		return nil, err
	}
	m, err := parseSign1(signed)
	if err != nil {
		return nil, err
	}
	if i, _ := m.signedBy("elicence/checkpoint/1", []key{log}); i < 0 {
		return nil, errors.New("the checkpoint is not signed")
	}
	if v, err = decode(m.payload); err != nil {
		return nil, err
	}
	checkpoint, err := list(v, 4)
	if err != nil {
		return nil, err
	}
	size, err := integer(checkpoint[1], 1, 1<<40)
	if err != nil {
		return nil, err
	}
	root, err := octets(checkpoint[2], 32)
	if err != nil {
		return nil, err
	}
	index, err := integer(items[2], 0, size-1)
	if err != nil {
		return nil, err
	}
	leaf, err := octets(items[3], -1)
	if err != nil {
		return nil, err
	}
	hashes, err := list(items[4], -1)
	if err != nil {
		return nil, err
	}
	var path [][]byte
	for _, h := range hashes {
		hash, err := octets(h, 32)
		if err != nil {
			return nil, err
		}
		path = append(path, hash)
	}
	if !bytes.Equal(climb(index, size, sm3.Sm3Sum(append([]byte{0}, leaf...)), path), root) {
		return nil, errors.New("the path does not lead to the root")
	}
	if v, err = decode(leaf); err != nil {
		return nil, err
	}
	entry, err := list(v, 6)
	if err != nil {
		return nil, err
	}
	if entry[3] != subject {
		return nil, errors.New("an entry about something else")
	}
	return octets(entry[4], -1)
}

// climb is the root that a path leads to (RFC 9162, 2.1.3.2), nil if it is too long or
// too short.
func climb(index, size int64, hash []byte, path [][]byte) []byte {
	at, last := index, size-1
	for _, p := range path {
		if last == 0 {
			return nil
		}
		if at%2 == 1 || at == last {
			hash = sm3.Sm3Sum(bytes.Join([][]byte{{1}, p, hash}, nil))
			for at%2 == 0 && at != 0 {
				at, last = at/2, last/2
			}
		} else {
			hash = sm3.Sm3Sum(bytes.Join([][]byte{{1}, hash, p}, nil))
		}
		at, last = at/2, last/2
	}
	if last != 0 {
		return nil
	}
	return hash
}
