package qr

import (
	"fmt"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki/cose"
)

// presented is the shape of a code of kind 2: what the holder's device signs.
type presented struct {
	_          struct{} `cbor:",toarray"`
	Credential []byte
	Seconds    uint64
	Nonce      []byte // 0 or 16 bytes
	Hall       string // empty without a nonce
	Signature  []byte
}

// CheckPresented checks the shape of a code of kind 2 or 3. What they say is
// not read by this version. The error wraps [ErrMalformed].
func CheckPresented(kind Kind, b []byte) error {
	credential := b
	if kind == KindHolder {
		var p presented
		if err := detcbor.Unmarshal(b, &p); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if len(p.Nonce) != 0 && len(p.Nonce) != 16 || len(p.Nonce) == 0 && p.Hall != "" || len(p.Signature) != 64 {
			return fmt.Errorf("presentation has a nonce, a hall or a signature of another form: %w", ErrMalformed)
		}
		credential = p.Credential
	}
	if _, err := cose.Parse(credential); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
