package datafolder

import (
	"context"
	"fmt"

	"github.com/elicence/elicence/internal/bilingual"
)

// ErrMoved says that the records were moved to another database, and that nobody may
// write to these any more.
var ErrMoved = bilingual.New("记录已迁移到另一数据库", "the records were moved to another database")

// MovedSetting is the setting of a store that was moved away: where to, in the words of
// [StoreWords].
const MovedSetting = "moved"

// StoreWords says what kind of database an address names. Nothing of the address itself
// is in it, as there may be a password.
func StoreWords(address string) string {
	if address == "" {
		return "the file in the data folder"
	}
	return "a PostgreSQL database"
}

// checkMoved refuses a store that was moved away.
func (f *Folder) checkMoved(ctx context.Context) error {
	to, err := f.Records.Setting(ctx, MovedSetting)
	if err != nil || to == nil {
		return err
	}
	return fmt.Errorf("they are in %s now: %w", to, ErrMoved)
}
