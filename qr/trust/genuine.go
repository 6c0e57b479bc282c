package trust

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/qr/status"
)

// MaxGenuineFile bounds a genuine file, in bytes: some seven million credentials.
const MaxGenuineFile = 64 << 20

// maxSameIndex bounds the credentials of one index: it was signed anew so often.
const maxSameIndex = 64

// GenuineDigest is the first 8 bytes of SM3 over a credential's payload. A thief of the key must hit the digests of
// one index, which the payload names, so that there are 2^64 to try whatever the
// number of credentials.
type GenuineDigest [8]byte

// DigestOf returns the digest of a credential's payload.
func DigestOf(payload []byte) GenuineDigest {
	sum := sm3.Sum(payload)
	return GenuineDigest(sum[:8])
}

// GenuineCredential is a credential that a domain knows to have signed.
type GenuineCredential struct {
	List, Index uint32
	Digest      GenuineDigest
}

// GenuineFile names a genuine file among the set files.
type GenuineFile struct {
	_      struct{} `cbor:",toarray"`
	SM3    [sm3.Size]byte
	Length uint64
}

// genuineFile is the payload of the file.
type genuineFile struct {
	_     struct{} `cbor:",toarray"`
	Point pki.Point
	Lists []genuineList // ascending
}

// genuineList is the credentials of one status list, ascending by index and digest.
type genuineList struct {
	_       struct{} `cbor:",toarray"`
	List    uint64
	Gaps    []byte // from one index to the next in base 128, the first from 0
	Digests []byte // 8 bytes each
}

// Genuine is what a domain knows to have signed with an issuing authority's key before
// it was stolen. Nothing else that this key has signed counts.
type Genuine struct {
	Point pki.Point
	lists map[uint32]genuineIndices
}

type genuineIndices struct {
	indices []uint32 // ascending; one for each digest
	digests []byte
}

// SignGenuine writes and signs the credentials that are known of a key, with a key of
// the role trust. They are put in order; one that stands twice counts once.
func SignGenuine(point pki.Point, known []GenuineCredential, second pki.SecondOpinion, key *pki.Key) ([]byte, error) {
	ordered := slices.SortedFunc(slices.Values(known), func(a, b GenuineCredential) int {
		return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(a.Index, b.Index), bytes.Compare(a.Digest[:], b.Digest[:]))
	})
	f := genuineFile{Point: point}
	before := uint32(0)
	for _, c := range slices.Compact(ordered) {
		if n := len(f.Lists); n == 0 || f.Lists[n-1].List != uint64(c.List) {
			f.Lists, before = append(f.Lists, genuineList{List: uint64(c.List)}), 0
		}
		l := &f.Lists[len(f.Lists)-1]
		l.Gaps = binary.AppendUvarint(l.Gaps, uint64(c.Index-before))
		l.Digests = append(l.Digests, c.Digest[:]...)
		before = c.Index
	}
	payload, err := detcbor.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("genuine file: %w", err)
	}
	signed, err := cose.Sign(pki.ObjectGenuine, key, payload)
	if err != nil {
		return nil, fmt.Errorf("genuine file: %w", err)
	}
	role := RoleKeys{Role: RoleTrust, Threshold: 1, Points: []pki.Point{key.Public().Point()}}
	if _, err := openGenuine(signed, point, role, second); err != nil {
		return nil, fmt.Errorf("genuine file just signed: %w", err)
	}
	return signed, nil
}

// openGenuine verifies a genuine file by one of the keys of the role trust: that as many
// as are wanted have seen it, the trust file says, which names it.
func openGenuine(signed []byte, point pki.Point, role RoleKeys, second pki.SecondOpinion) (*Genuine, error) {
	if len(signed) > MaxGenuineFile {
		return nil, fmt.Errorf("genuine file has %d bytes, at most %d are read: %w", len(signed), MaxGenuineFile, ErrInvalid)
	}
	payload, err := verifyOne(pki.ObjectGenuine, role.Points, signed, second)
	if err != nil {
		return nil, fmt.Errorf("genuine file: %w", err)
	}
	return parseGenuine(payload, point)
}

func parseGenuine(payload []byte, point pki.Point) (*Genuine, error) {
	var f genuineFile
	if err := detcbor.Unmarshal(payload, &f); err != nil {
		return nil, fmt.Errorf("genuine file: %w", err)
	}
	if f.Point != point || len(f.Lists) > status.MaxLists {
		return nil, fmt.Errorf("genuine file is of another key, or has %d lists: %w", len(f.Lists), ErrInvalid)
	}
	g := &Genuine{Point: point, lists: make(map[uint32]genuineIndices, len(f.Lists))}
	for i, l := range f.Lists {
		if i > 0 && f.Lists[i-1].List >= l.List || l.List > 1<<32-1 {
			return nil, fmt.Errorf("genuine file: list %d is not in order: %w", l.List, ErrInvalid)
		}
		indices, err := l.read()
		if err != nil {
			return nil, fmt.Errorf("genuine file: list %d: %w", l.List, err)
		}
		g.lists[uint32(l.List)] = genuineIndices{indices, l.Digests}
	}
	return g, nil
}

// read decodes the indices. There is one accepted order and one form of each gap.
func (l *genuineList) read() ([]uint32, error) {
	const size = len(GenuineDigest{})
	count := len(l.Digests) / size
	if count == 0 || len(l.Digests)%size != 0 || len(l.Gaps) < count || len(l.Gaps) > 3*count {
		return nil, fmt.Errorf("%d bytes of indices and %d of digests: %w", len(l.Gaps), len(l.Digests), ErrInvalid)
	}
	indices := make([]uint32, 0, count)
	rest, index, same := l.Gaps, uint64(0), 1
	for i := range count {
		gap, n := binary.Uvarint(rest)
		if n <= 0 || n > 1 && rest[n-1] == 0 || gap >= status.ListSize {
			return nil, fmt.Errorf("an index is cut off, beyond the list, or has more bytes than it needs: %w", ErrInvalid)
		}
		rest, index = rest[n:], index+gap
		if same++; gap > 0 || i == 0 {
			same = 1
		}
		if index >= status.ListSize || same > maxSameIndex {
			return nil, fmt.Errorf("an index is beyond the list or stands too often: %w", ErrInvalid)
		}
		if same > 1 && bytes.Compare(l.Digests[(i-1)*size:i*size], l.Digests[i*size:(i+1)*size]) >= 0 {
			return nil, fmt.Errorf("the digests of index %d are not in order: %w", index, ErrInvalid)
		}
		indices = append(indices, uint32(index))
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("more indices than digests: %w", ErrInvalid)
	}
	return indices, nil
}

// Has reports whether a credential is known.
func (g *Genuine) Has(c GenuineCredential) bool {
	l := g.lists[c.List]
	i, _ := slices.BinarySearch(l.indices, c.Index)
	for ; i < len(l.indices) && l.indices[i] == c.Index; i++ {
		if GenuineDigest(l.digests[8*i:]) == c.Digest {
			return true
		}
	}
	return false
}

// Genuine reports whether a compromised issuer's credential is one that its domain
// knows to have signed.
func (i *IssuerKey) Genuine(c GenuineCredential) bool {
	g := i.Home.genuine[i.Point]
	return g != nil && g.Has(c)
}

// genuineFiles are those that the trust file names.
func (c *Cache) genuineFiles() []SetFile {
	var files []SetFile
	for _, i := range c.Trust.Issuers {
		if i.Genuine != nil {
			files = append(files, SetFile{SM3: i.Genuine.SM3, Length: i.Genuine.Length})
		}
	}
	return files
}

// Files returns all files that a cache may have under set/: those that lead to the state
// of the status lists, and what is known to be genuine, for which From and To are 0.
func (c *Cache) Files() []SetFile { return slices.Concat(c.Status.Files, c.genuineFiles()) }

// loadGenuine reads what the trust file names. What the cache in force has is the same,
// as its name is its hash.
func (c *Cache) loadGenuine(dir fs.FS, o Options) error {
	for _, i := range c.Trust.Issuers {
		if i.Genuine == nil {
			continue
		}
		if p := o.Previous; c.continues(p) && slices.ContainsFunc(p.Trust.Issuers, func(before Issuer) bool {
			return before.Point == i.Point && before.Genuine != nil && *before.Genuine == *i.Genuine
		}) {
			c.genuine[i.Point] = p.genuine[i.Point]
			continue
		}
		file, err := readLimited(dir, SetName(i.Genuine.SM3), int64(i.Genuine.Length))
		if err != nil {
			return fmt.Errorf("genuine file: %w", err)
		}
		if uint64(len(file)) != i.Genuine.Length || sm3.Sum(file) != i.Genuine.SM3 {
			return fmt.Errorf("genuine file is not the signed one: %w", ErrMismatch)
		}
		if c.genuine[i.Point], err = openGenuine(file, i.Point, c.Root.role(RoleTrust), o.Second); err != nil {
			return err
		}
	}
	return nil
}

// checkLost checks what is said of a key that was stolen.
func (i *Issuer) checkLost() error {
	if i.State != IssuerCompromised && (i.Since != 0 || i.Genuine != nil) {
		return errors.New("it is not compromised")
	}
	if i.Since < 0 || i.Genuine != nil && (i.Genuine.Length < 1 || i.Genuine.Length > MaxGenuineFile) {
		return errors.New("time or length out of range")
	}
	return nil
}
