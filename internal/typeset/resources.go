package typeset

import (
	"fmt"
	"strconv"
)

func resourceName(kind byte, i int) string { return string(kind) + strconv.Itoa(i) }

// object makes the resource dictionary that all canvases of a document share,
// with everything they refer to, in the order of first use.
func (r *resources) object(z *compressor) (*Object, error) {
	o := &Object{}
	o.printf("<< /Font <<")
	for _, f := range r.fonts {
		font, err := f.object(z)
		if err != nil {
			return nil, fmt.Errorf("embed a font: %w", err)
		}
		o.printf(" /%s %s", f.name, o.ref(font))
	}
	o.printf(" >> /XObject <<")
	for i, image := range r.images {
		o.printf(" /%s %s", resourceName('I', i), o.ref(image.object()))
	}
	for i, form := range r.forms {
		x := &Object{Stream: z.deflate(form.content)}
		x.printf("<< /Type /XObject /Subtype /Form /BBox [0 0 %s] /Resources %s /Filter /FlateDecode >>",
			appendNumbers(nil, form.x(form.width), form.x(form.height)), x.ref(o))
		o.printf(" /%s %s", resourceName('X', i), o.ref(x))
	}
	o.printf(" >> >>")
	return o, nil
}
