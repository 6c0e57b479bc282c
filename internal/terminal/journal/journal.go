// Package journal keeps what a hall terminal decided: when, which verdict and why, of
// which kind of code and category, with which trust list. It keeps no number, no name
// and no masked id.
//
// Every entry is hashed together with all before it (SM3), so that none can be changed,
// taken out or put in unnoticed once a later state is known elsewhere. An export is
// signed by the terminal's own key (external_aad elicence/journal/1) and says where in
// the chain it begins and ends: two exports of one terminal show whether the second
// continues the first.
//
// What it does not do: whoever owns the terminal can leave scans out by using another
// program, and can write a new journal as long as none was collected.
//
// # Files
//
// A folder holds the key and files of at most a megabyte, 00000001.log and so on. A file
// begins with 18 bytes "elicence/journal/1", the number of its first entry in 8 bytes,
// and the chain before it in 32; records follow. Nothing is ever changed in
// place: what a power loss tears off is left where it is, the next file begins after
// the last whole record, and readers stop where the next file begins. Of more than
// 32 files the oldest goes.
package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr/verify"
)

const (
	maxFile  = 1 << 20
	maxFiles = 32
	headSize = len(pki.ObjectJournal) + 8 + len(Chain{})
)

// syncEvery bounds what a power loss can take: entries are forced to the disk this long
// after they were written, at the latest with the next call.
const syncEvery = time.Second

// Journal is a journal that is written. It is not safe for concurrent use.
type Journal struct {
	dir    string
	key    *Key
	unlock func()

	file   *os.File // nil: not open yet, or to be begun
	number int      // of the last file
	whole  bool     // the last file is not torn: it can be continued
	size   int64    // of the last file
	next   uint64   // number of the next entry
	chain  Chain
	dirty  bool      // something is written and not forced to the disk
	since  time.Time // dirty since
}

// Open opens the journal in a folder, making folder and key on first use. One process
// writes a journal: for a second one the error wraps [durable.ErrInUse].
func Open(dir string, random io.Reader) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	unlock, err := durable.LockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &Journal{dir: dir, unlock: unlock, next: 1}
	if err := j.find(random); err != nil {
		unlock()
		return nil, fmt.Errorf("journal: %w", err)
	}
	return j, nil
}

// find reads the key and looks for the end of what was written.
func (j *Journal) find(random io.Reader) error {
	var err error
	if j.key, err = openKey(j.dir, random); err != nil {
		return err
	}
	files, err := list(j.dir)
	if err != nil {
		return err
	}
	for _, number := range slices.Backward(files) {
		j.number = max(j.number, number)
		f, err := readFile(path(j.dir, number))
		switch {
		case errors.Is(err, errNotBegun):
			continue
		case err != nil:
			return fmt.Errorf("%w; move the folder away to begin a new journal", err)
		}
		j.next, j.chain = f.next, f.chain
		j.whole, j.size = number == j.number && f.whole, f.size
		return nil
	}
	return nil
}

// Key returns the terminal's key.
func (j *Journal) Key() *Key { return j.key }

// Append writes one entry. It is on the disk after [Journal.Sync], a second later at the
// latest if calls go on.
func (j *Journal) Append(at time.Time, r verify.Result) error {
	e := &Entry{Sequence: j.next, At: at.Unix(), Verdict: string(r.Verdict), Cause: string(r.CauseCode)}
	if r.Kind != nil {
		e.Kind = uint64(*r.Kind)
	}
	if r.Category != nil {
		e.Category = *r.Category
	}
	if r.TrustVersion != nil {
		e.TrustVersion = *r.TrustVersion
	}
	if r.Status != nil {
		e.Seen = j.key.Mark(*r.Status)
	}
	record, chain, err := appendRecord(nil, j.chain, e)
	if err != nil {
		return err
	}
	if err := j.room(len(record)); err != nil {
		return err
	}
	if _, err := j.file.Write(record); err != nil {
		// What was written of it is torn; the next entry begins a new file.
		j.whole = false
		return errors.Join(err, j.closeFile())
	}
	j.size += int64(len(record))
	j.next, j.chain = j.next+1, chain
	if !j.dirty {
		j.dirty, j.since = true, at
	}
	if d := at.Sub(j.since); d < 0 || d >= syncEvery {
		return j.Sync()
	}
	return nil
}

// room has a file open that a record fits into.
func (j *Journal) room(record int) error {
	if fits := j.size+int64(record) <= maxFile; !j.whole || !fits {
		if err := j.closeFile(); err != nil {
			return err
		}
		return j.begin()
	}
	if j.file != nil {
		return nil
	}
	f, err := os.OpenFile(path(j.dir, j.number), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	j.file = f
	return nil
}

// Sync forces what was written to the disk.
func (j *Journal) Sync() error {
	if !j.dirty || j.file == nil {
		return nil
	}
	j.dirty = false
	if err := j.file.Sync(); err != nil {
		// The kernel may have dropped what it could not write: begin anew, and say so.
		j.whole = false
		return errors.Join(fmt.Errorf("journal: %w", err), j.closeFile())
	}
	return nil
}

// Close ends the journal.
func (j *Journal) Close() error {
	defer j.unlock()
	return errors.Join(j.Sync(), j.closeFile())
}

func (j *Journal) closeFile() error {
	if j.file == nil {
		return nil
	}
	f, dirty := j.file, j.dirty
	j.file, j.dirty = nil, false
	var err error
	if dirty {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// begin begins a file, and lets the oldest go where there are too many.
func (j *Journal) begin() error {
	j.number++
	f, err := os.OpenFile(path(j.dir, j.number), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	head := binary.BigEndian.AppendUint64([]byte(pki.ObjectJournal), j.next)
	head = append(head, j.chain[:]...)
	if _, err := f.Write(head); err != nil {
		j.whole = false
		return errors.Join(err, f.Close())
	}
	j.file, j.size, j.whole = f, int64(len(head)), true
	files, err := list(j.dir)
	if err != nil {
		return err
	}
	for len(files) > maxFiles {
		if err := os.Remove(path(j.dir, files[0])); err != nil {
			return err
		}
		files = files[1:]
	}
	return durable.SyncDir(j.dir)
}

func path(dir string, number int) string { return filepath.Join(dir, fmt.Sprintf("%08d.log", number)) }

var fileName = regexp.MustCompile(`^([0-9]{8})\.log$`)

// list returns the numbers of a journal's files, ascending.
func list(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		if m := fileName.FindStringSubmatch(e.Name()); m != nil {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				return nil, err
			}
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// file is what is whole of one file.
type file struct {
	first, next uint64 // entries: from, and the one after the last
	before      Chain
	chain       Chain  // after the last
	records     []byte // as they stand
	size        int64
	whole       bool // nothing follows the records
}

var (
	errFile = errors.New("not a file of a journal")
	// errNotBegun: a power loss took even the head; no entry was in it.
	errNotBegun = errors.New("torn before its head was whole")
)

// readFile reads a file up to where it is torn.
func readFile(path string) (*file, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile+maxEntry+recordOverhead {
		return nil, fmt.Errorf("%s has %d bytes: %w", path, info.Size(), errFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if begun := bytes.HasPrefix(b, []byte(pki.ObjectJournal)); len(b) < headSize || !begun && len(b) == headSize {
		return nil, fmt.Errorf("%s: %w", path, errNotBegun)
	} else if !begun {
		return nil, fmt.Errorf("%s: %w", path, errFile)
	}
	f := &file{first: binary.BigEndian.Uint64(b[len(pki.ObjectJournal):]), before: Chain(b[headSize-len(Chain{}):])}
	f.next, f.chain = f.first, f.before
	whole := b[headSize:]
	for rest := whole; ; {
		_, after, left, err := readRecord(rest, f.next, f.chain)
		if err != nil {
			f.records, f.size, f.whole = whole[:len(whole)-len(rest)], int64(len(b)), len(rest) == 0
			return f, nil //nolint:nilerr // the end, or torn: what comes next says which
		}
		f.next, f.chain, rest = f.next+1, after, left
	}
}

// ErrBroken says that the files of a journal do not follow one another: something was
// changed or taken out.
var ErrBroken = errors.New("the journal is not whole")

// readAll reads what there is, and wants each file to follow the one before.
func readAll(dir string) (*file, error) {
	numbers, err := list(dir)
	if err != nil {
		return nil, err
	}
	var all *file
	for _, number := range numbers {
		f, err := readFile(path(dir, number))
		switch {
		case errors.Is(err, errNotBegun):
			continue // the next one stands in its place
		case err != nil:
			return nil, err
		case all == nil:
			all = f
			continue
		case f.first != all.next || f.before != all.chain:
			return nil, fmt.Errorf("%s begins with entry %d, not as entry %d ended: %w", filepath.Base(path(dir, number)), f.first, all.next-1, ErrBroken)
		}
		all.records = append(all.records, f.records...)
		all.next, all.chain = f.next, f.chain
	}
	if all == nil {
		return nil, fmt.Errorf("%s holds no journal: %w", dir, fs.ErrNotExist)
	}
	return all, nil
}
