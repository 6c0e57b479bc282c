package trust

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/durable"
)

// State is what a terminal remembers of one domain outside its cache: the
// highest version of every file that it has used, and the last signed time. It
// is kept in two files, written one after the other, so that one survives a
// crash during the other's writing.
//
// Trusted: whoever can change the state can have an older cache accepted.
type State struct {
	stored stored
	save   func([]byte) error
	// other opens what is remembered of another domain in the same place.
	other func(rootSM3 [sm3.Size]byte) (*State, error)
}

// stored is the content of a state file.
type stored struct {
	Count    uint64        `cbor:"1,keyasint"` // of writes: the newer file has the higher
	LastTime int64         `cbor:"2,keyasint"` // UTC seconds
	Root     uint64        `cbor:"3,keyasint"`
	Roles    []roleVersion `cbor:"4,keyasint"` // trust, catalogue, status, time
	Check    []byte        `cbor:"5,keyasint"` // SM3 over the rest, against torn files
}

// roleVersion is the highest version seen under a role's keys.
type roleVersion struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Keys    [sm3.Size]byte // SM3 over the role's keys; other keys start again
}

var stateFiles = [2]string{"state.1", "state.2"}

const maxStateFile = 4096

// OpenState reads what is remembered in a folder for the domain that begins with
// a root, making the folder if it is not there. What cannot be read, in a file
// that is there, is an error: forgetting must be a decision of a person.
func OpenState(dir string, rootSM3 [sm3.Size]byte) (*State, error) {
	base := dir
	dir = filepath.Join(base, hex.EncodeToString(rootSM3[:]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the state folder: %w", err)
	}
	s := &State{
		save:  func(b []byte) error { return saveBoth(dir, b) },
		other: func(rootSM3 [sm3.Size]byte) (*State, error) { return OpenState(base, rootSM3) },
	}
	found, broken := 0, error(nil)
	for _, name := range stateFiles {
		one, err := readState(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			broken = fmt.Errorf("state file %s: %w", name, err)
		default:
			found++
			if one.Count > s.stored.Count {
				s.stored = one
			}
		}
	}
	if found == 0 && broken != nil {
		return nil, fmt.Errorf("%w; remove %s to start without memory of what was used before", broken, dir)
	}
	return s, nil
}

// saveBoth writes both files, one after the other.
func saveBoth(dir string, b []byte) error {
	for _, name := range stateFiles {
		if err := durable.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return fmt.Errorf("remembering what was used: %w", err)
		}
	}
	return nil
}

// NewState is for who has no folder, as a browser: it starts from what was kept,
// nothing the first time, and hands what is to be kept now to save before a cache
// counts as loaded. It has no room for other domains, so none is recognised with it.
func NewState(kept []byte, save func([]byte) error) (*State, error) {
	s := &State{save: save, other: func([sm3.Size]byte) (*State, error) {
		return nil, errors.New("nothing is remembered of other domains here")
	}}
	if len(kept) == 0 {
		return s, nil
	}
	one, err := parseState(kept)
	if err != nil {
		return nil, fmt.Errorf("what was remembered: %w", err)
	}
	s.stored = one
	return s, nil
}

func readState(path string) (stored, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stored{}, err
	}
	if info.Size() > maxStateFile {
		return stored{}, fmt.Errorf("%d bytes", info.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return stored{}, err
	}
	return parseState(b)
}

func parseState(b []byte) (stored, error) {
	var one stored
	if len(b) > maxStateFile {
		return one, fmt.Errorf("%d bytes", len(b))
	}
	if err := detcbor.Unmarshal(b, &one); err != nil {
		return one, err
	}
	check, err := one.sum()
	if err != nil {
		return one, err
	}
	if string(check) != string(one.Check) {
		return one, errors.New("torn or damaged")
	}
	return one, nil
}

func (s stored) sum() ([]byte, error) {
	s.Check = nil
	b, err := detcbor.Marshal(s)
	if err != nil {
		return nil, err
	}
	sum := sm3.Sum(b)
	return sum[:], nil
}

// LastTime returns the last signed time that was used, the zero time before
// the first.
func (s *State) LastTime() time.Time {
	if s.stored.LastTime == 0 {
		return time.Time{}
	}
	return time.Unix(s.stored.LastTime, 0).UTC()
}

// Remember refuses a cache that is older than what was used before and remembers
// this one. [Load] calls it unless it is a trial.
func (s *State) Remember(c *Cache) error {
	next, err := s.after(c, Roles()[1:]...)
	if err != nil {
		return err
	}
	if next.same(s.stored) {
		return nil
	}
	return s.write(next)
}

// after returns what is remembered once a cache was used, or refuses it: by its root,
// and by its files of some roles.
func (s *State) after(c *Cache, roles ...Role) (stored, error) {
	next := stored{Count: s.stored.Count + 1, LastTime: max(s.stored.LastTime, c.Time.Issued), Root: c.Root.Version}
	if c.Root.Version < s.stored.Root {
		return next, fmt.Errorf("root %d, after root %d: %w", c.Root.Version, s.stored.Root, ErrRollback)
	}
	for i, f := range []struct {
		role Role
		head Head
	}{{RoleTrust, c.Trust.Head}, {RoleCatalogue, c.Catalogue.Head}, {RoleStatus, c.Status.Head}, {RoleTime, c.Time.Head}} {
		v := roleVersion{Version: f.head.Version, Keys: c.Root.role(f.role).sum()}
		if slices.Contains(roles, f.role) && len(s.stored.Roles) > i && s.stored.Roles[i].Keys == v.Keys && s.stored.Roles[i].Version > v.Version {
			return next, fmt.Errorf("%s file %d, after %d: %w", f.role, v.Version, s.stored.Roles[i].Version, ErrRollback)
		}
		next.Roles = append(next.Roles, v)
	}
	return next, nil
}

func (s stored) same(other stored) bool {
	if s.LastTime != other.LastTime || s.Root != other.Root || len(s.Roles) != len(other.Roles) {
		return false
	}
	for i := range s.Roles {
		if s.Roles[i] != other.Roles[i] {
			return false
		}
	}
	return true
}

func (k RoleKeys) sum() [sm3.Size]byte {
	h := sm3.New()
	for _, p := range k.Points {
		h.Write(p[:])
	}
	return [sm3.Size]byte(h.Sum(nil))
}

func (s *State) write(next stored) error {
	check, err := next.sum()
	if err != nil {
		return err
	}
	next.Check = check
	b, err := detcbor.Marshal(next)
	if err != nil {
		return err
	}
	if err := s.save(b); err != nil {
		return err
	}
	s.stored = next
	return nil
}
