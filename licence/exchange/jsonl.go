package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/elicence/elicence/licence"
)

// JSONL reads JSON Lines: one application on each line, as [licence.ParseApplication]
// takes it. Empty lines are passed over.
func JSONL(text io.Reader, d Defaults) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		s := bufio.NewScanner(text)
		s.Buffer(make([]byte, bufferSize), maxRow+2)
		line := 0
		for s.Scan() {
			line++
			b := bytes.TrimSpace(s.Bytes())
			if len(b) == 0 {
				continue
			}
			b = bytes.Clone(b)
			row := Row{line, func() (*licence.Application, error) {
				a, err := licence.ParseApplication(b)
				if err != nil {
					return nil, fault("不是申请的 JSON", "%w", err)
				}
				if a.Issuer == "" {
					a.Issuer = d.Issuer
				}
				if a.Holder.IDType == "" {
					a.Holder.IDType = d.IDType
				}
				return a, nil
			}}
			if !yield(row, nil) {
				return
			}
		}
		err := s.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("has more than %d bytes", maxRow)
		}
		if err != nil {
			yield(Row{}, fmt.Errorf("line %d: %w", line+1, err))
		}
	}
}
