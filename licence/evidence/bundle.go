package evidence

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/memfs"
	"github.com/elicence/elicence/licence"
)

// Names of the two files that bind the others.
const (
	ManifestName = "manifest.cbor"
	StampName    = "manifest.tst"
)

// Names of the other files, beside [ReadmeName].
const (
	LicenceName        = "licence.cose" // the signed form
	PagesName          = "licence.pdf"  // unless the licence had ended
	CertificatesFolder = "certificates/"
	IssuerName         = CertificatesFolder + "issuer.pem" // of the key that signed the licence
	TrustFolder        = "trust"                           // for [Bundle.Folder]
	LogFolder          = "log/"                            // proofs of entries of the audit log
	WitnessFolder      = "witness/"                        // NAME.cose and NAME.consistency
	WitnessSuffix      = ".cose"                           // a cosigned checkpoint
	ConsistencySuffix  = ".consistency"                    // the way from it to the checkpoint of the proofs
	FormatsFolder      = "formats/"
)

// Limits of a bundle.
const (
	MaxSize     = 512 << 20 // bytes of the archive
	MaxFiles    = 4096
	maxName     = 120     // bytes
	maxManifest = 1 << 20 // bytes
	maxStamp    = 64 << 10
)

// formatName is the first item of a manifest.
const formatName = "elicence/evidence/1"

// Errors that callers decide on.
var (
	// ErrForm: the archive is not in the one accepted form, or its manifest is not.
	ErrForm = errors.New("not an evidence bundle in its one form")
	// ErrContent: a file is not what the manifest says, or one is missing or too many.
	ErrContent = errors.New("the bundle's files are not those of its manifest")
	// ErrNoIssueEntry: the audit log does not have what it must have.
	ErrNoIssueEntry = errors.New("the audit log has no entry of its issue")
)

// File is one file of a bundle.
type File struct {
	Name string // letters, digits, '.', '_' and '-', in folders by '/'
	Data []byte
}

// Manifest says what a bundle holds.
type Manifest struct {
	_       struct{} `cbor:",toarray"`
	Format  string   // elicence/evidence/1
	MadeAt  int64    // by the service's clock, UTC seconds
	Licence string   // identifier
	Files   []Entry  // ascending by name
}

// Entry names one file in a manifest.
type Entry struct {
	_      struct{} `cbor:",toarray"`
	Name   string
	Length uint64
	SM3    [sm3.Size]byte
}

// Bundle is a bundle whose files are those of its manifest. Whether anybody has stamped
// it, and whether it is true, is not said.
type Bundle struct {
	Manifest Manifest
	Files    []File // ascending by name
	Stamp    []byte // the token over the manifest's bytes
	manifest []byte
	undated  bool // read from an archive of before entries were dated
}

// New lists files in a manifest. The stamp is for the caller to add.
func New(id licence.Identifier, at time.Time, files []File) (*Bundle, error) {
	b := &Bundle{Manifest: Manifest{Format: formatName, MadeAt: at.Unix(), Licence: id.String()}}
	b.Files = slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range b.Files {
		b.Manifest.Files = append(b.Manifest.Files, Entry{Name: f.Name, Length: uint64(len(f.Data)), SM3: sm3.Sum(f.Data)})
	}
	var err error
	if b.manifest, err = detcbor.Marshal(b.Manifest); err != nil {
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("making an evidence bundle: %w", err)
	}
	return b, nil
}

// Digest returns SM3 of the manifest, which the time stamp is over.
func (b *Bundle) Digest() [sm3.Size]byte { return sm3.Sum(b.manifest) }

// File returns a file's content, nil if there is none of this name.
func (b *Bundle) File(name string) []byte {
	i, found := slices.BinarySearchFunc(b.Files, name, func(f File, name string) int { return strings.Compare(f.Name, name) })
	if !found {
		return nil
	}
	return b.Files[i].Data
}

// Folder returns the files below a folder under their names within it.
func (b *Bundle) Folder(name string) fs.FS {
	files := make(memfs.FS)
	for _, f := range b.Files {
		if inside, ok := strings.CutPrefix(f.Name, name+"/"); ok {
			files[inside] = f.Data
		}
	}
	return files
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

// check holds the manifest against the files and both against the limits.
func (b *Bundle) check() error {
	m := b.Manifest
	if m.Format != formatName || m.MadeAt < 0 || len(m.Files) > MaxFiles || len(b.manifest) > maxManifest {
		return fmt.Errorf("manifest: %w", ErrForm)
	}
	if _, err := licence.ParseIdentifier(m.Licence); err != nil {
		return fmt.Errorf("manifest: %w: %w", ErrForm, err)
	}
	if len(m.Files) != len(b.Files) {
		return fmt.Errorf("%d files, the manifest names %d: %w", len(b.Files), len(m.Files), ErrContent)
	}
	last := ""
	for i, e := range m.Files {
		f := b.Files[i]
		switch {
		case len(e.Name) > maxName || !nameForm.MatchString(e.Name) || e.Name == ManifestName || e.Name == StampName:
			return fmt.Errorf("manifest: name of file %d: %w", i, ErrForm)
		case e.Name <= last:
			return fmt.Errorf("manifest: %s is not in its place: %w", e.Name, ErrForm)
		case e.Name != f.Name:
			return fmt.Errorf("%s stands where the manifest has %s: %w", f.Name, e.Name, ErrContent)
		case e.Length != uint64(len(f.Data)) || e.SM3 != sm3.Sum(f.Data):
			return fmt.Errorf("%s was changed: %w", e.Name, ErrContent)
		}
		last = e.Name
	}
	return nil
}

// Marshal writes the archive.
func (b *Bundle) Marshal() ([]byte, error) {
	if len(b.Stamp) == 0 || len(b.Stamp) > maxStamp {
		return nil, errors.New("writing an evidence bundle: it is not stamped")
	}
	at := dosTimeOf(b.Manifest.MadeAt)
	if b.undated {
		at = dosTime{}
	}
	return pack(append([]File{{ManifestName, b.manifest}, {StampName, b.Stamp}}, b.Files...), at)
}

// zipVersion is the version needed to extract stored files in folders.
const zipVersion = 20

// dosTime is a time as ZIP has it: in the years 1980 to 2107, to two seconds, in no time
// zone; ours are UTC. The zero value is no time, which archives of before had.
type dosTime struct{ date, time uint16 }

// dosTimeOf returns the time of UTC seconds, or the next one that there is.
func dosTimeOf(seconds int64) dosTime {
	t := time.Unix(seconds, 0).UTC()
	if first := time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC); t.Before(first) {
		t = first
	}
	if last := time.Date(2107, time.December, 31, 23, 59, 58, 0, time.UTC); t.After(last) {
		t = last
	}
	return dosTime{
		date: uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day()), //nolint:gosec // seven bits of years
		time: uint16(t.Hour()<<11 | t.Minute()<<5 | t.Second()>>1),     //nolint:gosec // five bits of hours
	}
}

// pack writes files as a ZIP archive in the one accepted form, all with one time.
func pack(files []File, at dosTime) ([]byte, error) {
	size := 22 // end of the central directory
	for _, f := range files {
		size += 30 + 46 + 2*len(f.Name) + len(f.Data)
	}
	if size > MaxSize {
		return nil, fmt.Errorf("an evidence bundle of %d bytes, at most %d are written", size, MaxSize)
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	w := zip.NewWriter(out)
	for _, f := range files {
		header := &zip.FileHeader{
			Name: f.Name, Method: zip.Store, CreatorVersion: zipVersion, ReaderVersion: zipVersion, CRC32: crc32.ChecksumIEEE(f.Data),
			CompressedSize64: uint64(len(f.Data)), UncompressedSize64: uint64(len(f.Data)),
			// Modified, which they are deprecated for, is not written raw, and would add an extra field.
			//lint:ignore SA1019 see above
			ModifiedDate: at.date, ModifiedTime: at.time,
		}
		entry, err := w.CreateRaw(header)
		if err != nil {
			return nil, fmt.Errorf("writing an evidence bundle: %w", err)
		}
		if _, err := entry.Write(f.Data); err != nil {
			return nil, fmt.Errorf("writing an evidence bundle: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing an evidence bundle: %w", err)
	}
	return out.Bytes(), nil
}

// Looks reports whether a file says of itself that it is a bundle: an archive whose first
// file is the manifest.
func Looks(archive []byte) bool {
	const nameAt = 30 // in a local file header
	return bytes.HasPrefix(archive, []byte("PK\x03\x04")) && len(archive) > nameAt && bytes.HasPrefix(archive[nameAt:], []byte(ManifestName))
}

// Parse reads an archive. The error wraps [ErrForm] or [ErrContent].
func Parse(archive []byte) (*Bundle, error) {
	files, at, err := unpack(archive)
	if err != nil {
		return nil, err
	}
	b := &Bundle{manifest: files[0].Data, Stamp: files[1].Data, Files: files[2:]}
	if len(b.manifest) > maxManifest || len(b.Stamp) > maxStamp {
		return nil, fmt.Errorf("manifest or stamp is too long: %w", ErrForm)
	}
	if err := detcbor.Unmarshal(b.manifest, &b.Manifest); err != nil {
		return nil, fmt.Errorf("manifest: %w: %w", ErrForm, err)
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	b.undated = at == dosTime{}
	if !b.undated && at != dosTimeOf(b.Manifest.MadeAt) {
		return nil, fmt.Errorf("its files have another time than its manifest: %w", ErrForm)
	}
	return b, nil
}

// unpack reads an archive in the one accepted form, and the time of its entries: what it is
// not, pack would not have written.
func unpack(archive []byte) ([]File, dosTime, error) {
	var at dosTime
	if len(archive) > MaxSize {
		return nil, at, fmt.Errorf("%d bytes, at most %d are read: %w", len(archive), MaxSize, ErrForm)
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, at, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if n := len(r.File); n < 2 || n > MaxFiles+2 || r.File[0].Name != ManifestName || r.File[1].Name != StampName {
		return nil, at, fmt.Errorf("it does not begin with %s and %s: %w", ManifestName, StampName, ErrForm)
	}
	at = dosTime{r.File[0].ModifiedDate, r.File[0].ModifiedTime}
	files := make([]File, 0, len(r.File))
	room := uint64(len(archive))
	for _, entry := range r.File {
		if entry.Method != zip.Store || entry.CompressedSize64 != entry.UncompressedSize64 || entry.UncompressedSize64 > room {
			return nil, at, fmt.Errorf("%.120q is compressed, or longer than the archive: %w", entry.Name, ErrForm)
		}
		room -= entry.UncompressedSize64
		data, err := content(entry)
		if err != nil {
			return nil, at, fmt.Errorf("%.120q: %w: %w", entry.Name, ErrForm, err)
		}
		files = append(files, File{entry.Name, data})
	}
	again, err := pack(files, at)
	if err != nil {
		return nil, at, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if !bytes.Equal(archive, again) {
		return nil, at, fmt.Errorf("something beside its files: %w", ErrForm)
	}
	return files, at, nil
}

func content(entry *zip.File) ([]byte, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(entry.UncompressedSize64)+1)) //nolint:gosec // not more than the archive has
	return data, errors.Join(err, r.Close())
}
