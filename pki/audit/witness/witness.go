// Package witness keeps the memory of an outside witness of an audit log: a folder
// on a machine that the log's operator does not control.
//
// A [Witness] signs a checkpoint only after it has checked, by a consistency proof,
// that the log continues the last checkpoint that it saw, and after it has written
// the new one down. Two logs that it signed are therefore always one log at two
// moments: an operator who cuts, edits or restores the log gets no more signatures,
// and what the witness has kept proves it.
//
//	DIR/witness.json   its name, the log's origin and the log's public point
//	DIR/witness.pub    its own public point, for whoever verifies what it signs
//	DIR/seen/N         the signed checkpoints, N = 00000001, 00000002, …
//
// The folder is also one that `elicence audit verify --witness` reads. It talks to
// nobody: checkpoints and proofs come as bytes. The first checkpoint is taken as it
// is. Trusted: who can change the folder can make the witness forget.
package witness

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

// Settings say who witnesses which log.
type Settings struct {
	Name   string // of the witness
	Origin string // of the log
	Log    *pki.PublicKey
}

// settingsFile is the form of witness.json.
type settingsFile struct {
	Name   string `json:"name"`
	Origin string `json:"origin"`
	Log    string `json:"log"` // compressed point, hexadecimal
}

const (
	settingsName = "witness.json"
	seenName     = "seen"
)

// KeyName is the file with the witness's public point: 66 hexadecimal digits and a line
// feed.
const KeyName = "witness.pub"

// ErrBusy says that another process made the witness see a checkpoint at the same
// time. Nothing was signed; the proof must begin where that one ended.
var ErrBusy = bilingual.New("见证人刚看过另一检查点，请重试", "the witness has just seen another checkpoint")

// Witness is an open folder. It is safe for concurrent use, also by several
// processes: each checkpoint that is seen takes the next number, and of two that
// want the same number one is refused.
type Witness struct {
	dir      string
	settings Settings
	cosigner *audit.Cosigner
}

// Create makes a folder that is there a new witness's. Files in it are not
// overwritten.
func Create(dir string, s Settings, key *pki.Key) error {
	if _, err := audit.NewCosigner(s.Name, key, s.Origin, s.Log); err != nil {
		return err
	}
	b, err := json.Marshal(settingsFile{s.Name, s.Origin, s.Log.Point().String()})
	if err != nil {
		return fmt.Errorf("writing the witness's settings: %w", err)
	}
	if err := durable.Mkdir(filepath.Join(dir, seenName), 0o755); err != nil {
		return err
	}
	if err := durable.CreateFile(filepath.Join(dir, KeyName), []byte(key.Public().Point().String()+"\n"), 0o644); err != nil {
		return err
	}
	return durable.CreateFile(filepath.Join(dir, settingsName), append(b, '\n'), 0o644)
}

// maxSettings bounds witness.json in bytes.
const maxSettings = 4096

// Open opens the folder of a witness.
func Open(dir string, key *pki.Key) (*Witness, error) {
	b, err := readLimited(filepath.Join(dir, settingsName), maxSettings)
	if err != nil {
		return nil, fmt.Errorf("opening the witness: %w", err)
	}
	var f settingsFile
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("opening the witness: %s: %w", settingsName, err)
	}
	if d.More() {
		return nil, fmt.Errorf("opening the witness: %s holds more than one value", settingsName)
	}
	point, err := hex.DecodeString(f.Log)
	if err != nil {
		return nil, fmt.Errorf("opening the witness: %s: log: %w", settingsName, err)
	}
	w := &Witness{dir: dir, settings: Settings{Name: f.Name, Origin: f.Origin}}
	if w.settings.Log, err = pki.ParsePoint(point); err != nil {
		return nil, fmt.Errorf("opening the witness: %s: log: %w", settingsName, err)
	}
	if w.cosigner, err = audit.NewCosigner(f.Name, key, f.Origin, w.settings.Log); err != nil {
		return nil, fmt.Errorf("opening the witness: %w", err)
	}
	return w, nil
}

// Settings returns who witnesses which log.
func (w *Witness) Settings() Settings { return w.settings }

// Last returns the checkpoint that was seen last; its Root is nil if there was none.
func (w *Witness) Last() (audit.Checkpoint, error) {
	_, last, err := w.last()
	if err != nil || last == nil {
		return audit.Checkpoint{}, err
	}
	return audit.OpenCheckpoint(last, w.settings.Log)
}

var seenForm = regexp.MustCompile(`^[0-9]{8,20}$`)

// last returns the number and content of the last file in seen, 0 and nil if there
// is none.
func (w *Witness) last() (uint64, []byte, error) {
	entries, err := os.ReadDir(filepath.Join(w.dir, seenName))
	if err != nil {
		return 0, nil, fmt.Errorf("looking for what was seen last: %w", err)
	}
	var highest uint64
	for _, e := range entries {
		if !seenForm.MatchString(e.Name()) {
			continue // a temporary file of a write that was cut off
		}
		n, err := strconv.ParseUint(e.Name(), 10, 64)
		if err != nil {
			return 0, nil, fmt.Errorf("looking for what was seen last: %w", err)
		}
		highest = max(highest, n)
	}
	if highest == 0 {
		return 0, nil, nil
	}
	last, err := readLimited(w.seen(highest), audit.MaxCheckpointSize)
	if err != nil {
		return 0, nil, fmt.Errorf("reading what was seen last: %w", err)
	}
	return highest, last, nil
}

func (w *Witness) seen(n uint64) string {
	return filepath.Join(w.dir, seenName, fmt.Sprintf("%08d", n))
}

// Cosign checks that a checkpoint continues the last one by a consistency proof (nil
// if there was none, or if both are of one size), writes it down, and signs it. It
// refuses with [audit.ErrRolledBack], [audit.ErrSplitView], [audit.ErrCheckpoint] or
// [ErrBusy].
func (w *Witness) Cosign(signed []byte, proof *audit.ConsistencyProof, now time.Time) ([]byte, error) {
	n, last, err := w.last()
	if err != nil {
		return nil, err
	}
	var path [][]byte
	if proof != nil {
		path = proof.Path
	}
	c, err := w.cosigner.Check(last, signed, path)
	if err != nil {
		return nil, err
	}
	var seen audit.Checkpoint
	if last != nil {
		if seen, err = audit.OpenCheckpoint(last, w.settings.Log); err != nil {
			return nil, err
		}
	}
	if last == nil || c.Size > seen.Size {
		err = durable.CreateFile(w.seen(n+1), signed, 0o644)
	} else {
		// The same state again needs no new memory, but the one that there is may
		// be another process's of this moment and not on the disk yet.
		err = durable.SyncDir(filepath.Join(w.dir, seenName))
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrBusy
	}
	if err != nil {
		return nil, fmt.Errorf("writing down what was seen: %w", err)
	}
	return w.cosigner.Cosign(signed, now)
}

func readLimited(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", path, limit)
	}
	return os.ReadFile(path)
}
