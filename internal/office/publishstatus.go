package office

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

const (
	// snapshotEvery is how often the whole state is written again.
	snapshotEvery = 7 * day
	// setGrace is how long a set file is kept that no status file names any more, for
	// those who are still fetching it.
	setGrace = time.Hour
)

// statusState is what the publisher remembers of the status lists.
type statusState struct {
	Version    uint64 // of the status file
	Sequence   uint64 // of the lists' state: the version of the file that first described it
	Since      int64  // when that was, UTC seconds
	SnapshotAt int64
	Lists      []trust.List
	Files      []trust.SetFile
	Steps      []status.Step // for deltas; what changed in each lies in the store
	Old        []oldFile     // that the status file names no more
}

// oldFile is a set file and when it goes.
type oldFile struct {
	_     struct{} `cbor:",toarray"`
	Name  string
	Until int64 // UTC seconds
}

// status describes the lists: as they were, or as they are now with the files that
// lead there from every state of the last month.
func (p *publication) status(ctx context.Context) error {
	version, err := p.take(ctx, trust.RoleStatus)
	if err != nil {
		return err
	}
	s := &p.state.Status
	s.Version = version
	before, err := p.publishedLists(ctx)
	if err != nil {
		return err
	}
	sets, err := p.office.store.StatusSets(ctx)
	if err != nil {
		return err
	}
	p.lists = &status.State{Sequence: version, Sets: sets}
	changes, err := p.lists.Since(before)
	if err != nil {
		return err
	}
	lists := describe(p.lists, before, s.Lists)
	if s.Sequence > 0 && changes.None() && slices.Equal(lists, s.Lists) {
		p.lists = before
	} else {
		s.Lists = lists
		if err := p.advance(ctx, before, changes); err != nil {
			return err
		}
	}
	if err := p.snapshot(); err != nil {
		return err
	}
	p.forget()
	file := &trust.Status{Head: p.head(version, statusLife), Sequence: s.Sequence, Lists: s.Lists, Files: s.Files}
	_, err = p.sign(ctx, trust.RoleStatus, file)
	return err
}

// describe names the lists with their hashes. That of a list that is as it was before is
// taken from there.
func describe(state, before *status.State, described []trust.List) []trust.List {
	lists := make([]trust.List, len(state.Sets))
	for i, set := range state.Sets {
		lists[i] = trust.List{List: uint64(set.List), High: uint64(set.High)}
		earlier, ok := before.Set(set.List)
		at, known := slices.BinarySearchFunc(described, uint64(set.List), func(l trust.List, list uint64) int { return int(l.List) - int(list) })
		if ok && known && *earlier == *set {
			lists[i].SetHash = described[at].SetHash
		} else {
			lists[i].SetHash = set.Hash()
		}
	}
	return lists
}

// publishedLists returns the state of the lists that was last given out.
func (p *publication) publishedLists(ctx context.Context) (*status.State, error) {
	s := p.state.Status
	if s.Sequence == 0 {
		return new(status.State), nil
	}
	if last := p.office.published; last != nil && last.Sequence == s.Sequence {
		return last, nil
	}
	state, err := (&trust.Status{Sequence: s.Sequence, Lists: s.Lists, Files: s.Files}).Build(func(name string) ([]byte, error) {
		return p.office.store.TrustFile(ctx, name)
	})
	if err != nil {
		return nil, fmt.Errorf("published status lists: %w", err)
	}
	return state, nil
}

// advance goes on to the present state: the step is kept, and deltas are made. The one
// of the last hour leads to the present. The longer ones are made once a quarter of an hour
// and lead to the state before its first step, where the short one goes on: so the big
// files stay the same for a while.
func (p *publication) advance(ctx context.Context, before *status.State, changes status.Changes) error {
	s := &p.state.Status
	began := s.Since
	s.Sequence, s.Since = p.lists.Sequence, p.now.Unix()
	if before.Sequence == 0 {
		return nil // a snapshot is all there is
	}
	step := status.Step{From: before.Sequence, To: s.Sequence, Since: began, At: s.Since}
	if err := p.keepStep(ctx, step, changes); err != nil {
		return err
	}
	files := s.Files[:1:1] // the snapshot
	last := len(s.Steps) - 1
	if quarterBegins := s.Steps[last] == step; quarterBegins {
		far, err := p.farDeltas(ctx, before)
		if err != nil {
			return err
		}
		files = append(files, far...)
	} else {
		near := status.Spans()[0]
		from := s.Steps[status.Base(s.Steps, near, p.now)].From
		for _, f := range s.Files[1:] {
			if f.To == s.Steps[last].From && f.From < from {
				files = append(files, f)
			}
		}
	}
	near, err := p.delta(ctx, p.lists, s.Steps[status.Base(s.Steps, status.Spans()[0], p.now):])
	if err != nil {
		return err
	}
	p.replace(append(files, near))
	return nil
}

// farDeltas makes the deltas of more than an hour, to the state before the last step.
func (p *publication) farDeltas(ctx context.Context, before *status.State) ([]trust.SetFile, error) {
	s := &p.state.Status
	last := len(s.Steps) - 1
	spans := status.Spans()
	above := status.Base(s.Steps, spans[0], p.now) // where the short one begins
	var files []trust.SetFile
	for _, span := range spans[1:] {
		base := status.Base(s.Steps, span, p.now)
		if base >= above || base >= last {
			continue
		}
		above = base
		f, err := p.delta(ctx, before, s.Steps[base:last])
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	slices.Reverse(files)
	return files, nil
}

// delta makes the file that leads through steps to a state.
func (p *publication) delta(ctx context.Context, to *status.State, steps []status.Step) (trust.SetFile, error) {
	changes, err := p.changes(ctx, steps)
	if err != nil {
		return trust.SetFile{}, err
	}
	file, err := to.Delta(changes, steps[0].From)
	if err != nil {
		return trust.SetFile{}, err
	}
	return p.addSet(steps[0].From, to.Sequence, file), nil
}

func stepName(s status.Step) string { return fmt.Sprintf("step/%d-%d", s.From, s.To) }

// keepStep adds a step to those that are kept, and joins what need not be told apart
// any more.
func (p *publication) keepStep(ctx context.Context, step status.Step, changes status.Changes) error {
	s := &p.state.Status
	file, err := changes.File(step.From, step.To)
	if err != nil {
		return err
	}
	p.files[stepName(step)] = file
	steps := append(slices.Clone(s.Steps), step)
	s.Steps = nil
	for _, group := range status.Thin(steps, p.now) {
		joined := status.Join(group)
		if len(group) > 1 {
			all, err := p.changes(ctx, group)
			if err != nil {
				return err
			}
			if p.files[stepName(joined)], err = all.File(joined.From, joined.To); err != nil {
				return err
			}
		}
		s.Steps = append(s.Steps, joined)
	}
	for _, old := range steps {
		if !slices.Contains(s.Steps, old) {
			p.files[stepName(old)] = nil
		}
	}
	return nil
}

// changes reads what changed in steps.
func (p *publication) changes(ctx context.Context, steps []status.Step) (status.Changes, error) {
	var runs []status.Changes
	for _, step := range steps {
		file := p.files[stepName(step)]
		if file == nil {
			var err error
			if file, err = p.office.store.TrustFile(ctx, stepName(step)); err != nil {
				return status.Changes{}, err
			}
		}
		c, err := status.ReadChanges(file, step.From, step.To)
		if err != nil {
			return status.Changes{}, fmt.Errorf("changes from %d to %d: %w", step.From, step.To, err)
		}
		runs = append(runs, c)
	}
	return status.Merge(runs...), nil
}

// snapshot writes the whole state where that is due, or where no file leads on from
// the one there is.
func (p *publication) snapshot() error {
	s := &p.state.Status
	if len(s.Files) > 0 && p.now.Unix()-s.SnapshotAt < int64(snapshotEvery/time.Second) {
		at := s.Files[0].To
		for _, f := range s.Files[1:] {
			if f.From <= at && f.To > at {
				at = f.To
			}
		}
		if at == s.Sequence {
			return nil
		}
	}
	file, err := p.lists.Snapshot()
	if err != nil {
		return err
	}
	s.SnapshotAt = p.now.Unix()
	files := []trust.SetFile{p.addSet(0, s.Sequence, file)}
	if len(s.Files) > 0 {
		files = append(files, s.Files[1:]...)
	}
	p.replace(files)
	return nil
}

func (p *publication) addSet(from, to uint64, file []byte) trust.SetFile {
	f := trust.SetFile{From: from, To: to, SM3: status.FileHash(file), Length: uint64(len(file))}
	p.files[trust.SetName(f.SM3)] = file
	return f
}

// replace puts files in the place of those that the status file names.
func (p *publication) replace(files []trust.SetFile) {
	s := &p.state.Status
	for _, f := range s.Files {
		if !slices.Contains(files, f) {
			s.Old = append(s.Old, oldFile{Name: trust.SetName(f.SM3), Until: p.now.Add(setGrace).Unix()})
		}
	}
	s.Files = files
}

// forget removes files that were replaced long enough ago.
func (p *publication) forget() {
	s := &p.state.Status
	named := func(name string) bool {
		return slices.ContainsFunc(s.Files, func(f trust.SetFile) bool { return trust.SetName(f.SM3) == name })
	}
	s.Old = slices.DeleteFunc(s.Old, func(f oldFile) bool {
		switch {
		case named(f.Name):
			return true
		case f.Until > p.now.Unix():
			return false
		}
		p.files[f.Name] = nil
		return true
	})
}
