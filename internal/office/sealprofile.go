package office

import (
	"context"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf"
)

// sealForm is how a use of a seal is written into a document.
type sealForm struct {
	filter, subFilter string
	size              int // at most, in bytes, without what is seen and without a time stamp
	// message is what the seal signs, and assemble makes the contents of it and of its
	// signature, which are verified with the whole document before anything is released.
	message   func(seal.Stamp) ([]byte, error)
	assemble  func(message []byte, sig pki.Signature) ([]byte, error)
	timeStamp func(context.Context, *Office, []byte) ([]byte, error)
}

// in returns the form of a profile, the usual one where none is named.
func (u sealUse) in(p seal.Profile) (sealForm, error) {
	switch p {
	case "", seal.ProfileSES:
		return sealForm{
			filter: pdf.FilterSeal, subFilter: pdf.SubFilterSeal, size: u.made.SignatureSize(u.signer), timeStamp: sealTimeStamp,
			message: func(s seal.Stamp) ([]byte, error) { return u.made.Message(s, u.signer, u.key) },
			assemble: func(message []byte, sig pki.Signature) ([]byte, error) {
				return u.made.Assemble(message, sig, u.signer)
			},
		}, nil
	case seal.ProfileCAdES:
		cades, err := u.cades()
		if err != nil {
			return sealForm{}, err
		}
		return sealForm{
			filter: pdf.FilterCAdES, subFilter: pdf.SubFilterCAdES, size: cades.Size(), timeStamp: cmsTimeStamp,
			message:  func(s seal.Stamp) ([]byte, error) { return cades.Message(s, u.key) },
			assemble: cades.Assemble,
		}, nil
	default:
		return sealForm{}, fmt.Errorf("profile %q of a seal signature: %w", p, ErrOutOfRange)
	}
}

// sealTimeStamp puts a time stamp into a seal signature of GB/T 38540.
func sealTimeStamp(ctx context.Context, o *Office, contents []byte) ([]byte, error) {
	signature, err := seal.ParseSignature(contents)
	if err != nil {
		return nil, err
	}
	token, err := o.timeStampOver(ctx, tsa.SM3(sm3.Sum(signature.Value())))
	if err != nil {
		return nil, err
	}
	return seal.WithTimeStamp(contents, token)
}

// cmsTimeStamp puts one into a signature in CMS.
func cmsTimeStamp(ctx context.Context, o *Office, contents []byte) ([]byte, error) {
	signature, err := cms.Parse(contents)
	if err != nil {
		return nil, err
	}
	token, err := o.timeStampOver(ctx, tsa.SM3(sm3.Sum(signature.SignatureValue())))
	if err != nil {
		return nil, err
	}
	return cms.WithUnsigned(contents, cms.TimeStamp(token))
}
