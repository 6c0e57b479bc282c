package office

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/licence/render"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/placement"
)

// StampRequest asks for a seal on a document.
type StampRequest struct {
	SealID string
	// Profile is the form of the signature; empty: [seal.ProfileSES].
	Profile seal.Profile
	Place   placement.Place
	// Straddle, if given, cuts the seal over the edges of the place's pages, all where
	// none are named; nothing else of the place is used.
	Straddle *placement.Straddle
	// Keyword, if given, puts the seal at words of the place's pages, all where none are
	// named; nothing else of the place is used.
	Keyword *placement.Keyword
	Field   string // of an existing empty signature field, or of the one to make
	Reason  string
	// TimeStamp adds a time stamp over the signature; without a proven clock that fails,
	// unless one is only wanted if it can be had.
	TimeStamp bool
	IfCan     bool
	// Opacity is how strongly the seal shows, above 0 and at most 1; 0: 0.9, and the text
	// below shows through it.
	Opacity float64
	// Opaque draws the seal without any transparency. In a file that claims to be PDF/A-1,
	// which allows none (ISO 19005-1, 6.4), it is drawn so in any case.
	Opaque bool
	// UponOwn lets the seal lie upon earlier seals of the same owner, as a personal name seal is
	// pressed upon the official one. It is for one whole, transparent seal in a new field.
	UponOwn bool
	// Certify makes the seal a certifying signature: 1 allows nothing after it, 2 filling
	// in and signing, 3 annotations too.
	Certify int
	// Lock forbids later changes of form fields.
	Lock *pdf.Lock
	// WithoutXFA takes the XFA form out of a file that has one beside its pages.
	WithoutXFA bool
	// Number, if given, is the document's number: a code is printed beside the
	// seal that tells a paper print from its electronic original.
	Number string
	// Code, if given, is where that code is printed and until when it is good, whatever it
	// covers; nil: beside the seal, where the page shows nothing, for as long as printed codes
	// live.
	Code *CodePlace

	// issued is the signed form of the licence of which the document is the page, as it was just set: the seal says so
	// ([render.Issued]). Nobody but those who set it may ask for this.
	issued []byte
}

// sealUse is a seal that a person may use now, with what signs.
type sealUse struct {
	*openSeal
	record seal.Record
	key    *pki.Key
}

// useOf opens a seal for one use: the person may use it, and its certificate is in force.
// The caller holds rotating for reading.
func (o *Office) useOf(ctx context.Context, actor, id string, now time.Time) (sealUse, error) {
	var u sealUse
	var err error
	if u.record, err = o.store.Seal(ctx, id); err != nil {
		return u, err
	}
	if err := u.record.CheckUse(actor, now); err != nil {
		return u, fmt.Errorf("seal %s: %w", id, err)
	}
	if u.openSeal, err = o.seals.of(u.record); err != nil {
		return u, fmt.Errorf("seal %s: %w", id, err)
	}
	point := u.signer.Key.Point()
	if err := o.inForce(ctx, point); err != nil {
		return u, fmt.Errorf("seal %s: %w", id, err)
	}
	u.key, err = o.signers.key(point, false, func() (*pki.Key, error) { return o.keys.FastSigner(keystore.PurposeSeal, id) })
	return u, err
}

// sign makes the seal signature.
func (u sealUse) sign(s seal.Stamp) ([]byte, error) { return seal.Sign(u.made, s, u.signer, u.key) }

// Stamp seals a document. The use of the seal is on the disk before the sealed
// document is returned, and the result has been read back and verified.
func (o *Office) Stamp(ctx context.Context, actor string, doc *pdf.Document, r StampRequest) (*pdf.Prepared, error) {
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	if err := o.admits(doc); err != nil {
		return nil, err
	}
	act, err := o.sealing(ctx, actor, r, o.now())
	if err != nil {
		return nil, err
	}
	s, err := act.prepare(ctx, doc)
	if err != nil {
		return nil, err
	}
	// It is verified with the whole document, before anything is released.
	sig, err := act.use.key.SignUnchecked(s.message)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", r.SealID, err)
	}
	rules, err := o.documentVerification(ctx)
	if err != nil {
		return nil, err
	}
	if err := act.complete(ctx, s, sig, rules); err != nil {
		return nil, err
	}
	// The hours of use may have ended while the document was read.
	if _, err := o.store.UseSeals(ctx, act.use.record.ID, actor, o.now(), s.entry); err != nil {
		return nil, err
	}
	return s.prepared, nil
}

// sealing is an act of sealing: what is settled before a document is looked at.
type sealing struct {
	office  *Office
	actor   string
	request StampRequest
	now     time.Time
	use     sealUse
	form    sealForm
}

// sealing begins an act. The caller holds rotating for reading until the use of the seal is
// recorded.
func (o *Office) sealing(ctx context.Context, actor string, r StampRequest, now time.Time) (*sealing, error) {
	use, err := o.useOf(ctx, actor, r.SealID, now)
	if err != nil {
		return nil, err
	}
	if err := use.record.Rules.CheckPurpose(r.Reason); err != nil {
		return nil, fmt.Errorf("seal %s: %w", r.SealID, err)
	}
	form, err := use.in(r.Profile)
	if err != nil {
		return nil, err
	}
	return &sealing{office: o, actor: actor, request: r, now: now, use: use, form: form}, nil
}

// waiting is a document that waits for the signature of a seal.
type waiting struct {
	prepared *pdf.Prepared
	message  []byte       // to be signed
	entry    audit.Record // of the use of the seal
}

// prepare places the seal on a document.
func (a *sealing) prepare(ctx context.Context, doc *pdf.Document) (*waiting, error) {
	o, r := a.office, a.request
	marks, err := o.marks(ctx, doc, a.use, r)
	if err != nil {
		return nil, err
	}
	room := a.form.size
	if r.TimeStamp {
		room += tokenRoom
	}
	if r.issued != nil {
		room += render.IssuedSize
	}
	prepared, err := doc.Prepare(pdf.Stamp{
		Field: r.Field, Filter: a.form.filter, SubFilter: a.form.subFilter, Name: a.use.record.Name, Reason: r.Reason,
		Time: a.now, ContentsSize: room, Marks: marks, Certify: r.Certify, Lock: r.Lock, WithoutXFA: r.WithoutXFA, Chain: a.use.record.Chain,
		Pictures: o.pictures, UponSeals: r.UponOwn,
	})
	if err != nil {
		return nil, err
	}
	stamp, err := prepared.SealStamp(a.now)
	if err != nil {
		return nil, err
	}
	if r.issued != nil {
		stamp.Extensions = append(stamp.Extensions, render.Issued(r.issued))
	}
	entry, err := audit.NewRecord(audit.Entry{Time: a.now.Unix(), Actor: a.actor, Act: audit.ActSealUse, Subject: a.use.record.ID, Digest: stamp.Document[:]}, []byte(r.Reason))
	if err != nil {
		return nil, err
	}
	message, err := a.form.message(stamp)
	if err != nil {
		return nil, err
	}
	return &waiting{prepared, message, entry}, nil
}

// complete puts the signature of the message into the document, with a time stamp where one
// is wanted, and reads it back.
func (a *sealing) complete(ctx context.Context, s *waiting, sig pki.Signature, rules pdf.Trust) error {
	contents, err := a.form.assemble(s.message, sig)
	if err != nil {
		return err
	}
	if a.request.TimeStamp {
		stamped, err := a.form.timeStamp(ctx, a.office, contents)
		switch {
		case err == nil:
			contents = stamped
		case !a.request.IfCan:
			return err
		}
	}
	if err := s.prepared.Complete(contents); err != nil {
		return err
	}
	return readBack(ctx, s.prepared, rules)
}

// readBack verifies the signature just made as a stranger would, before anything is released. Signatures that were
// there before must not suffer by it: a document that refers to objects which it has not may get one with such a
// number.
func readBack(ctx context.Context, prepared *pdf.Prepared, rules pdf.Trust) error {
	doc, err := prepared.Document()
	if err != nil {
		return fmt.Errorf("reading back the signed document: %w", err)
	}
	report, err := doc.Verify(ctx, rules)
	if err != nil {
		return fmt.Errorf("reading back the signed document: %w", err)
	}
	own := slices.IndexFunc(report.Signatures, func(s pdf.Signed) bool { return s.Field == prepared.Field() })
	if own < 0 {
		return fmt.Errorf("the signature just made is not found in the document")
	}
	if err := report.Signatures[own].Err(); err != nil {
		return fmt.Errorf("the signature just made does not verify: %w", err)
	}
	for i := range report.Signatures {
		s := &report.Signatures[i]
		for _, c := range s.Changes {
			if c.Kind == revision.Modified && c.Revision == report.Signatures[own].Revision {
				return bilingual.Wrap("再盖章或签名会使文件已有的签名失效", fmt.Errorf("it would break the signature %q: %s", s.Field, c.What))
			}
		}
		if m := s.Refuses(); m != nil && m.Change.Kind == revision.SealUponSeal && m.Change.Revision == report.Signatures[own].Revision {
			if report.Signatures[own].Picture.State != pdf.PictureSame {
				return bilingual.Wrap("此页上无法核对所盖印章的样式，不能叠盖", fmt.Errorf("how the seal shows on this page cannot be compared, so it lies upon no other: %w", placement.ErrPlace))
			}
			return bilingual.Wrap("只能叠盖在同一单位的印章之上", fmt.Errorf("the signature %q, which it would lie upon, is no seal of the same owner: %w", s.Field, placement.ErrPlace))
		}
	}
	return nil
}

// marks places the seal, and the document's code beside it.
func (o *Office) marks(ctx context.Context, doc *pdf.Document, use sealUse, r StampRequest) ([]pdf.Mark, error) {
	opacity, err := r.opacity(doc)
	if err != nil {
		return nil, err
	}
	whole := use.whole
	if a := whole.Appearance; opacity != a.Opacity {
		whole.Appearance = &pdf.Appearance{Content: a.Content, BBox: a.BBox, Multiply: opacity > 0, Opacity: opacity}
	}
	marks, err := o.sealMarks(ctx, doc, r, whole)
	if err != nil || r.Number == "" {
		return marks, err
	}
	expires := o.now().Add(documentLife)
	if r.Code != nil && !r.Code.Expires.IsZero() {
		expires = r.Code.Expires
	}
	code, err := o.documentCode(ctx, doc, use.record.ID, r.Number, expires)
	if err != nil {
		return nil, err
	}
	m, err := o.codeMark(ctx, doc, marks, code, r)
	if err != nil {
		return nil, err
	}
	return append(marks, m), nil
}

// customaryOpacity lets the text below a seal be read.
const customaryOpacity = 0.9

// opacity is how strongly the seal shows over what lies below it, 0 for covering that.
func (r *StampRequest) opacity(doc *pdf.Document) (float64, error) {
	if r.Opacity != 0 && !(r.Opacity > 0 && r.Opacity <= 1) { // NaN too
		return 0, fmt.Errorf("opacity %v is not above 0 and at most 1: %w", r.Opacity, ErrOutOfRange)
	}
	part, err := doc.Archival()
	if err != nil {
		return 0, err
	}
	switch {
	case r.Opacity != 0 && r.Opaque:
		return 0, fmt.Errorf("an opaque seal has no opacity: %w", ErrOutOfRange)
	case r.Opacity != 0 && part == 1:
		return 0, fmt.Errorf("the document is PDF/A-1, which allows no transparency: %w", ErrOutOfRange)
	case r.Opaque || part == 1:
		return 0, nil
	case r.Opacity != 0:
		return r.Opacity, nil
	default:
		return customaryOpacity, nil
	}
}

// sealMarks places a seal: cut, at words, in an existing field, or on pages.
func (o *Office) sealMarks(ctx context.Context, doc *pdf.Document, r StampRequest, whole pdf.Mark) ([]pdf.Mark, error) {
	if r.UponOwn && r.Straddle != nil {
		return nil, bilingual.Wrap("骑缝章不能叠盖在其他印章之上", fmt.Errorf("slices of a straddle seal are put upon no other seal: %w", placement.ErrPlace))
	}
	if r.Straddle != nil && r.Keyword != nil {
		return nil, fmt.Errorf("a straddle seal is not put at words: %w", placement.ErrPlace)
	}
	if r.Keyword != nil {
		return r.Keyword.Marks(ctx, o.words, doc, r.Place.Pages, whole)
	}
	if r.Straddle != nil {
		if r.Number != "" {
			return nil, fmt.Errorf("a document code stands beside a whole seal, not beside the slices of a straddle seal: %w", placement.ErrPlace)
		}
		return r.Straddle.Marks(doc, r.Place.Pages, whole)
	}
	inField, err := doc.HasField(r.Field)
	if err != nil {
		return nil, err
	}
	if inField && r.Place == (placement.Place{}) {
		if r.Number != "" {
			return nil, fmt.Errorf("a document code is not printed beside an existing field: %w", placement.ErrPlace)
		}
		return []pdf.Mark{whole}, nil
	}
	if r.Field != "" && r.Place == (placement.Place{}) {
		// Where the document says where it is to be sealed, another name is a slip.
		empty, err := doc.EmptyFields()
		if err != nil {
			return nil, err
		}
		if len(empty) > 0 {
			return nil, bilingual.Wrap("文件没有这个签名域", fmt.Errorf("the document has no field %q, and these wait for a signature: %q; a new field needs a page or a place: %w", r.Field, empty, placement.ErrPlace))
		}
	}
	spots, err := r.Place.On(doc)
	if err != nil {
		return nil, err
	}
	var marks []pdf.Mark
	for _, s := range spots {
		marks = append(marks, s.Mark(whole.Width, whole.Height, whole.Appearance))
	}
	return marks, nil
}

// documentLife is how long a document code's signature lives.
const documentLife = qr.MaxPrintedLife

// codeWidth is the width of a document code on paper with its quiet zone, in
// millimetres.
const codeWidth = render.CodeRoom

// documentCode signs a code for the file as it is before it is sealed, and draws it.
func (o *Office) documentCode(ctx context.Context, doc *pdf.Document, sealID, number string, expires time.Time) (*pdf.Appearance, error) {
	digest, err := doc.Digest(doc.Size())
	if err != nil {
		return nil, err
	}
	key, err := o.currentKey(ctx, keystore.PurposeService, codeKey)
	if err != nil {
		return nil, err
	}
	now := o.now().UTC()
	d := qr.Document{SignedAt: now, Expires: expires, Number: number, Length: uint64(doc.Size()), SM3: digest, Seals: []string{sealID}}
	b, err := d.Sign(key)
	if err != nil {
		return nil, err
	}
	digits, err := qr.Encode(qr.KindDocument, b)
	if err != nil {
		return nil, fmt.Errorf("document code: %w", err)
	}
	symbol, err := picture.Draw(qr.Address(o.config.Host, digits), picture.Paper)
	if err != nil {
		return nil, err
	}
	fragment := typeset.NewFragment(codeWidth, codeWidth)
	white := new(typeset.Path)
	white.Rect(0, 0, codeWidth, codeWidth)
	fragment.Fill(white, typeset.Colour(0xFFFFFF))
	fragment.Fill(typeset.Modules(0, 0, codeWidth, symbol.Modules()), typeset.Colour(0))
	return appearance(fragment)
}

// appearance turns a set fragment into what a stamp shows.
func appearance(f *typeset.Fragment) (*pdf.Appearance, error) {
	set, err := f.Appearance()
	if err != nil {
		return nil, err
	}
	objects := make(map[*typeset.Object]*pdf.Object)
	var convert func(*typeset.Object) *pdf.Object
	convert = func(o *typeset.Object) *pdf.Object {
		if done := objects[o]; done != nil {
			return done
		}
		made := &pdf.Object{Dict: string(o.Dict), Stream: o.Stream}
		objects[o] = made
		for _, used := range o.Uses {
			made.Uses = append(made.Uses, convert(used))
		}
		return made
	}
	a := &pdf.Appearance{Content: set.Content, BBox: set.BBox, Resources: set.Resources}
	for _, o := range set.Objects {
		a.Objects = append(a.Objects, convert(o))
	}
	return a, nil
}
