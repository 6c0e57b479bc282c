package syntax

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

// Encryption says how the file is encrypted, nil where it is not.
func (f *File) Encryption() *Encryption {
	e := f.encryption
	if e == nil {
		return nil
	}
	return &Encryption{
		Method: e.streams.String(), Bits: e.key.Bits(), Owner: e.key.Owner, Permissions: e.key.Permissions,
		Weak: e.key.Weak() || e.streams == security.RC4 || e.texts == security.RC4,
	}
}

// Password is what opened an encrypted file, for other readers of the same bytes.
func (f *File) Password() string {
	if f.encryption == nil {
		return ""
	}
	return f.encryption.password
}

// Permits asks the permissions of a user; an owner has them all.
func (f *File) Permits(what func(security.Permissions) bool) bool {
	return f.encryption == nil || f.encryption.key.Owner || what(f.encryption.key.Permissions)
}

// An encryption is the standard security handler of an open file (ISO 32000-2, 7.6).
type encryption struct {
	key      *security.Key
	password string
	val      Value // /Encrypt as the trailer has it
	holder   Ref   // the dictionary's object, zero where it is direct; its strings are plain

	streams, texts, files security.Method
	filters               map[Name]security.Method
	metadataIsPlain       bool
}

// unlock opens an encrypted file.
func (f *File) unlock(a Access) error {
	at := f.now.sections[0].at
	val := f.now.Trailer().Lookup("Encrypt")
	dict, err := f.now.Dict(val)
	if err != nil {
		return err
	}
	if dict == nil {
		return DamagedAt(at, "an earlier revision is encrypted, the newest has no /Encrypt dictionary")
	}
	if err := f.oneEncryption(val); err != nil {
		return err
	}
	handler, err := f.now.Get(dict, "Filter")
	if err != nil {
		return err
	}
	failed := &EncryptedError{}
	if n, ok := handler.(Name); ok {
		failed.Handler = string(n)
	}
	switch {
	case failed.Handler != "Standard":
		return failed
	case a.NationalOnly:
		return ErrNotNational
	}
	e := &encryption{val: val, password: a.Password}
	e.holder, _ = val.(Ref)
	p, err := f.parameters(dict)
	if err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		failed.Why = err.Error()
		return failed
	}
	if err := f.cryptFilters(e, dict, p.V); err != nil {
		return err
	}
	if e.key, err = p.Open(a.Password); err != nil {
		failed.NeedsPassword = err == security.ErrPassword
		failed.WrongPassword = failed.NeedsPassword && a.Password != ""
		failed.Why = err.Error()
		return failed
	}
	f.encryption = e
	// What was read before was read as if it were plain.
	clear(f.objects)
	clear(f.containers)
	f.kept, f.unpacked = 0, 0
	return nil
}

// oneEncryption checks that every revision is encrypted in the same way: another dictionary
// would make something else of the bytes that earlier revisions left, signed ones too.
func (f *File) oneEncryption(val Value) error {
	for _, s := range f.now.sections {
		other := s.trailer.Lookup("Encrypt")
		if other != nil && !Equal(val, other) {
			return DamagedAt(s.at, "two revisions are encrypted in two ways")
		}
	}
	r, ok := val.(Ref)
	if !ok {
		return nil
	}
	first, _ := f.now.locate(r.Num)
	for _, s := range f.now.sections {
		if loc, ok := s.lookup(r.Num); ok && loc != first {
			return DamagedAt(s.at, "a revision replaces the /Encrypt dictionary, object %d", r.Num)
		}
	}
	if first.kind != inFile {
		return DamagedAt(f.now.sections[0].at, "the /Encrypt dictionary lies in an object stream")
	}
	return nil
}

// parameters reads the encryption dictionary (ISO 32000-2, tables 20 and 21).
func (f *File) parameters(dict *Dict) (*security.Parameters, error) {
	p := &security.Parameters{MetadataIsHidden: true}
	numbers := make(map[Name]int64)
	for _, key := range []Name{"V", "R", "Length", "P"} {
		val, err := f.now.Get(dict, key)
		if err != nil {
			return nil, err
		}
		n, ok := val.(int64)
		if !ok && (val != nil || key == "R" || key == "P") || n < -1<<31 || n >= 1<<32 {
			return nil, DamagedAt(f.now.sections[0].at, "the /Encrypt dictionary's /%s is missing or out of range", key)
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
	texts := map[Name]*[]byte{"O": &p.O, "U": &p.U, "OE": &p.OE, "UE": &p.UE, "Perms": &p.Perms}
	for key, into := range texts {
		val, err := f.now.Get(dict, key)
		if err != nil {
			return nil, err
		}
		s, _ := val.(String)
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
	plain, err := f.now.Get(dict, "EncryptMetadata")
	p.MetadataIsHidden = plain != false
	p.ID = []byte(f.now.permanentID())
	return p, err
}

// permanentID is the first half of the trailer's /ID, "" where there is none.
func (v View) permanentID() String {
	id, _ := v.Trailer().Lookup("ID").(Array)
	if len(id) != 2 {
		return ""
	}
	first, _ := id[0].(String)
	return first
}

// cryptFilters reads which method is for what (ISO 32000-2, 7.6.6).
func (f *File) cryptFilters(e *encryption, dict *Dict, version int) error {
	if version < 4 {
		e.streams, e.texts, e.files = security.RC4, security.RC4, security.RC4
		return nil
	}
	hidden, err := f.now.Get(dict, "EncryptMetadata")
	if err != nil {
		return err
	}
	e.metadataIsPlain = hidden == false
	e.filters = map[Name]security.Method{"Identity": security.Identity}
	list, err := f.now.Dict(dict.Lookup("CF"))
	if err != nil {
		return err
	}
	if list != nil {
		for _, entry := range list.Entries {
			if entry.Key == "Identity" {
				continue
			}
			if e.filters[entry.Key], err = f.cryptFilter(entry.Val, version); err != nil {
				return err
			}
		}
	}
	uses := []struct {
		key       Name
		into      *security.Method
		otherwise Name
	}{{"StmF", &e.streams, "Identity"}, {"StrF", &e.texts, "Identity"}, {"EFF", &e.files, ""}}
	for _, use := range uses {
		val, err := f.now.Get(dict, use.key)
		if err != nil {
			return err
		}
		which, ok := val.(Name)
		switch {
		case val == nil && use.key == "EFF":
			e.files = e.streams
			continue
		case val == nil:
			which = use.otherwise
		case !ok:
			return DamagedAt(f.now.sections[0].at, "the /Encrypt dictionary's /%s is not a name", use.key)
		}
		if *use.into, ok = e.filters[which]; !ok {
			return DamagedAt(f.now.sections[0].at, "the /Encrypt dictionary has no crypt filter %s", which.Quoted())
		}
	}
	return nil
}

func (f *File) cryptFilter(val Value, version int) (security.Method, error) {
	filter, err := f.now.Dict(val)
	if err != nil {
		return security.Identity, err
	}
	kind, err := f.now.Get(filter, "CFM")
	if err != nil {
		return security.Identity, err
	}
	switch {
	case kind == Name("V2") && version == 4:
		return security.RC4, nil
	case kind == Name("AESV2") && version == 4:
		return security.AESV2, nil
	case kind == Name("AESV3") && version == 5:
		return security.AESV3, nil
	}
	return security.Identity, DamagedAt(f.now.sections[0].at, "a crypt filter's method %v is not one of version %d", kind, version)
}

// reveal decrypts the strings of an object that was just parsed. Those of cross-reference
// streams and of the /Encrypt dictionary are plain, and so is what lies in object streams,
// which are encrypted as a whole (ISO 32000-2, 7.6.2).
func (e *encryption) reveal(o *Object) error {
	if o.Ref == e.holder {
		return nil
	}
	var err error
	if st, ok := o.Val.(*Stream); ok {
		if st.Dict.Lookup("Type") != Name("XRef") {
			_, err = e.texted(st.Dict, func(s String) (String, error) { return e.plain(o, s) })
		}
		return err
	}
	o.Val, err = e.texted(o.Val, func(s String) (String, error) { return e.plain(o, s) })
	return err
}

func (e *encryption) plain(o *Object, s String) (String, error) {
	out, err := e.key.Decrypt(e.texts, o.Ref.Num, o.Ref.Gen, []byte(s))
	if err != nil {
		return "", DamagedAt(o.At, "a string of object %d: %v", o.Ref.Num, err)
	}
	return String(out), nil
}

// texted changes every string inside a value, in place. The /Contents of a signature are
// never encrypted; only a signature has a /ByteRange.
func (e *encryption) texted(val Value, change func(String) (String, error)) (Value, error) {
	var err error
	switch val := val.(type) {
	case String:
		return change(val)
	case Array:
		for i := range val {
			if val[i], err = e.texted(val[i], change); err != nil {
				return nil, err
			}
		}
	case *Dict:
		signature := val.Find("ByteRange") != nil
		for i := range val.Entries {
			entry := &val.Entries[i]
			if signature && entry.Key == "Contents" {
				continue
			}
			if entry.Val, err = e.texted(entry.Val, change); err != nil {
				return nil, err
			}
		}
	}
	return val, nil
}

// method says how the data of a stream are encrypted.
func (v View) method(st *Stream, filters []filter) (security.Method, error) {
	e := v.File.encryption
	explicit := len(filters) > 0 && filters[0].kind == "Crypt"
	if explicit {
		which, err := v.Get(filters[0].parms, "Name")
		if err != nil {
			return security.Identity, err
		}
		if which == nil || which == Name("Identity") {
			return security.Identity, nil
		}
		n, _ := which.(Name)
		if e != nil {
			if m, ok := e.filters[n]; ok {
				return m, nil
			}
		}
		return security.Identity, DamagedAt(st.start, "the stream's crypt filter %v is not known", which)
	}
	if e == nil {
		return security.Identity, nil
	}
	switch kind := st.Dict.Lookup("Type"); {
	case kind == Name("XRef"), kind == Name("Metadata") && e.metadataIsPlain:
		return security.Identity, nil
	case kind == Name("EmbeddedFile"):
		return e.files, nil
	}
	return e.streams, nil
}

// data returns a stream's data as they go into its filters. What is encrypted is read at
// once, at most so many bytes.
func (v View) data(st *Stream, where Span, m security.Method, limit int64) (io.Reader, error) {
	n := where.To - where.From
	if m == security.Identity {
		return io.NewSectionReader(v.File.src.r, where.From, n), nil
	}
	if n > limit {
		return nil, fmt.Errorf("%w: an encrypted stream of %d bytes", ErrTooComplex, n)
	}
	if err := v.File.Work(int(n)); err != nil {
		return nil, err
	}
	data, err := v.File.src.read(where.From, int(n))
	if err != nil {
		return nil, err
	}
	if data, err = v.File.encryption.key.Decrypt(m, st.holder.Num, st.holder.Gen, data); err != nil {
		return nil, DamagedAt(where.From, "the stream of object %d: %v", st.holder.Num, err)
	}
	return bytes.NewReader(data), nil
}

// raw reads a stream's data as they go into its filters. The caller has bounded them.
func (v View) raw(st *Stream, where Span, m security.Method) ([]byte, error) {
	if m == security.Identity {
		return v.File.src.read(where.From, int(where.To-where.From))
	}
	r, err := v.data(st, where, m, where.To-where.From)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Hide encrypts the strings of an object that an increment is about to write.
func (w *Increment) Hide(r Ref, val Value) Value {
	if w.encryption == nil {
		return val
	}
	e := w.encryption
	// A copy: what is written may be part of a document that goes on being read.
	hidden, err := e.texted(clone(val), func(s String) (String, error) {
		w.hidden++
		out, err := e.key.Encrypt(e.texts, r.Num, r.Gen, w.At+w.hidden, []byte(s))
		return String(out), err
	})
	w.failed(err)
	return hidden
}

// hideData encrypts the data of a stream that an increment is about to write.
func (w *Increment) hideData(r Ref, data []byte) []byte {
	if w.encryption == nil {
		return data
	}
	w.hidden++
	out, err := w.encryption.key.Encrypt(w.encryption.streams, r.Num, r.Gen, w.At+w.hidden, data)
	w.failed(err)
	return out
}

// failed keeps the first error for [Increment.Finish].
func (w *Increment) failed(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("encrypting an object: %w", err)
	}
}

// clone copies arrays and dictionaries.
func clone(val Value) Value {
	switch val := val.(type) {
	case Array:
		out := make(Array, len(val))
		for i := range val {
			out[i] = clone(val[i])
		}
		return out
	case *Dict:
		out := &Dict{Entries: make([]Entry, len(val.Entries))}
		for i, e := range val.Entries {
			e.Val = clone(e.Val)
			out.Entries[i] = e
		}
		return out
	}
	return val
}
