package likeness_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	pngfile "image/png"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/likeness"
)

// square is the SVG of the page that has nothing but a square.
func square(tb testing.TB, path string) *likeness.Sheet {
	tb.Helper()
	s, err := likeness.Picture("SVG", []byte(`<svg viewBox="0 0 40 40"><path fill="#d7000f" d="`+path+`"/></svg>`), 40, 40)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// clips is the clips of an object, of one area.
func clips(attributes, area, path string) string {
	return `<ofd:Clips ` + attributes + `><ofd:Clip><ofd:Area ` + area + `>` + path + `</ofd:Area></ofd:Clip></ofd:Clips>`
}

func clipPath(attributes, data string) string {
	return `<ofd:Path Boundary="0 0 40 40" Fill="true" Stroke="false" ` + attributes + `><ofd:AbbreviatedData>` + data + `</ofd:AbbreviatedData></ofd:Path>`
}

// TestOFDPage: what a page shows is what the same outlines show in SVG.
func TestOFDPage(t *testing.T) {
	t.Parallel()
	const rectangle = "M10 10H30V30H10Z"
	const filled = `Fill="true" Stroke="false" DrawParam="10"`
	outline := "M 10 10 L 30 10 L 30 30 L 10 30 C"
	twice := outline + " M 15 15 L 25 15 L 25 25 L 15 25 C"
	coloured := func(colour string) string {
		return strings.Replace(ofdPath(`Fill="true" Stroke="false"`, outline), "<ofd:Abbr", "<ofd:FillColor "+colour+"/><ofd:Abbr", 1)
	}
	const box = "M 10 10 L 30 10 L 30 30 L 10 30 C"
	clipped := func(attributes, clips string) string { // of the whole page
		return strings.Replace(ofdPath(filled+attributes, "M 0 0 L 40 0 L 40 40 L 0 40 C"), "<ofd:Abbr", clips+"<ofd:Abbr", 1)
	}
	for name, tt := range map[string]struct{ objects, want string }{
		"filled":                      {ofdPath(filled, outline), rectangle},
		"in blocks":                   {`<ofd:PageBlock ID="4"><ofd:PageBlock ID="5">` + ofdPath(filled, outline) + `</ofd:PageBlock></ofd:PageBlock>`, rectangle},
		"moved":                       {strings.Replace(ofdPath(filled, "M 0 0 L 20 0 L 20 20 L 0 20 C"), "0 0 40 40", "10 10 20 20", 1), rectangle},
		"mapped":                      {ofdPath(filled+` CTM="0 2 -2 0 30 10"`, "M 0 0 L 10 0 L 10 10 L 0 10 C"), rectangle},
		"grey":                        {coloured(`Value="20" ColorSpace="20"`), rectangle},
		"hexadecimal":                 {coloured(`Value="#ff #0 #0" Alpha="200"`), rectangle},
		"twice, non-zero":             {ofdPath(filled, twice), rectangle},
		"twice, even-odd":             {ofdPath(filled+` Rule="Even-Odd"`, twice), rectangle + "M15 15V25H25V15Z"},
		"a line":                      {ofdPath(`DrawParam="10"`, "M 11 11 L 29 11 L 29 29 L 11 29 C"), rectangle + "M12 12V28H28V12Z"},
		"a line half as wide":         {ofdPath(`DrawParam="11"`, "M 10.5 10.5 L 29.5 10.5 L 29.5 29.5 L 10.5 29.5 C"), rectangle + "M11 11V29H29V11Z"},
		"a line mapped":               {ofdPath(`DrawParam="10" CTM="1 0 0 2 0 0"`, "M 11 10 L 29 10"), "M11 18H29V22H11Z"},
		"white over ink":              {ofdPath(filled, outline) + strings.Replace(coloured(`Value="255 255 255"`), outline, "M 15 15 L 25 15 L 25 25 L 15 25 C", 1), rectangle + "M15 15V25H25V15Z"},
		"over the page's edge":        {ofdPath(filled, "M 10 10 L 50 10 L 50 30 L 10 30 C"), "M10 10H40V30H10Z"},
		"a curve":                     {ofdPath(filled, "M 10 20 B 10 6 30 6 30 20 Q 20 40 10 20"), "M10 20C10 6 30 6 30 20Q20 40 10 20Z"},
		"a square end":                {ofdPath(`LineWidth="2" Cap="Square"`, "M 11 20 L 29 20"), "M10 19H30V21H10Z"},
		"clipped":                     {clipped("", clips("", "", clipPath("", box))), rectangle},
		"clipped by two areas":        {clipped("", `<ofd:Clips><ofd:Clip><ofd:Area>`+clipPath("", "M 10 10 L 20 10 L 20 30 L 10 30 C")+`</ofd:Area><ofd:Area>`+clipPath("", "M 20 10 L 30 10 L 30 30 L 20 30 C")+`</ofd:Area></ofd:Clip></ofd:Clips>`), rectangle},
		"clipped twice":               {clipped("", `<ofd:Clips><ofd:Clip><ofd:Area>`+clipPath("", "M 10 0 L 30 0 L 30 40 L 10 40 C")+`</ofd:Area></ofd:Clip><ofd:Clip><ofd:Area>`+clipPath("", "M 0 10 L 40 10 L 40 30 L 0 30 C")+`</ofd:Area></ofd:Clip></ofd:Clips>`), rectangle},
		"clipped by even-odd":         {clipped("", clips("", "", clipPath(`Rule="Even-Odd"`, twice))), rectangle + "M15 15V25H25V15Z"},
		"a clip mapped":               {clipped("", clips("", `CTM="2 0 0 2 0 0"`, clipPath("", "M 5 5 L 15 5 L 15 15 L 5 15 C"))), rectangle},
		"a clip with its own map":     {clipped("", clips("", "", clipPath(`CTM="2 0 0 2 0 0"`, "M 5 5 L 15 5 L 15 15 L 5 15 C"))), rectangle},
		"a clip in its own place":     {clipped("", clips("", "", strings.Replace(clipPath("", "M 0 0 L 20 0 L 20 20 L 0 20 C"), "0 0 40 40", "10 10 20 20", 1))), rectangle},
		"a clip mapped as its object": {clipped(` CTM="2 0 0 2 0 0"`, clips(`TransFlag="true"`, "", clipPath("", "M 5 5 L 15 5 L 15 15 L 5 15 C"))), rectangle},
		"a clip not mapped with it":   {clipped(` CTM="2 0 0 2 0 0"`, clips(`TransFlag="false"`, "", clipPath("", box))), rectangle},
		"a clip of a moved object":    {strings.Replace(clipped("", clips("", "", clipPath("", "M 5 5 L 25 5 L 25 25 L 5 25 C"))), "0 0 40 40", "5 5 40 40", 1), rectangle},
		"a group":                     {`<ofd:CompositeObject ID="4" Boundary="10 10 20 20" ResourceID="60"/>`, "M10 10H20V15H10Z"},
		"a group in a group, larger":  {`<ofd:CompositeObject ID="4" Boundary="10 10 30 30" ResourceID="61" CTM="2 0 0 4 0 0"/>`, rectangle},
		"a group, clipped":            {`<ofd:CompositeObject ID="4" Boundary="10 10 20 20" ResourceID="60">` + clips("", "", clipPath("", "M 0 0 L 5 0 L 5 5 L 0 5 C")) + `</ofd:CompositeObject>`, "M10 10H15V15H10Z"},
		"after a clip":                {clipped("", clips("", "", clipPath("", "M 0 0 L 1 0 L 1 1 C"))) + ofdPath(filled, outline), rectangle + "M0 0L1 0L1 1Z"},
		"a layer of the content":      {`</ofd:Layer><ofd:Layer ID="6" Type="Foreground">` + coloured(`Value="255 255 255"`) + `</ofd:Layer><ofd:Layer ID="7" Type="Background">` + ofdPath(filled, "M 5 5 L 35 5 L 35 35 L 5 35 C"), "M5 5H35V35H5ZM10 10V30H30V10Z"},
	} {
		s, err := likeness.Picture("ofd", pack(t, ofdFiles(tt.objects)), 40, 40)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := likeness.Compare(square(t, tt.want), s); err != nil || !got.Alike || got.Worst > 0.02 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// A template lies below, and the sheet may be of another size than the page.
	files := ofdFiles("")
	files["Doc_0/Page.xml"] = strings.Replace(files["Doc_0/Page.xml"], "<ofd:Content>", `<ofd:Template TemplateID="30"/><ofd:Content>`, 1)
	s, err := likeness.Picture("ofd", pack(t, files), 20, 20)
	if err != nil {
		t.Fatal(err)
	}
	want, err := likeness.Picture("SVG", []byte(`<svg viewBox="0 0 40 40"><path d="M1 1H5V5H1Z"/></svg>`), 20, 20)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := likeness.Compare(want, s); err != nil || !got.Alike {
		t.Errorf("a template on a smaller sheet: %+v, %v", got, err)
	}
}

// TestOFDNotDrawn: what is no part of what is laid out, what readers show differently, and
// what would cost too much.
func TestOFDNotDrawn(t *testing.T) {
	t.Parallel()
	const outline = "M 1 1 L 9 1 L 9 9 C"
	filled := ofdPath(`Fill="true" Stroke="false" DrawParam="10"`, outline)
	object := func(old, replacement string) string { return strings.Replace(filled, old, replacement, 1) }
	text := func(attributes, inside string) string {
		return `<ofd:TextObject ID="4" Boundary="0 0 40 40" ` + attributes + `>` + inside + `</ofd:TextObject>`
	}
	exchanged := func(position, count, glyphs string) string {
		return text(`Font="51" Size="5"`, `<ofd:TextCode X="1" Y="5">a</ofd:TextCode><ofd:CGTransform CodePosition="`+position+`" CodeCount="`+count+`"><ofd:Glyphs>`+glyphs+`</ofd:Glyphs></ofd:CGTransform>`)
	}
	imageObject := func(attributes string) string {
		return `<ofd:ImageObject ID="4" Boundary="0 0 40 40" ` + attributes + `/>`
	}
	group := func(id, attributes string) string {
		return `<ofd:CompositeObject ID="4" ResourceID="` + id + `" ` + attributes + `/>`
	}
	deep := strings.Repeat(`<ofd:PageBlock ID="4">`, 20) + filled + strings.Repeat(`</ofd:PageBlock>`, 20)
	spiral := "M 0 0" + strings.Repeat(" L 40 40 L 0 0.1", 60_000)
	for name, tt := range map[string]struct{ objects, want string }{
		"nothing":                {"", "without content"},
		"a group that is not":    {group("1", `Boundary="0 0 1 1"`), "missing"},
		"a group in itself":      {group("62", `Boundary="0 0 40 40"`), "deep"},
		"a group of thousands":   {group("64", `Boundary="0 0 40 40"`), "fills"},
		"a group that is turned": {group("60", `Boundary="0 0 40 40" CTM="0 1 -1 0 20 0"`), "turned"},
		"a group with another":   {group("63", `Boundary="0 0 40 40"`), "Substitution"},
		"a group with a style":   {group("60", `Boundary="0 0 40 40" DrawParam="10"`), "DrawParam"},
		"a group cut off":        {group("60", `Boundary="0 0 5 40"`), "over its boundary"},
		"a group over its size":  {group("66", `Boundary="0 0 40 40"`), "over its boundary"},
		"a hidden group":         {group("60", `Boundary="0 0 40 40" Visible="false"`), "hidden"},
		"no clip":                {object("<ofd:Abbr", "<ofd:Clips/><ofd:Abbr"), "clip of nothing"},
		"a clip of nothing":      {object("<ofd:Abbr", "<ofd:Clips><ofd:Clip/></ofd:Clips><ofd:Abbr"), "clip of nothing"},
		"a clip of text":         {object("<ofd:Abbr", `<ofd:Clips><ofd:Clip><ofd:Area><ofd:Text Boundary="0 0 1 1"/></ofd:Area></ofd:Clip></ofd:Clips><ofd:Abbr`), "Text"},
		"a clip of two paths":    {object("<ofd:Abbr", strings.Replace(clips("", "", clipPath("", "M 0 0 L 1 1")), "<ofd:Path", clipPath("", "M 0 0 L 1 1")+"<ofd:Path", 1)+"<ofd:Abbr"), "2 times"},
		"a clip with a style":    {object("<ofd:Abbr", clips("", `DrawParam="10"`, clipPath("", outline))+"<ofd:Abbr"), "DrawParam"},
		"a clip over its own":    {object("<ofd:Abbr", clips("", "", strings.Replace(clipPath("", outline), "0 0 40 40", "0 0 5 5", 1))+"<ofd:Abbr"), "clip that reaches over"},
		"a clip or its object":   {strings.Replace(ofdPath(`Fill="true" Stroke="false" DrawParam="10" CTM="2 0 0 2 0 0"`, outline), "<ofd:Abbr", clips("", "", clipPath("", outline))+"<ofd:Abbr", 1), "TransFlag"},
		"a clip with a flag":     {object("<ofd:Abbr", clips(`TransFlag="1"`, "", clipPath("", outline))+"<ofd:Abbr"), "TransFlag"},
		"a clip in two places":   {object("<ofd:Abbr", clips("", `CTM="0.5 0 0 0.5 0 0"`, strings.Replace(clipPath("", outline), "0 0 40 40", "5 5 40 40", 1))+"<ofd:Abbr"), "mapped by some"},
		"a clip with a rule":     {object("<ofd:Abbr", clips("", "", clipPath(`Rule="Odd"`, outline))+"<ofd:Abbr"), "rule"},
		"a clip of letters":      {object("<ofd:Abbr", clips("", "", clipPath("", "M 1 Z"))+"<ofd:Abbr"), "number"},
		"too many clips":         {object("<ofd:Abbr", "<ofd:Clips>"+strings.Repeat("<ofd:Clip><ofd:Area>"+clipPath("", outline)+"</ofd:Area></ofd:Clip>", likeness.MaxFills+1)+"</ofd:Clips><ofd:Abbr"), "fills"},
		"too many clips of none": {object("<ofd:Abbr", "<ofd:Clips>"+strings.Repeat(`<ofd:Clip><ofd:Area CTM="0 0 0 0 0 0">`+clipPath("", outline)+"</ofd:Area></ofd:Clip>", likeness.MaxFills+1)+"</ofd:Clips><ofd:Abbr"), "fills"},
		"too many groups":        {strings.Repeat(group("60", `Boundary="0 0 40 40"`), 65), "groups"},
		"too many parts":         {object("<ofd:Abbr", strings.Repeat("<ofd:Actions/>", 20_000)+"<ofd:Abbr"), "objects"},
		"too many characters":    {strings.Repeat(text(`Font="51" Size="5"`, `<ofd:TextCode X="1" Y="5" DeltaX="g 999 0">`+strings.Repeat("a", 1000)+`</ofd:TextCode>`), 3), "characters"},
		"a hidden object":        {object("Fill=", `Visible="false" Fill=`), "hidden"},
		"nearly transparent":     {object("Fill=", `Alpha="20" Fill=`), "transparent"},
		"an unknown attribute":   {object("Fill=", `Blend="Multiply" Fill=`), "attribute Blend"},
		"no boundary":            {object(`Boundary="0 0 40 40"`, ""), "number"},
		"over its boundary":      {object("0 0 40 40", "0 0 8 8"), "over its boundary"},
		"an unknown rule":        {object("Fill=", `Rule="Odd" Fill=`), "rule"},
		"no colour to fill with": {ofdPath(`Fill="true" Stroke="false"`, outline), "no colour"},
		"a pattern":              {object("<ofd:Abbr", "<ofd:FillColor><ofd:Pattern/></ofd:FillColor><ofd:Abbr"), "Pattern"},
		"CMYK":                   {object("<ofd:Abbr", `<ofd:FillColor Value="0 100 100 0" ColorSpace="21"/><ofd:Abbr`), "colour"},
		"a colour of two":        {object("<ofd:Abbr", `<ofd:FillColor Value="0 100"/><ofd:Abbr`), "colour"},
		"an index":               {object("<ofd:Abbr", `<ofd:FillColor Index="1"/><ofd:Abbr`), "Index"},
		"white with a line":      {strings.Replace(ofdPath(`Fill="true" DrawParam="10"`, outline), "<ofd:Abbr", `<ofd:FillColor Value="255 255 255"/><ofd:Abbr`, 1), "either first"},
		"dashes":                 {ofdPath(`DashPattern="1 1"`, outline), "dashed"},
		"parameters in a circle": {ofdPath(`DrawParam="12"`, outline), "rest on themselves"},
		"missing parameters":     {ofdPath(`DrawParam="99"`, outline), "missing"},
		"no width":               {ofdPath(`LineWidth="0"`, outline), "LineWidth"},
		"an unknown end":         {ofdPath(`Cap="Arrow"`, outline), "ends"},
		"a path of letters":      {ofdPath("", "M 1 1 Z"), "outline"},
		"a path cut off":         {ofdPath("", "M 1 1 L 2"), "numbers"},
		"no beginning":           {ofdPath("", "L 1 1"), "outline"},
		"no number":              {ofdPath("", "M 1 NaN L 2 2"), "number"},
		"hexadecimal numbers":    {ofdPath("", "M 0x1p4 1 L 2 2"), "number"},
		"far away":               {ofdPath("", "M 1 1 L 1e300 2"), "number"},
		"an arc without flags":   {ofdPath("", "M 1 1 A 1 1 0 2 0 3 3"), "flags"},
		"too crowded":            {ofdPath(`Fill="true" Stroke="false" DrawParam="10"`, spiral), "crowded"},
		"blocks in blocks":       {deep, "deep"},
		"too many fills":         {strings.Repeat(filled, likeness.MaxFills+1), "fills"},
		"an image that is not":   {imageObject(`CTM="9 0 0 9 0 0" ResourceID="41"`), "missing"},
		"a mask":                 {imageObject(`CTM="9 0 0 9 0 0" ResourceID="40" ImageMask="40"`), "ImageMask"},
		"an image without a map": {imageObject(`ResourceID="40"`), "without a map"},
		"a font of the machine":  {text(`Font="50" Size="5"`, `<ofd:TextCode X="1" Y="1">章</ofd:TextCode>`), "not in the package"},
		"shining through white":  {filled + strings.Replace(ofdPath(`Fill="true" Stroke="false" Alpha="128"`, outline), "<ofd:Abbr", `<ofd:FillColor Value="255 255 255"/><ofd:Abbr`, 1), "shines through"},
		"through a white colour": {filled + strings.Replace(ofdPath(`Fill="true" Stroke="false"`, outline), "<ofd:Abbr", `<ofd:FillColor Value="255 255 255" Alpha="254"/><ofd:Abbr`, 1), "shines through"},
		"of no namespace":        {strings.ReplaceAll(filled, "ofd:", ""), "another namespace than the first"},
		"a prefixed attribute":   {object("Fill=", `ofd:CTM="1 0 0 1 90 0" Fill=`), "prefix"},
		"slanted text":           {text(`Font="50" Size="5" Italic="true"`, `<ofd:TextCode X="1" Y="1">章</ofd:TextCode>`), "Italic"},
		"another kind of object": {`<ofd:Video/>`, "Video"},
		"glyphs for none":        {exchanged("1", "1", "5"), "another number"},
		"glyphs far behind":      {exchanged("9223372036854775807", "1", "5"), "another number"},
		"glyphs before":          {exchanged("-1", "1", "5"), "another number"},
		"glyphs for more":        {exchanged("0", "2", "5"), "another number"},
		"no glyph of the font":   {exchanged("0", "1", "65535"), "glyph"},
		"more distances":         {text(`Font="51" Size="5"`, `<ofd:TextCode X="1" Y="5" DeltaX="g 9223372036854775807 1">ab</ofd:TextCode>`), "more distances"},
	} {
		_, err := likeness.Picture("OFD", pack(t, ofdFiles(tt.objects)), 40, 40)
		if !errors.Is(err, likeness.ErrNotDrawn) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	for name, tt := range map[string]struct{ file, old, replacement, want string }{
		"signed itself":       {"OFD.xml", "</ofd:DocRoot>", "</ofd:DocRoot><ofd:Signatures>a.xml</ofd:Signatures>", "signed itself"},
		"two documents":       {"OFD.xml", "</ofd:OFD>", "<ofd:DocBody/></ofd:OFD>", "2 times"},
		"another version":     {"OFD.xml", "</ofd:DocRoot>", "</ofd:DocRoot><ofd:Versions/>", "Versions"},
		"annotations":         {"Doc_0/Document.xml", "</ofd:Pages>", "</ofd:Pages><ofd:Annotations>a.xml</ofd:Annotations>", "Annotations"},
		"two pages":           {"Doc_0/Document.xml", "</ofd:Pages>", `<ofd:Page ID="9" BaseLoc="Page.xml"/></ofd:Pages>`, "2 pages"},
		"a colour space":      {"Doc_0/Document.xml", "<ofd:DocumentRes>", "<ofd:DefaultCS>20</ofd:DefaultCS><ofd:DocumentRes>", "colour space"},
		"no page":             {"Doc_0/Document.xml", "Page.xml", "../Page.xml", "leads nowhere"},
		"no size":             {"Doc_0/Document.xml", "0 0 40 40", "0 0 0 40", "without area"},
		"an entity":           {"Doc_0/Page.xml", "<ofd:Page", "<!DOCTYPE a><ofd:Page", "document type"},
		"no template":         {"Doc_0/Page.xml", "<ofd:Content>", `<ofd:Template TemplateID="9"/><ofd:Content>`, "template"},
		"a layer of its kind": {"Doc_0/Page.xml", `ID="2"`, `ID="2" Type="Top"`, "type"},
		"a part of the page":  {"Doc_0/Document.xml", "</ofd:PhysicalBox>", "</ofd:PhysicalBox><ofd:ApplicationBox>0 0 20 40</ofd:ApplicationBox>", "only a part"},
		"two orders":          {"Doc_0/Page.xml", "<ofd:Content>", `<ofd:Template TemplateID="30" ZOrder="Foreground"/><ofd:Content>`, "Background"},
		"either layer first":  {"Doc_0/Page.xml", `<ofd:Content><ofd:Layer ID="2"`, `<ofd:Template TemplateID="30"/><ofd:Content><ofd:Layer ID="2" Type="Background"`, "either first"},
		"large parameters":    {"Doc_0/DocumentRes.xml", `</ofd:DrawParam>`, strings.Repeat("<ofd:x/>", 20_000) + "</ofd:DrawParam>", "objects"},
		"a resource twice":    {"Doc_0/DocumentRes.xml", `ID="11"`, `ID="10"`, "of its own"},
		"too long":            {"Doc_0/Page.xml", "</ofd:Page>", strings.Repeat(" ", 5<<20) + "</ofd:Page>", "at most"},
	} {
		files := ofdFiles(filled)
		files["Doc_0/Document.xml"] = strings.Replace(files["Doc_0/Document.xml"], `ID="30"`, `ID="30" ZOrder="Background"`, 1)
		files[tt.file] = strings.Replace(files[tt.file], tt.old, tt.replacement, 1)
		_, err := likeness.Picture("OFD", pack(t, files), 40, 40)
		if !errors.Is(err, likeness.ErrNotDrawn) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestOFDForeignAttributes: what has the name of another namespace is no attribute of OFD.
func TestOFDForeignAttributes(t *testing.T) {
	t.Parallel()
	s, err := likeness.Picture("ofd", pack(t, ofdFiles(ofdPath(`Fill="true" Stroke="false" DrawParam="10" xmlns:x="urn:x" x:CTM="1 0 0 1 90 0"`, "M 10 10 L 30 10 L 30 30 L 10 30 C"))), 40, 40)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := likeness.Compare(square(t, "M10 10H30V30H10Z"), s); err != nil || !got.Alike {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestMovingPictures: what shows another picture after the first one is no picture of a seal.
func TestMovingPictures(t *testing.T) {
	t.Parallel()
	frame := image.NewPaletted(image.Rect(0, 0, 40, 40), color.Palette{color.White, color.Black})
	for i := 500; i < 900; i++ {
		frame.Pix[i] = 1
	}
	var still, moving, single bytes.Buffer
	for out, frames := range map[*bytes.Buffer][]*image.Paletted{&still: {frame}, &moving: {frame, frame}} {
		if err := gif.EncodeAll(out, &gif.GIF{Image: frames, Delay: make([]int, len(frames))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := pngfile.Encode(&single, frame); err != nil {
		t.Fatal(err)
	}
	const header = 33 // the signature and the first chunk
	chunk := append([]byte{0, 0, 0, 8}, "acTL\x00\x00\x00\x02\x00\x00\x00\x00"...)
	animated := slices.Insert(bytes.Clone(single.Bytes()), header, binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))...)
	for name, tt := range map[string]struct {
		kind  string
		data  []byte
		moves bool
	}{
		"one GIF": {"GIF", still.Bytes(), false}, "two GIFs": {"GIF", moving.Bytes(), true},
		"one PNG": {"PNG", single.Bytes(), false}, "two PNGs": {"PNG", animated, true},
	} {
		if _, err := likeness.Picture(tt.kind, tt.data, 40, 40); errors.Is(err, likeness.ErrNotDrawn) != tt.moves {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOFDImages: the pixels of all images together are bounded.
func TestOFDImages(t *testing.T) {
	t.Parallel()
	objects := func(count int) string {
		return strings.Repeat(`<ofd:ImageObject ID="4" Boundary="0 0 40 40" CTM="40 0 0 40 0 0" ResourceID="40"/>`, count)
	}
	draw := func(count, pixels int) error {
		var b bytes.Buffer
		if err := pngfile.Encode(&b, image.NewGray(image.Rect(0, 0, pixels, pixels))); err != nil {
			t.Fatal(err)
		}
		files := ofdFiles(objects(count))
		files["Doc_0/Res/a.png"] = b.String()
		_, err := likeness.Picture("OFD", pack(t, files), 40, 40)
		return err
	}
	if err := draw(1, 400); err != nil {
		t.Error(err)
	}
	if err := draw(17, 40); !errors.Is(err, likeness.ErrNotDrawn) || !strings.Contains(err.Error(), "images") {
		t.Errorf("17 images: %v", err)
	}
	if err := draw(2, 4000); !errors.Is(err, likeness.ErrNotDrawn) || !strings.Contains(err.Error(), "pixels") {
		t.Errorf("two large images: %v", err)
	}
}

// FuzzOFD: no page, resources or bytes make it panic, or compare with itself as another.
func FuzzOFD(f *testing.F) {
	f.Add(ofdPath(`Fill="true" DrawParam="11" Rule="Even-Odd" CTM="1 0 0 1 2 2"`, "M 1 1 L 9 1 B 1 2 3 4 5 6 Q 1 2 3 4 A 3 4 5 0 1 9 9 C"), []byte("PK"))
	f.Add(`<ofd:TextObject ID="4" Boundary="0 0 40 40" Font="51" Size="5"><ofd:TextCode X="1" Y="5" DeltaX="g 2 5">abc</ofd:TextCode><ofd:CGTransform CodePosition="0"><ofd:Glyphs>5</ofd:Glyphs></ofd:CGTransform></ofd:TextObject>`, []byte("PK"))
	f.Add(`<ofd:ImageObject ID="4" Boundary="0 0 40 40" CTM="40 1 1 40 0 0" ResourceID="40"/>`, pack(f, ofdFiles("")))
	f.Add(strings.Replace(ofdPath(`Fill="true" DrawParam="11" CTM="2 0 0 2 0 0"`, "M 1 1 L 9 1 L 9 9 C"), "<ofd:Abbr", clips(`TransFlag="true"`, `CTM="1 0 0 1 2 2"`, clipPath(`Rule="Even-Odd"`, "M 1 1 L 9 1 L 9 9 C"))+"<ofd:Abbr", 1), []byte("PK"))
	f.Add(`<ofd:CompositeObject ID="4" Boundary="10 10 30 30" ResourceID="61" CTM="2 0 0 4 0 0">`+clips("", "", clipPath("", "M 0 0 L 9 9 L 0 9 C"))+`</ofd:CompositeObject>`, []byte("PK"))
	small := png(f, impression.Representative("张样例"), 20)
	f.Fuzz(func(t *testing.T, objects string, data []byte) {
		if len(objects) > 1<<14 || len(data) > 1<<16 {
			t.Skip("larger pictures are slow, and nothing else")
		}
		files := ofdFiles(objects)
		files["Doc_0/Res/a.png"] = string(small)
		resources := ofdFiles("")
		resources["Doc_0/DocumentRes.xml"] = objects
		for _, picture := range [][]byte{data, pack(t, files), pack(t, resources)} {
			s, err := likeness.Picture("OFD", picture, 40, 40)
			if err != nil {
				if !errors.Is(err, likeness.ErrNotDrawn) {
					t.Fatal(err)
				}
				continue
			}
			got, err := likeness.Compare(s, s)
			if err == nil && got.Worst > 0 || err != nil && !errors.Is(err, likeness.ErrNotDrawn) {
				t.Errorf("not like itself: %+v, %v", got, err)
			}
		}
	})
}

// TestOFDBomb: a package that unfolds to more than it may is refused before it is unfolded.
func TestOFDBomb(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	entry, err := w.Create("OFD.xml")
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := io.WriteString(entry, fmt.Sprintf("%1048576d", 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := likeness.Picture("OFD", b.Bytes(), 40, 40); !errors.Is(err, likeness.ErrNotDrawn) {
		t.Errorf("%d bytes that are 100 MiB: %v", b.Len(), err)
	}
}
