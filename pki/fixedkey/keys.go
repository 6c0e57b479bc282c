package fixedkey

import (
	"sync"

	"github.com/elicence/elicence/pki"
)

// When a key gets tables, and how they are watched.
const (
	// often is how many signatures of a key the library has accepted before it gets
	// tables: they take as long to make as a hundred verifications.
	often = 32
	// confirmEvery is after how many judgements by a key's tables one is put to the
	// library too. That costs a tenth of what the tables save.
	confirmEvery = 32
	// maxWaiting bounds the keys that are counted and have no tables yet.
	maxWaiting = 1 << 12
)

// Keys judges signatures as [pki.Judge] does, and faster for keys that sign much: these
// get tables, which is decided by what the library has accepted, so that forgeries earn
// nothing. It is safe for concurrent use. A nil *Keys is the library alone.
//
// The tables alone never refuse: what they do not accept goes to [pki.Judge]. What they
// accept is put to it now and then. Where both do not agree the tables are wrong, by a fault
// of this machine or of this package: they are never used again, and an acceptance that the
// library does not share is [pki.Disagree].
type Keys struct {
	limit int
	fault func(pki.Point) // may be nil
	base  func() *table

	mu       sync.Mutex // guards all below
	tabled   map[pki.Point]*tabled
	waiting  map[pki.Point]int // signatures accepted of keys without tables
	accepted uint64            // signatures of all keys: the time by which a key is in use
	broken   bool              // a fault was seen
}

type tabled struct {
	*Verifier        // nil while it is made
	judged    uint64 // how often
	last      uint64 // Keys.accepted when it was last used
}

// NewKeys returns a judge that has tables for at most limit keys at a time, 45 kB each.
// fault, if it is not nil, is told once of a key whose tables were found wrong.
func NewKeys(limit int, fault func(pki.Point)) *Keys {
	return &Keys{
		limit: limit, fault: fault, base: sync.OnceValue(baseTable),
		tabled: make(map[pki.Point]*tabled), waiting: make(map[pki.Point]int),
	}
}

// Judge is [pki.Judge].
func (k *Keys) Judge(key *pki.PublicKey, msg []byte, sig pki.Signature, second pki.SecondOpinion) pki.Outcome {
	if k == nil {
		return pki.Judge(key, msg, sig, second)
	}
	tables, confirm := k.use(key.Point())
	if tables == nil {
		outcome := pki.Judge(key, msg, sig, second)
		if outcome == pki.Good && k.earns(key.Point()) {
			k.make(key)
		}
		return outcome
	}
	accepts := tables.VerifyDigest(key.Digest(msg), sig)
	if accepts && !confirm {
		return pki.Good
	}
	outcome := pki.Judge(key, msg, sig, second)
	switch {
	case accepts && outcome == pki.Bad:
		k.fail(key.Point())
		return pki.Disagree
	case !accepts && outcome == pki.Good:
		k.fail(key.Point())
	}
	return outcome
}

// use returns the tables of a key, or nil, and whether the library is to be asked too.
func (k *Keys) use(point pki.Point) (*Verifier, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.tabled[point]
	if k.broken || t == nil || t.Verifier == nil {
		return nil, false
	}
	k.accepted++
	t.last = k.accepted
	t.judged++
	return t.Verifier, t.judged%confirmEvery == 1
}

// earns counts a signature that the library has accepted, and reports whether the key gets
// tables now: it is used often, and there is room, or a key that has gone out of use makes
// some.
func (k *Keys) earns(point pki.Point) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.accepted++
	if k.broken || k.tabled[point] != nil {
		return false
	}
	if len(k.waiting) >= maxWaiting {
		clear(k.waiting)
	}
	k.waiting[point]++
	if k.waiting[point] < often {
		return false
	}
	if len(k.tabled) >= k.limit {
		if !k.evict() {
			return false
		}
		// More keys are in use than there is room for. All begin anew, so that they
		// do not take each other's room in turn.
		clear(k.waiting)
	}
	delete(k.waiting, point)
	k.tabled[point] = &tabled{last: k.accepted}
	return true
}

// evict takes the tables of the key that was not used for the longest time, if that is
// long: so many signatures that each key with tables could have earned its own.
func (k *Keys) evict() bool {
	var oldest pki.Point
	last := k.accepted + 1
	for point, t := range k.tabled {
		if t.last < last {
			oldest, last = point, t.last
		}
	}
	if last > k.accepted || k.accepted-last < uint64(k.limit)*often {
		return false
	}
	delete(k.tabled, oldest)
	return true
}

// make makes a key's tables, without the lock: others go on by the library.
func (k *Keys) make(key *pki.PublicKey) {
	v := newVerifier(k.base(), key)
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.tabled[key.Point()]; t != nil {
		t.Verifier = v
	}
}

// fail gives up all tables for good.
func (k *Keys) fail(point pki.Point) {
	k.mu.Lock()
	first := !k.broken
	k.broken = true
	clear(k.tabled)
	clear(k.waiting)
	k.mu.Unlock()
	if first && k.fault != nil {
		k.fault(point)
	}
}
