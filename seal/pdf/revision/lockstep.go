package revision

import (
	"bytes"
	"fmt"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// A lockstep walks what two revisions reach from the same references and finds
// where they differ. It compares objects, not cross-reference entries: an
// attacker need not override anything to show something else, and an object
// that was merely written again has not changed.
//
// Objects that are compared elsewhere, entry by entry, are left out but where something is
// drawn from them: the names of resources and of an annotation's states are the writer's
// choice, so that an entry which means nothing to the catalog may be a picture there.
//
// Long chains of objects are walked by a queue, so that no file can exhaust
// the stack.
type lockstep struct {
	old, new structure.View
	apart    map[uint32]bool // objects that are compared elsewhere
	seen     map[uint32]bool
	drawn    map[uint32]bool // objects that something is drawn from, those apart as well
	queue    []met
	differ   func(num uint32, where *part, how string)
}

// A met object is one that both sides refer to.
type met struct {
	ref   syntax.Ref
	drawn bool // something is drawn from it
	where *part
}

// draws tells the entries whose values, with all that they lead to, decide what is drawn.
func draws(key syntax.Name) bool {
	switch key {
	case "AP", "Contents", "DR", "MK", "Resources":
		return true
	}
	return false
}

// values compares two values found at the same place.
func (l *lockstep) values(a, b syntax.Value, num uint32, where *part) {
	l.entry("", a, b, num, where)
}

// entry compares two values of an entry with a key.
func (l *lockstep) entry(key syntax.Name, a, b syntax.Value, num uint32, where *part) {
	if !l.alike(a, b, draws(key), where) {
		l.differ(num, where, "changed")
	}
}

// alike compares two values without following references, but notes those
// that both sides have.
func (l *lockstep) alike(a, b syntax.Value, drawn bool, where *part) bool {
	switch a := a.(type) {
	case syntax.Ref:
		if a != b {
			return false
		}
		l.meet(met{a, drawn, where})
		return true
	case syntax.Array:
		b, ok := b.(syntax.Array)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !l.alike(a[i], b[i], drawn, where) {
				return false
			}
		}
		return true
	case *syntax.Dict:
		b, ok := b.(*syntax.Dict)
		return ok && l.dicts(a, b, drawn, where)
	}
	return syntax.Equal(a, b)
}

// meet queues an object once for each of its roles; what is drawn from is compared in full.
func (l *lockstep) meet(m met) {
	num := m.ref.Num
	switch {
	case l.drawn[num]:
		return
	case m.drawn:
		l.drawn[num] = true
	case l.apart[num] || l.seen[num]:
		return
	default:
		l.seen[num] = true
	}
	l.queue = append(l.queue, m)
}

func (l *lockstep) dicts(a, b *syntax.Dict, drawn bool, where *part) bool {
	if len(a.Entries) != len(b.Entries) {
		return false
	}
	for _, e := range a.Entries {
		other := b.Find(e.Key)
		if other == nil || !l.alike(e.Val, other.Val, drawn || draws(e.Key), where) {
			return false
		}
	}
	return true
}

// drain compares what is still in the queue. Damage on either side counts as a
// difference; an error is one of reading.
func (l *lockstep) drain() error {
	for len(l.queue) > 0 {
		m := l.queue[0]
		l.queue = l.queue[1:]
		how, err := l.objects(m)
		if syntax.IsDamage(err) {
			how = fmt.Sprintf("cannot be compared (%v)", err)
		} else if err != nil {
			return err
		}
		if how != "" {
			l.differ(m.ref.Num, m.where, how)
		}
	}
	return nil
}

// objects says how an object of both revisions differs, "" where it does not.
func (l *lockstep) objects(m met) (string, error) {
	a, err := l.old.Load(m.ref)
	if err != nil {
		return "", err
	}
	b, err := l.new.Load(m.ref)
	if err != nil {
		return "", err
	}
	switch {
	case a == nil && b == nil:
		return l.otherGeneration(m)
	case a == nil:
		return "appeared where nothing was", nil
	case b == nil:
		return "disappeared", nil
	}
	before, ok1 := a.Val.(*syntax.Stream)
	after, ok2 := b.Val.(*syntax.Stream)
	if !ok1 || !ok2 {
		if ok1 != ok2 || !l.alike(a.Val, b.Val, m.drawn, m.where) {
			return "changed", nil
		}
		return "", nil
	}
	if !l.dicts(before.Dict, after.Dict, m.drawn, m.where) {
		return "changed", nil
	}
	return l.data(before, after)
}

// otherGeneration compares the object with the number of a reference that leads to nothing,
// as it names another generation: readers that do not look at that show the object.
func (l *lockstep) otherGeneration(m met) (string, error) {
	was, before := l.old.Generation(m.ref.Num)
	is, after := l.new.Generation(m.ref.Num)
	switch {
	case !before && !after:
		return "", nil
	case !before:
		return "appeared where nothing was", nil
	case !after:
		return "disappeared", nil
	case was != is:
		return "changed", nil
	}
	m.ref.Gen = was
	return l.objects(m)
}

// data compares the bytes of two streams. The same start alone does not make
// them the same: in the older revision they must also end inside of it.
func (l *lockstep) data(before, after *syntax.Stream) (string, error) {
	a, err := l.old.Span(before)
	if err != nil {
		return "", err
	}
	if syntax.Equal(before, after) { // the /Length, part of the dictionary, was compared
		return "", nil
	}
	b, err := l.new.Span(after)
	if err != nil {
		return "", err
	}
	if l.new.File.Encryption() != nil {
		return l.hiddenData(before, after)
	}
	if a.To-a.From != b.To-b.From {
		return "changed", nil
	}
	const piece = 64 << 10
	file := l.new.File
	for done := int64(0); done < a.To-a.From; done += piece {
		n := int(min(piece, a.To-a.From-done))
		if err := file.Work(n); err != nil {
			return "", err
		}
		one, err := file.Bytes(a.From+done, n)
		if err != nil {
			return "", err
		}
		two, err := file.Bytes(b.From+done, n)
		if err != nil {
			return "", err
		}
		if !bytes.Equal(one, two) {
			return "changed", nil
		}
	}
	return "", nil
}

// hiddenData compares what two streams say, which may be encrypted in two ways.
func (l *lockstep) hiddenData(before, after *syntax.Stream) (string, error) {
	one, err := l.old.Encoded(before)
	if err != nil {
		return "", err
	}
	two, err := l.new.Encoded(after)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(one, two) {
		return "changed", nil
	}
	return "", nil
}

// unchanged reports that two values, with all that they reach, are the same.
func unchanged(old, new structure.View, apart map[uint32]bool, a, b syntax.Value) (bool, error) {
	same := true
	l := &lockstep{old: old, new: new, apart: apart, seen: make(map[uint32]bool), drawn: make(map[uint32]bool),
		differ: func(uint32, *part, string) { same = false }}
	l.values(a, b, 0, nil)
	if !same {
		return false, nil
	}
	err := l.drain()
	return same, err
}
