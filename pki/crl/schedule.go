package crl

import (
	"context"
	"fmt"
	"time"
)

const (
	// retryAfter is when a failed publication is tried again.
	retryAfter = time.Minute
	// maxSleep bounds how long a change of the clock goes unnoticed.
	maxSleep = time.Minute
)

// slot is one list and when it is due.
type slot struct {
	shard int
	delta bool
	due   time.Time
}

// Run publishes every list when it is due until ctx ends. What was published before
// a restart counts. A failure is reported, leaves the last good list in force and is
// tried again after a minute.
func (p *Publisher) Run(ctx context.Context) error {
	slots, err := p.slots(ctx)
	if err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		next := p.env.Now().Add(maxSleep)
		for i := range slots {
			p.step(ctx, &slots[i])
			if slots[i].due.Before(next) {
				next = slots[i].due
			}
		}
		timer.Reset(next.Sub(p.env.Now()))
	}
}

// step publishes a list if it is due and sets when it is due again.
func (p *Publisher) step(ctx context.Context, s *slot) {
	if p.env.Now().Before(s.due) || ctx.Err() != nil {
		return
	}
	made, err := p.publish(ctx, s.shard, s.delta)
	if err != nil {
		s.due = p.env.Now().Add(retryAfter)
		return
	}
	s.due = p.after(made.ThisUpdate, s.delta)
}

// after returns when the successor of a list is due.
func (p *Publisher) after(thisUpdate time.Time, delta bool) time.Time {
	every := p.plan.Every
	if delta {
		every = p.plan.DeltaEvery
	}
	return thisUpdate.Add(every - time.Duration(p.env.Draw(int64(p.plan.Jitter)+1)))
}

// slots lists what the plan has. A full list comes before its delta, which needs it.
func (p *Publisher) slots(ctx context.Context) ([]slot, error) {
	var all []slot
	for shard := range p.plan.Lists() {
		for _, delta := range []bool{false, true} {
			name := p.plan.FileName(shard)
			if delta {
				if p.plan.DeltaEvery == 0 {
					continue
				}
				name = p.plan.DeltaName(shard)
			}
			last, found, err := p.env.Store.Latest(ctx, name)
			if err != nil {
				return nil, fmt.Errorf("reading the last %s: %w", name, err)
			}
			s := slot{shard: shard, delta: delta}
			if found {
				s.due = p.after(last.ThisUpdate, delta)
			}
			all = append(all, s)
		}
	}
	return all, nil
}
