package archive

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxLevels bounds the folders above a file: OFD has four.
const maxLevels = 16

// checkName refuses a name that is not one plain path within the package. A point or a space
// at the end of a part is cut off by some file systems, and nobody sees a mark of format, such as
// one that turns the direction of writing: some leave it out of the name.
func checkName(full string) error {
	name := strings.TrimSuffix(full, "/")
	switch {
	case len(full) > maxName:
		return errors.New("the name is too long")
	case !utf8.ValidString(full), strings.ContainsFunc(full, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == ':' || unicode.Is(unicode.Cf, r) }):
		return errors.New("the name has characters that it must not have")
	case name == "" || path.Clean("/"+name) != "/"+name:
		return errors.New("the name is not a plain path within the package")
	case strings.Count(name, "/") >= maxLevels:
		return fmt.Errorf("the name has more than %d levels", maxLevels)
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") {
			return errors.New("a part of the name ends with a point or a space")
		}
	}
	return nil
}

// names are the entries of a package, as file systems tell them apart on which readers unpack
// it: in any case, and composed or not.
type names struct {
	fold   cases.Caser
	folder map[string]bool // by folded name
}

func newNames() *names { return &names{cases.Fold(), make(map[string]bool)} }

// add refuses a name that is there, or that lies below a file.
func (n *names) add(name string, folder bool) error {
	folded := norm.NFC.String(n.fold.String(norm.NFC.String(name)))
	if known, twice := n.folder[folded]; twice && !(known && folder) {
		return errors.New("it stands twice")
	}
	n.folder[folded] = folder
	for i, c := range folded {
		if c != '/' {
			continue
		}
		above, known := n.folder[folded[:i]]
		if known && !above {
			return fmt.Errorf("it lies below the file %q", folded[:i])
		}
		n.folder[folded[:i]] = true
	}
	return nil
}
