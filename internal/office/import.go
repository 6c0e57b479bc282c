package office

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// Import is a file of applications that shall become licences.
type Import struct {
	Category catalogue.ID
	Path     string   // absolute
	Digest   [32]byte // SM3 of the file
	Sense    string   // whatever else decides what its lines mean, such as defaults
	// Rows returns the applications of the file from its beginning.
	Rows func() iter.Seq2[BulkItem, error]
	// Unchanged says whether the file still has the digest.
	Unchanged func() error
	// Faults opens the place for what is wrong with lines, keeping its first size bytes.
	Faults   func(size int64) (FaultLog, error)
	ReadFile func(path string) ([]byte, error) // see [IssueOptions]
	Size     int                               // see [BulkOptions]
	DryRun   bool
	// Progress is told of every batch when it is stored; nil: nobody is.
	Progress func(ImportReport)
}

// FaultLog takes what is wrong with lines.
type FaultLog interface {
	Append(line int, faults ...licence.Fault) error
	// Sync brings it to the disk and returns its size.
	Sync() (int64, error)
	Close() error
}

// ImportReport tells how far an import has come.
type ImportReport struct {
	ResumedAfter int // line behind which an earlier run had stopped; 0: it began with this run
	Last         int // line that was dealt with last
	Done         int // lines of this run
	Issued       int // of all runs
	Faulty       int // lines with faults, of all runs
	Finished     bool
	Before       bool // it had been finished before this run
}

// Errors of imports.
var (
	// ErrImportChanged: an import of another content of this file is not finished.
	ErrImportChanged = bilingual.New("文件与已开始导入的不同", "the file is not the one whose import was begun")
	// ErrImportElsewhere: somebody else is at the same import.
	ErrImportElsewhere = bilingual.New("该文件正由另一进程导入", "another process is importing this file")
)

// importState is how far an import has come, stored with the licences of each batch: the
// register itself knows which lines have become licences, so none becomes two.
type importState struct {
	Last   int   `json:"last"`
	Issued int   `json:"issued"`
	Faulty int   `json:"faulty"`
	Size   int64 `json:"faults_size"` // of the fault log, with all but Refused
	// Refused are the faults of the last batch that only its transaction has found. They
	// may not have reached the fault log.
	Refused  []LineFault `json:"refused,omitempty"`
	Finished bool        `json:"finished,omitempty"`
}

// Names of settings.
const (
	importSetting = "import."      // and the import's name: its state
	importOf      = "import.path." // and SM3 of a path: the name of the last import from there
)

// name is the same for the same import only, wherever the file lies.
func (i *Import) name() string {
	sum := sm3.Sum(fmt.Appendf(i.Digest[:], "%s\n%s", i.Category, i.Sense))
	return hex.EncodeToString(sum[:16])
}

// Import issues the licences of a file, each line once and only once: a run that was cut
// off, anywhere, is continued by the next one with the same file. A line with faults
// becomes no licence and goes to the fault log; the others do not wait for it.
func (o *Office) Import(ctx context.Context, actor string, i Import) (ImportReport, error) {
	if i.DryRun {
		return o.tryImport(ctx, actor, i)
	}
	r := &importRun{Import: i, office: o, setting: importSetting + i.name()}
	// A run whose terminal was killed may still have a batch under way here.
	done, err := o.importing.take(ctx, r.setting)
	if err != nil {
		return ImportReport{}, err
	}
	defer done()
	if err := r.begin(ctx, actor); err != nil {
		return ImportReport{}, err
	}
	if r.state.Finished {
		r.report.Before, r.report.Finished = true, true
		return r.report, nil
	}
	if r.faults, err = i.Faults(r.state.Size); err != nil {
		return r.report, err
	}
	err = r.run(ctx, actor)
	return r.report, errors.Join(err, r.faults.Close())
}

// tryImport is Import that changes nothing.
func (o *Office) tryImport(ctx context.Context, actor string, i Import) (ImportReport, error) {
	r := &importRun{Import: i, office: o}
	var err error
	if r.faults, err = i.Faults(0); err != nil {
		return r.report, err
	}
	err = o.IssueAll(ctx, actor, i.Rows(), BulkOptions{ReadFile: i.ReadFile, Size: i.Size, DryRun: true, Stored: func(b BulkBatch) error {
		r.report.Issued += b.Passed
		if err := r.write(append(b.Invalid, b.Refused...)); err != nil {
			return err
		}
		return r.progress(b)
	}})
	r.report.Finished = err == nil
	return r.report, errors.Join(err, r.faults.Close())
}

// importRun is one run of an import.
type importRun struct {
	Import
	office  *Office
	setting string
	stored  []byte // the state as it is stored
	state   importState
	next    []byte // the state that the transaction under way stores
	faults  FaultLog
	report  ImportReport
}

// begin finds out how far the import has come, and records that it begins.
func (r *importRun) begin(ctx context.Context, actor string) error {
	path := sm3.Sum([]byte(r.Path))
	place := importOf + hex.EncodeToString(path[:])
	there, err := r.office.store.Setting(ctx, place)
	if err != nil {
		return err
	}
	if last := importSetting + string(there); there != nil && last != r.setting {
		_, state, err := r.office.importState(ctx, last)
		if err != nil {
			return err
		}
		if !state.Finished {
			return fmt.Errorf("%s: its import stopped behind line %d: %w", r.Path, state.Last, ErrImportChanged)
		}
	}
	if r.stored, r.state, err = r.office.importState(ctx, r.setting); err != nil {
		return err
	}
	r.report = ImportReport{ResumedAfter: r.state.Last, Last: r.state.Last, Issued: r.state.Issued, Faulty: r.state.Faulty}
	if r.stored != nil {
		return nil
	}
	if r.stored, err = json.Marshal(r.state); err != nil {
		return err
	}
	entry, err := audit.NewRecord(audit.Entry{
		Time: r.office.now().Unix(), Actor: actor, Act: audit.ActLicenceImport, Subject: r.Category.String(), Digest: r.Digest[:],
	}, nil)
	if err != nil {
		return err
	}
	return r.office.store.PutSettings(ctx, map[string][]byte{r.setting: r.stored, place: []byte(r.name())}, entry)
}

// importState returns an import's state as it is stored, nil if it never began.
func (o *Office) importState(ctx context.Context, setting string) ([]byte, importState, error) {
	var state importState
	// A state that says "finished" is told to the caller: it must be as durable as that.
	b, err := o.store.ConfirmSetting(ctx, setting)
	if err != nil || b == nil {
		return nil, state, err
	}
	if err := json.Unmarshal(b, &state); err != nil {
		return nil, state, fmt.Errorf("reading how far the import has come: %w", err)
	}
	return b, state, nil
}

func (r *importRun) run(ctx context.Context, actor string) error {
	// What the last transaction refused may not have been written.
	if err := r.write(r.state.Refused); err != nil {
		return err
	}
	err := r.office.IssueAll(ctx, actor, r.remaining(), BulkOptions{ReadFile: r.ReadFile, Size: r.Size, Before: r.before, Mark: r.mark, Stored: r.after})
	if errors.Is(err, ErrSuperseded) {
		err = errors.Join(ErrImportElsewhere, err)
	}
	if err != nil {
		return err
	}
	return r.finish(ctx)
}

// remaining are the rows that earlier runs have not dealt with.
func (r *importRun) remaining() iter.Seq2[BulkItem, error] {
	done := r.state.Last
	return func(yield func(BulkItem, error) bool) {
		for row, err := range r.Rows() {
			if err == nil && row.Line <= done {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// before writes the faults that a batch has in itself, before its transaction.
func (r *importRun) before(b BulkBatch) error {
	if err := r.Unchanged(); err != nil {
		return err
	}
	if err := r.write(b.Invalid); err != nil {
		return err
	}
	size, err := r.faults.Sync()
	r.state.Size = size
	return err
}

// mark is the state that is stored with a batch.
func (r *importRun) mark(b BulkBatch, refused func(map[int]error) []LineFault) *Mark {
	return &Mark{Name: r.setting, Before: r.stored, After: func(errs map[int]error) ([]byte, error) {
		next := r.state
		next.Refused = refused(errs)
		next.Last, next.Faulty = b.Last, r.state.Faulty+b.Faulty+len(errs)
		next.Issued += b.Passed - len(errs)
		var err error
		r.next, err = json.Marshal(next)
		return r.next, err
	}}
}

// after takes over what a transaction has stored.
func (r *importRun) after(b BulkBatch) error {
	r.stored = r.next
	r.state = importState{}
	if err := json.Unmarshal(r.stored, &r.state); err != nil {
		return err
	}
	r.report.Issued = r.state.Issued
	if err := r.write(b.Refused); err != nil {
		return err
	}
	return r.progress(b)
}

func (r *importRun) progress(b BulkBatch) error {
	r.report.Last = b.Last
	r.report.Done += b.Lines
	r.report.Faulty += b.Faulty
	if r.Progress != nil {
		r.Progress(r.report)
	}
	return nil
}

func (r *importRun) write(faults []LineFault) error {
	for _, f := range faults {
		if err := r.faults.Append(f.Line, f.Fault); err != nil {
			return err
		}
	}
	return nil
}

// finish records that the file is dealt with.
func (r *importRun) finish(ctx context.Context) error {
	size, err := r.faults.Sync()
	if err != nil {
		return err
	}
	r.state.Size, r.state.Refused, r.state.Finished = size, nil, true
	done, err := json.Marshal(r.state)
	if err != nil {
		return err
	}
	if _, err := r.office.store.IssueMarked(ctx, nil, &Mark{Name: r.setting, Before: r.stored, After: func(map[int]error) ([]byte, error) { return done, nil }}); err != nil {
		return err
	}
	r.report.Finished = true
	return nil
}
