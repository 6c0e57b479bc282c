package pdf

import (
	"bytes"
	"sync"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// encryption finds out what an encrypted file would need and says so in an
// *EncryptedError.
//
// pdfcpu knows how to try the empty password, but it reads whole files and can
// be made to exhaust the stack. So it never sees the file: it gets a file of
// five objects made here, with nothing of the original but the encryption
// dictionary and the file identifier, which is all that a password depends on
// (ISO 32000-1, 7.6.3.3).
func (d *Document) encryption() error {
	trailer := d.now.trailer()
	e, err := d.now.dict(trailer.lookup("Encrypt"))
	if err != nil {
		return err
	}
	if e == nil {
		return damagedAt(d.now.sections[0].at, "an earlier revision is encrypted, the newest has no /Encrypt dictionary")
	}
	direct, err := d.now.flat(e, 0)
	if err != nil {
		return err
	}
	id, err := d.now.flat(trailer.lookup("ID"), 0)
	if err != nil {
		return err
	}
	handler, _ := direct.(*dict).lookup("Filter").(name)
	return &EncryptedError{
		Handler:       string(handler),
		NeedsPassword: handler != "Standard" || !emptyPasswordOpens(keyholder(direct, id)),
	}
}

// flat resolves every reference inside a value.
func (v view) flat(val value, depth int) (value, error) {
	const deepest = 8
	if depth > deepest {
		return nil, damagedAt(v.sections[0].at, "the /Encrypt dictionary is nested too deep")
	}
	val, err := v.resolve(val)
	if err != nil {
		return nil, err
	}
	switch val := val.(type) {
	case array:
		out := make(array, len(val))
		for i := range val {
			if out[i], err = v.flat(val[i], depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *dict:
		out := &dict{}
		for _, e := range val.entries {
			if e.val, err = v.flat(e.val, depth+1); err != nil {
				return nil, err
			}
			out.entries = append(out.entries, e)
		}
		return out, nil
	case *stream:
		return nil, nil
	}
	return val, nil
}

// keyholder makes the small file: a catalog, an empty page and the encryption
// dictionary.
func keyholder(encrypt, id value) []byte {
	w := &increment{next: 5, out: []byte("%PDF-2.0\n")}
	catalog, pages, page, crypt := ref{num: 1}, ref{num: 2}, ref{num: 3}, ref{num: 4}
	w.put(catalog, dictOf("Type", name("Catalog"), "Pages", pages))
	w.put(pages, dictOf("Type", name("Pages"), "Kids", array{page}, "Count", int64(1)))
	w.put(page, dictOf("Type", name("Page"), "Parent", pages, "MediaBox", rect{x1: 9, y1: 9}.array()))
	w.put(crypt, encrypt)
	w.table(dictOf("Root", catalog, "Encrypt", crypt, "ID", id), true)
	return w.out
}

// quietly guards a setting that pdfcpu keeps for the whole process: not to look
// for a configuration in the user's home.
var quietly sync.Once

// emptyPasswordOpens answers false where pdfcpu fails for whatever reason,
// panics included: then nobody knows, and a password is the thing to ask for.
func emptyPasswordOpens(file []byte) bool {
	quietly.Do(api.DisableConfigDir)
	opens := false
	func() {
		defer func() { _ = recover() }()
		_, err := api.ReadContext(bytes.NewReader(file), model.NewDefaultConfiguration())
		opens = err == nil
	}()
	return opens
}
