package backup

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
)

// Head says what was copied.
type Head struct {
	Made    int64  `cbor:"1,keyasint"` // UTC seconds
	Domain  string `cbor:"2,keyasint"`
	Region  string `cbor:"3,keyasint"`
	Format  uint64 `cbor:"4,keyasint"` // of the store
	LogSize uint64 `cbor:"5,keyasint"` // entries of the audit log
	LogRoot []byte `cbor:"6,keyasint"`
}

// Totals say how much there was.
type Totals struct {
	Files     uint64 `cbor:"1,keyasint" json:"files"`
	Rows      uint64 `cbor:"2,keyasint" json:"rows"`
	Documents uint64 `cbor:"3,keyasint" json:"documents"`
}

// kind is the first byte of an entry.
type kind byte

const (
	kindHead     kind = 'h'
	kindFile     kind = 'f'
	kindTable    kind = 't'
	kindIndex    kind = 'i'
	kindRow      kind = 'r'
	kindDocument kind = 'd'
	kindEnd      kind = 'e'
)

// maxBody bounds one entry, in bytes: a document with its envelope is the largest.
const maxBody = 17 << 20

// Writer writes the content of a backup.
type Writer struct {
	w      *bufio.Writer
	totals Totals
}

// NewWriter begins with the head.
func NewWriter(w io.Writer, h Head) (*Writer, error) {
	out := &Writer{w: bufio.NewWriterSize(w, chunkSize)}
	b, err := detcbor.Marshal(h)
	if err != nil {
		return nil, err
	}
	return out, out.entry(kindHead, b)
}

// entry writes one entry whose body is in parts.
func (w *Writer) entry(k kind, parts ...[]byte) error {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	if size > maxBody {
		return fmt.Errorf("an entry of %d bytes does not go into a backup", size)
	}
	head := binary.AppendUvarint([]byte{byte(k)}, uint64(size))
	for _, p := range append([][]byte{head}, parts...) {
		if _, err := w.w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

func prefixed(b []byte) []byte { return binary.AppendUvarint(nil, uint64(len(b))) }

// File adds a file of the data folder.
func (w *Writer) File(name string, content []byte) error {
	w.totals.Files++
	return w.entry(kindFile, prefixed([]byte(name)), []byte(name), content)
}

// Table begins a table.
func (w *Writer) Table(name string) error { return w.entry(kindTable, []byte(name)) }

// Index begins an index.
func (w *Writer) Index(name string) error { return w.entry(kindIndex, []byte(name)) }

// Row adds a row to the table or index that was begun last.
func (w *Writer) Row(key, value []byte) error {
	w.totals.Rows++
	return w.entry(kindRow, prefixed(key), key, value)
}

// Document adds a document as it lies encrypted in the store, with the id of its name there.
func (w *Writer) Document(id [sm3.Size]byte, object []byte) error {
	w.totals.Documents++
	return w.entry(kindDocument, id[:], object)
}

// Close writes the end. Without it nothing counts.
func (w *Writer) Close() (Totals, error) {
	b, err := detcbor.Marshal(w.totals)
	if err != nil {
		return w.totals, err
	}
	return w.totals, errors.Join(w.entry(kindEnd, b), w.w.Flush())
}

// Content takes what a backup holds, in its order.
type Content interface {
	Head(Head) error
	File(name string, content []byte) error
	Table(name string) error
	Index(name string) error
	// Row is a row of the table or index that began last. The bytes are its own.
	Row(key, value []byte) error
	Document(id [sm3.Size]byte, object []byte) error
}

// Discard is a [Content] of which only the form counts.
type Discard struct{}

// Head implements [Content].
func (Discard) Head(Head) error { return nil }

// File implements [Content].
func (Discard) File(string, []byte) error { return nil }

// Table implements [Content].
func (Discard) Table(string) error { return nil }

// Index implements [Content].
func (Discard) Index(string) error { return nil }

// Row implements [Content].
func (Discard) Row([]byte, []byte) error { return nil }

// Document implements [Content].
func (Discard) Document([sm3.Size]byte, []byte) error { return nil }

// Read reads the content of a backup to its end. It returns an error that wraps
// [ErrDamaged] for what is not such a content, and the taker's as it is.
func Read(r io.Reader, into Content) (Totals, error) {
	c := content{r: bufio.NewReaderSize(r, chunkSize), into: into}
	for !c.ended {
		if err := c.entry(); err != nil {
			return c.totals, err
		}
	}
	if _, err := c.r.ReadByte(); !errors.Is(err, io.EOF) {
		return c.totals, fmt.Errorf("something follows the end: %w", ErrDamaged)
	}
	return c.totals, nil
}

// content is a backup as it is read.
type content struct {
	r       *bufio.Reader
	into    Content
	totals  Totals
	began   bool // the head was read
	inTable bool // a table or an index began
	last    []byte
	ended   bool
}

func (c *content) damaged(what string) error { return fmt.Errorf("%s: %w", what, ErrDamaged) }

// wrapRead keeps a failure of the disk apart from a file that is cut off.
func wrapRead(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it ends too early: %w", ErrDamaged)
	}
	return err
}

func (c *content) entry() error {
	k, err := c.r.ReadByte()
	if err != nil {
		return wrapRead(err)
	}
	size, err := binary.ReadUvarint(c.r)
	if err != nil {
		return wrapRead(err)
	}
	if size > maxBody {
		return c.damaged("an entry is too long")
	}
	// Grown as it is read: the length is a claim until then.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, c.r, int64(size)); err != nil {
		return wrapRead(err)
	}
	return c.take(kind(k), body.Bytes())
}

func (c *content) take(k kind, body []byte) error {
	if c.began == (k == kindHead) {
		return c.damaged("the head is not where it must be")
	}
	switch k {
	case kindHead:
		var h Head
		if err := detcbor.Unmarshal(body, &h); err != nil {
			return fmt.Errorf("head: %w: %w", ErrDamaged, err)
		}
		c.began = true
		return c.into.Head(h)
	case kindFile:
		name, rest, ok := cut(body)
		if !ok || !cleanName(string(name)) {
			return c.damaged("a file's name")
		}
		c.totals.Files++
		return c.into.File(string(name), rest)
	case kindTable:
		c.inTable, c.last = true, nil
		return c.into.Table(string(body))
	case kindIndex:
		c.inTable, c.last = true, nil
		return c.into.Index(string(body))
	case kindRow:
		return c.row(body)
	case kindDocument:
		if len(body) < sm3.Size {
			return c.damaged("a document")
		}
		c.totals.Documents++
		return c.into.Document([sm3.Size]byte(body), body[sm3.Size:])
	case kindEnd:
		var t Totals
		if err := detcbor.Unmarshal(body, &t); err != nil || t != c.totals {
			return c.damaged("the end counts otherwise")
		}
		c.ended = true
		return nil
	default:
		return c.damaged("an unknown entry")
	}
}

// row checks the order, which the engines rely on.
func (c *content) row(body []byte) error {
	key, value, ok := cut(body)
	if !ok || !c.inTable || len(key) == 0 {
		return c.damaged("a row")
	}
	whole := key
	if c.last != nil && bytes.Compare(c.last, whole) > 0 {
		return c.damaged("rows are out of order")
	}
	c.last = whole
	c.totals.Rows++
	return c.into.Row(key, value)
}

// cut parts a prefixed beginning from the rest.
func cut(b []byte) (first, rest []byte, ok bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, false
	}
	return b[used : used+int(n)], b[used+int(n):], true //nolint:gosec // it was compared with the length
}

// cleanName accepts paths that stay below a folder.
func cleanName(name string) bool {
	return name != "" && name == path.Clean(name) && !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../") && !strings.ContainsAny(name, "\\\x00")
}
