package impression

// A point is a place on the drawing in whole units, from the top left, y downwards.
type point struct{ x, y int }

func (p point) spot() spot        { return spot{float64(p.x), float64(p.y)} }
func (p point) times(n int) point { return point{p.x * n, p.y * n} }

// A step is one segment of the shape, or the end of a contour.
type step struct {
	op      op
	control point // of a quadratic curve
	to      point
}

type op uint8

const (
	move op = iota
	line
	quad
	shut // back to the last move
)

// A shape is contours, each from a move to its shut, filled by the non-zero winding rule.
type shape []step
