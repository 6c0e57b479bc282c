package pdf

import (
	"errors"
	"io"
)

// ErrSigned means that the stamp has its signature already.
var ErrSigned = errors.New("the stamp has its signature already")

// WriteUnsigned writes the file as it is before Complete: the original bytes and
// the increment with the room for the signature still empty. It is what a signer
// elsewhere looks at and hashes by ByteRange.
func (p *Prepared) WriteUnsigned(w io.Writer) (int64, error) {
	if p.complete {
		return 0, ErrSigned
	}
	return p.write(w)
}
