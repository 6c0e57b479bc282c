package scan

import (
	"fmt"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// greys returns the mean grey value of each module.
func (p *plane) greys(g *grid) []float64 {
	n := g.layout.size
	all := make([]float64, n*n)
	for y := range n {
		for x := range n {
			sum := 0.0
			for i := range 9 {
				at := g.at(float64(x)+0.5+0.25*float64(i%3-1), float64(y)+0.5+0.25*float64(i/3-1))
				sum += p.at(at.x, at.y)
			}
			all[y*n+x] = sum / 9
		}
	}
	return all
}

// modulesAround is half the side of the square of modules whose mean tells dark from
// light.
const modulesAround = 5

// decode reads the text of a symbol.
func (p *plane) decode(g *grid) (string, error) {
	n := g.layout.size
	greys := p.greys(g)
	// sums[y][x] is the sum of all modules above and to the left.
	sums := make([]float64, (n+1)*(n+1))
	for y := range n {
		for x := range n {
			sums[(y+1)*(n+1)+x+1] = greys[y*n+x] + sums[y*(n+1)+x+1] + sums[(y+1)*(n+1)+x] - sums[y*(n+1)+x]
		}
	}
	bits, err := gozxing.NewSquareBitMatrix(n)
	if err != nil {
		return "", fmt.Errorf("reading a symbol: %w", err)
	}
	for y := range n {
		for x := range n {
			left, right := max(x-modulesAround, 0), min(x+modulesAround+1, n)
			top, bottom := max(y-modulesAround, 0), min(y+modulesAround+1, n)
			sum := sums[bottom*(n+1)+right] - sums[top*(n+1)+right] - sums[bottom*(n+1)+left] + sums[top*(n+1)+left]
			if greys[y*n+x]*float64((right-left)*(bottom-top)) < sum {
				bits.Set(x, y)
			}
		}
	}
	result, err := decoder.NewDecoder().Decode(bits, nil)
	if err != nil {
		return "", fmt.Errorf("reading a symbol: %w", err)
	}
	return result.GetText(), nil
}
