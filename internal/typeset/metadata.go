package typeset

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"time"
	"unicode/utf16"
)

// producer is the name of the program in the document information.
const producer = "elicence"

// textString is a text string object (ISO 32000-1, 7.9.2.2): UTF-16 with a byte
// order mark, in hexadecimal.
func textString(s string) string {
	b := []byte("<FEFF")
	for _, unit := range utf16.Encode([]rune(s)) {
		b = fmt.Appendf(b, "%04X", unit)
	}
	return string(append(b, '>'))
}

// dateEntries are the two dates of a dictionary (ISO 32000-1, 7.9.4), with second
// precision and in the zone of t, or nothing for the zero time.
func dateEntries(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	zone := "Z"
	if _, offset := t.Zone(); offset != 0 {
		sign := '+'
		if offset < 0 {
			sign, offset = '-', -offset
		}
		zone = fmt.Sprintf("%c%02d'%02d'", sign, offset/3600, offset/60%60)
	}
	date := "(D:" + t.Format("20060102150405") + zone + ")"
	return " /CreationDate " + date + " /ModDate " + date
}

// xmp is the metadata packet (ISO 16684-1). It says the same as the document
// information dictionary.
func (i Info) xmp() []byte {
	b := []byte(`<?xpacket begin="` + "\ufeff" + `" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<dc:format>application/pdf</dc:format>
<dc:language><rdf:Bag><rdf:li>` + language + `</rdf:li></rdf:Bag></dc:language>
<pdf:Producer>` + producer + `</pdf:Producer>
`)
	if !i.Time.IsZero() {
		date := i.Time.Format(time.RFC3339)
		b = fmt.Appendf(b, "<xmp:CreateDate>%[1]s</xmp:CreateDate>\n<xmp:ModifyDate>%[1]s</xmp:ModifyDate>\n", date)
	}
	property := func(name, list, attribute, value string) {
		if value != "" {
			b = fmt.Appendf(b, "<dc:%[1]s><rdf:%[2]s><rdf:li%[3]s>%[4]s</rdf:li></rdf:%[2]s></dc:%[1]s>\n",
				name, list, attribute, escapeXML(value))
		}
	}
	property("title", "Alt", ` xml:lang="x-default"`, i.Title)
	property("creator", "Seq", "", i.Author)
	property("description", "Alt", ` xml:lang="x-default"`, i.Subject)
	return append(b, "</rdf:Description>\n</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"r\"?>"...)
}

func escapeXML(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic("typeset: writing to memory failed: " + err.Error()) // bytes.Buffer never fails
	}
	return b.String()
}

// object makes the document information dictionary (ISO 32000-1, 14.3.3).
func (i Info) object() *Object {
	o := &Object{}
	o.printf("<<")
	for _, entry := range []struct{ key, value string }{
		{"Title", i.Title}, {"Author", i.Author}, {"Subject", i.Subject},
	} {
		if entry.value != "" {
			o.printf(" /%s %s", entry.key, textString(entry.value))
		}
	}
	o.printf(" /Producer (%s)%s >>", producer, dateEntries(i.Time))
	return o
}
