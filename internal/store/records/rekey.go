package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// Rekeying encrypts everything again under the next generation of keys. From its first
// transaction on all that is written is under the new one, so one pass over what lies there
// is enough; a last one proves it. How far it has come is stored with each page: what was
// killed goes on where it was, and several processes may work at it, or on the records.

// rekeying is the setting keys.rekey while a rekeying is under way.
type rekeying struct {
	Target  uint8       `cbor:"1,keyasint"`
	Phase   int         `cbor:"2,keyasint"` // of rekeyPhases
	After   []byte      `cbor:"3,keyasint"` // the last key that was looked at
	Done    RekeyCounts `cbor:"4,keyasint"`
	Started int64       `cbor:"5,keyasint"` // UTC seconds
}

// RekeyCounts say how much was encrypted again.
type RekeyCounts struct {
	Licences    uint64 `cbor:"1,keyasint" json:"licences"`
	Credentials uint64 `cbor:"2,keyasint" json:"credentials"`
	Entries     uint64 `cbor:"3,keyasint" json:"log_entries"`
	Proposals   uint64 `cbor:"4,keyasint" json:"proposals"`
}

// Total is the sum of all.
func (c RekeyCounts) Total() uint64 { return c.Licences + c.Credentials + c.Entries + c.Proposals }

var (
	metaRekey  = []byte("keys.rekey")
	metaOldest = []byte("keys.oldest") // below it nothing is encrypted any more; none: not known
)

// rekeyPage is how many rows are encrypted again in one transaction.
const rekeyPage = 512

// ErrRekeying says that a rekeying is under way.
var ErrRekeying = bilingual.New("正在用新密钥重新加密记录", "the records are being encrypted again under new keys")

// Generations says under which generation records are written, the oldest that any is
// under as far as that is known, and whether a rekeying is under way.
func (s *Store) Generations(ctx context.Context) (current, oldest sealed.Generation, underWay bool, err error) {
	err = s.db.View(ctx, func(tx kv.Tx) error {
		meta := tx.Table(tableMeta)
		current = generationIn(tx)
		oldest = max(sealed.Shared, sealed.Generation(getUint(meta, metaOldest))) //nolint:gosec // one was put there
		underWay = meta.Get(metaRekey) != nil
		return nil
	})
	return current, oldest, underWay, err
}

// BeginRekey has everything that is written from now on encrypted under a generation whose
// keys are there, and encrypts what lies there when [Store.Rekey] is called.
func (s *Store) BeginRekey(ctx context.Context, target sealed.Generation, at int64, entry audit.Record) error {
	if err := s.box.Has(target); err != nil {
		return fmt.Errorf("rekeying: %w", err)
	}
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		meta := tx.Table(tableMeta)
		switch {
		case meta.Get(metaRekey) != nil:
			return ErrRekeying
		case target <= generationIn(tx):
			return fmt.Errorf("generation %d is not newer than %d", target, generationIn(tx))
		}
		return errors.Join(
			putUint(meta, metaGeneration, uint64(target)), putUint(meta, metaFormat, max(formatOwn, getUint(meta, metaFormat))),
			put(meta, metaRekey, rekeying{Target: uint8(target), Started: at}), s.appendAudit(tx, entry),
		)
	})
	if err != nil {
		return fmt.Errorf("rekeying: %w", err)
	}
	return nil
}

// Rekey goes on with a rekeying until it is done, and then stores the entry. Progress, if
// not nil, is told how much is durable.
func (s *Store) Rekey(ctx context.Context, progress func(RekeyCounts), entry func(RekeyCounts) (audit.Record, error)) (RekeyCounts, error) {
	if progress == nil {
		progress = func(RekeyCounts) {}
	}
	var last RekeyCounts
	for began := false; ; began = true {
		state, done, err := s.rekeyPage(ctx, entry)
		switch {
		case errors.Is(err, errOvertaken):
			continue
		case began && errors.Is(err, errNotRekeying):
			return last, nil // another process has finished it
		case err != nil:
			return state.Done, fmt.Errorf("rekeying: %w", err)
		}
		last = state.Done
		progress(state.Done)
		if done {
			return state.Done, nil
		}
	}
}

var (
	// errOvertaken says that another process has stored a page first.
	errOvertaken = errors.New("another process was first")
	// errNotRekeying says that no rekeying is under way.
	errNotRekeying = errors.New("none is under way")
)

// resealed is a row that is encrypted again: what stood there and what is to stand there.
type resealed struct {
	key      []byte
	was, now [][]byte // of a licence the signed form and the reason, else one text
}

// rekeyPhase is one table.
type rekeyPhase struct {
	table string
	// read returns a row's ciphertexts, and how they are opened and sealed again.
	read func(s *Store, tx kv.Tx, key, value []byte) ([]ciphertext, error)
	// write puts ciphertexts in the place of those that still stand there.
	write func(tx kv.Tx, r resealed) (bool, error)
	count func(*RekeyCounts) *uint64
}

// ciphertext is one text of a row.
type ciphertext struct {
	text []byte
	open func() ([]byte, error) // and verifies what can be verified
	seal func(target sealed.Generation, plain []byte) ([]byte, error)
	// again opens what seal has made.
	again func(text []byte) ([]byte, error)
}

// rekeyPhases are all tables with ciphertexts.
func rekeyPhases() []rekeyPhase {
	return []rekeyPhase{
		{tableRecords, (*Store).recordTexts, writeRecordTexts, func(c *RekeyCounts) *uint64 { return &c.Licences }},
		{tableCredentials, (*Store).credentialTexts, writeCredentialText, func(c *RekeyCounts) *uint64 { return &c.Credentials }},
		{tableAuditBeside, (*Store).besideTexts, writeBesideText, func(c *RekeyCounts) *uint64 { return &c.Entries }},
		{tableProposals, (*Store).proposalTexts, writeProposalText, func(c *RekeyCounts) *uint64 { return &c.Proposals }},
	}
}

// rekeyPage does one page of a rekeying. Behind the last phase everything is looked at once
// more.
func (s *Store) rekeyPage(ctx context.Context, entry func(RekeyCounts) (audit.Record, error)) (rekeying, bool, error) {
	var state rekeying
	var rows []*row
	var last []byte
	phases := rekeyPhases()
	err := s.db.View(ctx, func(tx kv.Tx) error {
		state, rows, last = rekeying{}, nil, nil
		underWay, err := get(tx.Table(tableMeta), metaRekey, &state)
		if err == nil && !underWay {
			err = errNotRekeying
		}
		if err != nil {
			return err
		}
		if state.Phase >= 2*len(phases) {
			return nil
		}
		phase := phases[state.Phase%len(phases)]
		n := 0
		for key, value := range tx.Table(phase.table).Range(behindOf(state.After), nil) {
			if n++; n > rekeyPage {
				return nil
			}
			last = bytes.Clone(key)
			texts, err := phase.read(s, tx, key, bytes.Clone(value))
			if err != nil {
				return fmt.Errorf("%s %x: %w", phase.table, key, err)
			}
			r := &row{key: last}
			for _, t := range texts {
				if sealed.GenerationOf(t.text) < sealed.Generation(state.Target) {
					r.texts = append(r.texts, t)
				}
			}
			if len(r.texts) > 0 {
				rows = append(rows, r)
			}
		}
		last = nil // the end of the table
		return nil
	})
	if err != nil {
		return state, false, err
	}
	if state.Phase >= 2*len(phases) {
		e, err := entry(state.Done)
		if err == nil {
			err = s.endRekey(ctx, state, e)
		}
		return state, err == nil, err
	}
	if len(rows) > 0 && state.Phase >= len(phases) {
		return state, false, fmt.Errorf("%s %x is still under keys of before", phases[state.Phase%len(phases)].table, rows[0].key)
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, r := range rows {
		group.Go(func() error { return errors.Join(gctx.Err(), r.reseal(sealed.Generation(state.Target))) })
	}
	if err := group.Wait(); err != nil {
		return state, false, fmt.Errorf("%s: %w", phases[state.Phase%len(phases)].table, err)
	}
	next, err := s.storeRekeyed(ctx, state, rows, last)
	return next, false, err
}

// behindOf is where a page begins; nothing was looked at yet: at the beginning.
func behindOf(after []byte) []byte {
	if len(after) == 0 {
		return nil
	}
	return behind(after)
}

// row is a row with ciphertexts of earlier generations.
type row struct {
	key   []byte
	texts []ciphertext
	done  resealed
}

// reseal encrypts a row's texts again, and reads each back. What was erased is left.
func (r *row) reseal(target sealed.Generation) error {
	r.done.key = r.key
	for _, t := range r.texts {
		plain, err := t.open()
		if errors.Is(err, sealed.ErrDestroyed) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%x: %w", r.key, err)
		}
		now, err := t.seal(target, plain)
		if errors.Is(err, sealed.ErrDestroyed) {
			continue // it is being erased
		}
		if err != nil {
			return fmt.Errorf("%x: %w", r.key, err)
		}
		back, err := t.again(now)
		if err == nil && !bytes.Equal(back, plain) {
			err = errors.New("it reads back as another text")
		}
		if err != nil && !errors.Is(err, sealed.ErrDestroyed) {
			return fmt.Errorf("%x, encrypted again: %w", r.key, err)
		}
		r.done.was, r.done.now = append(r.done.was, t.text), append(r.done.now, now)
	}
	return nil
}

// storeRekeyed stores a page, unless another process was first.
func (s *Store) storeRekeyed(ctx context.Context, before rekeying, rows []*row, last []byte) (rekeying, error) {
	phases := rekeyPhases()
	phase := phases[before.Phase%len(phases)]
	next := before
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		next = before
		var stored rekeying
		underWay, err := get(tx.Table(tableMeta), metaRekey, &stored)
		if err != nil {
			return err
		}
		if !underWay || stored.Phase != before.Phase || !bytes.Equal(stored.After, before.After) {
			return errOvertaken
		}
		for _, r := range rows {
			written, err := phase.write(tx, r.done)
			if err != nil {
				return fmt.Errorf("%s %x: %w", phase.table, r.key, err)
			}
			if written {
				*phase.count(&next.Done)++
			}
		}
		if next.After = last; last == nil {
			next.Phase++
		}
		return put(tx.Table(tableMeta), metaRekey, next)
	})
	return next, err
}

func (s *Store) endRekey(ctx context.Context, state rekeying, entry audit.Record) error {
	return s.db.Update(ctx, func(tx kv.Tx) error {
		meta := tx.Table(tableMeta)
		if meta.Get(metaRekey) == nil {
			return errOvertaken
		}
		return errors.Join(meta.Delete(metaRekey), putUint(meta, metaOldest, uint64(state.Target)), s.appendAudit(tx, entry))
	})
}

// replacing returns what stands in the place of a text now, if it was encrypted again and
// has not changed since.
func (r resealed) replacing(text []byte) ([]byte, bool) {
	for i, was := range r.was {
		if len(text) > 0 && bytes.Equal(was, text) {
			return r.now[i], true
		}
	}
	return text, false
}

func (s *Store) recordTexts(tx kv.Tx, key, value []byte) ([]ciphertext, error) {
	f := found{number: binary.BigEndian.Uint64(key)}
	if err := decode(value, &f.stored); err != nil {
		return nil, err
	}
	if f.erased() {
		return nil, nil
	}
	by, err := s.signer(tx, f.Signer)
	if err != nil {
		return nil, err
	}
	of := func(use string, text []byte) ciphertext {
		k, place := sealed.Key(f.Key), f.place()
		open := func(text []byte) ([]byte, error) { return s.box.Open(k, place, use, text) }
		return ciphertext{
			text: text, open: func() ([]byte, error) { return open(text) }, again: open,
			seal: func(g sealed.Generation, plain []byte) ([]byte, error) { return s.box.Seal(g, k, place, use, plain) },
		}
	}
	form := of("licence", f.Sealed)
	form.open = func() ([]byte, error) {
		signed, err := s.box.Open(sealed.Key(f.Key), f.place(), "licence", f.Sealed)
		if err == nil {
			_, err = licence.Open(signed, by.public)
		}
		return signed, err
	}
	texts := []ciphertext{form}
	if len(f.Reason) > 0 {
		texts = append(texts, of("reason", f.Reason))
	}
	return texts, nil
}

func writeRecordTexts(tx kv.Tx, r resealed) (bool, error) {
	f, err := at(tx, binary.BigEndian.Uint64(r.key))
	if err != nil {
		return false, err
	}
	var form, reason bool
	f.Sealed, form = r.replacing(f.Sealed)
	f.Reason, reason = r.replacing(f.Reason)
	if !form && !reason {
		return false, nil
	}
	return form, f.write(tx)
}

func (s *Store) credentialTexts(tx kv.Tx, key, value []byte) ([]ciphertext, error) {
	var v credential
	if err := decode(value, &v); err != nil {
		return nil, err
	}
	if len(key) <= sealed.KeySize+licence.DeviceIDSize {
		return nil, errors.New("a stored credential has a damaged key")
	}
	k := sealed.Key(key[:sealed.KeySize])
	f, err := find(tx, k)
	if err != nil {
		return nil, err
	}
	use := credentialUse(licence.DeviceID(key[sealed.KeySize:]), string(key[sealed.KeySize+licence.DeviceIDSize:]))
	open := func(text []byte) ([]byte, error) { return s.box.Open(k, f.place(), use, text) }
	return []ciphertext{{
		text: v.Sealed, open: func() ([]byte, error) { return open(v.Sealed) }, again: open,
		seal: func(g sealed.Generation, plain []byte) ([]byte, error) {
			return s.box.Seal(g, k, f.place(), use, plain)
		},
	}}, nil
}

func writeCredentialText(tx kv.Tx, r resealed) (bool, error) {
	var v credential
	there, err := get(tx.Table(tableCredentials), r.key, &v)
	if err != nil || !there {
		return false, err
	}
	var replaced bool
	if v.Sealed, replaced = r.replacing(v.Sealed); !replaced {
		return false, nil
	}
	return true, put(tx.Table(tableCredentials), r.key, v)
}

func (s *Store) besideTexts(tx kv.Tx, key, value []byte) ([]ciphertext, error) {
	if len(key) != 8 || len(value) == 0 {
		return nil, errors.New("it is damaged")
	}
	if value[0] == erasedMark {
		return nil, nil
	}
	index, in := binary.BigEndian.Uint64(key), epoch(tx.Table(tableMeta))
	if _, g, err := s.box.LeafBeside(index, value); err != nil {
		return nil, err
	} else if g != sealed.Shared {
		// An erasure destroys one leaf in every generation, so it must be the same in all.
		in = sealed.EpochOf(value)
	}
	open := func(text []byte) ([]byte, error) { return s.box.OpenBeside(index, text) }
	return []ciphertext{{
		text: value, open: func() ([]byte, error) { return open(value) }, again: open,
		seal: func(g sealed.Generation, plain []byte) ([]byte, error) { return s.box.SealBeside(g, in, index, plain) },
	}}, nil
}

func writeBesideText(tx kv.Tx, r resealed) (bool, error) {
	beside := tx.Table(tableAuditBeside)
	now, replaced := r.replacing(beside.Get(r.key))
	if !replaced {
		return false, nil
	}
	return true, beside.Put(r.key, now)
}

func (s *Store) proposalTexts(_ kv.Tx, key, value []byte) ([]ciphertext, error) {
	var v proposal
	if len(key) != len(licence.ProposalID{}) {
		return nil, errors.New("the key of a proposal is damaged")
	}
	if err := decode(value, &v); err != nil {
		return nil, err
	}
	k := proposalKey(licence.ProposalID(key))
	open := func(text []byte) ([]byte, error) { return s.box.OpenShared(k, "proposal", text) }
	return []ciphertext{{
		text: v.Reason, open: func() ([]byte, error) { return open(v.Reason) }, again: open,
		seal: func(g sealed.Generation, plain []byte) ([]byte, error) {
			return s.box.SealShared(g, k, "proposal", plain)
		},
	}}, nil
}

func writeProposalText(tx kv.Tx, r resealed) (bool, error) {
	var v proposal
	there, err := get(tx.Table(tableProposals), r.key, &v)
	if err != nil || !there {
		return false, err
	}
	var replaced bool
	if v.Reason, replaced = r.replacing(v.Reason); !replaced {
		return false, nil
	}
	return true, put(tx.Table(tableProposals), r.key, v)
}

// EndKeys destroys the keys of generations under which nothing of the records lies any
// more, on this machine. Backups of the records from then cannot be read afterwards.
func (s *Store) EndKeys(ctx context.Context, entry audit.Record) ([]sealed.Generation, error) {
	_, oldest, underWay, err := s.Generations(ctx)
	if err == nil && underWay {
		err = ErrRekeying
	}
	if err != nil {
		return nil, fmt.Errorf("destroying keys of before: %w", err)
	}
	if _, err := s.Append(ctx, entry); err != nil {
		return nil, err
	}
	var ended []sealed.Generation
	for _, g := range s.box.Generations() {
		if g >= oldest {
			break
		}
		if err := s.box.End(g); err != nil {
			return ended, fmt.Errorf("destroying keys of before: %w", err)
		}
		ended = append(ended, g)
	}
	return ended, nil
}
