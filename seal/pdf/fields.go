package pdf

import (
	"slices"
	"strings"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// HasField reports whether the file has a form field of that full name, of any kind,
// signed or not.
func (d *Document) HasField(fullName string) (bool, error) {
	d.file.BeginWork()
	f, err := d.now.Form()
	if err != nil {
		return false, err
	}
	return f.ByName[fullName] != nil, nil
}

// HasFields reports whether the form has a field of this full name, or a group of fields.
func (d *Document) HasFields(fullName string) (bool, error) {
	d.file.BeginWork()
	f, err := d.now.Form()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(f.All, func(f *structure.Field) bool {
		rest, found := strings.CutPrefix(f.Name, fullName)
		return found && (rest == "" || rest[0] == '.')
	}), nil
}

// EmptyFields lists the full names of the signature fields that nobody has signed, in the
// order of the form.
func (d *Document) EmptyFields() ([]string, error) {
	d.file.BeginWork()
	f, err := d.now.Form()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, field := range f.All {
		val, err := d.now.Resolve(field.Val)
		if err != nil {
			return nil, err
		}
		if field.Kind == syntax.Name("Sig") && val == nil && len(field.Widgets) > 0 {
			names = append(names, field.Name)
		}
	}
	return names, nil
}
