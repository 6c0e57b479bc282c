package readertest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io/fs"

	"github.com/klauspost/compress/zstd"
	"github.com/tjfoc/gmsm/sm3"
)

// Reader judges codes with a cache and a clock.
type Reader struct {
	clock      int64 // of the terminal, UTC seconds
	usable     bool  // the cache is whole, current, and signed
	issuers    []issuer
	services   []service
	categories map[[2]int64]category
	lists      map[int64]*statusList
	devices    map[int64]bool // algorithms
	trusted    int64          // trusted time
	asOf       int64          // age of the data
	statusTime int64
}

type issuer struct {
	key
	categories map[int64]bool
	lists      map[int64][2]int64 // from, until
	stolen     bool
	lives      map[int64]int64 // by kind
}

type service struct {
	key
	lives map[int64]int64
	times [2]int64 // from, until; 0: open
}

type category struct {
	types                []string // of the code fields
	fresh, limit, window int64
	kinds                map[int64]bool
}

type statusList struct {
	high               int64
	revoked, suspended map[int64]bool
}

// New reads a cache whose 1.root has the given SM3 in hexadecimal. A cache that is
// not usable gives a reader that says so of every code.
func New(dir fs.FS, pin string, clock int64) *Reader {
	r := &Reader{clock: clock, categories: make(map[[2]int64]category), lists: make(map[int64]*statusList)}
	r.usable = r.load(dir, pin) == nil
	return r
}

func (r *Reader) load(dir fs.FS, pin string) error {
	root, err := fs.ReadFile(dir, "1.root")
	if err != nil {
		return err
	}
	if hex.EncodeToString(sm3.Sm3Sum(root)) != pin {
		return errFormat
	}
	keys, err := r.root(root)
	if err != nil {
		return err
	}
	files, contents := make(map[string][]byte), make(map[string]fields)
	for role, others := range map[string][]int64{"trust": {5, 6, 7, 8, 9, 10, 12}, "catalogue": {}, "status": {5, 6}, "time": {5, 6, 7}} {
		if files[role], err = fs.ReadFile(dir, role); err != nil {
			return err
		}
		var payload []byte
		if role == "trust" {
			payload, err = openSign(files[role], "elicence/trust/1", keys[role], 1)
		} else {
			var m sign1
			if m, err = parseSign1(files[role]); err == nil {
				payload = m.payload
				if i, _ := m.signedBy("elicence/"+role+"/1", keys[role]); i < 0 {
					err = errFormat
				}
			}
		}
		if err != nil {
			return err
		}
		if contents[role], err = r.file(payload, others); err != nil {
			return err
		}
	}
	now := contents["time"]
	for at, role := range map[int64]string{4: "trust", 5: "catalogue", 6: "status"} {
		current, err := list(now[at], 2)
		if err != nil {
			return err
		}
		sum, err := octets(current[1], 32)
		if err != nil || current[0] != contents[role][1] || !bytes.Equal(sum, sm3.Sm3Sum(files[role])) {
			return errFormat
		}
	}
	issued, statusIssued := now[2].(int64), contents["status"][2].(int64)
	if r.clock < issued-300 || issued > r.clock+86400 {
		return errFormat
	}
	r.trusted, r.asOf, r.statusTime = max(r.clock, issued), min(issued, statusIssued), statusIssued
	if err := r.trust(contents["trust"]); err != nil {
		return err
	}
	if err := r.catalogue(contents["catalogue"]); err != nil {
		return err
	}
	return r.status(dir, contents["status"])
}

// file reads the head that begins every file: keys 1 to 3, and 4 and others that
// the role has.
func (r *Reader) file(payload []byte, others []int64) (fields, error) {
	v, err := decode(payload)
	if err != nil {
		return nil, err
	}
	f, err := asFields(v, append([]int64{1, 2, 3, 4}, others...), nil)
	if err != nil {
		return nil, err
	}
	for k := int64(1); k <= 3; k++ {
		if _, err := integer(f[k], 1, 1<<40); err != nil {
			return nil, err
		}
	}
	if expires := f[3].(int64); r.clock > expires {
		return nil, errFormat
	}
	return f, nil
}

// root reads the keys of every role. It is trusted by its pin.
func (r *Reader) root(b []byte) (map[string][]key, error) {
	keys := make(map[string][]key)
	f, err := r.file(unverified(b), []int64{5})
	if err != nil {
		return nil, err
	}
	roles, err := list(f[5], 5)
	if err != nil {
		return nil, err
	}
	for i, want := range []string{"root", "trust", "catalogue", "status", "time"} {
		role, err := list(roles[i], 3)
		if err != nil || role[0] != want || role[1] != int64(1) {
			return nil, errFormat // the vectors' thresholds are one
		}
		points, err := list(role[2], -1)
		if err != nil {
			return nil, err
		}
		for _, p := range points {
			point, err := octets(p, 33)
			if err != nil {
				return nil, err
			}
			k, err := newKey(point)
			if err != nil {
				return nil, err
			}
			keys[want] = append(keys[want], k)
		}
	}
	_, err = openSign(b, "elicence/root/1", keys["root"], 1)
	return keys, err
}

// unverified returns the payload of a COSE_Sign, nil where there is none.
func unverified(b []byte) []byte {
	v, err := decode(bytes.TrimPrefix(b, []byte{0xd8, 98}))
	if err != nil {
		return nil
	}
	items, err := list(v, 4)
	if err != nil {
		return nil
	}
	payload, _ := items[2].([]byte)
	return payload
}

func lives(v any) (map[int64]int64, error) {
	kinds, err := list(v, -1)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]int64)
	for _, k := range kinds {
		pair, err := list(k, 2)
		if err != nil {
			return nil, err
		}
		kind, err := integer(pair[0], 1, 4)
		if err != nil {
			return nil, err
		}
		if found[kind], err = integer(pair[1], 1, 1<<32); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// signer reads what issuers and services share: point and kid.
func signer(f fields) (key, error) {
	point, err := octets(f[1], 33)
	if err != nil {
		return key{}, err
	}
	k, err := newKey(point)
	if err != nil {
		return key{}, err
	}
	kid, err := octets(f[2], 8)
	if err != nil || !bytes.Equal(kid, k.kid) {
		return key{}, errFormat
	}
	return k, nil
}

func (r *Reader) trust(f fields) error {
	devices, err := list(f[12], -1)
	if err != nil {
		return err
	}
	r.devices = make(map[int64]bool)
	for _, v := range devices {
		n, err := integer(v, algorithm, -7)
		if err != nil {
			return err
		}
		r.devices[n] = true
	}
	issuers, err := list(f[6], -1)
	if err != nil {
		return err
	}
	for _, v := range issuers {
		f, err := asFields(v, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}, nil)
		if err != nil {
			return err
		}
		i := issuer{categories: make(map[int64]bool), lists: make(map[int64][2]int64), stolen: f[8] == int64(3)}
		if i.key, err = signer(f); err != nil {
			return err
		}
		categories, err := list(f[6], -1)
		if err != nil {
			return err
		}
		for _, c := range categories {
			n, err := integer(c, 1, 999)
			if err != nil {
				return err
			}
			i.categories[n] = true
		}
		places, err := list(f[7], -1)
		if err != nil {
			return err
		}
		for _, p := range places {
			place, err := list(p, 3)
			if err != nil {
				return err
			}
			var n [3]int64
			for at := range n {
				if n[at], err = integer(place[at], 0, 1<<40); err != nil {
					return err
				}
			}
			i.lists[n[0]] = [2]int64{n[1], n[2]}
		}
		if i.lives, err = lives(f[9]); err != nil {
			return err
		}
		r.issuers = append(r.issuers, i)
	}
	services, err := list(f[7], -1)
	if err != nil {
		return err
	}
	for _, v := range services {
		f, err := asFields(v, []int64{1, 2, 3, 4}, []int64{5, 6})
		if err != nil {
			return err
		}
		var s service
		for i := range s.times {
			if at, there := f[int64(5+i)]; there {
				if s.times[i], err = integer(at, 1, 1<<40); err != nil {
					return err
				}
			}
		}
		if s.key, err = signer(f); err != nil {
			return err
		}
		if s.lives, err = lives(f[4]); err != nil {
			return err
		}
		r.services = append(r.services, s)
	}
	return nil
}

func (r *Reader) catalogue(f fields) error {
	categories, err := list(f[4], -1)
	if err != nil {
		return err
	}
	for _, v := range categories {
		f, err := asFields(v, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}, nil)
		if err != nil {
			return err
		}
		c := category{kinds: make(map[int64]bool)}
		var id [2]int64
		for at, into := range map[int64]*int64{1: &id[0], 2: &id[1], 6: &c.fresh, 7: &c.limit, 8: &c.window} {
			if *into, err = integer(f[at], 1, 1<<32); err != nil {
				return err
			}
		}
		names, err := list(f[5], -1)
		if err != nil {
			return err
		}
		for _, n := range names {
			field, err := list(n, 5)
			if err != nil {
				return err
			}
			kind, _ := field[3].(string)
			c.types = append(c.types, kind)
		}
		kinds, err := list(f[9], -1)
		if err != nil {
			return err
		}
		for _, k := range kinds {
			n, _ := k.(int64)
			c.kinds[n] = true
		}
		r.categories[id] = c
	}
	return nil
}

func (r *Reader) status(dir fs.FS, f fields) error {
	sequence, err := integer(f[4], 1, 1<<40)
	if err != nil {
		return err
	}
	lists, err := list(f[5], -1)
	if err != nil {
		return err
	}
	for _, v := range lists {
		l, err := list(v, 3)
		if err != nil {
			return err
		}
		number, err := integer(l[0], 0, 1<<32-1)
		if err != nil {
			return err
		}
		high, err := integer(l[1], 0, 1<<20)
		if err != nil {
			return err
		}
		r.lists[number] = &statusList{high: high, revoked: make(map[int64]bool), suspended: make(map[int64]bool)}
	}
	files, err := list(f[6], -1)
	if err != nil {
		return err
	}
	// The vectors' files lead in one line from the snapshot to the signed state.
	at := int64(0)
	for _, v := range files {
		described, err := list(v, 4)
		if err != nil {
			return err
		}
		if described[0] != at {
			return errFormat
		}
		if err := r.apply(dir, described); err != nil {
			return err
		}
		at = described[1].(int64)
	}
	if at != sequence {
		return errFormat
	}
	for _, v := range lists {
		l := v.([]any)
		number := l[0].(int64)
		want, err := octets(l[2], 32)
		if err != nil || !bytes.Equal(r.lists[number].hash(number), want) {
			return errFormat
		}
	}
	return nil
}

// apply takes a set file that is described as [from, to, SM3, length].
func (r *Reader) apply(dir fs.FS, described []any) error {
	sum, err := octets(described[2], 32)
	if err != nil {
		return err
	}
	b, err := fs.ReadFile(dir, "set/"+hex.EncodeToString(sum))
	if err != nil {
		return err
	}
	if !bytes.Equal(sm3.Sm3Sum(b), sum) || int64(len(b)) != described[3] {
		return errFormat
	}
	v, err := decode(b)
	if err != nil {
		return err
	}
	items, err := list(v, 7)
	if err != nil {
		return err
	}
	if items[0] != "elicence/setfile/1" || items[1] != described[0] || items[2] != described[1] {
		return errFormat
	}
	places, err := placesOf(items[3])
	if err != nil {
		return err
	}
	for n, change := range []func(l *statusList, i int64){
		func(l *statusList, i int64) { l.revoked[i] = true },
		func(l *statusList, i int64) { l.suspended[i] = true },
		func(l *statusList, i int64) { l.suspended[i] = false },
	} {
		positions, err := plane(items[4+n], int64(len(places)))
		if err != nil {
			return err
		}
		for _, p := range positions {
			l := r.lists[places[p][0]]
			if l == nil {
				return errFormat
			}
			change(l, places[p][1])
		}
	}
	return nil
}

// placesOf writes out the list and the index of every position of a set file.
func placesOf(v any) ([][2]int64, error) {
	runs, err := list(v, -1)
	if err != nil {
		return nil, err
	}
	var places [][2]int64
	for _, v := range runs {
		r, err := list(v, 3)
		if err != nil {
			return nil, err
		}
		var n [3]int64
		for at, most := range []int64{1<<32 - 1, 16, 256} {
			if n[at], err = integer(r[at], 0, most); err != nil {
				return nil, err
			}
		}
		for l := range n[1] {
			for i := range n[2] * 4096 {
				places = append(places, [2]int64{n[0] + l, i})
			}
		}
	}
	return places, nil
}

func (l *statusList) hash(number int64) []byte {
	message := []byte("elicence/set/1")
	message = binary.BigEndian.AppendUint32(message, uint32(number))
	message = binary.BigEndian.AppendUint32(message, uint32(l.high))
	for _, set := range []map[int64]bool{l.revoked, l.suspended} {
		plane := make([]byte, 131072)
		for i, there := range set {
			if there {
				plane[i/8] |= 1 << (i % 8)
			}
		}
		message = append(message, plane...)
	}
	return sm3.Sm3Sum(message)
}

// plane decodes [count, coding, bytes] into positions below a size.
func plane(v any, size int64) ([]int64, error) {
	parts, err := list(v, 3)
	if err != nil {
		return nil, err
	}
	count, err := integer(parts[0], 0, size)
	if err != nil {
		return nil, err
	}
	coding, err := integer(parts[1], 0, 32)
	if err != nil {
		return nil, err
	}
	b, err := octets(parts[2], -1)
	if err != nil {
		return nil, err
	}
	next := riceNumbers(b, coding)
	if coding == 32 {
		d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(1<<20))
		if err != nil {
			return nil, err
		}
		defer d.Close()
		if b, err = d.DecodeAll(b, nil); err != nil {
			return nil, err
		}
		next = base128Numbers(b)
	}
	var indices []int64
	index := int64(-1)
	for range count {
		gap, ok := next()
		if index += gap + 1; !ok || index >= size {
			return nil, errFormat
		}
		indices = append(indices, index)
	}
	return indices, nil
}

func base128Numbers(b []byte) func() (int64, bool) {
	return func() (int64, bool) {
		n, shift := int64(0), 0
		for len(b) > 0 && shift < 28 {
			octet := b[0]
			b = b[1:]
			n |= int64(octet&127) << shift
			shift += 7
			if octet < 128 {
				return n, true
			}
		}
		return 0, false
	}
}

func riceNumbers(b []byte, k int64) func() (int64, bool) {
	at := 0
	bit := func() int64 {
		if at >= 8*len(b) {
			at++
			return 0
		}
		v := b[at/8] >> (7 - at%8) & 1
		at++
		return int64(v)
	}
	return func() (int64, bool) {
		n := int64(0)
		for bit() == 1 {
			n++
		}
		for range k {
			n = n<<1 | bit()
		}
		return n, at <= 8*len(b)
	}
}
