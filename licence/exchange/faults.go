package exchange

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/licence"
)

// FaultFile is the file of what is wrong with the lines of another: CSV in UTF-8 with a
// byte order mark, because its first readers are spreadsheets, with the columns line,
// field and reason. It is made when there is a first fault.
type FaultFile struct {
	files durable.Files
	path  string
	file  durable.File // nil: there is none yet
	size  int64
}

// faultHeader begins the file.
const faultHeader = "\ufeffline,field,reason\n"

// ErrFaultsLost says that a faults file is shorter than it was.
var ErrFaultsLost = errors.New("faults that were written are no longer in the file")

// OpenFaults opens the file for what comes behind its first size bytes, which were written
// before; what follows them is cut off. With size 0 a file of an earlier run is removed.
// [ErrFaultsLost] tells that the first bytes are gone: the file is begun anew.
func OpenFaults(files durable.Files, path string, size int64) (*FaultFile, error) {
	f := &FaultFile{files: files, path: path}
	info, err := files.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if size > 0 {
			return f, ErrFaultsLost
		}
		return f, nil
	case err != nil:
		return nil, fmt.Errorf("opening the faults file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("opening the faults file: %s %w", path, durable.ErrNotFile)
	case size == 0 || info.Size() < size:
		if err := files.Remove(path); err != nil {
			return nil, fmt.Errorf("removing an old faults file: %w", err)
		}
		if size > 0 {
			return f, ErrFaultsLost
		}
		return f, nil
	}
	f.file, err = files.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the faults file: %w", err)
	}
	f.size = size
	if err := f.file.Truncate(size); err != nil {
		return nil, errors.Join(fmt.Errorf("cutting the faults file: %w", err), f.file.Close())
	}
	return f, nil
}

// Append writes faults of a line behind the others. They are on the disk after
// [FaultFile.Sync].
func (f *FaultFile) Append(line int, faults ...licence.Fault) error {
	if len(faults) == 0 {
		return nil
	}
	if f.file == nil {
		if err := f.begin(); err != nil {
			return err
		}
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	for _, fault := range faults {
		if err := w.Write([]string{strconv.Itoa(line), inert(fault.Field), inert(fault.Text())}); err != nil {
			return fmt.Errorf("writing the faults file: %w", err)
		}
	}
	w.Flush()
	return f.write(b.String())
}

func (f *FaultFile) begin() error {
	var err error
	if f.file, err = f.files.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return fmt.Errorf("making the faults file: %w", err)
	}
	if err := f.write(faultHeader); err != nil {
		return err
	}
	return f.files.SyncDir(filepath.Dir(f.path))
}

func (f *FaultFile) write(s string) error {
	n, err := io.WriteString(io.NewOffsetWriter(f.file, f.size), s)
	if err != nil {
		return fmt.Errorf("writing the faults file: %w", err)
	}
	f.size += int64(n)
	return nil
}

// Sync brings what was written to the disk and returns the size of the file, in bytes.
func (f *FaultFile) Sync() (int64, error) {
	if f.file == nil {
		return 0, nil
	}
	if err := f.file.Sync(); err != nil {
		return 0, fmt.Errorf("syncing the faults file: %w", err)
	}
	return f.size, nil
}

// Close closes the file.
func (f *FaultFile) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// inert keeps a spreadsheet from taking a text for a formula, which may send away what
// stands beside it.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
