// Package impression draws the impression of a Chinese seal (印模) as vectors, at
// 1:1 in millimetres.
//
// A [Spec] says what the seal shows; the constructors give the shapes and sizes of
// 国发〔1999〕25号 for state organs and those customary for the seals of a company.
// [Draw] makes a [Drawing] of it, one red shape that comes out as SVG, as PDF
// operators for an appearance stream, or as a transparent PNG. Nothing depends on
// an installed font: the characters are outlines of the embedded Song face, drawn with as
// few segments as stay within 20 µm of them, because a seal is in each of its signatures.
//
// The text of a round or oval seal runs clockwise along its rim, upright, with the
// feet towards the centre and the gap at the bottom. Size, width and spacing of the
// characters follow from their number, and from the room that the line and the
// code below need.
//
// A seal that exists on paper is taken over from a scan of its impression ([Trace]): the
// ink is parted from the paper and outlined, and from then on it is a drawing like others,
// of as few segments.
//
// What is refused: texts that are too short, too long or hold white space; sizes
// outside those of real seals; the national emblem, which is not drawn yet, and
// for which nothing else may stand in. A character without a glyph is a
// *typeface.MissingRuneError. All other refusals wrap [ErrSpec] and name the field.
//
//	drawing, err := impression.Draw(impression.Company("合肥样例科技有限公司"))
//	if err != nil {
//		return err
//	}
//	os.WriteFile("seal.svg", drawing.SVG(), 0o644)
package impression
