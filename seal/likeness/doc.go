// Package likeness tells whether what a page shows is the picture of the seal that
// signed it.
//
// A signature proves a seal, and the reader sees a drawing; nothing but this
// comparison binds one to the other. Whoever has any seal at all could sign with it
// and show the picture of a ministry's. So the picture inside the seal structure
// ([Picture], GB/T 38540) and the drawing on the page ([Sheet]) are both laid out as
// ink on paper at their size in millimetres, and compared part by part ([Compare]):
// one other character in a name of forty is another seal.
//
// Colour, opacity and what lies under the seal make no difference, shape and place
// do. Pictures are SVG paths as package impression writes them, plain or compressed, PNG,
// JPEG, GIF and BMP, and OFD pages (GB/T 33190-2016) of paths, images and text in fonts that
// the package brings along, TrueType or CFF, within clips of paths and in groups. What cannot be laid out with certainty, as patterns or text in a
// font of the machine, is [ErrNotDrawn]: then nobody can say whether the two are alike, which
// is neither yes nor no. The same goes for what readers are known to show differently.
//
// Pictures are bounded before they are unfolded: [MaxPixels], [MaxSteps]. Of an OFD page the
// files, the objects, their nesting and the pixels of all images are bounded as well.
package likeness
