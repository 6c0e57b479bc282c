package pdf

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/seal/pdf/security"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// DSS is what a verifier needs to judge signatures when their certificates have ended and nobody can be asked any more
// (the document security store of ISO 32000-2, 12.8.4.3; ETSI EN 319 142-1). All of it is DER, and none of it is
// trusted because it is there.
type DSS struct {
	Certificates [][]byte
	CRLs         [][]byte
	OCSPs        [][]byte // whole responses of RFC 6960
}

// Limits of the store.
const (
	maxValidation    = 16 << 20 // bytes altogether
	maxValidationNum = 400      // objects altogether
)

// stores lists the arrays of a store by their keys.
func (v *DSS) stores() []struct {
	key  syntax.Name
	into *[][]byte
} {
	return []struct {
		key  syntax.Name
		into *[][]byte
	}{{"Certs", &v.Certificates}, {"CRLs", &v.CRLs}, {"OCSPs", &v.OCSPs}}
}

// Empty reports that there is nothing in it.
func (v *DSS) Empty() bool { return len(v.Certificates)+len(v.CRLs)+len(v.OCSPs) == 0 }

// DSS reads the newest revision's store. Entries for single signatures (/VRI)
// say nothing that the store does not, and are not read.
func (d *Document) DSS() (DSS, error) {
	d.file.BeginWork()
	out, _, err := d.now.validationData()
	return out, err
}

// validationData also returns the store's references, in the same order.
func (v view) validationData() (DSS, map[syntax.Name]syntax.Array, error) {
	var out DSS
	refs := make(map[syntax.Name]syntax.Array)
	catalog, err := v.Catalog()
	if err != nil {
		return out, nil, err
	}
	root, ok := catalog.Val.(*syntax.Dict)
	if !ok {
		return out, nil, syntax.DamagedAt(catalog.At, "the catalog is not a dictionary")
	}
	store, err := v.Dict(root.Lookup("DSS"))
	if err != nil {
		return out, nil, err
	}
	room, count := maxValidation, 0
	for _, s := range out.stores() {
		list, err := v.Array(store.Lookup(s.key))
		if err != nil {
			return out, nil, err
		}
		for _, val := range list {
			if count++; count > maxValidationNum {
				return out, nil, fmt.Errorf("%w: more than %d entries of validation data", syntax.ErrTooComplex, maxValidationNum)
			}
			resolved, err := v.Resolve(val)
			if err != nil {
				return out, nil, err
			}
			st, ok := resolved.(*syntax.Stream)
			if !ok {
				return out, nil, syntax.DamagedAt(catalog.At, "an entry of the DSS's /%s is not a stream", s.key)
			}
			data, _, err := v.Decode(st, room)
			if err != nil {
				return out, nil, err
			}
			room -= len(data)
			*s.into = append(*s.into, bytes.Clone(data))
			refs[s.key] = append(refs[s.key], val)
		}
	}
	return out, refs, nil
}

// AddDSS appends a revision that holds nothing but validation data; what the store has already is not written twice. It
// is complete at once and signs nothing: a document time stamp over it comes next.
func (d *Document) AddDSS(more DSS) (*Prepared, error) {
	d.file.BeginWork()
	if !d.file.Permits(security.Permissions.Modify) {
		return nil, refuseZH("文件已加密，其所有者未许可", "the file is encrypted and permits changes only with its owner's password")
	}
	have, refs, err := d.now.validationData()
	if err != nil {
		return nil, err
	}
	leaves, err := d.pages()
	if err != nil {
		return nil, err
	}
	p := &preparation{doc: d, leaves: leaves}
	if p.inc, err = d.file.NewIncrement(); err != nil {
		return nil, err
	}
	catalog, err := d.now.Catalog()
	if err != nil {
		return nil, err
	}
	root, ok := catalog.Val.(*syntax.Dict)
	if !ok {
		return nil, syntax.DamagedAt(catalog.At, "the catalog is not a dictionary")
	}
	store, err := d.now.Dict(root.Lookup("DSS"))
	if err != nil {
		return nil, err
	}
	if store == nil {
		store = syntax.DictOf("Type", syntax.Name("DSS"))
	}
	stores := have.stores()
	for i, s := range more.stores() {
		list, known := refs[s.key], *stores[i].into
		for _, der := range *s.into {
			if containsBytes(known, der) {
				continue
			}
			known = append(known, der)
			r := p.inc.Fresh()
			data, err := deflate(der)
			if err != nil {
				return nil, err
			}
			p.inc.PutStream(r, syntax.DictOf("Filter", syntax.Name("FlateDecode")), data)
			list = append(list, r)
		}
		if len(list) > 0 {
			store = store.With(s.key, list)
		}
	}
	if shared, ok := root.Lookup("DSS").(syntax.Ref); ok {
		p.inc.Put(shared, store)
	} else {
		p.inc.Put(catalog.Ref, root.With("DSS", store))
	}
	if err := finish(p.inc, d); err != nil {
		return nil, err
	}
	h := sm3.New()
	_ = binary.Write(h, binary.BigEndian, p.inc.At)
	p.inc.Identify(h, 0)
	return &Prepared{doc: d, increment: p.inc.Out, leaves: leaves, complete: true}, nil
}

func containsBytes(list [][]byte, b []byte) bool {
	for _, other := range list {
		if bytes.Equal(other, b) {
			return true
		}
	}
	return false
}
