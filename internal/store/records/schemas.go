package records

import (
	"fmt"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// Schemas is the setting that says which schema the licences of a category have that are
// issued from now on: [EncodeSchemas]. A licence by another one is refused in the
// transaction that would store it, so that no node goes on by a catalogue of before.
const Schemas = "catalogue.schemas"

// EncodeSchemas is the value of [Schemas]: the schema numbers of the categories that were
// ever changed. The others have the one that every node has.
func EncodeSchemas(numbers map[catalogue.ID]int) ([]byte, error) { return detcbor.Marshal(numbers) }

// schemas are the numbers of the categories that were changed.
type schemas map[catalogue.ID]int

func readSchemas(tx kv.Tx) (schemas, error) {
	var all schemas
	if _, err := get(tx.Table(tableMeta), settingKey(Schemas), &all); err != nil {
		return nil, fmt.Errorf("the schemas of categories: %w", err)
	}
	return all, nil
}

// check refuses a licence by another schema than that of its category.
func (s schemas) check(l *licence.Licence) error {
	if now, changed := s[l.Category]; changed && now != l.Schema {
		return fmt.Errorf("category %s has schema %d, the licence has %d: %w", l.Category, now, l.Schema, licence.ErrSchema)
	}
	return nil
}
