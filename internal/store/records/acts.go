package records

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/cloudsign"
)

var (
	_ seal.Register    = (*Store)(nil)
	_ cloudsign.Ledger = (*Store)(nil)
)

// ErrExists says that a record with this key is there already.
var ErrExists = bilingual.New("已存在", "it exists already")

// authority is the value of the table authorities.
type authority struct {
	Authority   licence.Authority `json:"authority"`
	Point       []byte            `json:"point"`
	Certificate []byte            `json:"certificate"`
}

// AddAuthority stores a new issuing authority.
func (s *Store) AddAuthority(ctx context.Context, a licence.Authority, entry audit.Record) error {
	v, err := json.Marshal(authority{a, a.Point[:], a.Certificate})
	if err != nil {
		return fmt.Errorf("storing authority %s: %w", a.USCC, err)
	}
	err = s.db.Update(ctx, func(tx kv.Tx) error {
		b := tx.Table(tableAuthorities)
		if b.Get([]byte(a.USCC)) != nil {
			return ErrExists
		}
		if err := b.Put([]byte(a.USCC), v); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
	if err != nil {
		return fmt.Errorf("storing authority %s: %w", a.USCC, err)
	}
	return nil
}

// AddList gives an authority a further status list, which no authority has. Nothing is on
// it yet.
func (s *Store) AddList(ctx context.Context, uscc string, list uint32, entry audit.Record) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		b := tx.Table(tableAuthorities)
		var owner *authority
		for _, v := range b.Range(nil, nil) {
			var a authority
			if err := json.Unmarshal(v, &a); err != nil {
				return err
			}
			if slices.Contains(a.Authority.Lists, list) {
				return ErrExists
			}
			if a.Authority.USCC == uscc {
				owner = &a
			}
		}
		if owner == nil {
			return errors.New("there is no such authority")
		}
		owner.Authority.Lists = append(owner.Authority.Lists, list)
		v, err := json.Marshal(owner)
		if err != nil {
			return err
		}
		if err := b.Put([]byte(uscc), v); err != nil {
			return err
		}
		// Published with the first window open, so that terminals know what is given out
		// of it before the next publication.
		if err := putUint(tx.Table(tableLists), listKey(list), windowSize); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
	if err != nil {
		return fmt.Errorf("status list %d of authority %s: %w", list, uscc, err)
	}
	return nil
}

// SetUndo settles how long an authority's licences of a category wait before they are
// published.
func (s *Store) SetUndo(ctx context.Context, uscc string, w licence.UndoWindow, entry audit.Record) error {
	err := updateJSON(ctx, s, tableAuthorities, uscc, errors.New("there is no such authority"), func(a *authority) error {
		return a.Authority.SetUndo(w)
	}, entry)
	if err != nil {
		return fmt.Errorf("undo window of authority %s: %w", uscc, err)
	}
	return nil
}

// Allow adds categories to those that an authority issues.
func (s *Store) Allow(ctx context.Context, uscc string, categories []catalogue.ID, entry audit.Record) error {
	err := updateJSON(ctx, s, tableAuthorities, uscc, errors.New("there is no such authority"), func(a *authority) error {
		return a.Authority.Allow(categories...)
	}, entry)
	if err != nil {
		return fmt.Errorf("categories of authority %s: %w", uscc, err)
	}
	return nil
}

// Authorities returns all issuing authorities in the order of their codes.
func (s *Store) Authorities(ctx context.Context) ([]licence.Authority, error) {
	var all []licence.Authority
	err := s.db.View(ctx, func(tx kv.Tx) error {
		for _, v := range tx.Table(tableAuthorities).Range(nil, nil) {
			var a authority
			if err := json.Unmarshal(v, &a); err != nil {
				return err
			}
			if len(a.Point) != pki.PointSize {
				return errors.New("the authority's key is damaged")
			}
			a.Authority.Point, a.Authority.Certificate = pki.Point(a.Point), a.Certificate
			all = append(all, a.Authority)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the authorities: %w", err)
	}
	return all, nil
}

// updateJSON reads, changes and stores one JSON record in a transaction with an
// entry of the audit log (none: empty).
func updateJSON[T any](ctx context.Context, s *Store, table string, id string, missing error, change func(*T) error, entries ...audit.Record) error {
	return s.db.Update(ctx, func(tx kv.Tx) error {
		b := tx.Table(table)
		v := b.Get([]byte(id))
		if v == nil {
			return missing
		}
		var record T
		if err := json.Unmarshal(v, &record); err != nil {
			return err
		}
		if err := change(&record); err != nil {
			return err
		}
		v, err := json.Marshal(record)
		if err != nil {
			return err
		}
		if err := b.Put([]byte(id), v); err != nil {
			return err
		}
		return s.appendAudit(tx, entries...)
	})
}

// insertJSON stores a new JSON record.
func insertJSON(tx kv.Tx, table string, id string, exists error, record any) error {
	v, err := json.Marshal(record)
	if err != nil {
		return err
	}
	b := tx.Table(table)
	if b.Get([]byte(id)) != nil {
		return exists
	}
	return b.Put([]byte(id), v)
}

// readJSON reads one JSON record.
func readJSON[T any](ctx context.Context, s *Store, table string, id string, missing error) (T, error) {
	var record T
	err := s.db.View(ctx, func(tx kv.Tx) error {
		v := tx.Table(table).Get([]byte(id))
		if v == nil {
			return missing
		}
		return json.Unmarshal(v, &record)
	})
	return record, err
}

// Enrol implements [cloudsign.Ledger].
func (s *Store) Enrol(ctx context.Context, e cloudsign.Enrolment, entry audit.Record) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		if err := insertJSON(tx, tableEnrolments, e.ID, ErrExists, e); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
	if err != nil {
		return fmt.Errorf("enrolment %s: %w", e.ID, err)
	}
	return nil
}

// Enrolment implements [cloudsign.Ledger].
func (s *Store) Enrolment(ctx context.Context, id string) (cloudsign.Enrolment, error) {
	e, err := readJSON[cloudsign.Enrolment](ctx, s, tableEnrolments, id, cloudsign.ErrNotFound)
	if err != nil {
		return e, fmt.Errorf("enrolment %q: %w", id, err)
	}
	return e, nil
}

// CountTry implements [cloudsign.Ledger].
func (s *Store) CountTry(ctx context.Context, id string, limit int, entry audit.Record) error {
	return updateJSON(ctx, s, tableEnrolments, id, cloudsign.ErrNotFound, func(e *cloudsign.Enrolment) error {
		if e.Tries >= limit {
			return cloudsign.ErrLocked
		}
		e.Tries++
		return nil
	}, entry)
}

// Settle implements [cloudsign.Ledger].
func (s *Store) Settle(ctx context.Context, id string, entry audit.Record) error {
	return updateJSON(ctx, s, tableEnrolments, id, cloudsign.ErrNotFound, func(e *cloudsign.Enrolment) error {
		e.Tries = 0
		return nil
	}, entry)
}

// PublisherState is the setting that goes with every [Store.PublishTrust].
const PublisherState = "publisher"

func settingKey(name string) []byte { return []byte("setting." + name) }

// Setting returns a setting of the service, nil if it was never stored.
func (s *Store) Setting(ctx context.Context, name string) ([]byte, error) {
	var value []byte
	err := s.db.View(ctx, func(tx kv.Tx) error {
		value = bytes.Clone(tx.Table(tableMeta).Get(settingKey(name)))
		return nil
	})
	return value, err
}

// ConfirmSetting is [Store.Setting] for who acknowledges an earlier act because it sees it.
func (s *Store) ConfirmSetting(ctx context.Context, name string) ([]byte, error) {
	var value []byte
	err := s.db.Confirm(ctx, func(tx kv.Tx) error {
		value = bytes.Clone(tx.Table(tableMeta).Get(settingKey(name)))
		return nil
	})
	return value, err
}

// PutSetting stores a setting of the service, with an entry of the audit log where
// it is an act of its own.
func (s *Store) PutSetting(ctx context.Context, name string, value []byte, entries ...audit.Record) error {
	return s.db.Update(ctx, func(tx kv.Tx) error {
		if err := tx.Table(tableMeta).Put(settingKey(name), value); err != nil {
			return err
		}
		return s.appendAudit(tx, entries...)
	})
}

// PutSettings stores settings in one transaction with its entry in the audit log.
func (s *Store) PutSettings(ctx context.Context, settings map[string][]byte, entry audit.Record) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		if err := putSettings(tx, settings); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
	if err != nil {
		return fmt.Errorf("storing settings: %w", err)
	}
	return nil
}

// ChangeSettings is [Store.PutSettings] for who goes on from what one of them was: where name
// does not hold before any more, nothing is stored and the error is [ErrSuperseded].
func (s *Store) ChangeSettings(ctx context.Context, name string, before []byte, settings map[string][]byte, entries ...audit.Record) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		if !bytes.Equal(tx.Table(tableMeta).Get(settingKey(name)), before) {
			return ErrSuperseded
		}
		if err := putSettings(tx, settings); err != nil {
			return err
		}
		return s.appendAudit(tx, entries...)
	})
	if err != nil {
		return fmt.Errorf("changing the setting %s: %w", name, err)
	}
	return nil
}

func putSettings(tx kv.Tx, settings map[string][]byte) error {
	for name, value := range settings {
		if err := tx.Table(tableMeta).Put(settingKey(name), value); err != nil {
			return err
		}
	}
	return nil
}

// TrustFile returns a published file by its name within a scanner's cache, nil if
// there is none.
func (s *Store) TrustFile(ctx context.Context, name string) ([]byte, error) {
	var file []byte
	err := s.db.View(ctx, func(tx kv.Tx) error {
		file = bytes.Clone(tx.Table(tableTrust).Get([]byte(name)))
		return nil
	})
	return file, err
}

// Published calls f with the publisher's state, under the name [PublisherState], and
// every file, as of one moment.
func (s *Store) Published(ctx context.Context, f func(name string, file []byte) error) error {
	return s.db.View(ctx, func(tx kv.Tx) error {
		if err := f(PublisherState, tx.Table(tableMeta).Get(settingKey(PublisherState))); err != nil {
			return err
		}
		for k, v := range tx.Table(tableTrust).Range(nil, nil) {
			if err := f(string(k), v); err != nil {
				return err
			}
		}
		return nil
	})
}

// ErrSuperseded says that another publication, or change of a setting, came first.
var ErrSuperseded = errors.New("another one came first")

func takenKey(name string) []byte { return []byte("taken." + name) }

// TakeVersions counts the versions of trust files up and returns one for each name.
// It is taken before anything is signed, and nobody gets it again, whatever becomes of
// the file: so no two files are ever signed with one version.
func (s *Store) TakeVersions(ctx context.Context, names ...string) ([]uint64, error) {
	versions := make([]uint64, len(names))
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		meta := tx.Table(tableMeta)
		for i, name := range names {
			versions[i] = getUint(meta, takenKey(name)) + 1
			if err := putUint(meta, takenKey(name), versions[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("taking versions of trust files: %w", err)
	}
	return versions, nil
}

// PublishTrust replaces published files in one transaction with its entries in the
// audit log. A file with nil content is removed. Settings are stored with them, among
// them the publisher's state. Before is the one that the files were made from: where
// it is no longer the stored one, nothing is published and the error is
// [ErrSuperseded].
func (s *Store) PublishTrust(ctx context.Context, before []byte, files, settings map[string][]byte, entries ...audit.Record) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		if !bytes.Equal(tx.Table(tableMeta).Get(settingKey(PublisherState)), before) {
			return ErrSuperseded
		}
		b := tx.Table(tableTrust)
		for name, file := range files {
			if file == nil {
				if err := b.Delete([]byte(name)); err != nil {
					return err
				}
				continue
			}
			if err := b.Put([]byte(name), file); err != nil {
				return err
			}
		}
		if err := putSettings(tx, settings); err != nil {
			return err
		}
		return s.appendAudit(tx, entries...)
	})
	if err != nil {
		return fmt.Errorf("publishing trust files: %w", err)
	}
	return nil
}
