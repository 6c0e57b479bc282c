package revision

import (
	"bytes"
	"testing"
)

// FuzzXMP: whatever a packet is, it is read within bounds or refused.
func FuzzXMP(f *testing.F) {
	f.Add([]byte(`<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		`<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">贷款合同</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`))
	f.Add([]byte(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">a<b>c</b></dc:title></x:xmpmeta>`))
	f.Fuzz(func(t *testing.T, packet []byte) {
		title, err := xmpTitle(packet)
		if err == nil && (len(title) > len(packet)*4 || !bytes.Contains(packet, []byte("xmpmeta"))) {
			t.Errorf("a title of %d bytes in %d", len(title), len(packet))
		}
	})
}
