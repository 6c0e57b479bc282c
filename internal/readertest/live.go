package readertest

import (
	"bytes"
	"crypto/sha256"
)

// Hall is where codes are shown: what it asked, and what it saw.
type Hall struct {
	question *question
	answered []byte // the code that answered
	read     int64  // when that was last read
	seen     map[string]*sighting
}

// question is a hall's question.
type question struct {
	nonce []byte
	name  string
	asked int64
}

// sighting is a code that was shown, and when it was last read.
type sighting struct {
	code []byte
	at   int64
}

// Ask makes the hall wait for the answer to a question that it shows. A text that is
// no question is an answer to none.
func (h *Hall) Ask(text string, asked int64) {
	h.question = &question{asked: asked}
	if nonce, name, err := Question(text); err == nil {
		h.question.nonce, h.question.name = nonce, name
	}
}

// Question reads a hall's question.
func Question(scanned string) ([]byte, string, error) {
	kind, b, err := text(scanned)
	if err != nil || kind != 9 {
		return nil, "", errFormat
	}
	v, err := decode(b)
	if err != nil {
		return nil, "", err
	}
	items, err := list(v, 2)
	if err != nil {
		return nil, "", err
	}
	nonce, err := octets(items[0], 16)
	if err != nil {
		return nil, "", err
	}
	name, _ := items[1].(string)
	if clean(items[1]) != nil || len(name) > 30 {
		return nil, "", errFormat
	}
	return nonce, name, nil
}

// again reports whether the same bytes, last read at a time, are only read once more.
func again(old, code []byte, at, now int64) bool {
	return bytes.Equal(old, code) && now >= at && now-at <= 3
}

// replayed reports whether something was shown before, and remembers it.
func (h *Hall) replayed(what string, code []byte, now int64) bool {
	old, shown := h.seen[what]
	if shown && !again(old.code, code, old.at, now) {
		return true
	}
	if h.seen == nil {
		h.seen = make(map[string]*sighting)
	}
	h.seen[what] = &sighting{code, now}
	return false
}

// presentation is a code of kind 2.
type presentation struct {
	credential []byte
	seconds    int64
	nonce      []byte
	hall       string
	signature  []byte
}

func parsePresentation(b []byte) (presentation, error) {
	var p presentation
	v, err := decode(b)
	if err != nil {
		return p, err
	}
	items, err := list(v, 5)
	if err != nil {
		return p, err
	}
	if p.credential, err = octets(items[0], -1); err != nil {
		return p, err
	}
	if p.seconds, err = integer(items[1], 0, 253402300799); err != nil {
		return p, err
	}
	if p.nonce, err = octets(items[2], -1); err != nil {
		return p, err
	}
	if p.signature, err = octets(items[4], 64); err != nil {
		return p, err
	}
	hall, ok := items[3].(string)
	p.hall = hall
	switch {
	case !ok, len(p.nonce) == 0 && hall != "", len(p.nonce) != 0 && (len(p.nonce) != 16 || clean(hall) != nil), len(hall) > 30:
		return p, errFormat
	}
	return p, nil
}

func (r *Reader) presented(code []byte, p presentation, m sign1, hall *Hall) string {
	c, verdict := r.credential(m, "elicence/code/2/1", []int64{-70003, -70004})
	if verdict != "" {
		return verdict
	}
	message, err := structure("elicence/present/1", p.credential, p.seconds, p.nonce, p.hall)
	if err != nil {
		return "malformed"
	}
	sm2Point, onSM2 := c.claims[-70003]
	p256Point, onP256 := c.claims[-70004]
	var point []byte
	var good bool
	var signs int64
	switch {
	case onSM2 == onP256:
		return "malformed"
	case onSM2:
		point, err = octets(sm2Point, 33)
		if err != nil {
			return "malformed"
		}
		k, err := newKey(point)
		if err != nil {
			return "malformed"
		}
		good, signs = k.verify(message, p.signature), algorithm
	default:
		point, err = octets(p256Point, 33)
		if err != nil {
			return "malformed"
		}
		x, y, err := decompress(nistP256, point)
		if err != nil {
			return "malformed"
		}
		digest := sha256.Sum256(message)
		good, signs = verifyECDSA(x, y, digest[:], p.signature), -7
	}
	if !good {
		return "tampered"
	}
	if !c.inScope(2, 30*86400) || !r.devices[signs] {
		return "out_of_scope"
	}
	claim := c.claim()
	claim.live = func() string {
		if off := p.seconds - r.trusted; off > c.category.window || off < -c.category.window {
			return "clock"
		}
		if hall.refuses(p, code, r.clock) {
			return "replayed"
		}
		seconds, err := structure(p.seconds)
		if err != nil || hall.replayed(string(point)+string(seconds), code, r.clock) {
			return "replayed"
		}
		return ""
	}
	return r.standing(claim)
}

// refuses takes the answer to the hall's question, or reports that this is none.
func (h *Hall) refuses(p presentation, code []byte, now int64) bool {
	q := h.question
	if q == nil {
		return len(p.nonce) != 0
	}
	if len(p.nonce) == 0 || !bytes.Equal(q.nonce, p.nonce) || q.name != p.hall {
		return true
	}
	if h.answered != nil {
		if !again(h.answered, code, h.read, now) {
			return true
		}
	} else if now > q.asked+120 {
		return true
	}
	h.answered, h.read = code, now
	return false
}

func (r *Reader) shown(code []byte, m sign1, hall *Hall) string {
	by, hinted := m.signedBy("elicence/code/3/1", keysOf(r.services, func(s service) key { return s.key }))
	switch {
	case !hinted:
		return "untrusted"
	case by < 0:
		return "tampered"
	}
	claims, err := asFieldsOf(m.payload, []int64{4, 6, -70001}, nil)
	if err != nil {
		return "malformed"
	}
	exp, iat, err := life(claims)
	if err != nil {
		return "malformed"
	}
	s, err := asFields(claims[-70001], []int64{0, 1}, []int64{2, 3, 4, 5, 6, 7, 8})
	if err != nil || summary(s) != nil {
		return "malformed"
	}
	if _, first := s[5]; !first && s[6] != nil {
		return "malformed"
	}
	category, known := r.categories[[2]int64{s[1].(int64), s[0].(int64)}]
	if items, there := s[8].([]any); there {
		shown := false
		for _, item := range items {
			shown = shown || item != nil
		}
		if !shown || known && !fit(s[8], category.types) {
			return "malformed"
		}
	}
	if !r.services[by].may(3, exp, iat, 60) || known && !category.kinds[3] || hall.question != nil {
		return "out_of_scope"
	}
	return r.standing(claim{known: known, category: category, exp: exp, iat: iat, place: s[7], first: s[5], last: s[6], live: func() string {
		if r.trusted <= exp && hall.replayed(string(code), code, r.clock) {
			return "replayed"
		}
		return ""
	}})
}
