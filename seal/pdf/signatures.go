package pdf

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// Signatures finds the signatures that the newest revision's form shows, in
// the order in which the file was signed, and compares what each signed with
// what the file shows now.
//
// Faults of a signature and changes to what it signed are in the result. An
// error means that the file itself cannot be read: those of Open.
func (d *Document) Signatures() ([]Signature, error) {
	d.file.BeginWork()
	found, err := d.inspected()
	if err != nil {
		return nil, err
	}
	if err := d.digests(found); err != nil {
		return nil, err
	}
	if err := d.changes(found); err != nil {
		return nil, err
	}
	out := make([]Signature, len(found))
	for i, s := range found {
		out[i] = *s
	}
	return out, nil
}

// inspected reads the signatures and checks their structure.
func (d *Document) inspected() ([]*Signature, error) {
	form, err := d.now.Form()
	if err != nil {
		return nil, err
	}
	var found []*Signature
	for _, f := range form.All {
		if !f.Signed() {
			continue
		}
		s, err := d.inspect(f)
		if err != nil {
			return nil, fmt.Errorf("signature field %q: %w", f.Name, err)
		}
		found = append(found, s)
	}
	shareNothing(found)
	slices.SortStableFunc(found, func(a, b *Signature) int { return cmp.Compare(a.end, b.end) })
	return found, nil
}

// inspect reads one signature and checks its structure.
func (d *Document) inspect(f *structure.Field) (*Signature, error) {
	s := &Signature{Field: f.Name, doc: d, widget: f.Widgets[0], others: len(f.Widgets) > 1}
	if err := s.showPlace(f); err != nil {
		return nil, err
	}
	r, ok := f.Val.(syntax.Ref)
	if !ok {
		s.fault("the field's value is not a reference to a signature dictionary")
		return s, nil
	}
	s.ref, s.Object = r, int(r.Num)
	o, err := d.now.Load(r)
	if err != nil {
		return nil, err
	}
	if o == nil {
		s.fault("the signature dictionary is missing")
		return s, nil
	}
	dict, ok := o.Val.(*syntax.Dict)
	if !ok {
		s.fault("the field's value is not a signature dictionary")
		return s, nil
	}
	if err := s.describe(f, dict); err != nil {
		return nil, err
	}
	if o.Packed >= 0 {
		s.fault("the signature dictionary lies in an object stream")
		return s, nil
	}
	if !s.coverage(dict) {
		return s, nil
	}
	return s, s.signedRevision(f, o)
}

func (s *Signature) fault(format string, args ...any) {
	s.Faults = append(s.Faults, fmt.Sprintf(format, args...))
}

// showPlace finds where the signature's first widget is displayed.
func (s *Signature) showPlace(f *structure.Field) error {
	d := s.doc
	widget, err := d.now.Dict(f.Widgets[0])
	if err != nil {
		return err
	}
	box, ok, err := d.now.Rect(widget.Lookup("Rect"))
	if err != nil || !ok {
		return err
	}
	if s.Page, err = d.pageOf(f.Widgets[0], widget); err != nil || s.Page == 0 {
		return err
	}
	sheet, err := d.sheet(s.Page)
	if syntax.IsDamage(err) && box.Width() <= 0 && box.Height() <= 0 {
		return nil // it shows nothing, whatever the page's size
	}
	if err != nil {
		return err
	}
	s.X, s.Y, s.Width, s.Height = sheet.ToDisplay(box)
	return nil
}

// describe copies what the dictionary says about the signature.
func (s *Signature) describe(f *structure.Field, dict *syntax.Dict) error {
	v := s.doc.now
	for _, t := range []struct {
		key  syntax.Name
		into *string
	}{{"Name", &s.Name}, {"Reason", &s.Reason}, {"Location", &s.Location}} {
		val, err := v.Get(dict, t.key)
		if err != nil {
			return err
		}
		*t.into = syntax.Text(val)
	}
	when, err := v.Get(dict, "M")
	if err != nil {
		return err
	}
	s.Time = syntax.Date(when)
	filter, _ := dict.Lookup("Filter").(syntax.Name)
	subFilter, _ := dict.Lookup("SubFilter").(syntax.Name)
	s.Filter, s.SubFilter = string(filter), string(subFilter)
	// What it is judged as, its /SubFilter says, so that no time stamp passes for a signature
	// that somebody answers for, and no signature for data that any revision may add.
	s.Timestamp = s.SubFilter == SubFilterStamp
	switch kind := dict.Lookup("Type"); kind {
	case nil, syntax.Name("Sig"):
	case syntax.Name("DocTimeStamp"):
		if !s.Timestamp {
			s.fault("the signature dictionary's /Type is that of a time stamp, its /SubFilter %v", subFilter)
		}
	default:
		s.fault("the signature dictionary's /Type is %v", kind)
	}
	locks, err := v.locks(f, dict)
	s.Certifies, s.locks = locks.certifies, locks
	return err
}

// shareNothing finds fault with signatures that are the value of two fields:
// one of the fields was not there when it was made.
func shareNothing(found []*Signature) {
	first := make(map[syntax.Ref]*Signature)
	for _, s := range found {
		if s.Object == 0 {
			continue
		}
		if other := first[s.ref]; other != nil {
			other.fault("the signature is also the value of the field %q", s.Field)
			s.fault("the signature is also the value of the field %q", other.Field)
			continue
		}
		first[s.ref] = s
	}
}

// digests hashes what every sound signature covers. All start at the file's
// beginning, so one pass serves: at each signature's gap the state is kept, and
// a copy goes on behind the gap.
func (d *Document) digests(found []*Signature) error {
	sound := slices.DeleteFunc(slices.Clone(found), func(s *Signature) bool { return len(s.Faults) > 0 })
	slices.SortStableFunc(sound, func(a, b *Signature) int { return cmp.Compare(a.ByteRange[1], b.ByteRange[1]) })
	for _, s := range sound {
		what := [4]int64(s.ByteRange)
		if digest, ok := d.known.digests[what]; ok {
			s.Digest = digest
			continue
		}
		h, err := d.hashedTo(what[1])
		if err != nil {
			return err
		}
		if err := d.hashInto(h, what[2], s.end); err != nil {
			return err
		}
		s.Digest = [32]byte(h.Sum(nil))
		if d.known.digests == nil {
			d.known.digests = make(map[[4]int64][32]byte)
		}
		d.known.digests[what] = s.Digest
	}
	return nil
}

// passGaps hashes up to the gaps of the signatures that are there already, so that who
// hashes the whole file and reads them back later has what their digests begin with.
func (d *Document) passGaps(f *structure.Form) error {
	var gaps []int64
	for _, field := range f.All {
		if !field.Signed() {
			continue
		}
		sig, err := d.now.Dict(field.Val)
		if err != nil {
			return err
		}
		numbers, _ := sig.Lookup("ByteRange").(syntax.Array)
		if len(numbers) != 4 {
			continue
		}
		if gap, ok := numbers[1].(int64); ok && gap > 0 && gap < d.Size() {
			gaps = append(gaps, gap)
		}
	}
	slices.Sort(gaps)
	for _, gap := range gaps[:min(len(gaps), syntax.MaxSections)] {
		if _, err := d.hashedTo(gap); err != nil {
			return err
		}
	}
	return nil
}
