package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
)

// CRLFolder is where a folder of trust files has the revocation lists.
const CRLFolder = "crl"

var crlName = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,127}\.crl$`)

// readCRLs reads the revocation lists of a folder of trust files. One that is not a
// list is an error; who signed it is for the verifier to say.
func readCRLs(dir fs.FS) (listFolder, error) {
	entries, err := fs.ReadDir(dir, CRLFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading CRLs: %w", err)
	}
	var lists listFolder
	for _, e := range entries {
		if !crlName.MatchString(e.Name()) {
			continue // what a copy that was cut off leaves, say
		}
		list, err := readCRL(dir, CRLFolder+"/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", CRLFolder, e.Name(), err)
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// listFolder is the revocation lists of a folder.
type listFolder []*crl.List

// Lists implements path.Lists: the lists that cover a certificate and the deltas on
// top of them, of however many shards there are.
func (all listFolder) Lists(_ context.Context, c, _ *cert.Certificate) ([]*crl.List, error) {
	var some []*crl.List
	for _, full := range all {
		if !full.Covers(c) {
			continue
		}
		some = append(some, full)
		for _, l := range all {
			if l.IsDelta() && bytes.Equal(l.Issuer, full.Issuer) && slices.Equal(l.Points, full.Points) {
				some = append(some, l)
			}
		}
	}
	return some, nil
}

func readCRL(dir fs.FS, name string) (*crl.List, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	der, err := io.ReadAll(io.LimitReader(f, crl.MaxSize+1))
	if err != nil {
		return nil, err
	}
	return crl.Parse(der)
}
