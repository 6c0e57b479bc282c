package office

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/cosign"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/seal/cloudsign"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// personHalves finds the service's halves in the key store.
type personHalves struct{ keys *keystore.Store }

// Half implements [cloudsign.Halves].
func (h personHalves) Half(id string) (*cosign.Service, error) {
	return h.keys.Half(keystore.PurposePerson, id)
}

func (o *Office) cloud() *cloudsign.Service {
	return cloudsign.New(o.store, personHalves{o.keys})
}

// NewEnrolmentID draws the name of an enrolment: the random subject serial of the
// person's certificate. The device proves its half for this name.
func NewEnrolmentID() string { return rand.Text() }

// Enrol makes a person's two-party key with the device's request and certifies it.
// Who the person is has been established before; the name stands in the certificate,
// the person's numbers do not.
func (o *Office) Enrol(ctx context.Context, actor, id, name string, request cosign.EnrolRequest) (cloudsign.Enrolment, error) {
	e := cloudsign.Enrolment{ID: id, Name: name}
	if err := cleantext.Check(name); err != nil || name == "" {
		return e, fmt.Errorf("person's name is missing or cannot be signed: %w", err)
	}
	half, err := cosign.NewService([]byte(id), request)
	if err != nil {
		return e, err
	}
	persons, err := o.authority(ctx, caPersons)
	if err != nil {
		return e, err
	}
	if err := o.keys.PutHalf(keystore.PurposePerson, id, half); err != nil {
		return e, err
	}
	c, err := certify(ctx, persons, ca.Request{
		Profile: ca.ProfilePerson, Key: half.Public(), Subject: cert.Name{Country: "CN", Serial: id, CommonName: name},
	}, actor)
	if err != nil {
		return e, err
	}
	e.Chain = [][]byte{c.DER, persons.Certificate().DER}
	entry, err := audit.NewRecord(audit.Entry{Time: o.now().Unix(), Actor: actor, Act: audit.ActCloudEnrol, Subject: id}, []byte(name))
	if err != nil {
		return e, err
	}
	return e, o.store.Enrol(ctx, e, entry)
}

// SigningRun is a person's signature on one document under way.
type SigningRun struct {
	office   *Office
	request  cloudsign.Request
	prepared *pdf.Prepared
	chain    []*cert.Certificate
	actor    string
}

// BeginSigning prepares a document for a person's signature. The person sees it at
// a place, with name and date.
func (o *Office) BeginSigning(ctx context.Context, actor, enrolment string, doc *pdf.Document, place placement.Place, reason string) (*SigningRun, error) {
	if err := o.admits(doc); err != nil {
		return nil, err
	}
	e, err := o.store.Enrolment(ctx, enrolment)
	if err != nil {
		return nil, err
	}
	run := &SigningRun{office: o, actor: actor, request: cloudsign.Request{ID: rand.Text(), Enrolment: e.ID}}
	size := 1024
	for _, der := range e.Chain {
		c, err := cert.Parse(der)
		if err != nil {
			return nil, err
		}
		run.chain = append(run.chain, c)
		size += len(der)
	}
	if err := o.inForce(ctx, run.chain[0].Key.Point()); err != nil {
		return nil, fmt.Errorf("enrolment %s: %w", e.ID, err)
	}
	spots, err := place.On(doc)
	if err != nil {
		return nil, err
	}
	now := o.now()
	shown, err := signatureAppearance(e.Name, now)
	if err != nil {
		return nil, err
	}
	run.prepared, err = doc.Prepare(pdf.Stamp{
		Filter: pdf.FilterPerson, SubFilter: pdf.SubFilterPerson, Name: e.Name, Reason: reason, Time: now, ContentsSize: size,
		Marks: []pdf.Mark{spots[0].Mark(signatureWidth, signatureHeight, shown)},
	})
	if err != nil {
		return nil, err
	}
	run.request.Message, err = run.prepared.Message(run.chain[0])
	if err != nil {
		return nil, err
	}
	return run, nil
}

// ID names the run; the device's proof is bound to it.
func (r *SigningRun) ID() string { return r.request.ID }

// Document returns the bytes that the person is asked to sign, with the place for
// the signature still empty, and the byte range that it will cover. The device
// computes the digest from these itself.
func (r *SigningRun) Document() ([]byte, [4]int64, error) {
	var out bytes.Buffer
	if _, err := r.prepared.WriteUnsigned(&out); err != nil {
		return nil, [4]int64{}, err
	}
	return out.Bytes(), r.prepared.ByteRange(), nil
}

// Certificate returns the person's certificate.
func (r *SigningRun) Certificate() *cert.Certificate { return r.chain[0] }

// Answer counts and records a try and gives the service's part of the signature.
func (r *SigningRun) Answer(ctx context.Context, c cosign.Commitment) (cosign.Answer, error) {
	digest := r.prepared.Digest()
	entry, err := audit.NewRecord(audit.Entry{
		Time: r.office.now().Unix(), Actor: r.actor, Act: audit.ActCloudTry, Subject: r.request.Enrolment, Digest: digest[:],
	}, nil)
	if err != nil {
		return cosign.Answer{}, err
	}
	return r.office.cloud().Answer(ctx, r.request, c, entry)
}

// Finish takes the finished signature, records the act and returns the signed
// document, which has been read back and verified.
func (r *SigningRun) Finish(ctx context.Context, sig pki.Signature) (*pdf.Prepared, error) {
	contents, err := cms.Assemble(r.request.Message, sig, r.chain)
	if err != nil {
		return nil, err
	}
	if err := r.prepared.Complete(contents); err != nil {
		return nil, err
	}
	rules, err := r.office.documentVerification(ctx)
	if err != nil {
		return nil, err
	}
	if err := readBack(ctx, r.prepared, rules); err != nil {
		return nil, err
	}
	digest := r.prepared.Digest()
	entry, err := audit.NewRecord(audit.Entry{
		Time: r.office.now().Unix(), Actor: r.actor, Act: audit.ActCloudSign, Subject: r.request.Enrolment, Digest: digest[:],
	}, nil)
	if err != nil {
		return nil, err
	}
	return r.prepared, r.office.cloud().Finish(ctx, r.request, sig, entry)
}

// Size of a person's visible signature, in millimetres.
const (
	signatureWidth  = 62
	signatureHeight = 20
)

// signatureAppearance sets name and date of a person's signature.
func signatureAppearance(name string, at time.Time) (*pdf.Appearance, error) {
	const ink, blue = typeset.Colour(0x1A1A1A), typeset.Colour(0x1F4E9E)
	f := typeset.NewFragment(signatureWidth, signatureHeight)
	frame := new(typeset.Path)
	frame.RoundRect(0.4, 0.4, signatureWidth-0.8, signatureHeight-0.8, 1.6)
	f.Stroke(frame, 0.35, blue)
	title, when := "电子云签 Cloud signature", civil.Of(at).String()+" "+at.In(civil.Zone).Format("15:04:05")
	faces := typeface.Covering(title+name+when, typeface.Kai, typeface.Song)
	for _, line := range []struct {
		text   string
		size   float64
		y      float64
		colour typeset.Colour
	}{
		{title, 7, 5, blue},
		{name, 17, 12.4, ink},
		{when, 7, 17.4, ink},
	} {
		set, err := typeset.Style{Faces: faces, Size: line.size, Colour: line.colour}.Set(line.text)
		if err != nil {
			return nil, fmt.Errorf("person's name: %w", err)
		}
		set, _ = set.Shrink(signatureWidth-6, 5)
		f.Text(3, line.y, set)
	}
	return appearance(f)
}

// EnrolledKey returns the joint public key of an enrolment, as its certificate
// carries it.
func EnrolledKey(e cloudsign.Enrolment) (*pki.PublicKey, error) {
	if len(e.Chain) == 0 {
		return nil, fmt.Errorf("enrolment %s has no certificate", e.ID)
	}
	c, err := cert.Parse(e.Chain[0])
	if err != nil {
		return nil, err
	}
	return c.Key, nil
}
