package pdf

import (
	"bytes"
	"fmt"
	"io"

	"github.com/elicence/elicence/seal/pdf/security"
)

// Access is how an encrypted file may be opened. A file that is not encrypted needs none.
type Access struct {
	// Password is the user's or the owner's, in UTF-8. The empty one opens files whose
	// encryption only carries marks such as "do not print".
	Password string
	// NationalOnly refuses all encryption of PDF, as none of it uses national algorithms.
	NationalOnly bool
}

// Encryption says how a file is encrypted.
type Encryption struct {
	Method string // of its streams: "RC4", "AES-128", "AES-256" or "Identity"
	Bits   int    // of the file's key
	Weak   bool   // RC4, or a key that is found by trying
	Owner  bool   // the owner's password opened it, so that everything is permitted
	security.Permissions
}

// Encryption returns nil for a file that is not encrypted.
func (d *Document) Encryption() *Encryption {
	e := d.encryption
	if e == nil {
		return nil
	}
	return &Encryption{
		Method: e.streams.String(), Bits: e.key.Bits(), Owner: e.key.Owner, Permissions: e.key.Permissions,
		Weak: e.key.Weak() || e.streams == security.RC4 || e.texts == security.RC4,
	}
}

// Password is what opened an encrypted file, for other readers of the same bytes.
func (d *Document) Password() string {
	if d.encryption == nil {
		return ""
	}
	return d.encryption.password
}

// permits asks the permissions of a user; an owner has them all.
func (d *Document) permits(what func(security.Permissions) bool) bool {
	return d.encryption == nil || d.encryption.key.Owner || what(d.encryption.key.Permissions)
}

// An encryption is the standard security handler of an open file (ISO 32000-2, 7.6).
type encryption struct {
	key      *security.Key
	password string
	val      value // /Encrypt as the trailer has it
	holder   ref   // the dictionary's object, zero where it is direct; its strings are plain

	streams, texts, files security.Method
	filters               map[name]security.Method
	metadataIsPlain       bool
}

// unlock opens an encrypted file.
func (d *Document) unlock(a Access) error {
	at := d.now.sections[0].at
	val := d.now.trailer().lookup("Encrypt")
	dict, err := d.now.dict(val)
	if err != nil {
		return err
	}
	if dict == nil {
		return damagedAt(at, "an earlier revision is encrypted, the newest has no /Encrypt dictionary")
	}
	if err := d.oneEncryption(val); err != nil {
		return err
	}
	handler, err := d.now.get(dict, "Filter")
	if err != nil {
		return err
	}
	failed := &EncryptedError{}
	if n, ok := handler.(name); ok {
		failed.Handler = string(n)
	}
	switch {
	case failed.Handler != "Standard":
		return failed
	case a.NationalOnly:
		return ErrNotNational
	}
	e := &encryption{val: val, password: a.Password}
	e.holder, _ = val.(ref)
	p, err := d.parameters(dict)
	if err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		failed.Why = err.Error()
		return failed
	}
	if err := d.cryptFilters(e, dict, p.V); err != nil {
		return err
	}
	if e.key, err = p.Open(a.Password); err != nil {
		failed.NeedsPassword = err == security.ErrPassword
		failed.WrongPassword = failed.NeedsPassword && a.Password != ""
		failed.Why = err.Error()
		return failed
	}
	d.encryption = e
	// What was read before was read as if it were plain.
	clear(d.objects)
	clear(d.containers)
	d.kept, d.unpacked = 0, 0
	return nil
}

// oneEncryption checks that every revision is encrypted in the same way: another dictionary
// would make something else of the bytes that earlier revisions left, signed ones too.
func (d *Document) oneEncryption(val value) error {
	for _, s := range d.now.sections {
		other := s.trailer.lookup("Encrypt")
		if other != nil && !equal(val, other) {
			return damagedAt(s.at, "two revisions are encrypted in two ways")
		}
	}
	r, ok := val.(ref)
	if !ok {
		return nil
	}
	first, _ := d.now.locate(r.num)
	for _, s := range d.now.sections {
		if loc, ok := s.lookup(r.num); ok && loc != first {
			return damagedAt(s.at, "a revision replaces the /Encrypt dictionary, object %d", r.num)
		}
	}
	if first.kind != inFile {
		return damagedAt(d.now.sections[0].at, "the /Encrypt dictionary lies in an object stream")
	}
	return nil
}

// parameters reads the encryption dictionary (ISO 32000-2, tables 20 and 21).
func (d *Document) parameters(dict *dict) (*security.Parameters, error) {
	p := &security.Parameters{MetadataIsHidden: true}
	numbers := make(map[name]int64)
	for _, key := range []name{"V", "R", "Length", "P"} {
		val, err := d.now.get(dict, key)
		if err != nil {
			return nil, err
		}
		n, ok := val.(int64)
		if !ok && (val != nil || key == "R" || key == "P") || n < -1<<31 || n >= 1<<32 {
			return nil, damagedAt(d.now.sections[0].at, "the /Encrypt dictionary's /%s is missing or out of range", key)
		}
		numbers[key] = n
	}
	p.V, p.R, p.P, p.Bits = int(numbers["V"]), int(numbers["R"]), uint32(numbers["P"]), int(numbers["Length"])
	switch p.V { // the length counts in version 2 only
	case 1:
		p.Bits = 40
	case 2:
		if p.Bits == 0 {
			p.Bits = 40
		}
	case 4:
		p.Bits = 128
	case 5:
		p.Bits = 256
	}
	texts := map[name]*[]byte{"O": &p.O, "U": &p.U, "OE": &p.OE, "UE": &p.UE, "Perms": &p.Perms}
	for key, into := range texts {
		val, err := d.now.get(dict, key)
		if err != nil {
			return nil, err
		}
		s, _ := val.(str)
		*into = []byte(s)
	}
	long := 32
	if p.V == 5 {
		long = 48
	}
	for _, s := range []*[]byte{&p.O, &p.U} { // some fill them up with zeros
		if len(*s) > long && len(bytes.Trim((*s)[long:], "\x00")) == 0 {
			*s = (*s)[:long]
		}
	}
	plain, err := d.now.get(dict, "EncryptMetadata")
	p.MetadataIsHidden = plain != false
	p.ID = []byte(d.now.permanentID())
	return p, err
}

// permanentID is the first half of the trailer's /ID, "" where there is none.
func (v view) permanentID() str {
	id, _ := v.trailer().lookup("ID").(array)
	if len(id) != 2 {
		return ""
	}
	first, _ := id[0].(str)
	return first
}

// cryptFilters reads which method is for what (ISO 32000-2, 7.6.6).
func (d *Document) cryptFilters(e *encryption, dict *dict, version int) error {
	if version < 4 {
		e.streams, e.texts, e.files = security.RC4, security.RC4, security.RC4
		return nil
	}
	hidden, err := d.now.get(dict, "EncryptMetadata")
	if err != nil {
		return err
	}
	e.metadataIsPlain = hidden == false
	e.filters = map[name]security.Method{"Identity": security.Identity}
	list, err := d.now.dict(dict.lookup("CF"))
	if err != nil {
		return err
	}
	if list != nil {
		for _, f := range list.entries {
			if f.key == "Identity" {
				continue
			}
			if e.filters[f.key], err = d.cryptFilter(f.val, version); err != nil {
				return err
			}
		}
	}
	uses := []struct {
		key       name
		into      *security.Method
		otherwise name
	}{{"StmF", &e.streams, "Identity"}, {"StrF", &e.texts, "Identity"}, {"EFF", &e.files, ""}}
	for _, use := range uses {
		val, err := d.now.get(dict, use.key)
		if err != nil {
			return err
		}
		which, ok := val.(name)
		switch {
		case val == nil && use.key == "EFF":
			e.files = e.streams
			continue
		case val == nil:
			which = use.otherwise
		case !ok:
			return damagedAt(d.now.sections[0].at, "the /Encrypt dictionary's /%s is not a name", use.key)
		}
		if *use.into, ok = e.filters[which]; !ok {
			return damagedAt(d.now.sections[0].at, "the /Encrypt dictionary has no crypt filter %s", keyed(which))
		}
	}
	return nil
}

func (d *Document) cryptFilter(val value, version int) (security.Method, error) {
	f, err := d.now.dict(val)
	if err != nil {
		return security.Identity, err
	}
	kind, err := d.now.get(f, "CFM")
	if err != nil {
		return security.Identity, err
	}
	switch {
	case kind == name("V2") && version == 4:
		return security.RC4, nil
	case kind == name("AESV2") && version == 4:
		return security.AESV2, nil
	case kind == name("AESV3") && version == 5:
		return security.AESV3, nil
	}
	return security.Identity, damagedAt(d.now.sections[0].at, "a crypt filter's method %v is not one of version %d", kind, version)
}

// reveal decrypts the strings of an object that was just parsed. Those of cross-reference
// streams and of the /Encrypt dictionary are plain, and so is what lies in object streams,
// which are encrypted as a whole (ISO 32000-2, 7.6.2).
func (e *encryption) reveal(o *object) error {
	if o.ref == e.holder {
		return nil
	}
	var err error
	if st, ok := o.val.(*stream); ok {
		if st.dict.lookup("Type") != name("XRef") {
			_, err = e.texted(st.dict, func(s str) (str, error) { return e.plain(o, s) })
		}
		return err
	}
	o.val, err = e.texted(o.val, func(s str) (str, error) { return e.plain(o, s) })
	return err
}

func (e *encryption) plain(o *object, s str) (str, error) {
	out, err := e.key.Decrypt(e.texts, o.ref.num, o.ref.gen, []byte(s))
	if err != nil {
		return "", damagedAt(o.at, "a string of object %d: %v", o.ref.num, err)
	}
	return str(out), nil
}

// texted changes every string inside a value, in place. The /Contents of a signature are
// never encrypted; only a signature has a /ByteRange.
func (e *encryption) texted(val value, change func(str) (str, error)) (value, error) {
	var err error
	switch val := val.(type) {
	case str:
		return change(val)
	case array:
		for i := range val {
			if val[i], err = e.texted(val[i], change); err != nil {
				return nil, err
			}
		}
	case *dict:
		signature := val.find("ByteRange") != nil
		for i := range val.entries {
			entry := &val.entries[i]
			if signature && entry.key == "Contents" {
				continue
			}
			if entry.val, err = e.texted(entry.val, change); err != nil {
				return nil, err
			}
		}
	}
	return val, nil
}

// method says how the data of a stream are encrypted.
func (v view) method(st *stream, filters []filter) (security.Method, error) {
	e := v.doc.encryption
	explicit := len(filters) > 0 && filters[0].kind == "Crypt"
	if explicit {
		which, err := v.get(filters[0].parms, "Name")
		if err != nil {
			return security.Identity, err
		}
		if which == nil || which == name("Identity") {
			return security.Identity, nil
		}
		n, _ := which.(name)
		if e != nil {
			if m, ok := e.filters[n]; ok {
				return m, nil
			}
		}
		return security.Identity, damagedAt(st.start, "the stream's crypt filter %v is not known", which)
	}
	if e == nil {
		return security.Identity, nil
	}
	switch kind := st.dict.lookup("Type"); {
	case kind == name("XRef"), kind == name("Metadata") && e.metadataIsPlain:
		return security.Identity, nil
	case kind == name("EmbeddedFile"):
		return e.files, nil
	}
	return e.streams, nil
}

// data returns a stream's data as they go into its filters. What is encrypted is read at
// once, at most so many bytes.
func (v view) data(st *stream, where span, m security.Method, limit int64) (io.Reader, error) {
	n := where.to - where.from
	if m == security.Identity {
		return io.NewSectionReader(v.doc.src.r, where.from, n), nil
	}
	if n > limit {
		return nil, fmt.Errorf("%w: an encrypted stream of %d bytes", ErrTooComplex, n)
	}
	if err := v.doc.work(int(n)); err != nil {
		return nil, err
	}
	data, err := v.doc.src.read(where.from, int(n))
	if err != nil {
		return nil, err
	}
	if data, err = v.doc.encryption.key.Decrypt(m, st.holder.num, st.holder.gen, data); err != nil {
		return nil, damagedAt(where.from, "the stream of object %d: %v", st.holder.num, err)
	}
	return bytes.NewReader(data), nil
}

// raw reads a stream's data as they go into its filters. The caller has bounded them.
func (v view) raw(st *stream, where span, m security.Method) ([]byte, error) {
	if m == security.Identity {
		return v.doc.src.read(where.from, int(where.to-where.from))
	}
	r, err := v.data(st, where, m, where.to-where.from)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// hide encrypts the strings of an object that an increment is about to write.
func (w *increment) hide(r ref, val value) value {
	if w.encryption == nil {
		return val
	}
	e := w.encryption
	// A copy: what is written may be part of a document that goes on being read.
	hidden, err := e.texted(clone(val), func(s str) (str, error) {
		w.hidden++
		out, err := e.key.Encrypt(e.texts, r.num, r.gen, w.at+w.hidden, []byte(s))
		return str(out), err
	})
	w.failed(err)
	return hidden
}

// hideData encrypts the data of a stream that an increment is about to write.
func (w *increment) hideData(r ref, data []byte) []byte {
	if w.encryption == nil {
		return data
	}
	w.hidden++
	out, err := w.encryption.key.Encrypt(w.encryption.streams, r.num, r.gen, w.at+w.hidden, data)
	w.failed(err)
	return out
}

// failed keeps the first error for finish.
func (w *increment) failed(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("encrypting an object: %w", err)
	}
}

// clone copies arrays and dictionaries.
func clone(val value) value {
	switch val := val.(type) {
	case array:
		out := make(array, len(val))
		for i := range val {
			out[i] = clone(val[i])
		}
		return out
	case *dict:
		out := &dict{entries: make([]entry, len(val.entries))}
		for i, e := range val.entries {
			e.val = clone(e.val)
			out.entries[i] = e
		}
		return out
	}
	return val
}
