package exchange

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
)

// Encoding is how the text of a file is written.
type Encoding string

// The encodings. Auto is UTF-8 where the file is UTF-8 throughout, else GB18030 where it
// is that.
const (
	Auto    Encoding = "auto"
	UTF8    Encoding = "utf-8"
	GB18030 Encoding = "gb18030"
)

// Errors that callers decide on.
var (
	// ErrEncoding: the file is in neither encoding throughout.
	ErrEncoding = bilingual.New("文件编码既不是 UTF-8 也不是 GB18030", "neither UTF-8 nor GB18030")
	// ErrChanged: the file is not what it was when it was opened.
	ErrChanged = bilingual.New("读取时文件已变更", "the file has changed while it was read")
	// ErrNotFile: pipes and devices cannot be read twice.
	ErrNotFile = bilingual.New("不是普通文件", "not a regular file")
)

// Source is an open file of applications.
type Source struct {
	// Digest is SM3 over the bytes of the file.
	Digest   [sm3.Size]byte
	Size     int64 // bytes
	Encoding Encoding

	file durable.File
	info fs.FileInfo
	read counter
}

// Open opens a file and reads it to the end, to know its digest and its encoding. An
// encoding that is not [Auto] is not guessed, but checked all the same.
func Open(ctx context.Context, files durable.Files, path string, e Encoding) (*Source, error) {
	file, err := files.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	s := &Source{file: file, Encoding: e}
	if err := s.scan(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return s, nil
}

// Close closes the file.
func (s *Source) Close() error { return s.file.Close() }

// Unchanged says whether the file still is what was opened, by its length and the time of
// its last change. The error wraps [ErrChanged].
func (s *Source) Unchanged() error {
	now, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("looking at the file: %w", err)
	}
	if now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime()) {
		return ErrChanged
	}
	return nil
}

// Read returns how many bytes of the file the reader of [Source.Text] has taken.
func (s *Source) Read() int64 { return s.read.n.Load() }

// Text returns the text of the file in UTF-8, without a byte order mark, from the
// beginning.
func (s *Source) Text() (io.Reader, error) {
	// More than was there at first is read too, and [Source.Unchanged] tells.
	s.read.r = io.NewSectionReader(s.file, 0, math.MaxInt64)
	s.read.n.Store(0)
	if s.Encoding == GB18030 {
		return bufio.NewReaderSize(transform.NewReader(&s.read, simplifiedchinese.GB18030.NewDecoder()), bufferSize), nil
	}
	r := bufio.NewReaderSize(&s.read, bufferSize)
	if head, err := r.Peek(len(byteOrderMark)); err == nil && bytes.Equal(head, byteOrderMark) {
		if _, err := r.Discard(len(byteOrderMark)); err != nil {
			return nil, fmt.Errorf("reading the file: %w", err)
		}
	}
	return r, nil
}

const bufferSize = 256 << 10

var byteOrderMark = []byte("\ufeff")

// scan reads the file to the end.
func (s *Source) scan(ctx context.Context) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return ErrNotFile
	}
	s.info, s.Size = info, info.Size()
	head := make([]byte, 2)
	if n, err := s.file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	} else if head = head[:n]; bytes.Equal(head, []byte{0xff, 0xfe}) || bytes.Equal(head, []byte{0xfe, 0xff}) {
		return fmt.Errorf("it is UTF-16; save it as CSV UTF-8: %w", ErrEncoding)
	}
	digest, census := sm3.New(), census{line: 1}
	if err := s.each(ctx, func(b []byte) {
		digest.Write(b)
		census.add(b)
	}); err != nil {
		return err
	}
	census.end()
	digest.Sum(s.Digest[:0])
	if err := s.Unchanged(); err != nil {
		return err
	}
	valid := census.invalid == 0
	switch {
	case valid && s.Encoding != GB18030:
		s.Encoding = UTF8
		return nil
	case s.Encoding == UTF8 || s.Encoding == Auto && census.mostlyUTF8():
		return fmt.Errorf("it is not UTF-8 in line %d: %w", census.firstLine, ErrEncoding)
	}
	s.Encoding = GB18030
	return s.scanGB18030(ctx)
}

// scanGB18030 refuses a file of which the decoder would replace anything.
func (s *Source) scanGB18030(ctx context.Context) error {
	text, err := s.Text()
	if err != nil {
		return err
	}
	r := bufio.NewReaderSize(text, bufferSize)
	for line, n := 1, 0; ; n++ {
		if n%bufferSize == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		switch c, _, err := r.ReadRune(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the file: %w", err)
		case c == utf8.RuneError:
			return fmt.Errorf("it is neither UTF-8 nor GB18030 in line %d: %w", line, ErrEncoding)
		case c == '\n':
			line++
		}
	}
}

// each calls f with the bytes of the file, piece by piece.
func (s *Source) each(ctx context.Context, f func([]byte)) error {
	buffer := make([]byte, bufferSize)
	for at := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := s.file.ReadAt(buffer, at)
		f(buffer[:n])
		at += int64(n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the file: %w", err)
		}
	}
}
