package pdf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
	"github.com/elicence/elicence/seal/seen"
)

// ErrSeen says that the pages do not show a signature as it names itself.
var ErrSeen = errors.New("the pages do not show what the signature names as seen")

// A SeenState says whether a page shows what a signature names.
type SeenState string

const (
	// SeenSame: it is there as it was.
	SeenSame SeenState = "same"
	// SeenMoved: it is shown at another place.
	SeenMoved SeenState = "moved"
	// SeenDressed: the place shows something else.
	SeenDressed SeenState = "dressed"
	// SeenMissing: it is not there.
	SeenMissing SeenState = "missing"
)

// A SeenPlace is one place that a signature names, with what was found of it. The rest is
// its place in millimetres from the displayed page's top-left corner, as in [Mark]; zero
// where the file has no such page.
type SeenPlace struct {
	Place               seen.Place
	State               SeenState
	X, Y, Width, Height float64
}

// checkSeen is the name of the check for what the signature names as seen.
const checkSeen = "seen"

// fixed tells a number of a rectangle in parts of a unit ([seen.PerUnit]), without the
// decimals behind: by its digits, so that everybody finds the same.
func fixed(v syntax.Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		if v < -seen.MaxSide/seen.PerUnit || v > seen.MaxSide/seen.PerUnit {
			return 0, false
		}
		return v * seen.PerUnit, true
	case syntax.Real:
		digits, negative := strings.CutPrefix(plainNumber(v), "-")
		whole, decimals, _ := strings.Cut(digits, ".")
		n := int64(0)
		for i := range len(whole) {
			if n = 10*n + int64(whole[i]-'0'); n > seen.MaxSide {
				return 0, false
			}
		}
		for i, unit := 0, int64(seen.PerUnit); unit > 1; i++ {
			unit /= 10
			n *= 10
			if i < len(decimals) {
				n += int64(decimals[i] - '0')
			}
		}
		if negative {
			n = -n
		}
		return n, n >= -seen.MaxSide && n <= seen.MaxSide
	}
	return 0, false
}

// box resolves a rectangle and puts its corners in order.
func (v view) box(val syntax.Value) (seen.Box, bool, error) {
	list, err := v.Array(val)
	if err != nil || len(list) != 4 {
		return seen.Box{}, false, err
	}
	var n [4]int64
	for i := range list {
		side, err := v.Resolve(list[i])
		if err != nil {
			return seen.Box{}, false, err
		}
		var ok bool
		if n[i], ok = fixed(side); !ok {
			return seen.Box{}, false, nil
		}
	}
	return seen.Box{Left: min(n[0], n[2]), Bottom: min(n[1], n[3]), Right: max(n[0], n[2]), Top: max(n[1], n[3])}, true, nil
}

// units is a box in the page's units.
func units(b seen.Box) structure.Rect {
	const per = seen.PerUnit
	return structure.Rect{X0: float64(b.Left) / per, Y0: float64(b.Bottom) / per, X1: float64(b.Right) / per, Y1: float64(b.Top) / per}
}

// named is the place of an annotation on a page. False: it has no rectangle.
func (v view) named(l *looks, page int, annotation *syntax.Dict) (seen.Place, bool, error) {
	p := seen.Place{Page: page}
	var ok bool
	var err error
	if p.Box, ok, err = v.box(annotation.Lookup("Rect")); err != nil || !ok {
		return p, false, err
	}
	p.Look, err = l.of(annotation)
	return p, true, err
}

// Seen is what the stamp shows, to be signed with the digest: the DER of a statement of
// package seen.
func (p *Prepared) Seen() ([]byte, error) { return p.seen.Marshal() }

// SealStamp is what a seal signs of the file at a time: digest, byte range, and what the
// stamp shows as the extension [oid.Seen].
func (p *Prepared) SealStamp(at time.Time) (ses.Stamp, error) {
	statement, err := p.Seen()
	if err != nil {
		return ses.Stamp{}, err
	}
	return ses.Stamp{
		Time: at, Document: p.digest, Property: Property(p.byteRange),
		Extensions: []ses.Extension{{ID: oid.Seen, Value: statement}},
	}, nil
}

// Message is what a person signs of the file: the signed attributes of a detached CAdES
// signature by a certificate ([cms.Attributes]), and what the stamp shows as the attribute
// [oid.Seen].
func (p *Prepared) Message(signer *cert.Certificate) ([]byte, error) {
	statement, err := p.Seen()
	if err != nil {
		return nil, err
	}
	return cms.Attributes(p.digest, signer, cms.Attribute{Type: oid.Seen, Values: [][]byte{statement}})
}

// stated is the statement of what a waiting file shows: the field, and the stamps that
// came with it.
func (d *Document) stated(field *structure.Field) (seen.Statement, error) {
	v, l := d.now, d.now.looks()
	w := field.Widgets[0]
	widget, err := v.Dict(w)
	if err != nil {
		return seen.Statement{}, err
	}
	box, ok, err := v.box(widget.Lookup("Rect"))
	if err != nil {
		return seen.Statement{}, err
	}
	if !ok || box.Empty() || widget.Lookup("AP") == nil {
		return seen.Statement{}, nil
	}
	page, err := d.pageOf(w, widget)
	if err != nil {
		return seen.Statement{}, err
	}
	first, _, err := v.named(l, page, widget)
	if err != nil {
		return seen.Statement{}, err
	}
	came, err := d.came(0)
	if err != nil {
		return seen.Statement{}, err
	}
	var others []seen.Place
	for _, a := range came {
		place, ok, err := v.named(l, a.page, a.dict)
		if err != nil {
			return seen.Statement{}, err
		}
		if ok {
			others = append(others, place)
		}
	}
	return seen.New(first, others...), nil
}

// An annotation is one that a page lists.
type annotation struct {
	page int
	ref  syntax.Ref
	dict *syntax.Dict
}

// came lists the locked stamps that came with a revision: what a signature put on pages
// beside its field. A file that was signed in its first revision has none.
func (d *Document) came(revision int) ([]annotation, error) {
	v := viewOf(d.now.From(revision, d.Size()))
	if v.Sections() < 2 {
		return nil, nil
	}
	leaves, err := d.pages()
	if err != nil {
		return nil, err
	}
	pages := make(map[syntax.Ref]int, len(leaves))
	for i, l := range leaves {
		pages[l.Ref] = i + 1
	}
	var out []annotation
	for r := range v.Added(v.From(1, d.Size())) {
		o, err := v.Load(r)
		if err != nil {
			return nil, err
		}
		if o == nil {
			continue
		}
		a, ok := o.Val.(*syntax.Dict)
		if !ok || !structure.LockedStamp(a) {
			continue
		}
		hint, _ := a.Lookup("P").(syntax.Ref)
		n := pages[hint]
		if n == 0 {
			continue
		}
		if listed, err := v.Lists(hint, r); err != nil || !listed {
			if err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, annotation{n, r, a})
	}
	return out, nil
}

// judgeSeen compares what the pages show with what the signature names, nil where it names
// nothing: others do not. It says nothing of a signature that is not over this file.
func (s *Signed) judgeSeen(statement []byte, memory *likeness.Memory) {
	over := []string{"structure", "signature", "document"}
	if statement == nil || slices.ContainsFunc(s.Checks, func(c ses.Check) bool { return c.Err != nil && slices.Contains(over, c.Name) }) {
		return
	}
	named, err := seen.Parse(statement)
	if err != nil {
		s.check(checkSeen, fmt.Errorf("%w: %w", ErrSeen, err))
		return
	}
	f := &finder{doc: s.doc, view: s.doc.now, looks: s.doc.looks(memory), stamps: make(map[spotted]*shown, len(named.Places)), read: make(map[int]bool, len(named.Places))}
	if err := f.find(s, named); err != nil {
		s.check(checkSeen, fmt.Errorf("%w: %w", ErrSeen, err))
		return
	}
	s.Seen = append([]SeenPlace{}, f.places...)
	s.check(checkSeen, f.err())
}

// A finder looks for named places on the pages as they are now.
type finder struct {
	doc     *Document
	view    view
	looks   *looks
	stamps  map[spotted]*shown
	order   []*shown // the stamps of all pages that were read
	read    map[int]bool
	strays  map[[sm3.Size]byte][]*shown // stamps where none is named, by their looks
	places  []SeenPlace
	nothing bool // is named, and something is shown
}

// spotted is a place without its look.
type spotted struct {
	page int
	box  seen.Box
}

// shown is a stamp annotation of a page.
type shown struct {
	dict  *syntax.Dict
	taken bool   // a named place was found here
	other *shown // at the same place
}

func (f *finder) find(s *Signed, named seen.Statement) error {
	widget, err := f.view.Dict(s.widget)
	if err != nil {
		return err
	}
	box, _, err := f.view.box(widget.Lookup("Rect"))
	if err != nil {
		return err
	}
	if len(named.Places) == 0 {
		f.nothing = s.Page != 0 && !box.Empty() && widget.Lookup("AP") != nil
		return nil
	}
	field := named.Places[0]
	look, err := f.looks.of(widget)
	state := SeenSame
	switch {
	case err != nil:
		return err
	case s.Page == 0:
		state = SeenMissing
	case look != field.Look:
		state = SeenDressed
	case s.Page != field.Page || box != field.Box:
		state = SeenMoved
	}
	f.add(field, state)
	f.places = slices.Grow(f.places, len(named.Places))
	states := make([]SeenState, len(named.Places))
	for i := 1; i < len(states); i++ {
		if states[i], err = f.exactly(named.Places[i]); err != nil {
			return err
		}
	}
	for i := 1; i < len(states); i++ {
		p, state := named.Places[i], states[i]
		if state == SeenMissing && f.stray(p.Look) {
			state = SeenMoved
		}
		f.add(p, state)
	}
	return nil
}

// add notes a place, and where on the page it is seen.
func (f *finder) add(p seen.Place, state SeenState) {
	out := SeenPlace{Place: p, State: state}
	if sheet, err := f.doc.sheet(p.Page); err == nil {
		out.X, out.Y, out.Width, out.Height = sheet.ToDisplay(units(p.Box))
	}
	f.places = append(f.places, out)
}

// readPage notes the stamps of a page; there may be no such page.
func (f *finder) readPage(page int) error {
	if f.read[page] {
		return nil
	}
	f.read[page] = true
	leaves, err := f.doc.pages()
	if err != nil || page > len(leaves) {
		return err
	}
	all, err := f.view.Annotations(leaves[page-1].Ref)
	if err != nil {
		return err
	}
	for _, val := range all {
		a, err := f.view.Dict(val)
		if err != nil {
			return err
		}
		if a.Lookup("Subtype") != syntax.Name("Stamp") {
			continue
		}
		box, ok, err := f.view.box(a.Lookup("Rect"))
		if err != nil {
			return err
		}
		if ok {
			at := spotted{page, box}
			one := &shown{dict: a, other: f.stamps[at]}
			f.stamps[at] = one
			f.order = append(f.order, one)
		}
	}
	return nil
}

// exactly looks for a stamp where and as it is named.
func (f *finder) exactly(p seen.Place) (SeenState, error) {
	if err := f.readPage(p.Page); err != nil {
		return "", err
	}
	state := SeenMissing
	for a := f.stamps[spotted{p.Page, p.Box}]; a != nil; a = a.other {
		look, err := f.looks.of(a.dict)
		if err != nil {
			return "", err
		}
		if look == p.Look {
			a.taken = true
			return SeenSame, nil
		}
		state = SeenDressed
	}
	return state, nil
}

// stray takes a stamp with a look that stands where none is named, on one of the pages that
// are.
func (f *finder) stray(look [sm3.Size]byte) bool {
	if f.strays == nil {
		f.strays = make(map[[sm3.Size]byte][]*shown)
		for _, a := range f.order {
			if found, err := f.looks.of(a.dict); err == nil && !a.taken {
				f.strays[found] = append(f.strays[found], a)
			}
		}
	}
	list := f.strays[look]
	if len(list) == 0 {
		return false
	}
	f.strays[look] = list[1:]
	return true
}

// err says what is not as it was named, the first in full.
func (f *finder) err() error {
	if f.nothing {
		return fmt.Errorf("the field shows something, and the signature names nothing: %w", ErrSeen)
	}
	first := slices.IndexFunc(f.places, func(p SeenPlace) bool { return p.State != SeenSame })
	if first < 0 {
		return nil
	}
	what := "the field"
	if first > 0 {
		what = "the stamp"
	}
	how := map[SeenState]string{SeenMoved: "was moved", SeenDressed: "shows something else", SeenMissing: "is not there"}
	more := -1
	for _, p := range f.places {
		if p.State != SeenSame {
			more++
		}
	}
	others := ""
	if more > 0 {
		others = fmt.Sprintf(", and so %d others of %d", more, len(f.places))
	}
	wrong := f.places[first]
	return fmt.Errorf("%s that is named on page %d %s%s: %w", what, wrong.Place.Page, how[wrong.State], others, ErrSeen)
}
