package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cosign"
	"github.com/elicence/elicence/seal/pdf"
)

// phone is a citizen's device: it keeps its half of the key masked by a PIN and
// sees of the service only messages and documents.
type phone struct {
	half      cosign.Masked
	enrolment string
}

// enrolPhone makes a two-party key between a new phone and the service.
func enrolPhone(ctx context.Context, o *office.Office, actor, name string, pin []byte) (*phone, error) {
	id := office.NewEnrolmentID()
	enrolling, request, err := cosign.NewDevice([]byte(id))
	if err != nil {
		return nil, err
	}
	enrolment, err := o.Enrol(ctx, actor, id, name, request)
	if err != nil {
		return nil, err
	}
	public, err := office.EnrolledKey(enrolment)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, cosign.SaltSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, fmt.Errorf("drawing a salt: %w", err)
	}
	half, err := enrolling.Finish(public).Mask(pin, salt)
	return &phone{half: half, enrolment: id}, err
}

// sign signs the document of a run. The phone computes the digest itself, over the
// bytes it has been given, and finishes the signature itself; the service only ever
// sees the two messages and the result.
func (p *phone) sign(ctx context.Context, run *office.SigningRun, pin []byte) (*pdf.Prepared, error) {
	document, byteRange, err := run.Document()
	if err != nil {
		return nil, err
	}
	message, err := p.message(document, byteRange, run)
	if err != nil {
		return nil, err
	}
	device, err := p.half.Unmask(pin)
	if err != nil {
		return nil, err
	}
	pending, commitment, err := device.Begin([]byte(run.ID()), message)
	if err != nil {
		return nil, err
	}
	answer, err := run.Answer(ctx, commitment)
	if err != nil {
		return nil, err
	}
	sig, err := pending.Finish(answer)
	if err != nil {
		return nil, err
	}
	return run.Finish(ctx, sig)
}

// message builds what is signed from the document as the phone has it: its digest, and
// what is seen of the signature.
func (p *phone) message(document []byte, r [4]int64, run *office.SigningRun) ([]byte, error) {
	size := int64(len(document))
	if r[0] != 0 || r[1] <= 0 || r[2] <= r[1] || r[3] <= 0 || r[2]+r[3] != size {
		return nil, errors.New("the byte range does not cover the document")
	}
	public, err := pki.ParsePoint(p.half.Point[:])
	if err != nil {
		return nil, err
	}
	if !run.Certificate().Key.Equal(public) {
		return nil, errors.New("the certificate is not of this phone's key")
	}
	waiting, err := pdf.Resume(bytes.NewReader(document), size)
	if err != nil {
		return nil, err
	}
	if waiting.ByteRange() != r {
		return nil, errors.New("the document waits for a signature over another byte range")
	}
	return waiting.Message(run.Certificate())
}
