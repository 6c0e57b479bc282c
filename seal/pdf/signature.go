package pdf

import (
	"io"
	"time"

	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// A Signature is what the file says of a signature, and what the file's
// structure proves about it. Whether Contents signs Digest, and who signed, is
// for the caller to find out.
//
// A signature is structurally sound when Faults is empty. Only then do Digest,
// Revision and Changes say anything, and only if none of the Changes is
// Modified does the reader still see what was signed.
type Signature struct {
	Field  string // full name of the signature field
	Object int    // number of the signature dictionary, 0 where it has none

	Filter, SubFilter      string
	Name, Reason, Location string
	Time                   time.Time // /M, the signer's claim; zero where absent or malformed
	Timestamp              bool      // a document time-stamp (/SubFilter /ETSI.RFC3161)

	// Certifies is what a certifying signature (DocMDP) allows later: 1
	// nothing, 2 filling in and signing, 3 annotations too. Others have 0.
	Certifies int

	// Page is where the widget shows, 0 for nowhere; the rest is its place in
	// millimetres from the displayed page's top-left corner, as in Mark.
	Page                int
	X, Y, Width, Height float64

	ByteRange []int64  // as written
	Contents  []byte   // the signature itself, without padding
	Digest    [32]byte // SM3 of the covered bytes

	Revision   int  // which revision of the file it signs; the first is 1
	CoversFile bool // nothing follows what it covers but the end of the last line

	Faults  []string          // what is wrong with the signature's structure
	Changes []revision.Change // what later revisions changed, oldest first

	doc    *Document
	locks  locks
	ref    syntax.Ref
	widget syntax.Ref // the first of the field's
	others bool       // the field has further widgets
	end    int64      // of the covered bytes
	view   int        // index of the signed revision's newest section
}

// Covered returns the covered bytes, for signatures with another digest than
// SM3. It must only be used when Faults is empty.
func (s *Signature) Covered() io.Reader {
	if len(s.Faults) > 0 {
		return io.MultiReader()
	}
	r := s.doc
	return io.MultiReader(io.NewSectionReader(r, 0, s.ByteRange[1]), io.NewSectionReader(r, s.ByteRange[2], s.ByteRange[3]))
}

// Intact reports that the signature is structurally sound and that no later
// revision changed what its signer saw.
func (s *Signature) Intact() bool {
	for _, c := range s.Changes {
		if c.Kind == revision.Modified {
			return false
		}
	}
	return len(s.Faults) == 0
}
