// Package picturetest photographs codes badly, for tests: pictures of 1280 × 720
// pixels in which a sheet of paper with a code lies on a desk, blurred, noisy, tilted
// and stained. Class and number make the seed: the same ones are the same picture on
// every processor that rounds alike.
package picturetest

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/picture"
)

// Size of a picture in pixels.
const (
	Width  = 1280
	Height = 720
)

// Width of the symbol without its quiet zone, in pixels.
const (
	codeWidth  = 320
	smallWidth = 200
)

// Fault is what is wrong with a picture.
type Fault string

// The faults.
const (
	Blur        Fault = "blur"        // Gaussian, σ 1.2 pixels
	Noise       Fault = "noise"       // Gaussian, σ 12 of 255
	Turn        Fault = "turn"        // 25° in the plane of the picture
	Perspective Fault = "perspective" // 25° out of that plane, about any axis
	Blob        Fault = "blob"        // an ellipse over 5 % of the symbol, dark, grey or bright
)

// More faults, which no aim asks for.
const (
	Corner  Fault = "corner"  // the ellipse lies over a finder pattern
	Small   Fault = "small"   // the symbol is 200 pixels wide, not 320
	Bent    Fault = "bent"    // the paper is bent: an arch of a twentieth of its width
	Unsharp Fault = "unsharp" // Gaussian, σ 2 pixels
	Faint   Fault = "faint"   // ink 40 grey values darker than the paper
	Invert  Fault = "invert"  // light on dark
	Mirror  Fault = "mirror"  // as in a mirror
)

const (
	blurSigma    = 1.2
	noiseSigma   = 12
	unsharpSigma = 2
	tilt         = 25 * math.Pi / 180
	blobShare    = 0.05
)

// Classes returns the kinds of pictures: without fault, with each alone, with each two
// together.
func Classes() [][]Fault {
	faults := []Fault{Blur, Noise, Turn, Perspective, Blob}
	classes := [][]Fault{nil}
	for i, a := range faults {
		classes = append(classes, []Fault{a})
		for _, b := range faults[i+1:] {
			classes = append(classes, []Fault{a, b})
		}
	}
	return classes
}

// Harder returns kinds of pictures beyond those.
func Harder() [][]Fault {
	return [][]Fault{
		{Blur, Noise, Turn, Perspective, Blob},
		{Corner}, {Corner, Blur}, {Corner, Noise}, {Corner, Turn}, {Corner, Perspective}, {Corner, Blur, Noise, Turn, Perspective},
		{Small}, {Small, Blur}, {Small, Noise}, {Small, Turn}, {Small, Perspective}, {Small, Blur, Noise},
		{Bent}, {Bent, Blur, Noise}, {Bent, Perspective},
		{Unsharp}, {Unsharp, Perspective}, {Faint}, {Faint, Turn},
		{Invert}, {Invert, Noise, Turn}, {Mirror}, {Mirror, Blur, Perspective},
	}
}

// Name names a class of pictures.
func Name(class []Fault) string {
	if len(class) == 0 {
		return "clean"
	}
	var names []string
	for _, f := range class {
		names = append(names, string(f))
	}
	return strings.Join(names, "+")
}

// Picture is a photograph of a code.
type Picture struct {
	Text  string // what the symbol says
	Image *image.Gray
}

// Sheet is a code to be photographed.
type Sheet struct {
	Text    string
	Modules [][]bool // with the quiet zone
}

// NewSheet returns a code of random bytes: for forms 0 to 3 bare digits as a screen
// shows them, of version 10 to 13 at level M, for form 4 the address that paper
// carries, at level Q.
func NewSheet(tb testing.TB, r *rand.Rand, form int) Sheet {
	tb.Helper()
	level, version, spread := picture.Screen, 10+form, 175
	if form == 4 {
		level, spread = picture.Paper, 28 // the codes of most people
	}
	for {
		content := make([]byte, 161+r.IntN(spread))
		for i := range content {
			content[i] = byte(r.Uint32())
		}
		text, err := qr.Encode(qr.KindLicence, content)
		if err != nil {
			tb.Fatal(err)
		}
		if form == 4 {
			text = qr.Address("licence.example.cn", text)
		}
		symbol, err := picture.Draw(text, level)
		if err != nil {
			tb.Fatal(err)
		}
		if form == 4 || symbol.Version() == version {
			return Sheet{text, symbol.Modules()}
		}
	}
}

// New takes picture n of a class, of form n mod 5 (see [NewSheet]).
func New(tb testing.TB, class []Fault, n int) Picture {
	tb.Helper()
	seed := uint64(n)
	for _, f := range class {
		for _, c := range f {
			seed = seed*31 + uint64(c)
		}
	}
	r := rand.New(rand.NewPCG(seed, 0x656c6963656e6365))
	sheet := NewSheet(tb, r, n%5)
	has := map[Fault]bool{}
	for _, f := range class {
		has[f] = true
	}
	img := photograph(r, sheet, has)
	if has[Blur] {
		blur(img, blurSigma)
	}
	if has[Unsharp] {
		blur(img, unsharpSigma)
	}
	out := image.NewGray(image.Rect(0, 0, Width, Height))
	inverted, noisy := has[Invert], has[Noise]
	for i, v := range img {
		if inverted {
			v = 255 - v
		}
		if noisy {
			v += r.NormFloat64() * noiseSigma
		}
		out.Pix[i] = uint8(math.Round(min(max(v, 0), 255)))
	}
	if has[Mirror] {
		for y := range Height {
			slices.Reverse(out.Pix[y*Width : (y+1)*Width])
		}
	}
	return Picture{sheet.Text, out}
}

// photograph draws the scene without blur and noise, in grey values.
func photograph(r *rand.Rand, sheet Sheet, has map[Fault]bool) []float64 {
	eye := newCamera(r, has)
	bend := 0.0
	if has[Bent] {
		bend = 0.2
	}
	toSheet := func(x, y float64) (float64, float64) {
		u, v := eye.toSheet(x, y)
		return u, v + bend*(u-0.5)*(u-0.5)
	}
	n := float64(len(sheet.Modules))
	quiet := 4 / (n - 8) // in units of the symbol's width
	ink, paper := 25+30*r.Float64(), 200+45*r.Float64()
	if has[Faint] {
		ink = paper - 40
	}
	desk := 70 + 110*r.Float64()
	stain, stained := newStain(r), has[Blob] || has[Corner]
	if has[Corner] {
		corner := r.IntN(3)
		stain.u, stain.v = 0.05+0.9*float64(corner&1), 0.05+0.9*float64(corner>>1)
	}
	light := [3]float64{0.85 + 0.15*r.Float64(), 0.25 * (r.Float64() - 0.5), 0.25 * (r.Float64() - 0.5)}
	phase := [2]float64{r.Float64(), r.Float64()}
	lines := r.Perm(9)

	// surface is the grey value of the scene at a point of the sheet; the symbol reaches
	// from 0 to 1 in both directions.
	surface := func(u, v float64) float64 {
		switch {
		case u < -0.35 || u > 1.35 || v < -0.3 || v > 1.7:
			return desk + 12*wave(u*3.7+phase[0])*wave(v*1.4+phase[1])
		case stained && stain.covers(u, v):
			return stain.grey
		case u >= -quiet && u < 1+quiet && v >= -quiet && v < 1+quiet:
			x, y := int((u+quiet)/(1+2*quiet)*n), int((v+quiet)/(1+2*quiet)*n)
			if sheet.Modules[min(y, len(sheet.Modules)-1)][min(x, len(sheet.Modules)-1)] {
				return ink
			}
			return paper
		case v > 1.15 && u > -0.1 && u < 1.1:
			// Lines of something that looks like writing.
			row := int((v - 1.15) / 0.06)
			if v-1.15-0.06*float64(row) < 0.035 && wave(u*(9.5+0.8*float64(lines[row%9])))+wave(u*21+v*30) > 0.4 {
				return ink + 20
			}
			return paper
		default:
			return paper
		}
	}
	img := make([]float64, Width*Height)
	for y := range Height {
		for x := range Width {
			across := 1 // samples a pixel in each direction
			if u, v := toSheet(float64(x), float64(y)); math.Abs(u-0.5) < 0.6 && math.Abs(v-0.5) < 0.6 {
				across = 3
			}
			sum := 0.0
			for i := range across * across {
				u, v := toSheet(float64(x)+(float64(i%across)+0.5)/float64(across), float64(y)+(float64(i/across)+0.5)/float64(across))
				sum += surface(u, v)
			}
			shade := light[0] + light[1]*(float64(x)/Width-0.5) + light[2]*(float64(y)/Height-0.5)
			img[y*Width+x] = sum / float64(across*across) * shade
		}
	}
	return img
}

// wave goes from 0 to 1, to -1 and back to 0 while x grows by 1.
func wave(x float64) float64 {
	x -= math.Floor(x)
	if x < 0.5 {
		return 16 * x * (0.5 - x)
	}
	return 16 * (x - 0.5) * (x - 1)
}

// stain is an ellipse in the coordinates of the symbol.
type stain struct{ u, v, a, b, cos, sin, grey float64 }

// newStain lays a stain that lies within the symbol.
func newStain(r *rand.Rand) stain {
	ratio := 1 + 0.8*r.Float64()
	b := math.Sqrt(blobShare / math.Pi / ratio)
	a := b * ratio
	sin, cos := math.Sincos(r.Float64() * math.Pi)
	return stain{
		u: a + (1-2*a)*r.Float64(), v: a + (1-2*a)*r.Float64(),
		a: a, b: b, cos: cos, sin: sin,
		grey: []float64{20, 130, 250}[r.IntN(3)],
	}
}

func (s stain) covers(u, v float64) bool {
	u, v = u-s.u, v-s.v
	p, q := (u*s.cos+v*s.sin)/s.a, (v*s.cos-u*s.sin)/s.b
	return p*p+q*q < 1
}

// camera sees the plane of the sheet. The symbol's centre appears at (x, y).
type camera struct {
	x, y     float64
	u, v     [3]float64 // the sheet's axes, in the camera's coordinates
	distance float64    // of the symbol's centre, in widths of the symbol
}

// focal is the focal length in pixels: a picture covers 53° in its width.
const focal = 1280

func newCamera(r *rand.Rand, has map[Fault]bool) camera {
	turn := (r.Float64() - 0.5) * 4 * math.Pi / 180
	if has[Turn] {
		turn += math.Copysign(tilt, r.Float64()-0.5)
	}
	sin, cos := math.Sincos(turn)
	u, v := [3]float64{cos, sin, 0}, [3]float64{-sin, cos, 0}
	axis := r.Float64() * 2 * math.Pi
	if has[Perspective] {
		u, v = rotate(u, axis, tilt), rotate(v, axis, tilt)
	}
	width := float64(codeWidth)
	if has[Small] {
		width = smallWidth
	}
	return camera{
		x: Width/2 + (r.Float64()-0.5)*700, y: Height/2 + (r.Float64()-0.5)*240,
		u: u, v: v, distance: focal / width,
	}
}

// rotate turns a vector about an axis in the plane of the picture.
func rotate(p [3]float64, axis, angle float64) [3]float64 {
	ax, ay := math.Cos(axis), math.Sin(axis)
	sin, cos := math.Sincos(angle)
	along := ax*p[0] + ay*p[1]
	across := -ay*p[0] + ax*p[1]
	across, depth := across*cos-p[2]*sin, across*sin+p[2]*cos
	return [3]float64{ax*along - ay*across, ay*along + ax*across, depth}
}

// toSheet returns the point of the sheet that a point of the picture shows.
func (c camera) toSheet(x, y float64) (float64, float64) {
	// The ray t·(dx, dy, 1) meets (0, 0, distance) + u·(u - 1/2) + v·(v - 1/2).
	dx, dy := (x-c.x)/focal, (y-c.y)/focal
	a, b := c.u[0]-dx*c.u[2], c.v[0]-dx*c.v[2]
	d, e := c.u[1]-dy*c.u[2], c.v[1]-dy*c.v[2]
	p, q := dx*c.distance, dy*c.distance
	det := a*e - b*d
	return (p*e-b*q)/det + 0.5, (a*q-p*d)/det + 0.5
}

// blur convolves a picture with a Gaussian, its border repeated.
func blur(img []float64, sigma float64) {
	radius := int(math.Ceil(4 * sigma))
	kernel := make([]float64, 2*radius+1)
	sum := 0.0
	for i := range kernel {
		d := float64(i - radius)
		kernel[i] = math.Exp(-d * d / (2 * sigma * sigma))
		sum += kernel[i]
	}
	once := make([]float64, len(img))
	for y := range Height {
		for x := range Width {
			v := 0.0
			for i, k := range kernel {
				v += k * img[y*Width+min(max(x+i-radius, 0), Width-1)]
			}
			once[y*Width+x] = v / sum
		}
	}
	for y := range Height {
		for x := range Width {
			v := 0.0
			for i, k := range kernel {
				v += k * once[min(max(y+i-radius, 0), Height-1)*Width+x]
			}
			img[y*Width+x] = v / sum
		}
	}
}
