package pdf

import (
	"fmt"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

const (
	maxEmbedded    = 64 << 20 // bytes of all embedded files together
	maxEmbeddedNum = 1000
)

// An EmbeddedFile is a file that travels inside the document (ISO 32000-1,
// 7.11.4; ISO 32000-2, 14.13 for the relationship).
type EmbeddedFile struct {
	Name         string
	MediaType    string // "" where the file does not say
	Relationship string // /AFRelationship, such as "Source" or "Data"; "" where absent
	Data         []byte
}

// EmbeddedFiles returns the files that the catalog's name tree /EmbeddedFiles
// and its associated files (/AF) list, each once. All together must not be
// larger than 64 MiB when decoded.
func (d *Document) EmbeddedFiles() ([]EmbeddedFile, error) {
	d.file.BeginWork()
	catalog, err := d.now.Catalog()
	if err != nil {
		return nil, err
	}
	e := &embedded{view: d.now, seen: make(map[uint32]bool), room: maxEmbedded}
	names, err := d.now.Dict(catalog.Val.(*syntax.Dict).Lookup("Names"))
	if err != nil {
		return nil, err
	}
	if err := e.node(names.Lookup("EmbeddedFiles"), 0); err != nil {
		return nil, err
	}
	associated, err := d.now.Array(catalog.Val.(*syntax.Dict).Lookup("AF"))
	if err != nil {
		return nil, err
	}
	for _, val := range associated {
		if err := e.specification(val); err != nil {
			return nil, err
		}
	}
	return e.files, nil
}

type embedded struct {
	view  view
	seen  map[uint32]bool // nodes of the tree, and file specifications
	files []EmbeddedFile
	room  int
}

// first reports whether val is met for the first time; what is not an object
// of its own always is.
func (e *embedded) first(val syntax.Value) bool {
	r, ok := val.(syntax.Ref)
	if !ok {
		return true
	}
	again := e.seen[r.Num]
	e.seen[r.Num] = true
	return !again
}

// node walks the name tree (ISO 32000-1, 7.9.6).
func (e *embedded) node(val syntax.Value, depth int) error {
	if depth > structure.MaxTree || !e.first(val) {
		return fmt.Errorf("%w: the tree of embedded files is too deep or runs in a circle", syntax.ErrTooComplex)
	}
	node, err := e.view.Dict(val)
	if err != nil || node == nil {
		return err
	}
	kids, err := e.view.Array(node.Lookup("Kids"))
	if err != nil {
		return err
	}
	for _, kid := range kids {
		if err := e.node(kid, depth+1); err != nil {
			return err
		}
	}
	names, err := e.view.Array(node.Lookup("Names"))
	if err != nil {
		return err
	}
	for i := 1; i < len(names); i += 2 {
		if err := e.specification(names[i]); err != nil {
			return err
		}
	}
	return nil
}

// specification reads one file specification (ISO 32000-1, 7.11.3).
func (e *embedded) specification(val syntax.Value) error {
	if !e.first(val) {
		return nil
	}
	spec, err := e.view.Dict(val)
	if err != nil || spec == nil {
		return err
	}
	if len(e.files) == maxEmbeddedNum {
		return fmt.Errorf("%w: more than %d embedded files", syntax.ErrTooComplex, maxEmbeddedNum)
	}
	var file EmbeddedFile
	for _, key := range []syntax.Name{"UF", "F"} {
		val, err := e.view.Get(spec, key)
		if err != nil {
			return err
		}
		if file.Name == "" {
			file.Name = syntax.Text(val)
		}
	}
	relationship, err := e.view.Get(spec, "AFRelationship")
	if err != nil {
		return err
	}
	if n, ok := relationship.(syntax.Name); ok {
		file.Relationship = string(n)
	}
	streams, err := e.view.Dict(spec.Lookup("EF"))
	if err != nil || streams == nil { // a file outside of this one
		return err
	}
	return e.contents(file, streams)
}

func (e *embedded) contents(file EmbeddedFile, streams *syntax.Dict) error {
	val, err := e.view.Get(streams, "F")
	if err != nil {
		return err
	}
	if val == nil {
		if val, err = e.view.Get(streams, "UF"); err != nil {
			return err
		}
	}
	st, ok := val.(*syntax.Stream)
	if !ok {
		return syntax.DamagedAt(e.view.XrefOffset(), "the embedded file %q has no contents", file.Name)
	}
	if subtype, ok := st.Dict.Lookup("Subtype").(syntax.Name); ok {
		file.MediaType = string(subtype)
	}
	if file.Data, _, err = e.view.Decode(st, e.room); err != nil {
		return fmt.Errorf("embedded file %q: %w", file.Name, err)
	}
	e.room -= len(file.Data)
	e.files = append(e.files, file)
	return nil
}
