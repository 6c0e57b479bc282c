package bilingual_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/elicence/elicence/internal/bilingual"
)

func TestText(t *testing.T) {
	t.Parallel()
	gone := bilingual.New("没有该证照", "no such licence")
	other := bilingual.New("没有该证照", "no such licence")
	if errors.Is(gone, other) {
		t.Error("two errors of the same words are one")
	}
	wrapped := fmt.Errorf("changing licence 1: %w", gone)
	if !errors.Is(wrapped, gone) {
		t.Error("it is not found behind a prefix")
	}
	closer := bilingual.Wrap("证照 1 已不存在", wrapped)
	if !errors.Is(closer, gone) {
		t.Error("it is not found behind a closer sentence")
	}
	plain := errors.New("disk is full")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{gone, "没有该证照 no such licence"},
		{wrapped, "没有该证照 changing licence 1: no such licence"},
		{closer, "证照 1 已不存在 changing licence 1: no such licence"},
		{fmt.Errorf("now: %w", closer), "证照 1 已不存在 now: changing licence 1: no such licence"},
		{plain, "disk is full"},
		{fmt.Errorf("%w: %w", plain, gone), "没有该证照 disk is full: no such licence"},
		{fmt.Errorf("%w: %w", bilingual.New("已变更", "changed"), gone), "已变更 changed: no such licence"},
	} {
		if got := bilingual.Text(tt.err); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
