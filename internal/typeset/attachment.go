package typeset

import (
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"unicode"
)

// ErrAttachment is wrapped by every error about an attachment's name or type.
var ErrAttachment = errors.New("attachment cannot be used")

// A Relationship says what an attached file is to the document (ISO 32000-2,
// table 43).
type Relationship string

// The relationships in use here.
const (
	Source      Relationship = "Source"      // the document was made from the file
	Data        Relationship = "Data"        // the file holds the document's data
	Alternative Relationship = "Alternative" // the file says the same in another form
	Supplement  Relationship = "Supplement"
)

// An Attachment is a file that travels inside a document.
type Attachment struct {
	Name         string // a file name without a path
	MediaType    string // such as application/cbor
	Description  string
	Relationship Relationship
	Data         []byte
}

// check refuses names that could lead out of a folder and media types that are
// none.
func (a Attachment) check() error {
	bad := func(r rune) bool { return strings.ContainsRune(`/\:`, r) || unicode.In(r, unicode.Cc, unicode.Cf) }
	if a.Name == "" || strings.HasPrefix(a.Name, ".") || strings.ContainsFunc(a.Name, bad) {
		return fmt.Errorf("%w: name %q", ErrAttachment, a.Name)
	}
	if kind, parameters, err := mime.ParseMediaType(a.MediaType); err != nil || len(parameters) > 0 || kind != a.MediaType {
		return fmt.Errorf("%w: media type %q of %q", ErrAttachment, a.MediaType, a.Name)
	}
	known := []Relationship{Source, Data, Alternative, Supplement}
	if !slices.Contains(known, a.Relationship) {
		return fmt.Errorf("%w: relationship %q of %q", ErrAttachment, a.Relationship, a.Name)
	}
	return nil
}

// object makes the file specification with the embedded file (ISO 32000-1,
// 7.11.3 and 7.11.4).
func (a Attachment) object(z *compressor, info Info) *Object {
	file := z.stream(a.Data, fmt.Sprintf(" /Type /EmbeddedFile /Subtype /%s"+
		" /Params << /Size %d%s >>", pdfName(a.MediaType), len(a.Data), dateEntries(info.Time)))
	plain := strings.Map(func(r rune) rune { // for readers that know no Unicode file names
		if r > '~' {
			return '_'
		}
		return r
	}, a.Name)
	specification := &Object{}
	data := specification.ref(file)
	specification.printf("<< /Type /Filespec /F <%X> /UF %s /EF << /F %s /UF %s >> /AFRelationship /%s /Desc %s >>",
		plain, textString(a.Name), data, data, a.Relationship, textString(a.Description))
	return specification
}

// pdfName writes a name object's characters (ISO 32000-1, 7.3.5).
func pdfName(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '+' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "#%02X", c)
		}
	}
	return b.String()
}
