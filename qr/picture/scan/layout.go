package scan

import "github.com/makiuchi-d/gozxing/qrcode/decoder"

// The versions of a symbol (ISO/IEC 18004, 5.3.1), and its size in modules.
const (
	leastVersion = 1
	mostVersion  = 40
)

func sizeOf(version int) int { return 17 + 4*version }

// mark is a module whose colour is the same in all symbols of a version.
type mark struct {
	u, v float64 // its middle, in modules
	sign float64 // 1 light, -1 dark
}

// layout is what all symbols of a version have in common: finder, alignment and timing
// patterns (ISO/IEC 18004, 6.3).
type layout struct {
	size       int
	alignments []point // middles of the alignment patterns, in modules
	marks      []mark
}

// newLayout returns the layout of a version from 1 to 40.
func newLayout(version int) *layout {
	n := sizeOf(version)
	l := &layout{size: n}
	taken := make([]bool, n*n)
	put := func(x, y int, sign float64) {
		if x >= 0 && y >= 0 && x < n && y < n && !taken[y*n+x] {
			taken[y*n+x] = true
			l.marks = append(l.marks, mark{float64(x) + 0.5, float64(y) + 0.5, sign})
		}
	}
	for i := -4; i <= 4; i++ {
		for j := -4; j <= 4; j++ {
			put(3+i, 3+j, finderSign(i, j))
			put(n-4+i, 3+j, finderSign(i, j))
			put(3+i, n-4+j, finderSign(i, j))
		}
	}
	// The decoder knows all versions.
	if v, err := decoder.Version_GetVersionForNumber(version); err == nil {
		centers := v.GetAlignmentPatternCenters()
		for _, y := range centers {
			for _, x := range centers {
				if taken[y*n+x] {
					continue // a finder pattern is there
				}
				l.alignments = append(l.alignments, point{float64(x) + 0.5, float64(y) + 0.5})
			}
		}
		for _, c := range l.alignments {
			for i := -2; i <= 2; i++ {
				for j := -2; j <= 2; j++ {
					put(int(c.x)+i, int(c.y)+j, alignmentSign(i, j))
				}
			}
		}
	}
	for i := 8; i < n-8; i++ {
		sign := float64(i%2)*2 - 1
		put(i, 6, sign)
		put(6, i, sign)
	}
	return l
}

// alignmentSign is the colour of a module of an alignment pattern by its distance from
// the middle.
func alignmentSign(i, j int) float64 {
	if max(i, -i, j, -j) == 1 {
		return 1
	}
	return -1
}
