package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/elicence/elicence/internal/terminal/wedge"
	"github.com/elicence/elicence/qr/verify"
)

// Item is one thing that a source has found to decide on: a scan, or the path of a
// picture.
type Item struct {
	Scan wedge.Scan
	Path string
}

// Source finds things to decide on and hands them over one by one until it has no
// more, its context ends, or something fails. The error of deliver ends it.
type Source func(ctx context.Context, deliver func(Item) error) error

// Run decides on what the sources deliver until all of them have ended. What fails in
// one source, or with one picture, does not keep the others from their verdicts: the
// failures are returned together. When ctx ends, Run returns.
func (t *Terminal) Run(ctx context.Context, sources ...Source) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	items, failures := make(chan Item), make(chan error)
	deliver := func(i Item) error {
		select {
		case items <- i:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var running sync.WaitGroup
	for _, source := range sources {
		running.Go(func() {
			err := source(ctx, deliver)
			if err == nil || ctx.Err() != nil {
				return
			}
			select {
			case failures <- err:
			case <-ctx.Done():
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		running.Wait()
		close(ended)
	}()
	return t.decide(ctx, items, failures, ended)
}

// decide is the terminal's one thread.
func (t *Terminal) decide(ctx context.Context, items <-chan Item, failures <-chan error, ended <-chan struct{}) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	t.refresh()
	if err := t.tick(); err != nil {
		return err
	}
	var failed []error
	for {
		select {
		case i := <-items:
			if err := t.item(i); err != nil {
				failed = append(failed, err)
			}
		case err := <-failures:
			failed = append(failed, err)
		case <-tick.C:
			t.refresh()
			if err := t.tick(); err != nil {
				return errors.Join(append(failed, err)...)
			}
		case <-ended:
			return errors.Join(failed...)
		case <-ctx.Done():
			return errors.Join(failed...)
		}
	}
}

func (t *Terminal) item(i Item) error {
	t.refresh()
	switch {
	case i.Path != "":
		return t.picture(i.Path)
	case i.Scan.TooLong:
		return t.report("", t.verifier.Unreadable(verify.CauseLongLine, ""))
	default:
		return t.report("", t.verifier.Answer(i.Scan.Text, t.question))
	}
}

func (t *Terminal) tick() error {
	h := Health{Now: t.o.Now()}
	if t.cache != nil {
		h.Usable, h.AsOf, h.Pinned = true, t.cache.AsOf(), t.cache.Pinned
	}
	if t.o.Journal != nil {
		if err := t.o.Journal.Sync(); err != nil {
			t.o.Warn("scans may be missing in the journal: " + err.Error())
		}
	}
	if err := t.o.Show.Tick(h); err != nil {
		return fmt.Errorf("writing to the screen: %w", err)
	}
	return t.ask(h.Now)
}

// Scanner is a source that reads a scanner: standard input, a serial port. The name
// says in errors which.
func Scanner(name string, in io.Reader, o wedge.Options) Source {
	return func(ctx context.Context, deliver func(Item) error) error {
		chunks, failed := make(chan []byte), make(chan error, 1)
		// A read cannot be cut off, so it has a thread of its own, which ends with its
		// reader or the program.
		go func() {
			for {
				b := make([]byte, wedge.MaxLine)
				n, err := in.Read(b)
				if n > 0 {
					select {
					case chunks <- b[:n]:
					case <-ctx.Done():
						return
					}
				}
				if err != nil {
					failed <- err
					return
				}
			}
		}()
		return assemble(ctx, name, chunks, failed, wedge.New(o), deliver)
	}
}

// assemble makes scans of what is read. It alone knows how long nothing came.
func assemble(ctx context.Context, name string, chunks <-chan []byte, failed <-chan error, a *wedge.Assembler, deliver func(Item) error) error {
	quiet := time.NewTimer(time.Hour)
	defer quiet.Stop()
	patience := wedge.Quiet // what quiet was set to
	for {
		var scans []wedge.Scan
		select {
		case b := <-chunks:
			scans = a.Write(b)
			patience = wedge.Quiet
		case err := <-failed:
			for _, s := range a.Flush() {
				if err := deliver(Item{Scan: s}); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("reading codes from %s: %w", name, err)
		case <-quiet.C:
			if patience == wedge.Quiet {
				scans = a.QuietNow()
				patience = wedge.Abandoned - wedge.Quiet
			} else {
				scans = a.Flush()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		for _, s := range scans {
			if err := deliver(Item{Scan: s}); err != nil {
				return err
			}
		}
		if a.Waiting() {
			quiet.Reset(patience)
		} else {
			quiet.Stop()
		}
	}
}
