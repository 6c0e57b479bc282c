package inspect

import (
	"reflect"
	"strings"
	"testing"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/ofd"
)

// TestPackagedFinding: of a seal on an OFD document it is said where it stands, that readers
// draw it from itself, and how it looks, or why that cannot be shown.
func TestPackagedFinding(t *testing.T) {
	t.Parallel()
	of := func(picture seal.Picture, shown ofd.PictureFinding, checks ...seal.Check) SignatureFinding {
		s := &ofd.Signed{Seal: &seal.Seal{ID: "1", Foreign: &cert.Foreign{}, Picture: picture}, Picture: shown, Checks: append([]seal.Check{{Name: "seal"}}, checks...)}
		all, third := ofd.Part{Right: 1, Bottom: 1}, ofd.Part{Right: 1.0 / 3, Bottom: 1}
		s.Stamps = []ofd.Stamp{
			{Page: 0, Box: ofd.Box{X: 1, Y: 1, Width: 9, Height: 9}, Part: all}, {Page: 2, Box: ofd.Box{X: 50, Y: 60, Width: 42, Height: 42}, Part: all},
			{Page: 3, Box: ofd.Box{X: 196, Y: 60, Width: 14, Height: 42}, Part: third}, {Page: 4, Box: ofd.Box{X: 210, Y: 60, Height: 42}},
		}
		return packagedFinding(s)
	}
	square := seal.Picture{Type: "SVG", Data: []byte(`<svg viewBox="0 0 42 42"><path d="M1 1H41V41Z"/></svg>`), WidthMM: 42, HeightMM: 42}
	f := of(square, ofd.PictureFinding{State: ofd.PictureDrawn})
	want := []SeenFinding{{2, "same", PlaceFinding{50, 60, 42, 42}, &PartFinding{0, 0, 1, 1}}, {3, "same", PlaceFinding{196, 60, 14, 42}, &PartFinding{0, 0, 1.0 / 3, 1}}}
	if f.Page != 2 || f.Place == nil || *f.Place != want[0].PlaceFinding || !reflect.DeepEqual(f.Seen, want) {
		t.Errorf("on page %d at %v, seen %v", f.Page, f.Place, f.Seen)
	}
	if f.SealInfo.OnPage != "drawn" || f.SealInfo.OnPageWhy != "" || len(f.SealInfo.Picture) == 0 {
		t.Errorf("the seal is %+v", f.SealInfo)
	}
	if f := of(square, ofd.PictureFinding{State: ofd.PictureSlice, Slices: 3}); f.SealInfo.OnPage != "slice" || f.SealInfo.Slices != 3 {
		t.Errorf("a straddle seal: %+v", f.SealInfo)
	}
	square.Type = "EMF"
	if f := of(square, ofd.PictureFinding{State: ofd.PictureDrawn}); f.SealInfo.OnPage != "drawn" || !strings.Contains(f.SealInfo.OnPageWhy, "EMF") || f.SealInfo.Picture != nil {
		t.Errorf("a picture that cannot be drawn: %+v", f.SealInfo)
	}
	broken := of(square, ofd.PictureFinding{State: ofd.PictureUnknown}, seal.Check{Name: "references", Err: ofd.ErrChanged})
	if broken.Seen != nil || broken.Page != 2 {
		t.Errorf("a signature that is broken names %v as seen", broken.Seen)
	}
	refused := ofd.PictureFinding{State: ofd.PictureUnknown, Why: "the signature does not count"}
	if f := of(square, refused); f.SealInfo.OnPage != "unknown" || f.SealInfo.OnPageWhy != refused.Why {
		t.Errorf("a signature that does not count: %+v", f.SealInfo)
	}
}

// TestIntegrityFinding: the list of a package's files counts only where every check of it has
// passed, and where there is none nothing is said.
func TestIntegrityFinding(t *testing.T) {
	t.Parallel()
	if f := integrityFinding(nil); f != nil {
		t.Errorf("of no list: %+v", f)
	}
	list := &ofd.Integrity{Checks: []seal.Check{{Name: "files"}, {Name: "signature"}}}
	if f := integrityFinding(list); !f.Valid || f.Cause != "" || len(f.Checks) != 2 {
		t.Errorf("of a list in order: %+v", f)
	}
	list.Checks[0].Err = ofd.ErrChanged
	if f := integrityFinding(list); f.Valid || !strings.Contains(f.Cause, "files: ") || f.Checks[0].Cause == "" || f.Checks[1].Cause != "" {
		t.Errorf("of a list that misses a file: %+v", f)
	}
}
