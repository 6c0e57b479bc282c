package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Source has the files of a cache under their names: "time", "1.root", "set/…".
type Source interface {
	// String names the source for people, without anything secret.
	String() string
	// Open begins to read a file. What is not there is [ErrMissing]; a source that
	// cannot be asked, [ErrUnreachable].
	Open(ctx context.Context, name string, w Wanted) (*Content, error)
}

// Wanted says what of a file is wanted.
type Wanted struct {
	// Offset is where to begin; a source may begin at 0 all the same.
	Offset int64
	// Limit is how many bytes the whole file may have.
	Limit int64
	// Known says which state of the file is there already.
	Known Tag
}

// Tag marks a state of a file at one source, as HTTP's validators do (RFC 9110, 8.8).
type Tag struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// Content is a file that is being read.
type Content struct {
	io.ReadCloser
	Offset    int64 // of the first byte
	Tag       Tag
	Unchanged bool // it is the one that is known: there is nothing to read
}

// Errors of sources.
var (
	// ErrUnreachable: the source does not answer, breaks off, or is too slow.
	ErrUnreachable = errors.New("cannot be reached")
	// ErrMissing: the source does not have the file.
	ErrMissing = errors.New("is not there")
	// ErrTooLarge: a file has more bytes than it may.
	ErrTooLarge = errors.New("is larger than it may be")
	// ErrAnswer: the source answers in a way that is not accepted.
	ErrAnswer = errors.New("an answer that is not accepted")
)

// bounded fails with [ErrTooLarge] where a file is longer than its limit, instead of
// ending as if it were whole.
type bounded struct {
	io.ReadCloser
	left int64
	name string
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("%s: %w", b.name, ErrTooLarge)
	}
	return n, err
}

// readAll reads a small file whole. Unchanged content gives nil.
func readAll(ctx context.Context, s Source, name string, w Wanted) ([]byte, Tag, error) {
	c, err := s.Open(ctx, name, w)
	if err != nil {
		return nil, Tag{}, err
	}
	defer c.Close()
	if c.Unchanged {
		return nil, c.Tag, nil
	}
	b, err := io.ReadAll(c)
	if err != nil {
		return nil, Tag{}, err
	}
	return b, c.Tag, nil
}
