package syntax

import (
	"testing"

	"github.com/elicence/elicence/seal/pdf/security"
)

// TestNamedCryptFilter: a stream that names a crypt filter of the file's is encrypted as that says.
func TestNamedCryptFilter(t *testing.T) {
	t.Parallel()
	d := &File{encryption: &encryption{filters: map[Name]security.Method{"StdCF": security.AESV2}, streams: security.AESV3}}
	v := View{File: d}
	filters := []filter{{kind: "Crypt", parms: DictOf("Name", Name("StdCF"))}}
	if m, err := v.method(&Stream{Dict: &Dict{}}, filters); m != security.AESV2 || err != nil {
		t.Errorf("a filter of the file's: %v, %v", m, err)
	}
	if m, err := v.method(&Stream{Dict: &Dict{}}, nil); m != security.AESV3 || err != nil {
		t.Errorf("no filter of its own: %v, %v", m, err)
	}
}
