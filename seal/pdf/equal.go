package pdf

// equal reports that two values say the same without following references:
// dictionaries in any order, names and strings by their decoded bytes.
func equal(a, b value) bool {
	switch a := a.(type) {
	case array:
		b, ok := b.(array)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case *dict:
		b, ok := b.(*dict)
		if !ok || len(a.entries) != len(b.entries) {
			return false
		}
		for i, e := range a.entries {
			other := &b.entries[i]
			if other.key != e.key { // only where the order differs
				if other = b.find(e.key); other == nil {
					return false
				}
			}
			if !equal(e.val, other.val) {
				return false
			}
		}
		return true
	case *stream:
		b, ok := b.(*stream)
		return ok && a.start == b.start
	}
	switch b.(type) {
	case array, *dict, *stream:
		return false
	}
	return a == b
}
