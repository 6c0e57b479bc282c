package trust

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/status"
)

// Errors that callers decide on. Every error of [Load] means the same to a
// scan: nothing can be said.
var (
	// ErrInvalid: a signed file breaks a rule of its content.
	ErrInvalid = errors.New("a trust file breaks the rules")
	// ErrExpired: a file is past its expiry.
	ErrExpired = errors.New("a trust file has expired")
	// ErrMismatch: files do not belong together, or a set file is not the one
	// that was signed.
	ErrMismatch = errors.New("the trust files do not belong together")
	// ErrRollback: a file is older than one that this terminal has used.
	ErrRollback = errors.New("a trust file is older than one that was used before")
	// ErrClock: the terminal's clock is behind the last signed time.
	ErrClock = errors.New("this terminal's clock is wrong")
	// ErrPin: the root is not the pinned one.
	ErrPin = errors.New("the root is not the pinned one")
)

// OpenRoot verifies a root with the keys of the root before it (nil for the
// first, which is trusted by its pin) and with its own.
func OpenRoot(signed []byte, before *Root, second pki.SecondOpinion) (*Root, error) {
	// The first look is only for the file's own keys; nothing is believed until
	// these keys, and those before them, have signed it.
	var r Root
	payload, err := unverifiedPayload(signed)
	if err != nil {
		return nil, fmt.Errorf("root file: %w", err)
	}
	if err := detcbor.Unmarshal(payload, &r); err != nil {
		return nil, fmt.Errorf("root file: %w", err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("root file: %w", err)
	}
	if before != nil {
		if r.Version != before.Version+1 || r.Domain != before.Domain {
			return nil, fmt.Errorf("root %d does not follow root %d of %s: %w", r.Version, before.Version, before.Domain.Name, ErrInvalid)
		}
		if _, err := verify(before.role(RoleRoot), signed, second); err != nil {
			return nil, fmt.Errorf("root %d by the keys of root %d: %w", r.Version, before.Version, err)
		}
	}
	if _, err := verify(r.role(RoleRoot), signed, second); err != nil {
		return nil, fmt.Errorf("root %d by its own keys: %w", r.Version, err)
	}
	return &r, nil
}

// content is what every file but the root is decoded into.
type content interface {
	head() Head
	check() error
}

// open verifies a file of a role under a root and decodes it.
func open(role Role, signed []byte, root *Root, second pki.SecondOpinion, into content) error {
	if int64(len(signed)) > maxSize[role] {
		return fmt.Errorf("%s file has %d bytes, at most %d are read: %w", role, len(signed), maxSize[role], ErrInvalid)
	}
	payload, err := verify(root.role(role), signed, second)
	if err != nil {
		return fmt.Errorf("%s file: %w", role, err)
	}
	if err := detcbor.Unmarshal(payload, into); err != nil {
		return fmt.Errorf("%s file: %w", role, err)
	}
	if err := into.head().check(); err != nil {
		return fmt.Errorf("%s file: %w", role, err)
	}
	if err := into.check(); err != nil {
		return fmt.Errorf("%s file: %w", role, err)
	}
	return nil
}

func (h Head) check() error {
	if h.Version < 1 || h.Expires <= h.Issued || h.Issued < 0 || h.Expires > 1<<40 {
		return fmt.Errorf("version, issue or expiry out of range: %w", ErrInvalid)
	}
	return nil
}

// expired reports a file that is past its expiry at a time.
func (h Head) expired(role Role, now time.Time) error {
	if now.After(h.ExpiresAt()) {
		return fmt.Errorf("%s file expired at %s: %w", role, h.ExpiresAt().Format(time.RFC3339), ErrExpired)
	}
	return nil
}

func (r *Root) role(role Role) RoleKeys { return r.Roles[slices.Index(Roles(), role)] }

func (r *Root) check() error {
	if err := r.Head.check(); err != nil {
		return err
	}
	if len(r.Roles) != len(Roles()) {
		return fmt.Errorf("it does not name the keys of five roles: %w", ErrInvalid)
	}
	seen := make(map[pki.Point]bool)
	for i, keys := range r.Roles {
		if keys.Role != Roles()[i] || keys.Threshold < 1 || keys.Threshold > uint64(len(keys.Points)) || len(keys.Points) > 32 {
			return fmt.Errorf("role %q: threshold or order: %w", keys.Role, ErrInvalid)
		}
		for _, p := range keys.Points {
			if seen[p] {
				return fmt.Errorf("role %s: a key stands twice: %w", keys.Role, ErrInvalid)
			}
			seen[p] = true
			if _, err := pki.ParsePoint(p[:]); err != nil {
				return fmt.Errorf("role %s: %w: %w", keys.Role, ErrInvalid, err)
			}
		}
	}
	return r.Domain.check()
}

func (d Domain) check() error {
	if len(d.Region) != 6 || d.Name == "" || cleantext.Check(d.Name) != nil {
		return fmt.Errorf("domain: %w", ErrInvalid)
	}
	return nil
}

func (t *Trust) check() error {
	if err := t.Domain.check(); err != nil {
		return err
	}
	points := make(map[pki.Point]bool)
	key := func(p pki.Point, kid pki.KID) error {
		parsed, err := pki.ParsePoint(p[:])
		if err != nil || parsed.KID() != kid || points[p] {
			return fmt.Errorf("key %s is no point, has another kid, or stands twice: %w", p, ErrInvalid)
		}
		points[p] = true
		return nil
	}
	owners := make(map[uint64]string)
	for _, i := range t.Issuers {
		if err := key(i.Point, i.KID); err != nil {
			return fmt.Errorf("issuer %s: %w", i.USCC, err)
		}
		if cleantext.Check(i.Name) != nil || i.Name == "" || i.State < IssuerActive || i.State > IssuerCompromised {
			return fmt.Errorf("issuer %s: name or state: %w", i.USCC, ErrInvalid)
		}
		if !strictlyAscending(i.Categories) || !validKinds(i.Kinds) {
			return fmt.Errorf("issuer %s: categories or kinds: %w", i.USCC, ErrInvalid)
		}
		if err := i.checkLost(); err != nil {
			return fmt.Errorf("issuer %s: what is said of a stolen key: %w: %w", i.USCC, err, ErrInvalid)
		}
		// The keys that follow one another in an authority share its lists, each in
		// its own time.
		lists := make(map[uint64]bool)
		for _, l := range i.Lists {
			owner, owned := owners[l.List]
			if lists[l.List] || owned && owner != i.USCC || l.List > 1<<32-1 || l.Until != 0 && l.Until < l.From {
				return fmt.Errorf("issuer %s: list %d belongs to another, stands twice or has an empty window: %w", i.USCC, l.List, ErrInvalid)
			}
			lists[l.List], owners[l.List] = true, i.USCC
		}
	}
	for _, s := range t.Services {
		if err := key(s.Point, s.KID); err != nil {
			return fmt.Errorf("service %s: %w", s.Name, err)
		}
		if !validKinds(s.Kinds) || s.Until != 0 && s.Until < s.From {
			return fmt.Errorf("service %s: kinds or time: %w", s.Name, ErrInvalid)
		}
	}
	for _, p := range append(slices.Clone(t.Documents.Makers), t.Log.Point) {
		if _, err := pki.ParsePoint(p[:]); err != nil {
			return fmt.Errorf("seal maker or log: %w: %w", ErrInvalid, err)
		}
	}
	for _, l := range t.PastLogs {
		if _, err := pki.ParsePoint(l.Point[:]); err != nil || l.Until < l.From || l.Point == t.Log.Point {
			return fmt.Errorf("earlier key of the log: %w", errors.Join(ErrInvalid, err))
		}
	}
	for i, a := range t.Devices {
		if qr.DeviceAlgorithm(a) != qr.DeviceP256 && qr.DeviceAlgorithm(a) != qr.DeviceSM2 || i > 0 && t.Devices[i-1] <= a {
			return fmt.Errorf("algorithms of devices: %w", ErrInvalid)
		}
	}
	if len(t.Recognised) > maxDomains {
		return fmt.Errorf("%d recognised domains: %w", len(t.Recognised), ErrInvalid)
	}
	roots := make(map[[sm3.Size]byte]bool)
	for _, d := range t.Recognised {
		if err := d.check(t.Domain); err != nil {
			return fmt.Errorf("recognised domain %s: %w: %w", d.Domain.Name, err, ErrInvalid)
		}
		if roots[d.RootSM3] {
			return fmt.Errorf("recognised domain %s stands twice: %w", d.Domain.Name, ErrInvalid)
		}
		roots[d.RootSM3] = true
	}
	return nil
}

func validKinds(kinds []KindLife) bool {
	for i, k := range kinds {
		if k.Kind < 1 || k.Kind > 4 || k.Seconds < 1 || k.Seconds > 1<<32 || i > 0 && kinds[i-1].Kind >= k.Kind {
			return false
		}
	}
	return len(kinds) > 0
}

func strictlyAscending(n []uint64) bool {
	for i := 1; i < len(n); i++ {
		if n[i-1] >= n[i] {
			return false
		}
	}
	return true
}

func (c *Catalogue) check() error {
	seen := make(map[[2]uint64]bool)
	for _, k := range c.Categories {
		id := [2]uint64{k.ID, k.Schema}
		if k.ID < 1 || k.ID > 999 || k.Schema < 1 || seen[id] {
			return fmt.Errorf("category %d schema %d is out of range or stands twice: %w", k.ID, k.Schema, ErrInvalid)
		}
		seen[id] = true
		if k.NameZH == "" || len(k.Fields) > 4 || k.Fresh < 1 || k.Limit < k.Fresh || k.Limit > 1<<32 || k.Window > uint64(MaxWindow/time.Second) || len(k.Kinds) == 0 || !strictlyAscending(k.Kinds) {
			return fmt.Errorf("category %d: %w", k.ID, ErrInvalid)
		}
	}
	return nil
}

// maxSetFiles bounds the set files that a status file names.
const maxSetFiles = 16

func (s *Status) check() error {
	if len(s.Lists) > status.MaxLists || len(s.Files) > maxSetFiles {
		return fmt.Errorf("%d lists and %d files: %w", len(s.Lists), len(s.Files), ErrInvalid)
	}
	for i, l := range s.Lists {
		if i > 0 && s.Lists[i-1].List >= l.List || l.List > 1<<32-1 || l.High > status.ListSize {
			return fmt.Errorf("list %d: its number, order or high mark: %w", l.List, ErrInvalid)
		}
	}
	for i, f := range s.Files {
		if i > 0 && s.Files[i-1].From >= f.From || f.To <= f.From || f.To > s.Sequence || f.Length > status.MaxFileSize {
			return fmt.Errorf("set file from %d to %d: its order or length: %w", f.From, f.To, ErrInvalid)
		}
	}
	if _, ok := s.path(0, func(SetFile) (uint64, bool) { return 1, true }); !ok {
		return fmt.Errorf("its files do not lead to state %d: %w", s.Sequence, ErrInvalid)
	}
	return nil
}

func (t *Time) check() error {
	if len(t.Checkpoint) > 4096 {
		return fmt.Errorf("checkpoint of %d bytes: %w", len(t.Checkpoint), ErrInvalid)
	}
	return nil
}

// names reports whether c names a file of a version.
func (c Current) names(version uint64, file []byte) error {
	if c.Version != version || c.SM3 != sm3.Sum(file) {
		return ErrMismatch
	}
	return nil
}
