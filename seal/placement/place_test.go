package placement

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/elicence/elicence/seal/pdf"
)

func TestPages(t *testing.T) {
	t.Parallel()
	for named, want := range map[Pages][]int{
		"all": {1, 2, 3, 4, 5, 6, 7}, "odd": {1, 3, 5, 7}, "even": {2, 4, 6}, "last": {7}, "3": {3}, "2-4": {2, 3, 4}, "6-": {6, 7},
		"1, last": {1, 7}, "5,1-2,2": {1, 2, 5}, "7-7": {7}, "all,3": {1, 2, 3, 4, 5, 6, 7},
	} {
		if got, err := named.of(7); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q = %v, %v, want %v", named, got, err, want)
		}
	}
	for _, named := range []Pages{"8", "0", "-1", "1-8", "8-", "4-2", "x", "1,,2", "", ",", "+1", "1--3", "1 2", "all odd", "999999999999999999999", "1-2-3", "８"} {
		if got, err := named.of(7); !errors.Is(err, ErrPlace) {
			t.Errorf("%q = %v, %v, want ErrPlace", named, got, err)
		}
	}
	if got, err := Pages("even").of(1); !errors.Is(err, ErrPlace) {
		t.Errorf("even of one page = %v, %v", got, err)
	}
}

func TestMiddle(t *testing.T) {
	t.Parallel()
	page := pdf.Page{Width: 210, Height: 297}
	for corner, want := range map[Corner][2]float64{"": {30, 40}, TopLeft: {30, 40}, TopRight: {180, 40}, BottomLeft: {30, 257}, BottomRight: {180, 257}} {
		x, y, err := Place{Corner: corner, X: 30, Y: 40}.middle(page)
		if err != nil || x != want[0] || y != want[1] {
			t.Errorf("%q: %v, %v, %v, want %v", corner, x, y, err, want)
		}
	}
	if _, _, err := (Place{Corner: "middle"}).middle(page); !errors.Is(err, ErrPlace) {
		t.Errorf("another corner: %v", err)
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	pages := []int{1, 2, 3, 4, 5, 6, 7}
	for group, want := range map[int][]int{0: {7}, 7: {7}, 20: {7}, 2: {2, 2, 3}, 3: {3, 4}, 4: {4, 3}, 5: {5, 2}, 6: {7}} {
		groups, err := Straddle{Group: group}.groups(pages)
		var sizes, all []int
		for _, g := range groups {
			sizes = append(sizes, len(g))
			all = append(all, g...)
		}
		if err != nil || !slices.Equal(sizes, want) || !slices.Equal(all, pages) {
			t.Errorf("groups of %d: %v of %v, %v, want sizes %v", group, groups, all, err, want)
		}
	}
	for _, group := range []int{1, -2} {
		if _, err := (Straddle{Group: group}).groups(pages); !errors.Is(err, ErrPlace) {
			t.Errorf("groups of %d: %v", group, err)
		}
	}
	if _, err := (Straddle{}).groups(pages[:1]); !errors.Is(err, ErrPlace) {
		t.Errorf("one page: %v", err)
	}
}

func TestCuts(t *testing.T) {
	t.Parallel()
	for _, width := range []float64{18, 40, 45} {
		for n := 2; n <= 70; n++ {
			at, err := cuts(width, n)
			if err != nil {
				t.Fatalf("%v mm for %d pages: %v", width, n, err)
			}
			if len(at) != n+1 || at[0] != 0 || at[n] != width || !slices.IsSorted(at) {
				t.Errorf("%v mm for %d pages: cuts %v", width, n, at)
			}
			first, last := at[1], width-at[n-1]
			if first < minSlice || math.Abs(first-last) > 1e-9 {
				t.Errorf("%v mm for %d pages: first slice %v, last %v", width, n, first, last)
			}
		}
	}
	if _, err := cuts(40, 400); !errors.Is(err, ErrPlace) {
		t.Errorf("40 mm for 400 pages: %v", err)
	}
	if _, err := cuts(40, 300); err != nil {
		t.Errorf("40 mm for 300 pages: %v", err)
	}
}
