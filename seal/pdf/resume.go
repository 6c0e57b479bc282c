package pdf

import (
	"bytes"
	"io"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// Resume goes on with a stamp whose file was written by [Prepared.WriteUnsigned], in
// another process or days later: the newest revision must have exactly one signature
// field whose room is still empty, and it must cover the file as every signature does.
// Nothing but the file is needed; whoever signs answers for what it is.
func Resume(r io.ReaderAt, size int64) (*Prepared, error) {
	return ResumeWith(r, size, syntax.Access{})
}

// ResumeWith is Resume for a file that may be encrypted.
func ResumeWith(r io.ReaderAt, size int64, a syntax.Access) (*Prepared, error) {
	d, err := OpenWith(r, size, a)
	if err != nil {
		return nil, err
	}
	form, err := d.now.Form()
	if err != nil {
		return nil, err
	}
	var empty *Prepared
	for _, f := range form.All {
		if !f.Signed() {
			continue
		}
		p, err := d.waiting(f)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		if empty != nil {
			return nil, refuseZH("有两个签名域待签", "two signature fields wait for a signature: %q and %q", empty.field, p.field)
		}
		empty = p
		empty.access = a
	}
	if empty == nil {
		return nil, refuseZH("没有待签的签名域", "no signature field of the file waits for a signature")
	}
	return empty, nil
}

// waiting returns the stamp of a field whose signature is still to come, nil where it is
// there.
func (d *Document) waiting(f *structure.Field) (*Prepared, error) {
	r, ok := f.Val.(syntax.Ref)
	if !ok {
		return nil, nil //nolint:nilnil // not one that waits
	}
	o, err := d.now.Load(r)
	if err != nil || o == nil {
		return nil, err
	}
	dict, ok := o.Val.(*syntax.Dict)
	if !ok || o.Packed >= 0 {
		return nil, nil //nolint:nilnil // not one that waits
	}
	s := &Signature{Field: f.Name, doc: d, ref: r}
	contents := s.gap(dict)
	if contents == nil {
		return nil, nil //nolint:nilnil // not one that waits
	}
	token, err := d.file.Bytes(contents.From, int(contents.To-contents.From))
	if err != nil {
		return nil, err
	}
	if len(token) < 4 || len(token)%2 != 0 || token[0] != '<' || token[len(token)-1] != '>' || len(bytes.Trim(token[1:len(token)-1], "0")) > 0 {
		return nil, nil //nolint:nilnil // it has a signature, or something else
	}
	if err := s.signedRevision(f, o); err != nil {
		return nil, err
	}
	if len(s.Faults) > 0 || s.view != 0 || s.end != d.Size() {
		return nil, refuse("the field %q waits for a signature that would not cover the file: %v", f.Name, s.Faults)
	}
	if err := d.digests([]*Signature{s}); err != nil {
		return nil, err
	}
	statement, err := d.stated(f)
	if err != nil {
		return nil, err
	}
	from, to := s.ByteRange[1], s.ByteRange[2]
	tail, err := d.file.Bytes(from, int(d.Size()-from))
	if err != nil {
		return nil, err
	}
	return &Prepared{
		doc:       &Document{file: d.file.Before(from), known: hashing{states: d.known.states}},
		increment: bytes.Clone(tail), contents: [2]int{1, int(to-from) - 1},
		byteRange: [4]int64(s.ByteRange), digest: s.Digest, field: f.Name, seen: statement,
	}, nil
}
