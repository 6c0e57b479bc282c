package render

import "github.com/elicence/elicence/internal/typeset"

// Pictures below the fields stand in rows of one height.
const (
	pictureHeight = 36.0
	pictureWidth  = 76.0 // at most
	captionRoom   = 5.0
)

// fit is the size of a picture in a box, in its own proportions.
func (p photograph) fit(width, height float64) (float64, float64) {
	w, h := p.image.Size()
	scale := min(width/float64(w), height/float64(h))
	return float64(w) * scale, float64(h) * scale
}

// placePhoto puts the photograph in the top right corner of the area and returns
// the room it takes. One of two people, wider than high, gets a wider place.
func (l *layout) placePhoto(p *page, area box) box {
	if l.photo == nil {
		return box{}
	}
	width, height := l.photo.fit(photoWidth, photoHeight)
	room := photoWidth
	if width > height {
		room = couplePhotoWidth
		width, height = l.photo.fit(couplePhotoWidth, photoHeight)
	}
	at := box{area.right() - room + (room-width)/2, area.y, width, height}
	p.items = append(p.items, item{at, func(c *typeset.Canvas) { l.drawPicture(c, at, l.photo.image) }})
	taken := box{area.right() - room, area.y, room, height}
	if !l.photo.caption.Empty() {
		lines, _ := l.photo.caption.Fit(room, 2, 5)
		taken.height = p.stack(taken.x+room/2, at.bottom()+1.2, 1.3, lines) - area.y
	}
	return taken
}

// drawPicture draws a picture with a thin edge.
func (l *layout) drawPicture(c *typeset.Canvas, at box, image *typeset.Image) {
	c.Image(at.x, at.y, at.width, at.height, image)
	edge := &typeset.Path{}
	edge.Rect(at.x, at.y, at.width, at.height)
	c.Stroke(edge, 0.15, l.skin.pale)
}

// A pictureRow is pictures side by side.
type pictureRow struct {
	pictures []photograph
	height   float64
}

// pictureRows divides the pictures into rows.
func (l *layout) pictureRows() []pictureRow {
	var rows []pictureRow
	x := 0.0
	for _, p := range l.pictures {
		width, _ := p.fit(pictureWidth, pictureHeight)
		width = max(width, photoWidth) // room for the caption
		if len(rows) == 0 || x+width > right-left {
			rows = append(rows, pictureRow{height: pictureHeight + captionRoom})
			x = 0
		}
		last := &rows[len(rows)-1]
		last.pictures = append(last.pictures, p)
		x += width + gutter
	}
	return rows
}

// placePictures puts rows of pictures on a page below y and returns where they
// end.
func (l *layout) placePictures(page *page, y float64, rows []pictureRow) float64 {
	for _, row := range rows {
		y += gutter
		x := left
		for _, p := range row.pictures {
			width, height := p.fit(pictureWidth, pictureHeight)
			room := max(width, photoWidth)
			at := box{x + (room-width)/2, y + pictureHeight - height, width, height}
			page.items = append(page.items, item{at, func(c *typeset.Canvas) { l.drawPicture(c, at, p.image) }})
			caption, ok := p.caption.Shrink(room, 5)
			if !ok {
				lines, _ := p.caption.Fit(room, 2, 3.5)
				page.stack(x+room/2, y+pictureHeight+0.8, 1.15, lines)
			} else {
				page.centred(x+room/2, y+pictureHeight+1+caption.Em(), caption)
			}
			x += room + gutter
		}
		y += row.height
	}
	return y
}
