package status

import (
	"fmt"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
)

// MaxFileSize bounds a set file in bytes: more than a billion indices of which a
// twentieth is revoked take.
const MaxFileSize = 64 << 20

// setFile is the content of a file set/<SM3>: what leads from every state between
// two sequence numbers to the later one. A snapshot leads from 0.
type setFile struct {
	_         struct{} `cbor:",toarray"`
	Format    string   // "elicence/setfile/1"
	From      uint64   // first sequence that it can be applied to
	To        uint64   // sequence that results
	Lists     []run    // that have an index in one of the next three
	Revoked   coded    // revoked since From
	Suspended coded    // touched since From, and suspended in the result
	Resumed   coded    // touched since From, and not suspended in the result
}

const fileFormat = "elicence/setfile/1"

// Snapshot returns the file of a whole state.
func (s *State) Snapshot() ([]byte, error) {
	return s.snapshot(encode)
}

// Base returns the file of a whole state for who keeps it for himself: it is made in no
// time, and where a published one is shorter, that does not matter.
func (s *State) Base() ([]byte, error) {
	return s.snapshot(encodeRice)
}

// coder codes ascending positions below a size.
type coder func(positions []uint32, size uint64) (coded, error)

func (s *State) snapshot(code coder) ([]byte, error) {
	all, err := s.Since(new(State))
	if err != nil {
		return nil, err
	}
	return s.encode(all, 0, code)
}

// Delta returns the file that leads from every state since from to this one. The
// changes are those of all steps from there to here.
func (s *State) Delta(c Changes, from uint64) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if from < 1 || from >= s.Sequence {
		return nil, fmt.Errorf("a delta from %d to %d: %w", from, s.Sequence, ErrMalformed)
	}
	return s.encode(c, from, encode)
}

func (s *State) encode(c Changes, from uint64, code coder) ([]byte, error) {
	var suspended, resumed []Place
	err := s.each(c.Revoked, func(set *Set, p Place) error {
		if !set.Revoked.Has(p.index()) {
			return fmt.Errorf("index %d of list %d: %w", p.index(), p.list(), ErrUnrevoked)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.each(c.Touched, func(set *Set, p Place) error {
		if set.Suspended.Has(p.index()) {
			suspended = append(suspended, p)
		} else {
			resumed = append(resumed, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return write(from, s.Sequence, c.Revoked, suspended, resumed, code, func(list uint32) uint64 {
		set, _ := s.Set(list)
		return (uint64(set.High) + windowSize - 1) / windowSize
	})
}

// File returns the changes as a service keeps them beside its [Step]: all that was
// touched stands with what is suspended.
func (c Changes) File(from, to uint64) ([]byte, error) {
	windows := make(map[uint32]uint64)
	for _, places := range [][]Place{c.Revoked, c.Touched} {
		for _, p := range places {
			windows[p.list()] = max(windows[p.list()], uint64(p.index())/windowSize+1)
		}
	}
	return write(from, to, c.Revoked, c.Touched, nil, encode, func(list uint32) uint64 { return windows[list] })
}

func write(from, to uint64, revoked, suspended, resumed []Place, code coder, windows func(list uint32) uint64) ([]byte, error) {
	f := setFile{Format: fileFormat, From: from, To: to, Lists: runsOf(listsOf(revoked, suspended, resumed), windows)}
	spans, err := spansOf(f.Lists)
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		places []Place
		into   *coded
	}{{revoked, &f.Revoked}, {suspended, &f.Suspended}, {resumed, &f.Resumed}} {
		if *part.into, err = code(positions(part.places, spans), size(spans)); err != nil {
			return nil, err
		}
	}
	return detcbor.Marshal(f)
}

// each calls f with the list of every place. All were given out.
func (s *State) each(places []Place, f func(*Set, Place) error) error {
	var set *Set
	for _, p := range places {
		if set == nil || set.List != p.list() {
			set, _ = s.Set(p.list())
		}
		if set == nil || p.index() >= set.High {
			return fmt.Errorf("index %d of list %d changed and was never given out: %w", p.index(), p.list(), ErrMalformed)
		}
		if err := f(set, p); err != nil {
			return err
		}
	}
	return nil
}

// open reads a set file and lays out its lists.
func open(file []byte) (setFile, []span, error) {
	var f setFile
	if len(file) > MaxFileSize {
		return f, nil, fmt.Errorf("set file of %d bytes, at most %d are read: %w", len(file), MaxFileSize, ErrMalformed)
	}
	if err := detcbor.Unmarshal(file, &f); err != nil {
		return f, nil, fmt.Errorf("set file: %w: %w", ErrMalformed, err)
	}
	if f.Format != fileFormat || f.To <= f.From || f.From == 0 && f.Resumed.Count != 0 {
		return f, nil, fmt.Errorf("set file from %d to %d: %w", f.From, f.To, ErrMalformed)
	}
	spans, err := spansOf(f.Lists)
	return f, spans, err
}

// decode calls the three functions with what a file holds, resumed before suspended, and
// refuses a list without an index.
func (f *setFile) decode(spans []span, revoked, suspended, resumed func(s *span, index uint32)) error {
	if err := f.Revoked.decode(spans, revoked); err != nil {
		return err
	}
	if err := f.Resumed.decode(spans, resumed); err != nil {
		return err
	}
	if err := f.Suspended.decode(spans, suspended); err != nil {
		return err
	}
	for _, s := range spans {
		if !s.named {
			return fmt.Errorf("set file names list %d and has nothing of it: %w", s.list, ErrMalformed)
		}
	}
	return nil
}

// Apply takes a set file and turns s into the state that results. The file is the
// one from and to these sequence numbers, and s lies between them. The caller
// compares the hashes of the resulting sets with the signed ones: until then, and
// after an error, s is nothing but bytes that came from somewhere.
func (s *State) Apply(file []byte, from, to uint64) error {
	f, spans, err := open(file)
	if err != nil {
		return err
	}
	if f.From != from || f.To != to {
		return fmt.Errorf("set file leads from %d to %d, not from %d to %d: %w", f.From, f.To, from, to, ErrMalformed)
	}
	if s.Sequence < from || s.Sequence >= to || from == 0 && s.Sequence != 0 {
		return fmt.Errorf("set file from %d to %d does not follow state %d: %w", from, to, s.Sequence, ErrMalformed)
	}
	for i := range spans {
		if spans[i].set = s.Own(spans[i].list); spans[i].set == nil {
			return fmt.Errorf("set file has list %d, which is not signed: %w", spans[i].list, ErrMalformed)
		}
	}
	err = f.decode(spans,
		func(s *span, index uint32) { s.set.Revoked.Set(index) },
		func(s *span, index uint32) { s.set.Suspended.Set(index) },
		func(s *span, index uint32) { s.set.Suspended.Clear(index) },
	)
	if err != nil {
		return err
	}
	// What is resumed is read twice rather than held beside the lists.
	both := false
	if err := f.Resumed.decode(spans, func(s *span, index uint32) { both = both || s.set.Suspended.Has(index) }); err != nil {
		return err
	}
	if both {
		return fmt.Errorf("set file both suspends and resumes an index: %w", ErrMalformed)
	}
	s.Sequence = to
	return nil
}

// ReadChanges returns what a delta, or a file of [Changes.File], says has changed.
func ReadChanges(file []byte, from, to uint64) (Changes, error) {
	var c Changes
	f, spans, err := open(file)
	if err != nil {
		return c, err
	}
	if f.From != from || f.To != to {
		return c, fmt.Errorf("set file leads from %d to %d, not from %d to %d: %w", f.From, f.To, from, to, ErrMalformed)
	}
	collect := func(into *[]Place) func(*span, uint32) {
		return func(s *span, index uint32) { *into = append(*into, PlaceOf(s.list, index)) }
	}
	if err := f.decode(spans, collect(&c.Revoked), collect(&c.Touched), collect(&c.Touched)); err != nil {
		return c, err
	}
	slices.Sort(c.Touched)
	return c, nil
}

// FileHash returns the name of a set file: SM3 of its bytes.
func FileHash(file []byte) [sm3.Size]byte { return sm3.Sum(file) }
