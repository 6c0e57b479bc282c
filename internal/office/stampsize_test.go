package office_test

import (
	"bytes"
	"context"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/placement"
)

// TestStampSize: what a seal adds to a file, and each further use of it, for the names that
// offices and companies have.
func TestStampSize(t *testing.T) {
	t.Parallel()
	const first, again = 30_000, 12_000 // bytes
	f := officetest.New(t)
	ctx := context.Background()
	for _, c := range []struct {
		design impression.Spec
		again  int
	}{
		{impression.Government(impression.Department, "安徽省测试局"), again},
		{impression.Government(impression.Department, "合肥市市场监督管理局"), again},
		{impression.Government(impression.Department, "合肥市包河区市场监督管理局"), again},
		{impression.Government(impression.Department, "合肥市高新技术产业开发区商务局"), again},
		{impression.Government(impression.Department, "合肥市包河区农业农村和水务综合管理局"), again},
		{impression.Company("合肥样例科技有限公司"), again},
		{impression.Finance("安徽样例（合肥）科技有限公司"), again},
		{impression.Representative("欧阳明"), again},
		{scanned(t, impression.Government(impression.Department, "安徽省测试局")), again},
		{scanned(t, impression.Government(impression.Department, "合肥市市场监督管理局")), again},
		{scanned(t, impression.Company("合肥样例科技有限公司")), again},
		{scanned(t, impression.Representative("欧阳明")), again},
		// The seal is in the signature whole, and each byte of it is two in the file: a name
		// that is longer does not fit into that.
		{impression.Government(impression.Department, "合肥市包河区市场监督管理局行政审批专用章"), 12_500},
		{impression.Company("中华人民共和国长江三角洲区域一体化发展示范区安徽省合肥市高新技术产业开发区管理委"), 15_800},
	} {
		applied, err := f.Office.ApplySeal(ctx, officetest.Clerk, office.NewSeal{OwnerUSCC: f.Authority.USCC, Design: c.design})
		if err != nil {
			t.Fatal(err)
		}
		made, err := f.Office.ApproveSeal(ctx, officetest.Approver, applied.ID)
		if err != nil {
			t.Fatal(err)
		}
		request := office.StampRequest{SealID: made.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}}
		once, err := f.Office.Stamp(ctx, officetest.Clerk, blank(t, 1), request)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := once.Document()
		if err != nil {
			t.Fatal(err)
		}
		request.Place.Y = 200
		twice, err := f.Office.Stamp(ctx, officetest.Clerk, sealed, request)
		if err != nil {
			t.Fatal(err)
		}
		gotFirst, gotAgain := len(once.Increment()), len(twice.Increment())
		t.Logf("%s: %d bytes, then %d", c.design.Text, gotFirst, gotAgain)
		if gotFirst > first || gotAgain > c.again {
			t.Errorf("%s adds %d bytes and then %d, at most %d and %d are wanted", c.design.Text, gotFirst, gotAgain, first, c.again)
		}
	}
}

// scanned is a design traced from a scan at 300 dpi of a seal on paper, with the noise of the
// scanner and the faults of a JPEG.
func scanned(t *testing.T, spec impression.Spec) impression.Spec {
	t.Helper()
	drawing, err := impression.Draw(spec)
	if err != nil {
		t.Fatal(err)
	}
	file, err := drawing.PNG(300)
	if err != nil {
		t.Fatal(err)
	}
	ink, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	const margin = 40 // pixels
	random := rand.New(rand.NewPCG(1, 2))
	paper := image.NewRGBA(ink.Bounds().Inset(-margin))
	for i := range paper.Pix {
		paper.Pix[i] = 0xff
		if i%4 != 3 {
			paper.Pix[i] = uint8(240 + random.IntN(15))
		}
	}
	draw.Draw(paper, ink.Bounds(), ink, image.Point{}, draw.Over)
	var scan bytes.Buffer
	if err := jpeg.Encode(&scan, paper, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	traced, err := impression.Trace(scan.Bytes(), spec.Text, spec.WidthMM, spec.HeightMM)
	if err != nil {
		t.Fatal(err)
	}
	return traced
}
