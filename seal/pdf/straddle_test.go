package pdf

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
)

// cutMarks cuts a drawing of 42 mm over pages at an edge as the office does: on the left
// and above from its end.
func cutMarks(whole *Appearance, edge string, pages ...int) []Mark {
	b, n := whole.BBox, float64(len(pages))
	var marks []Mark
	for i, page := range pages {
		k := float64(i)
		if edge == "left" || edge == "top" {
			k = n - 1 - k
		}
		m := Mark{Page: page, X: 100, Y: 100, Width: 42, Height: 42, Appearance: whole}
		switch edge {
		case "left", "right":
			m.Width, m.X = 42/n, 0
			m.Part = [4]float64{b[0] + k/n*(b[2]-b[0]), b[1], b[0] + (k+1)/n*(b[2]-b[0]), b[3]}
			if edge == "right" {
				m.X = 595.28/72*25.4 - m.Width
			}
		default:
			m.Height, m.Y = 42/n, 0
			m.Part = [4]float64{b[0], b[3] - (k+1)/n*(b[3]-b[1]), b[2], b[3] - k/n*(b[3]-b[1])}
			if edge == "bottom" {
				m.Y = 841.89/72*25.4 - m.Height
			}
		}
		marks = append(marks, m)
	}
	return marks
}

func upTo(n int) []int {
	var pages []int
	for i := range n {
		pages = append(pages, i+1)
	}
	return pages
}

// TestStraddleIsTheSeal: all slices together must make the seal, at every edge, of few
// pages and of many, and each must be its own part of it.
func TestStraddleIsTheSeal(t *testing.T) { eachProfile(t, testStraddleIsTheSeal) }

func testStraddleIsTheSeal(t *testing.T, s *signers) {
	own, other := bureau(t, "合肥市样例局"), bureau(t, "安徽省财政厅")
	s.withPicture(t, ses.Picture{Type: "SVG", Data: own.SVG(), WidthMM: 42, HeightMM: 42})
	ours, strange := vectors(own), vectors(other)
	blank := vectors(own)
	blank.Content = []byte("q Q")
	with := func(marks []Mark, change func([]Mark) []Mark) []Mark { return change(marks) }
	swap := func(i, j int) func([]Mark) []Mark {
		return func(m []Mark) []Mark {
			m[i].Part, m[j].Part = m[j].Part, m[i].Part
			return m
		}
	}
	dress := func(i int, a *Appearance) func([]Mark) []Mark {
		return func(m []Mark) []Mark {
			m[i].Appearance = a
			return m
		}
	}
	drop := func(i int) func([]Mark) []Mark { return func(m []Mark) []Mark { return append(m[:i:i], m[i+1:]...) } }
	larger := func(size float64) func([]Mark) []Mark {
		return func(m []Mark) []Mark {
			for i := range m {
				right := m[i].X + m[i].Width
				m[i].Width, m[i].Height = m[i].Width*size/42, size
				m[i].X = right - m[i].Width
			}
			return m
		}
	}
	type straddled struct {
		name  string
		pages sample
		marks []Mark
		want  string // in the error, "" for none
		n     int    // slices that make the seal
	}
	var tests []straddled
	for _, edge := range []string{"left", "right", "top", "bottom"} {
		tests = append(tests, straddled{edge, sample{pages: 3}, cutMarks(ours, edge, 1, 2, 3), "", 3})
	}
	tests = append(tests, []straddled{
		{"not of whole millimetres", sample{pages: 3}, with(cutMarks(ours, "right", 1, 2, 3), larger(42.4)), "", 3},
		{"not of whole millimetres, one missing", sample{pages: 30}, with(with(cutMarks(ours, "right", upTo(30)...), larger(41.6)), drop(9)), "some are missing", 0},
		{"two pages", sample{pages: 2}, cutMarks(ours, "right", 1, 2), "", 2},
		{"thirty pages", sample{pages: 30}, cutMarks(ours, "right", upTo(30)...), "", 30},
		{"odd pages", sample{pages: 5}, cutMarks(ours, "right", 1, 3, 5), "", 3},
		{"pixels", sample{pages: 4}, cutMarks(pixels(t, own), "right", 1, 2, 3, 4), "", 4},
		{"pixels over many pages", sample{pages: 20}, cutMarks(pixels(t, own), "bottom", upTo(20)...), "", 20},
		{"in two groups", sample{pages: 5}, append(cutMarks(ours, "right", 1, 2), cutMarks(ours, "right", 3, 4, 5)...), "", 5},
		{"with a code beside it", sample{pages: 2}, append(cutMarks(ours, "right", 1, 2), Mark{Page: 2, X: 20, Y: 20, Width: 38, Height: 38, Appearance: strange}), "", 2},
		{"the second missing", sample{pages: 4}, with(cutMarks(ours, "right", 1, 2, 3, 4), drop(1)), "some are missing", 0},
		{"the last missing", sample{pages: 4}, with(cutMarks(ours, "right", 1, 2, 3, 4), drop(3)), "some are missing", 0},
		{"all but the first missing", sample{pages: 4}, cutMarks(ours, "right", 1, 2, 3, 4)[:1], "some are missing", 0},
		{"one of a hundred missing", sample{pages: 100}, with(cutMarks(ours, "right", upTo(100)...), drop(40)), "some are missing", 0},
		{"two of four swapped", sample{pages: 4}, with(cutMarks(ours, "right", 1, 2, 3, 4), swap(1, 2)), "the slice on page 2 is not that part", 0},
		{"two of thirty swapped", sample{pages: 30}, with(cutMarks(ours, "right", upTo(30)...), swap(8, 22)), "the slice on page 9 is not that part", 0},
		{"backwards", sample{pages: 3}, with(cutMarks(ours, "right", 1, 2, 3), swap(0, 2)), "the slice on page 1 is not that part", 0},
		{"one of another seal", sample{pages: 3}, with(cutMarks(ours, "right", 1, 2, 3), dress(2, strange)), "the slice on page 3 is not that part", 0},
		{"one of thirty of another seal", sample{pages: 30}, with(cutMarks(ours, "right", upTo(30)...), dress(2, strange)), "the slice on page 3 is not that part", 0},
		{"one empty", sample{pages: 3}, with(cutMarks(ours, "bottom", 1, 2, 3), dress(1, blank)), "the slice on page 2 is not that part", 0},
		{"one twice", sample{pages: 4}, append(cutMarks(ours, "right", 1, 2, 3), cutMarks(ours, "right", 4, 3, 2)[0]), "some are missing", 0},
	}...)
	for _, rotate := range []int{90, 180, 270} {
		turned := cutMarks(ours, "right", 1, 2, 3)
		if rotate != 180 {
			for i := range turned {
				turned[i].X += (841.89 - 595.28) / 72 * 25.4
			}
		}
		pages := sample{pages: 3, every: fmt.Sprintf("/Rotate %d", rotate)}
		tests = append(tests, straddled{fmt.Sprintf("pages turned by %d", rotate), pages, turned, "", 3},
			straddled{fmt.Sprintf("pages turned by %d, swapped", rotate), pages, with(append([]Mark{}, turned...), swap(1, 2)), "is not that part", 0})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stamp := s.stamp(0)
			stamp.ContentsSize += 8000
			stamp.Marks = tt.marks
			file := put(t, tt.pages.bytes(), stamp, s.sealContents)
			trust := s.trust
			trust.Pictures = likeness.NewMemory()
			for range 2 { // the second time from memory
				report, found := verified(t, file, trust, "Seal1")
				err := report.Err()
				if tt.want == "" {
					if err != nil || found.Picture.State != PictureSlice || found.Picture.Slices != tt.n {
						t.Fatalf("%v, %+v", err, found.Picture)
					}
					continue
				}
				if !errors.Is(err, ErrPicture) || !strings.Contains(err.Error(), tt.want) || found.Picture.State != PictureOther {
					t.Errorf("%v, %+v, want %q", err, found.Picture, tt.want)
				}
			}
		})
	}
}
