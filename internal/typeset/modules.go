package typeset

// Modules returns the dark modules of a bitmap, such as a QR symbol with its
// quiet zone, as rectangles: size is the width of the whole bitmap in
// millimetres, (x, y) its top left corner. Neighbouring modules are joined, along
// the row first and then down, and all stand in one path, so that a viewer leaves
// no hair lines between them. The bitmap's width is that of its longest row; what
// a row lacks is light.
func Modules(x, y, size float64, bitmap [][]bool) *Path {
	width := 0
	for _, row := range bitmap {
		width = max(width, len(row))
	}
	path := &Path{}
	module := size / float64(max(width, 1))
	done := make([]bool, width*len(bitmap))
	fresh := func(row, column int) bool {
		return column < len(bitmap[row]) && bitmap[row][column] && !done[row*width+column]
	}
	freshRun := func(row, from, to int) bool {
		for column := from; column < to; column++ {
			if !fresh(row, column) {
				return false
			}
		}
		return true
	}
	for row := range bitmap {
		for from := 0; from < width; from++ {
			if !fresh(row, from) {
				continue
			}
			to := from + 1
			for to < width && fresh(row, to) {
				to++
			}
			below := row + 1
			for below < len(bitmap) && freshRun(below, from, to) {
				below++
			}
			for r := row; r < below; r++ {
				for column := from; column < to; column++ {
					done[r*width+column] = true
				}
			}
			path.Rect(x+float64(from)*module, y+float64(row)*module,
				float64(to-from)*module, float64(below-row)*module)
		}
	}
	return path
}
