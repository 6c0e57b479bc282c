package archive

import (
	"archive/zip"
	"bufio"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// The records of a ZIP file: the local header of an entry (APPNOTE 4.3.7), the data
// descriptor that may follow its data (4.3.9), with or without a signature, with sizes of 4
// or 8 bytes, and the end of the directory (4.3.16).
const (
	localHeader    = 30
	localSignature = 0x04034b50
	endRecord      = 22
	endSignature   = 0x06054b50

	encrypted      = 1 << 0 // flags of an entry (4.4.4)
	describedLater = 1 << 3

	emptyDeflate = 2 // bytes of a DEFLATE stream without content

	extraZIP64 = 0x0001 // extra fields: sizes of 8 bytes (4.5.3)
	extraPath  = 0x7075 // another name in UTF-8 (4.6.9)
)

var descriptors = []int64{0, 12, 16, 20, 24}

var (
	errDirectory = errors.New("the directory does not follow the last entry and end the file, without a comment")
	errBehind    = errors.New("bytes of an entry lie behind its end")
)

// checkLayout holds the local headers to the directory. A reader that goes through the
// file from its beginning must see the same entries as one that starts at the directory.
func checkLayout(r io.ReaderAt, size int64, files []*zip.File) error {
	type placed struct {
		file *zip.File
		data int64 // where the data begins
	}
	order := make([]placed, len(files))
	for i, f := range files {
		data, err := f.DataOffset()
		if err != nil {
			return fmt.Errorf("entry %q: %w", f.Name, err)
		}
		order[i] = placed{f, data}
	}
	slices.SortFunc(order, func(a, b placed) int { return cmp.Compare(a.data, b.data) })
	end := int64(0)         // of the entry before, without its descriptor
	gaps := descriptors[:1] // that may follow
	for _, p := range order {
		if !slices.ContainsFunc(gaps, func(gap int64) bool { return headedAt(r, end+gap, p.data, p.file) }) {
			return fmt.Errorf("entry %q does not follow the one before it with the same header as in the directory", p.file.Name)
		}
		end = p.data + int64(p.file.CompressedSize64) //nolint:gosec // within the file
		if gaps = descriptors; p.file.Flags&describedLater == 0 {
			gaps = descriptors[:1]
		}
	}
	directory, err := directoryOffset(r, size, len(files))
	if err != nil {
		return err
	}
	if !slices.Contains(gaps, directory-end) {
		return errDirectory
	}
	return nil
}

// directoryOffset reads the end of the directory, which must be the last of the file. No
// package that is read here is large enough for ZIP64.
func directoryOffset(r io.ReaderAt, size int64, entries int) (int64, error) {
	var b [endRecord]byte
	if _, err := r.ReadAt(b[:], size-endRecord); err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("end of the directory: %w", err)
	}
	length, offset := int64(binary.LittleEndian.Uint32(b[12:])), int64(binary.LittleEndian.Uint32(b[16:]))
	if binary.LittleEndian.Uint32(b[:]) != endSignature || int(binary.LittleEndian.Uint16(b[10:])) != entries ||
		binary.LittleEndian.Uint16(b[20:]) != 0 || offset+length != size-endRecord {
		return 0, errDirectory
	}
	return offset, nil
}

// headedAt reports whether an entry's local header begins at a place, reaches to its
// data, and says what the directory says.
func headedAt(r io.ReaderAt, at, data int64, f *zip.File) bool {
	if length := data - at; length < localHeader || length > localHeader+2*math.MaxUint16 {
		return false
	}
	b := make([]byte, data-at)
	if _, err := r.ReadAt(b, at); err != nil {
		return false
	}
	name := int64(binary.LittleEndian.Uint16(b[26:]))
	length := int64(binary.LittleEndian.Uint16(b[28:]))
	if binary.LittleEndian.Uint32(b) != localSignature || localHeader+name+length != data-at {
		return false
	}
	flags, extra := binary.LittleEndian.Uint16(b[6:]), b[localHeader+name:]
	return string(b[localHeader:localHeader+name]) == f.Name && binary.LittleEndian.Uint16(b[8:]) == f.Method &&
		flags&encrypted == 0 && flags&describedLater == f.Flags&describedLater &&
		sameName(extra, f.Name) && sameName(f.Extra, f.Name) &&
		(flags&describedLater != 0 || sameSizes(b, extra, f))
}

// sameSizes compares an entry's checksum and sizes in its local header with the directory.
func sameSizes(local, extra []byte, f *zip.File) bool {
	folded, unfolded := uint64(binary.LittleEndian.Uint32(local[18:])), uint64(binary.LittleEndian.Uint32(local[22:]))
	if folded == math.MaxUint32 && unfolded == math.MaxUint32 {
		long := extraFields(extra, extraZIP64)
		if len(long) != 1 || len(long[0]) < 16 {
			return false
		}
		unfolded, folded = binary.LittleEndian.Uint64(long[0]), binary.LittleEndian.Uint64(long[0][8:])
	}
	return binary.LittleEndian.Uint32(local[14:]) == f.CRC32 && folded == f.CompressedSize64 && unfolded == f.UncompressedSize64
}

// sameName reports that an entry has no other name for readers that look at extra fields.
func sameName(extra []byte, name string) bool {
	const before = 5 // a version and a checksum
	return !slices.ContainsFunc(extraFields(extra, extraPath), func(other []byte) bool {
		return len(other) < before || string(other[before:]) != name
	})
}

// extraFields returns the extra fields of a kind.
func extraFields(extra []byte, kind uint16) [][]byte {
	var found [][]byte
	for len(extra) >= 4 {
		length := 4 + int(binary.LittleEndian.Uint16(extra[2:]))
		if length > len(extra) {
			break
		}
		if binary.LittleEndian.Uint16(extra) == kind {
			found = append(found, extra[4:length])
		}
		extra = extra[length:]
	}
	return found
}

// unfold reads a DEFLATE stream that must fill its entry: behind its end, where one reader
// looks for nothing, another goes on with the next entry.
func unfold(r io.Reader) io.ReadCloser {
	folded := bufio.NewReader(r)
	return &unfolding{folded, flate.NewReader(folded)}
}

type unfolding struct {
	folded *bufio.Reader
	io.ReadCloser
}

func (u *unfolding) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if err != io.EOF {
		return n, err
	}
	switch _, more := u.folded.ReadByte(); more {
	case io.EOF:
		return n, io.EOF
	case nil:
		return n, errBehind
	default:
		return n, more
	}
}
