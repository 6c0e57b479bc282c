package pdf

import (
	"image/color"
	"io"

	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// operators runs a content stream (ISO 32000-1, 8.2) that consists of filled paths,
// images and forms, as the drawings of seals do. Text, strokes, shadings and whatever
// else there is end it: half a drawing would be compared half.
type operators struct {
	*painter
	resources *syntax.Dict
	depth     int

	now      state
	saved    []state
	operands []syntax.Value
	path     likeness.Path
	clips    bool // W came: the path clips when it is painted
}

// maxOperands is more than any operator takes.
const maxOperands = 32

func (o *operators) run(data []byte) error {
	content := syntax.NewContent(data)
	for {
		v, operator, err := content.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return notDrawn("the operators: %v", err)
		}
		if operator != "" {
			if err := o.operator(operator); err != nil {
				return err
			}
			o.operands = o.operands[:0]
			continue
		}
		if o.operands = append(o.operands, v); len(o.operands) > maxOperands {
			return notDrawn("an operator with more than %d operands", maxOperands)
		}
	}
}

// numbers returns the operands, which must be n numbers.
func (o *operators) numbers(n int) ([]float64, error) {
	return o.view.numbers(syntax.Array(o.operands), n)
}

func (o *operators) operator(w string) error {
	switch w {
	case "q":
		if len(o.saved) >= syntax.MaxNesting {
			return notDrawn("q more than %d deep", syntax.MaxNesting)
		}
		o.saved = append(o.saved, o.now)
	case "Q":
		if len(o.saved) == 0 {
			return notDrawn("Q without q")
		}
		o.now, o.saved = o.saved[len(o.saved)-1], o.saved[:len(o.saved)-1]
	case "cm":
		n, err := o.numbers(6)
		if err != nil {
			return err
		}
		o.now.matrix = likeness.Matrix(n).Then(o.now.matrix)
	case "m", "l", "c", "v", "y", "re", "h":
		return o.outline(w)
	case "f", "F", "n":
		return o.paint(w)
	case "W":
		o.clips = true
	case "g", "rg", "k", "cs", "sc", "scn":
		return o.colour(w)
	case "G", "RG", "K", "CS", "SC", "SCN", "w", "J", "j", "M", "d", "i", "ri":
		// They concern strokes, and there are none.
	case "gs":
		return o.graphicsState()
	case "Do":
		return o.object()
	default:
		return notDrawn("the operator %.8q", w)
	}
	return nil
}

func (o *operators) outline(w string) error {
	if o.steps++; o.steps > likeness.MaxSteps {
		return notDrawn("more than %d pieces of outlines", likeness.MaxSteps)
	}
	count := map[string]int{"m": 2, "l": 2, "c": 6, "v": 4, "y": 4, "re": 4, "h": 0}[w]
	n, err := o.numbers(count)
	if err != nil {
		return err
	}
	if o.path.Steps() == 0 && w != "m" && w != "re" {
		return notDrawn("an outline without beginning")
	}
	switch w {
	case "m":
		o.path.Move(n[0], n[1])
	case "l":
		o.path.Line(n[0], n[1])
	case "c":
		o.path.Cubic(n[0], n[1], n[2], n[3], n[4], n[5])
	case "v":
		x, y := o.path.Current()
		o.path.Cubic(x, y, n[0], n[1], n[2], n[3])
	case "y":
		o.path.Cubic(n[0], n[1], n[2], n[3], n[2], n[3])
	case "re":
		o.path.Rectangle(n[0], n[1], n[2], n[3])
	case "h":
		o.path.Close()
	}
	return nil
}

// paint fills the path, or only ends it, and clips by it where W came before.
func (o *operators) paint(w string) error {
	if w != "n" {
		o.covers = o.covers || !o.now.darkens()
		if err := o.sheet.Fill(&o.path, o.now.matrix, o.now.clip, o.now.ink, o.now.through()); err != nil {
			return err
		}
	}
	if o.clips {
		box, ok := o.path.Upright(o.now.matrix)
		if !ok {
			return notDrawn("a clip that is no upright rectangle")
		}
		o.now.clip = o.now.clip.Intersect(box)
	}
	o.path, o.clips = likeness.Path{}, false
	return nil
}

// colour takes the ink of a fill colour in one of the device's colour spaces.
func (o *operators) colour(w string) error {
	if w == "cs" {
		space, _ := o.first().(syntax.Name)
		switch space {
		case "DeviceGray", "DeviceRGB", "DeviceCMYK":
			o.now.space, o.now.ink = space, 1
			return nil
		}
		return notDrawn("the colour space %.40q", string(space))
	}
	components := map[syntax.Name]int{"DeviceGray": 1, "DeviceRGB": 3, "DeviceCMYK": 4}
	if space, ok := map[string]syntax.Name{"g": "DeviceGray", "rg": "DeviceRGB", "k": "DeviceCMYK"}[w]; ok {
		o.now.space = space
	}
	n, err := o.numbers(components[o.now.space])
	if err != nil {
		return err
	}
	o.now.ink = deviceInk(n)
	return nil
}

// deviceInk is the ink of a grey, RGB or CMYK colour.
func deviceInk(n []float64) float64 {
	level := func(v float64) uint8 { return uint8(min(max(v, 0), 1) * 255) }
	switch len(n) {
	case 1:
		return likeness.Ink(color.Gray{Y: level(n[0])})
	case 3:
		return likeness.Ink(color.NRGBA{level(n[0]), level(n[1]), level(n[2]), 255})
	default:
		return min(1, max(n[0], n[1], n[2])+n[3])
	}
}

func (o *operators) first() syntax.Value {
	if len(o.operands) == 1 {
		return o.operands[0]
	}
	return nil
}

// resource finds what an operator names.
func (o *operators) resource(kind syntax.Name) (syntax.Value, error) {
	n, ok := o.first().(syntax.Name)
	if !ok {
		return nil, notDrawn("an operator without a name")
	}
	list, err := o.view.Dict(o.resources.Lookup(kind))
	if err != nil {
		return nil, err
	}
	return o.view.Get(list, n)
}

// graphicsState allows opacity, and blending that leaves ink on white paper as it is: they
// change no shape where nothing lies below.
func (o *operators) graphicsState() error {
	val, err := o.resource("ExtGState")
	if err != nil {
		return err
	}
	d, ok := val.(*syntax.Dict)
	if !ok {
		return notDrawn("a graphics state that is missing")
	}
	for _, e := range d.Entries {
		switch e.Key {
		case "Type", "CA", "AIS", "SA", "OPM", "LW", "LC", "LJ", "ML", "D", "RI":
		case "ca":
			opacity, ok := syntax.Number(e.Val)
			if !ok || opacity < 0.3 {
				return notDrawn("a drawing that is nearly transparent")
			}
			o.now.opaque = opacity >= 1
		case "BM":
			if !staysInk(e.Val) {
				return notDrawn("a drawing that is blended as %v", e.Val)
			}
			o.now.blended = e.Val == syntax.Name("Multiply") || e.Val == syntax.Name("Darken")
		case "OP", "op":
			if e.Val != false {
				return notDrawn("a drawing that lets shine through what is below it in print")
			}
		case "SMask":
			if e.Val != syntax.Name("None") {
				return notDrawn("a soft mask")
			}
		default:
			return notDrawn("a graphics state with /%s", e.Key)
		}
	}
	return nil
}

// staysInk reports that a blend mode leaves ink on white paper as it is (ISO 32000-1, 11.3.5):
// others make it lighter, up to nothing.
func staysInk(mode syntax.Value) bool {
	return mode == syntax.Name("Normal") || mode == syntax.Name("Compatible") || mode == syntax.Name("Multiply") || mode == syntax.Name("Darken")
}

// object lays out a form or an image.
func (o *operators) object() error {
	val, err := o.resource("XObject")
	if err != nil {
		return err
	}
	st, ok := val.(*syntax.Stream)
	if !ok {
		return notDrawn("an object that is missing")
	}
	switch kind, _ := st.Dict.Lookup("Subtype").(syntax.Name); kind {
	case "Form":
		return o.form(st, o.now, o.depth+1)
	case "Image":
		if st.Dict.Lookup("OC") != nil {
			return notDrawn("an image that is shown on conditions")
		}
		picture, err := o.view.picture(st)
		if err != nil {
			return err
		}
		o.covers = o.covers || !o.now.darkens()
		return o.sheet.Image(picture, o.now.matrix, o.now.clip, o.now.through())
	default:
		return notDrawn("an object of the kind %.40q", string(kind))
	}
}
