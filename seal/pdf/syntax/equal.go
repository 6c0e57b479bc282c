package syntax

// Equal reports that two values say the same without following references:
// dictionaries in any order, names and strings by their decoded bytes.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case Array:
		b, ok := b.(Array)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case *Dict:
		b, ok := b.(*Dict)
		if !ok || len(a.Entries) != len(b.Entries) {
			return false
		}
		for i, e := range a.Entries {
			other := &b.Entries[i]
			if other.Key != e.Key { // only where the order differs
				if other = b.Find(e.Key); other == nil {
					return false
				}
			}
			if !Equal(e.Val, other.Val) {
				return false
			}
		}
		return true
	case *Stream:
		b, ok := b.(*Stream)
		return ok && a.start == b.start
	}
	switch b.(type) {
	case Array, *Dict, *Stream:
		return false
	}
	return a == b
}
