package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/audit/witness"
)

// testimony is what was kept of a log elsewhere, and whose signatures count.
type testimony struct {
	files                durable.Files // in which it lies
	logKeys, witnessKeys []*pki.PublicKey
	seen                 []audit.Witnessed
}

// Limits of the files that witnesses kept, in bytes.
const (
	maxWitness    = audit.MaxProofSize
	maxWitnessKey = 1 << 10
)

// addKey takes a witness's public point: the digits, or a file with them.
func (t *testimony) addKey(what string) error {
	digits := what
	if b, err := readFrom(t.files, what, maxWitnessKey); err == nil {
		digits = string(b)
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	b, err := hex.DecodeString(strings.TrimSpace(digits))
	if err != nil {
		return fmt.Errorf("%s: no such file, and not a public point in hexadecimal", what)
	}
	key, err := pki.ParsePoint(b)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	t.witnessKeys = append(t.witnessKeys, key)
	return nil
}

// read reads a file, or every file in a folder and its folders.
func (t *testimony) read(ctx context.Context, path string) error {
	before := len(t.seen)
	info, err := t.files.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		err = t.readFolder(ctx, path)
	case info.Name() == witness.KeyName:
		err = t.addKey(path)
	default:
		err = t.readFile(path)
	}
	if err == nil && len(t.seen) == before {
		err = fmt.Errorf("%s holds no checkpoint", path)
	}
	return err
}

func (t *testimony) readFolder(ctx context.Context, path string) error {
	entries, err := t.files.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := filepath.Join(path, entry.Name())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case skipWitness(entry.Name()):
			continue
		case entry.IsDir():
			err = t.readFolder(ctx, name)
		case entry.Name() == witness.KeyName:
			err = t.addKey(name)
		default:
			err = t.readFile(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *testimony) readFile(name string) error {
	file, err := readFrom(t.files, name, maxWitness)
	if err != nil {
		return err
	}
	w, err := auditlog.OpenWitness(name, file, t.logKeys...)
	if err != nil {
		return err
	}
	t.seen = append(t.seen, w)
	return nil
}

// skipWitness reports what lies beside testimony: the rest of a scanner's cache, and
// a witness's own settings and key. Anything else must be testimony: what cannot be
// read is not passed over.
func skipWitness(name string) bool {
	switch name {
	case "trust", "catalogue", "status", "set", "crl", "root.sm3", "witness.json", witnessKeys, witnessKEK:
		return true
	default:
		return strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".root")
	}
}

// cosignature is what is known of a witness's signature, as it is printed.
type cosignature struct {
	File    string  `json:"file"`
	Witness string  `json:"witness"` // the name that stands in it
	Key     *string `json:"key"`     // that has signed it; null: none of the witnesses' keys that were given
}

// cosignatures verifies those that there are by the keys at hand.
func (t *testimony) cosignatures() ([]cosignature, error) {
	all := []cosignature{}
	for _, w := range t.seen {
		if w.Cosigner == "" {
			continue
		}
		key, err := w.VerifyCosignature(t.witnessKeys...)
		if err != nil {
			return nil, err
		}
		c := cosignature{File: w.Name, Witness: w.Cosigner}
		if key != nil {
			point := key.Point().String()
			c.Key = &point
		}
		all = append(all, c)
	}
	return all, nil
}

func (c cosignature) line() string {
	if c.Key == nil {
		return fmt.Sprintf("%s  自称 %s 联署，未核验 cosigned by whoever calls themselves that: not verified, give --witness-key", c.File, c.Witness)
	}
	return fmt.Sprintf("%s  %s 联署已核验 cosignature verified  key %s", c.File, c.Witness, *c.Key)
}
