package terminal

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/qr/verify"
)

// picture decides on the code in a picture file.
func (t *Terminal) picture(path string) error {
	start := time.Now()
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	if info.Size() > picture.MaxFileSize {
		return t.report(path, t.verifier.Unreadable(verify.CauseNoPicture, fmt.Sprintf("%d bytes", info.Size())))
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	text, err := picture.Read(file)
	if err != nil {
		return t.report(path, t.verifier.Unreadable(pictureCause(err), ""))
	}
	r := t.verifier.Answer(text, t.question)
	r.TookMicros = time.Since(start).Microseconds()
	return t.report(path, r)
}

// pictureCause names why no code was read from a picture.
func pictureCause(err error) verify.CauseCode {
	switch {
	case errors.Is(err, picture.ErrSeveralCodes):
		return verify.CauseSeveralCodes
	case errors.Is(err, picture.ErrNotPicture):
		return verify.CauseNoPicture
	default:
		return verify.CauseNoCode
	}
}
