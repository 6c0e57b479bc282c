package typeset

// A Fragment is a small drawing that becomes an appearance stream of a document
// somebody else writes: the text beside a seal, a number, a date. It is drawn on
// like a page.
type Fragment struct{ Canvas }

// NewFragment returns an empty fragment of the given size in millimetres.
func NewFragment(width, height float64) *Fragment {
	return &Fragment{Canvas{width: width, height: height, res: &resources{}}}
}

// An Appearance is a finished fragment: the parts of a form XObject.
type Appearance struct {
	// Content is the operators, not compressed.
	Content []byte
	// BBox is left, bottom, right and top in points; left and bottom are zero.
	BBox [4]float64
	// Resources is the resource dictionary; as in an [Object], {0}, {1}, … stand
	// for references to Objects[0], Objects[1], …
	Resources string
	Objects   []*Object
}

// Appearance finishes the fragment. The error is that of a face whose glyphs
// cannot be read.
func (f *Fragment) Appearance() (*Appearance, error) {
	resources, err := f.res.object(newCompressor())
	if err != nil {
		return nil, err
	}
	return &Appearance{
		Content:   f.content,
		BBox:      [4]float64{2: f.x(f.width), 3: f.x(f.height)},
		Resources: string(resources.Dict),
		Objects:   resources.Uses,
	}, nil
}
