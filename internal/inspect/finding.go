package inspect

import (
	"cmp"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/ofd"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/pdf/revision"
)

// SignatureFinding is what was found of one signature, from what everybody needs to what
// only experts read.
type SignatureFinding struct {
	Field      string  `json:"field"`
	Kind       string  `json:"kind"` // seal, person, timestamp or unknown
	Signer     string  `json:"signer"`
	Seal       *string `json:"seal"` // code of a seal
	SignedAt   string  `json:"signed_at"`
	Reason     string  `json:"reason"` // what for, by the signer's word; empty: it is not said, or the signature does not count
	Page       int     `json:"page"`
	CoversFile bool    `json:"covers_file"`
	Valid      bool    `json:"valid"`
	Cause      string  `json:"cause"` // why not, empty if valid
	// RevocationChecked: of every certificate behind the signature it is known whether
	// it is revoked.
	RevocationChecked bool    `json:"revocation_checked"`
	Checks            []Check `json:"checks"`

	// ImportedRoots are the names of the roots, not the domain's own but imported where this
	// was verified, that the signature rests on; empty: none.
	ImportedRoots []string `json:"imported_roots"`

	// Verdict and CauseZH are of this signature alone.
	Verdict verify.Verdict `json:"verdict"`
	CauseZH string         `json:"cause_zh"`
	Format  string         `json:"format"` // filter and subfilter of a PDF
	// Revision is the version of the file that was signed, of so many.
	Revision  int             `json:"revision"`
	Revisions int             `json:"revisions"`
	ByteRange []int64         `json:"byte_range"` // of a PDF
	SM3       string          `json:"sm3"`        // of what is covered
	Place     *PlaceFinding   `json:"place"`      // null: it is not shown
	Changes   []ChangeFinding `json:"changes"`    // what later versions of the file changed

	// ProvenAt is when the signature existed, by a time stamp of a trusted authority;
	// empty: nothing proves it.
	ProvenAt string `json:"proven_at"`
	ProvenBy string `json:"proven_by"`

	// Seen is what the signature names as seen, the field first; null: it names nothing.
	Seen []SeenFinding `json:"seen"`

	SealInfo     *SealFinding         `json:"seal_info"` // null: not a seal
	Certificates []CertificateFinding `json:"certificates"`
}

// Check is one step of a verification.
type Check struct {
	Name  string `json:"name"`
	Cause string `json:"cause"` // empty: passed
	Note  string `json:"note"`  // what is to be said although it passed

	CauseZH string         `json:"cause_zh"`
	Change  *ChangeFinding `json:"change,omitempty"` // the one that it failed for
}

// PlaceFinding is where a signature is seen: millimetres from the top left corner of
// the page as people see it.
type PlaceFinding struct {
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

// SeenFinding is one place that a signature names as seen.
type SeenFinding struct {
	Page  int    `json:"page"`
	State string `json:"state"` // same, moved, dressed (it shows something else) or missing
	PlaceFinding
	// Part is what of the seal is seen there, of an OFD document; null: it is not told apart.
	Part *PartFinding `json:"part"`
}

// PartFinding is a part of a seal, in shares of its width and height, from 0 to 1, from its top
// left corner. The whole seal is 0, 0, 1, 1.
type PartFinding struct {
	Left   float64 `json:"left"`
	Top    float64 `json:"top"`
	Right  float64 `json:"right"`
	Bottom float64 `json:"bottom"`
}

// ChangeFinding is one thing that a later version of the file changed.
type ChangeFinding struct {
	Kind     string `json:"kind"` // signature, seal upon seal, validation data, form fill, annotation, metadata or modified
	Revision int    `json:"revision"`
	What     string `json:"what"`

	Code    string         `json:"code"`              // which change it was, of [revision.ChangeCodes]
	Object  int            `json:"object"`            // its number; 0: none
	Page    int            `json:"page"`              // 0: none
	Field   string         `json:"field"`             // empty: none
	Over    []string       `json:"over,omitempty"`    // fields that a seal was put upon
	Name    string         `json:"name"`              // of the entry, or the kind of the annotation; empty: none
	Entries []EntryFinding `json:"entries,omitempty"` // of the document's properties
}

// EntryFinding is a property of the document that changed; null: it had, or has, no text.
type EntryFinding struct {
	Name string  `json:"name"`
	Old  *string `json:"old"`
	New  *string `json:"new"`
}

func changeFinding(c revision.Change) ChangeFinding {
	f := ChangeFinding{Kind: string(c.Kind), Revision: c.Revision, What: c.What, Code: string(c.Code), Object: c.Object, Page: c.Page, Field: c.Field, Over: c.Over, Name: c.Name}
	for _, e := range c.Entries {
		f.Entries = append(f.Entries, EntryFinding(e))
	}
	return f
}

// SealFinding is what a seal says of itself. The picture is drawn from the seal, never
// taken from the page.
type SealFinding struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Profile    string `json:"profile"` // in which form it signed: ses or cades
	Version    int    `json:"version"` // of the structure: 1, 4 or 5
	Type       int    `json:"type"`    // property.type, which vendors use differently
	ValidFrom  string `json:"valid_from"`
	ValidUntil string `json:"valid_until"`
	Maker      string `json:"maker"`
	WidthMM    int    `json:"width_mm"`
	HeightMM   int    `json:"height_mm"`
	Picture    []byte `json:"picture"` // PNG in base64, null where it cannot be drawn or nobody vouches for it
	// OnPage says whether the page shows this picture: same, slice, other, unknown, drawn
	// where readers draw it from the seal itself (OFD), or none where nothing is shown.
	OnPage    string `json:"on_page"`
	OnPageWhy string `json:"on_page_why"` // why nobody can say
	// Slices is how many slices of a straddle seal make the seal together; 0: it is none, or
	// only the field was compared.
	Slices int `json:"slices"`
}

// CertificateFinding is one certificate behind a signature.
type CertificateFinding struct {
	Check      string `json:"check"` // the step that judged it
	Subject    string `json:"subject"`
	Issuer     string `json:"issuer"`
	Serial     string `json:"serial"`
	NotBefore  string `json:"not_before"`
	NotAfter   string `json:"not_after"`
	Revocation string `json:"revocation"`
	Source     string `json:"source"` // which list or responder said so
	AsOf       string `json:"as_of"`  // when it knew that
	Cause      string `json:"cause"`  // why the path ends here, empty if it does not
	CauseZH    string `json:"cause_zh"`
}

// CautionFinding is what of a document may look otherwise than it looked to its signers,
// although not a byte was changed. It is no fault of a signature.
type CautionFinding struct {
	Kind string `json:"kind"` // script, action, layer, xfa, attachment, hybrid, seal or version
	What string `json:"what"`
	Page int    `json:"page"` // 0: not of one page
}

func cautionFindings(list []pdf.Caution) []CautionFinding {
	out := []CautionFinding{}
	for _, c := range list {
		out = append(out, CautionFinding{string(c.Kind), c.What, c.Page})
	}
	return out
}

// packagedCautions does the same for an OFD document.
func packagedCautions(list []ofd.Caution) []CautionFinding {
	out := []CautionFinding{}
	for _, c := range list {
		out = append(out, CautionFinding{string(c.Kind), c.What, c.Page})
	}
	return out
}

// withoutAttachment leaves out that files travel inside: a licence does, in its own page.
func withoutAttachment(list []CautionFinding) []CautionFinding {
	return slices.DeleteFunc(list, func(c CautionFinding) bool { return c.Kind == string(pdf.CautionAttachment) })
}

// finding turns what package pdf found into what people and programs read.
func finding(s *pdf.Signed, revisions int) SignatureFinding {
	f := SignatureFinding{
		Field: s.Field, Kind: string(s.Kind), SignedAt: stamp(s.SignedAt), Page: s.Page, CoversFile: s.CoversFile, Valid: true,
		RevocationChecked: s.RevocationChecked(), Format: s.Filter + " " + s.SubFilter, Revision: s.Revision, Revisions: revisions,
		ByteRange: append([]int64{}, s.ByteRange...), Changes: []ChangeFinding{}, Certificates: []CertificateFinding{}, Checks: []Check{},
	}
	if len(s.Faults) == 0 {
		f.SM3 = hex.EncodeToString(s.Digest[:])
	}
	if s.Proof.Proven() {
		f.ProvenAt, f.ProvenBy = stamp(s.Proof.At), s.Proof.Signer
	}
	if s.Kind == pdf.SignerStamp {
		f.Signer = s.Proof.Signer
	}
	if s.Page > 0 && s.Width > 0 && s.Height > 0 {
		f.Place = &PlaceFinding{s.X, s.Y, s.Width, s.Height}
	}
	if s.Signer != nil {
		f.Signer = s.Signer.Subject.CommonName
	}
	if s.Western != nil {
		f.Signer = s.Western.Signer.Subject.CommonName
	}
	if s.Seal != nil {
		f.Signer, f.Seal = s.Seal.Name, &s.Seal.ID
		f.SealInfo = sealFinding(s.Seal, s.Profile, s.Checks)
		f.SealInfo.OnPage, f.SealInfo.OnPageWhy, f.SealInfo.Slices = string(s.Picture.State), s.Picture.Why, s.Picture.Slices
	}
	if s.Seen != nil {
		f.Seen = []SeenFinding{}
	}
	for _, p := range s.Seen {
		f.Seen = append(f.Seen, SeenFinding{p.Place.Page, string(p.State), PlaceFinding{p.X, p.Y, p.Width, p.Height}, nil})
	}
	f.checks(s.Checks)
	if f.Valid && s.Kind != pdf.SignerStamp { // anybody gets a time stamp over any words
		f.Reason = s.Reason
	}
	for _, c := range s.Changes {
		f.Changes = append(f.Changes, changeFinding(c))
	}
	return f
}

// packagedFinding does the same for a signature of an OFD document. Its seal is drawn from
// the signature itself by whoever shows the document, at the places that it names.
func packagedFinding(s *ofd.Signed) SignatureFinding {
	f := SignatureFinding{
		Field: s.File, Kind: string(s.Kind), SignedAt: stamp(s.SignedAt), CoversFile: len(s.Uncovered) == 0, Valid: true,
		RevocationChecked: s.RevocationChecked(), Format: "OFD " + string(s.Kind), Revision: 1, Revisions: 1,
		ByteRange: []int64{}, Changes: []ChangeFinding{}, Certificates: []CertificateFinding{}, Checks: []Check{},
	}
	digest := s.Digest()
	f.SM3 = hex.EncodeToString(digest[:])
	if s.Proof.Proven() {
		f.ProvenAt, f.ProvenBy = stamp(s.Proof.At), s.Proof.Signer
	}
	if s.Kind == ofd.KindSign {
		f.Kind = string(pdf.SignerPerson)
	}
	for _, at := range s.Stamps {
		if at.Page == 0 || at.Part.Empty() {
			continue // no reader draws it
		}
		place, part := PlaceFinding{at.Box.X, at.Box.Y, at.Box.Width, at.Box.Height}, PartFinding(at.Part)
		if f.Place == nil {
			f.Page, f.Place = at.Page, &place
		}
		if s.Err() == nil { // its digest binds the places
			f.Seen = append(f.Seen, SeenFinding{at.Page, string(pdf.SeenSame), place, &part})
		}
	}
	if s.Signer != nil {
		f.Signer = s.Signer.Subject.CommonName
	}
	if s.Seal != nil {
		f.Signer, f.Seal = s.Seal.Name, &s.Seal.ID
		f.SealInfo = sealFinding(s.Seal, seal.ProfileSES, s.Checks)
		f.SealInfo.OnPage, f.SealInfo.OnPageWhy, f.SealInfo.Slices = string(s.Picture.State), cmp.Or(s.Picture.Why, f.SealInfo.OnPageWhy), s.Picture.Slices
	}
	f.checks(s.Checks)
	return f
}

// checks takes over the steps and the certificates that they judged, and sums them up: what
// nobody can say comes after what is certain.
func (f *SignatureFinding) checks(checks []seal.Check) {
	f.ImportedRoots = []string{}
	for _, root := range seal.ImportedRoots(checks) {
		f.ImportedRoots = append(f.ImportedRoots, root.Subject.String())
	}
	var wrong, undecided *seal.Check
	for i, c := range checks {
		if c.Err != nil {
			f.Valid = false
			if errors.Is(c.Err, path.ErrCannotSay) || errors.Is(c.Err, seal.ErrTimeNotProven) {
				undecided = cmp.Or(undecided, &checks[i])
			} else {
				wrong = cmp.Or(wrong, &checks[i])
			}
		}
		f.Checks = append(f.Checks, checkOf(c))
		f.Certificates = append(f.Certificates, certificates(c)...)
	}
	var err error
	if first := cmp.Or(wrong, undecided); first != nil {
		err, f.Cause = first.Err, first.Name+": "+first.Err.Error()
	}
	verdict, cause := signatureVerdict(err)
	f.Verdict, f.CauseZH = verdict, cause.ZH
}

func checkOf(c seal.Check) Check {
	check := Check{Name: c.Name, Note: c.Note}
	if c.Err != nil {
		check.Cause, check.CauseZH = c.Err.Error(), checkZH(c.Err)
	}
	var modified *pdf.ModifiedError
	if errors.As(c.Err, &modified) {
		change := changeFinding(modified.Change)
		check.Change = &change
	}
	return check
}

// sealFinding draws the seal only if it was made by one of the trusted makers: a report
// shows nobody a seal that nobody vouches for.
func sealFinding(s *seal.Seal, profile seal.Profile, checks []seal.Check) *SealFinding {
	f := &SealFinding{
		ID: s.ID, Name: s.Name, Profile: string(profile), Version: s.Version, Type: s.Kind, ValidFrom: stamp(s.ValidFrom), ValidUntil: stamp(s.ValidUntil),
		Maker: s.MakerName(), WidthMM: s.Picture.WidthMM, HeightMM: s.Picture.HeightMM, OnPage: string(pdf.PictureNone),
	}
	genuine := slices.ContainsFunc(checks, func(c seal.Check) bool { return c.Name == "seal" && c.Err == nil })
	if !genuine {
		return f
	}
	sheet, err := likeness.Picture(s.Picture.Type, s.Picture.Data, float64(s.Picture.WidthMM), float64(s.Picture.HeightMM))
	if err != nil {
		f.OnPageWhy = "the seal's picture: " + err.Error()
		return f
	}
	f.Picture = sheet.PNG()
	return f
}

// certificates lists the path that a step judged, the signer's certificate first.
func certificates(c seal.Check) []CertificateFinding {
	if c.Path == nil {
		return nil
	}
	var out []CertificateFinding
	for _, l := range c.Path.Path {
		f := CertificateFinding{
			Check: c.Name, Subject: l.Certificate.Subject.String(), Issuer: l.Certificate.Issuer.String(), Serial: l.Certificate.Serial(),
			NotBefore: stamp(l.Certificate.NotBefore()), NotAfter: stamp(l.Certificate.NotAfter()), Revocation: l.Revocation.String(),
		}
		if l.Revocation != path.RevocationNotChecked && l.Revocation != path.RevocationNotNeeded {
			f.Source, f.AsOf = l.Answer.Source, stamp(l.Answer.AsOf)
		}
		if l.Err != nil {
			f.Cause, f.CauseZH = l.Err.Error(), checkZH(l.Err)
		}
		out = append(out, f)
	}
	return out
}

// stamp writes a time for people and programs, empty where there is none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
