package pdf

import (
	"bytes"
	"encoding/xml"
	"strings"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// maxMetadata is the largest XMP packet that is read, in bytes.
const maxMetadata = 4 << 20

// Archival returns the part of ISO 19005 that the file claims to follow, 1 for PDF/A-1,
// and 0 where it claims none that can be read: by its metadata, pdfaid:part (ISO 19005-1,
// 6.7.11). Whether it keeps what it claims is for validators.
func (d *Document) Archival() (int, error) {
	d.file.BeginWork()
	catalog, err := d.now.Catalog()
	if err != nil {
		return 0, err
	}
	root, ok := catalog.Val.(*syntax.Dict)
	if !ok {
		return 0, nil
	}
	packet, err := d.now.Get(root, "Metadata")
	if err != nil {
		return 0, err
	}
	st, ok := packet.(*syntax.Stream)
	if !ok {
		return 0, nil
	}
	data, _, err := d.now.Decode(st, maxMetadata)
	if err != nil {
		return 0, nil // whatever it says, nobody can read it
	}
	return archivalPart(data), nil
}

// archivalPart reads pdfaid:part, which is an attribute or an element.
func archivalPart(packet []byte) int {
	const namespace = "http://www.aiim.org/pdfa/ns/id/"
	claim := func(name xml.Name) bool { return name.Space == namespace && name.Local == "part" }
	number := func(text string) int {
		text = strings.TrimSpace(text)
		if len(text) == 1 && text[0] >= '1' && text[0] <= '9' {
			return int(text[0] - '0')
		}
		return 0
	}
	if !bytes.Contains(packet, []byte(namespace)) && !bytes.ContainsRune(packet, '&') {
		return 0 // where nothing is escaped the name stands there as it is
	}
	reader := xml.NewDecoder(bytes.NewReader(packet))
	inside := false
	for {
		token, err := reader.Token()
		if err != nil { // the end as well
			return 0
		}
		switch token := token.(type) {
		case xml.StartElement:
			for _, a := range token.Attr {
				if claim(a.Name) {
					return number(a.Value)
				}
			}
			inside = claim(token.Name)
		case xml.CharData:
			if inside {
				return number(string(token))
			}
		case xml.EndElement:
			inside = false
		}
	}
}
