package syntax

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
)

// values remembers names and reals, of which files have few and use them often, and the
// reference that was read last: of a thousand pages all name one parent, and have one size. Of
// those that fall on one pair of places it knows two.
type values struct {
	names [64]Value // beside the usual ones
	reals [64]Value
	ref   Value

	size     uint32          // of the file's numbering, once that is known
	promised map[uint32]bool // numbers behind it that something refers to already
}

// usualNames are those that most files have, made once for all of them.
var usualNames = func() (table [512]Value) {
	for _, n := range strings.Fields(`A AP AS AcroForm Adobe.PPKLite Annot Annots Author BBox BM BaseFont BitsPerComponent
		Border ByteRange C CA CIDFontType2 CS Catalog ColorSpace Columns Contents Count CreationDate Creator CropBox D DA
		DCTDecode DR DecodeParms DescendantFonts Dests DeviceCMYK DeviceGray DeviceRGB DocTimeStamp ETSI.CAdES.detached
		ETSI.RFC3161 Encoding Encrypt ExtGState Extends F FT Fields Filter First Flags FlateDecode Font FontBBox
		FontDescriptor FontName Form FormType GM.sm2seal Gomain.GMPkiLite Group H Height Helvetica I ID Identity-H Image
		ImageB ImageC ImageI Index Info K Kids Lang Length Link Location M MK MarkInfo Matrix MediaBox Metadata ModDate
		Multiply N Name Names OC ObjStm Outlines P PDF Page PageLayout PageMode Pages Parent Pattern Predictor Prev
		ProcSet Producer R Reason Rect Reference Resources Root Rotate S SMask Shading Sig SigFlags Size Stamp
		StructParents StructTreeRoot SubFilter Subtype T Tabs Text Title ToUnicode Transparency TrueType Type Type0 Type1
		URI UserUnit V W Widget Width XML XObject XRef ca`) {
		pair := pair(table[:], []byte(n))
		pair[0], pair[1] = Name(n), pair[0]
	}
	return table
}()

// pair is where of a table something stands that is written as w.
func pair(table []Value, w []byte) []Value {
	const prime = 16777619 // of FNV
	place := uint32(len(w))
	for _, c := range w {
		place = place*prime ^ uint32(c)
	}
	at := (place ^ place>>8) % uint32(len(table)) &^ 1 //nolint:gosec // a table of hundreds
	return table[at:][:2]
}

// name returns the name in w as a value that is made once.
func (k *values) name(w []byte) Value {
	for _, val := range pair(usualNames[:], w) {
		if known, ok := val.(Name); ok && string(known) == string(w) {
			return val
		}
	}
	if k == nil {
		return Name(w)
	}
	pair := pair(k.names[:], w)
	for i := range pair {
		if known, ok := pair[i].(Name); ok && string(known) == string(w) {
			return pair[i]
		}
	}
	pair[1] = pair[0]
	pair[0] = Name(w)
	return pair[0]
}

// real returns the real in w as a value that is made once.
func (k *values) real(w []byte) Value {
	if k == nil {
		return Real(w)
	}
	pair := pair(k.reals[:], w)
	for i := range pair {
		if known, ok := pair[i].(Real); ok && string(known) == string(w) {
			return pair[i]
		}
	}
	pair[1] = pair[0]
	pair[0] = Real(w)
	return pair[0]
}

// reference returns r as a value.
func (k *values) reference(r Ref) Value {
	if k == nil {
		return r
	}
	if known, ok := k.ref.(Ref); !ok || known != r {
		k.ref = r
		k.promise(r)
	}
	return k.ref
}

// maxPromised bounds the numbers that are kept free. A file with more of them is damaged on
// purpose, and what is written on it has to stand the reading back.
const maxPromised = 1 << 12

// promise notes a reference to an object that the file does not have. What it stands for is
// null (ISO 32000-1, 7.3.10) and has to stay so: a new object with that number would turn up
// in a place that nobody put it.
func (k *values) promise(r Ref) {
	if k.size == 0 || r.Num < k.size || len(k.promised) == maxPromised {
		return
	}
	if k.promised == nil {
		k.promised = make(map[uint32]bool)
	}
	k.promised[r.Num] = true
}

// free returns the first number from one on that nothing refers to.
func (k *values) free(num uint32) uint32 {
	for k != nil && k.promised[num] {
		num++
	}
	return num
}

// name reads a name (ISO 32000-1, 7.3.5).
func (l *lexer) name() (Value, error) {
	start := l.pos
	l.pos++
	w, err := l.word()
	if err != nil {
		return nil, err
	}
	return l.unescaped(w, start)
}

// unescaped decodes the #xx escapes of a name that starts at a place of the window.
func (l *lexer) unescaped(w []byte, start int) (Value, error) {
	if bytes.IndexByte(w, '#') < 0 {
		return l.values.name(w), nil
	}
	out := make([]byte, 0, len(w))
	for i := 0; i < len(w); i++ {
		if w[i] != '#' {
			out = append(out, w[i])
			continue
		}
		if i+2 >= len(w) || hexDigit(w[i+1]) < 0 || hexDigit(w[i+2]) < 0 {
			l.pos = start
			return nil, l.damaged("malformed #xx in a name")
		}
		out = append(out, byte(hexDigit(w[i+1])<<4|hexDigit(w[i+2])))
		i += 2
	}
	return Name(out), nil
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// literal reads a string in parentheses (ISO 32000-1, 7.3.4.2).
func (l *lexer) literal() (Value, error) {
	var out []byte
	depth := 0
	for l.pos < len(l.buf) {
		c := l.buf[l.pos]
		l.pos++
		switch c {
		case '(':
			depth++
			if depth > 1 {
				out = append(out, c)
			}
		case ')':
			depth--
			if depth == 0 {
				return String(out), nil
			}
			out = append(out, c)
		case '\\':
			out = l.escape(out)
		case '\r': // an end of line inside a string is one line feed
			if l.pos < len(l.buf) && l.buf[l.pos] == '\n' {
				l.pos++
			}
			out = append(out, '\n')
		default:
			out = append(out, c)
		}
	}
	return nil, l.short("a string")
}

// escape appends what the sequence after a backslash stands for. A window that
// ends here is noticed by literal, which then finds no closing parenthesis.
func (l *lexer) escape(out []byte) []byte {
	if l.pos >= len(l.buf) {
		return out
	}
	c := l.buf[l.pos]
	l.pos++
	switch c {
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case '\r':
		if l.pos < len(l.buf) && l.buf[l.pos] == '\n' {
			l.pos++
		}
		return out
	case '\n':
		return out
	}
	if c < '0' || c > '7' {
		return append(out, c)
	}
	octal := int(c - '0')
	for i := 0; i < 2 && l.pos < len(l.buf) && l.buf[l.pos] >= '0' && l.buf[l.pos] <= '7'; i++ {
		octal = octal<<3 | int(l.buf[l.pos]-'0')
		l.pos++
	}
	return append(out, byte(octal))
}

// hexadecimal reads a string in angle brackets (ISO 32000-1, 7.3.4.3).
func (l *lexer) hexadecimal() (Value, error) {
	l.pos++
	if out, ok := l.pairs(); ok {
		return out, nil
	}
	var out []byte
	high := -1
	for l.pos < len(l.buf) {
		c := l.buf[l.pos]
		if c == '>' {
			l.pos++
			if high >= 0 {
				out = append(out, byte(high<<4))
			}
			return String(out), nil
		}
		digit := hexDigit(c)
		switch {
		case isSpace(c):
		case digit < 0:
			return nil, l.damaged("%q in a hexadecimal string", c)
		case high < 0:
			high = digit
		default:
			out = append(out, byte(high<<4|digit))
			high = -1
		}
		l.pos++
	}
	return nil, l.short("a hexadecimal string")
}

// pairs reads the rest of a hexadecimal string that is nothing but pairs of digits, as
// signatures are, which are long. It leaves anything else alone.
func (l *lexer) pairs() (String, bool) {
	n := bytes.IndexByte(l.buf[l.pos:], '>')
	if n < 0 || n%2 != 0 {
		return "", false
	}
	var out strings.Builder
	out.Grow(n / 2)
	var part [512]byte
	for rest := l.buf[l.pos : l.pos+n]; len(rest) > 0; {
		pairs := rest[:min(len(rest), 2*len(part))]
		decoded, err := hex.Decode(part[:], pairs)
		if err != nil {
			return "", false
		}
		out.Write(part[:decoded])
		rest = rest[len(pairs):]
	}
	l.pos += n + 1
	l.paired = true
	return String(out.String()), true
}

func (l *lexer) array(nesting int) (Value, error) {
	l.pos++
	var few [8]Value // most have no more, and are kept in no more room than they take
	items := few[:0]
	for {
		l.skip()
		if l.pos >= len(l.buf) {
			return nil, l.short("an array")
		}
		if l.buf[l.pos] == ']' {
			l.pos++
			kept := make(Array, len(items))
			copy(kept, items)
			return kept, nil
		}
		v, err := l.value(nesting + 1)
		if err != nil {
			return nil, err
		}
		if len(items) == cap(items) { // one with many has very many
			items = slices.Grow(items, 3*len(items))
		}
		items = append(items, v)
	}
}

// fewKeys is how many keys are looked up one by one; above it a map takes over,
// so that a hostile dictionary costs no quadratic time.
const fewKeys = 24

func (l *lexer) dict(nesting int) (Value, error) {
	if l.into != nil && nesting == 0 {
		return l.skimDict()
	}
	l.pos += 2
	var few [8]Entry // most have no more, and are kept in no more room than they take
	entries, index := few[:0], map[Name]int(nil)
	var contents *Token
	for {
		w, more, err := l.nextKey()
		if err != nil {
			return nil, err
		}
		if !more {
			kept := newDict(len(entries))
			kept.Entries, kept.index, kept.Contents = append(kept.Entries, entries...), index, contents
			return kept, nil
		}
		keyAt := l.pos - len(w) - 1
		keyVal, err := l.unescaped(w, keyAt)
		if err != nil {
			return nil, err
		}
		key, _ := keyVal.(Name)
		l.skip()
		from := l.offset()
		l.paired = false
		v, err := l.value(nesting + 1)
		if err != nil {
			return nil, err
		}
		if (&Dict{Entries: entries, index: index}).Find(key) != nil {
			l.pos = keyAt
			return nil, l.twice(key)
		}
		if len(entries) == fewKeys {
			index = indexed(entries)
		}
		if index != nil {
			index[key] = len(entries)
		}
		if _, isString := v.(String); isString && key == "Contents" {
			contents = &Token{From: from, To: l.offset(), Paired: l.paired}
		}
		entries = append(entries, Entry{Key: key, Val: v})
	}
}

// nextKey returns the next key of a dictionary as it is written, without its solidus, or that
// there is none and passes over the end.
func (l *lexer) nextKey() ([]byte, bool, error) {
	l.skip()
	if l.pos+1 >= len(l.buf) {
		return nil, false, l.short("a dictionary")
	}
	if l.buf[l.pos] == '>' && l.buf[l.pos+1] == '>' {
		l.pos += 2
		return nil, false, nil
	}
	if l.buf[l.pos] != '/' {
		return nil, false, l.damaged("a dictionary key must be a name")
	}
	l.pos++
	w, err := l.word()
	return w, true, err
}

func (l *lexer) twice(key Name) error {
	return l.damaged("the key %s occurs twice in one dictionary", key.Quoted())
}

// indexed makes the map by which keys are found.
func indexed(entries []Entry) map[Name]int {
	index := make(map[Name]int, 2*fewKeys)
	for i := range entries {
		index[entries[i].Key] = i
	}
	return index
}
