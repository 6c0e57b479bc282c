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
// picture; or a warning about the source itself.
type Item struct {
	Scan    wedge.Scan
	Path    string
	Warning string
}

// FailedError says that something could not be read. It wraps the first failure.
type FailedError struct {
	Count int
	First error
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("%d could not be read: see the warnings", e.Count)
}

// Unwrap returns the first failure.
func (e *FailedError) Unwrap() error { return e.First }

// errShow says that a verdict could not be shown.
var errShow = errors.New("writing a verdict")

// Source finds things to decide on and hands them over one by one until it has no
// more, its context ends, or something fails. The error of deliver ends it.
type Source func(ctx context.Context, deliver func(Item) error) error

// Run decides on what the sources deliver until all of them have ended. What fails in
// one source, or with one picture, does not keep the others from their verdicts: it is
// warned of at once, and the error at the end is a [FailedError]. Where verdicts cannot
// be shown any more, and when ctx ends, Run returns.
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
	failed := &FailedError{}
	for {
		select {
		case i := <-items:
			err := t.item(i)
			if errors.Is(err, errShow) {
				return err
			}
			t.notRead(failed, err)
		case err := <-failures:
			t.notRead(failed, err)
		case <-tick.C:
			t.refresh()
			if err := t.tick(); err != nil {
				return err
			}
		case <-ended:
			return failed.orNil()
		case <-ctx.Done():
			return failed.orNil()
		}
	}
}

// notRead counts what could not be read.
func (t *Terminal) notRead(all *FailedError, err error) {
	if err == nil {
		return
	}
	if all.Count++; all.Count == 1 {
		all.First = err
	}
	t.o.Warn(err.Error())
	if counts, ok := t.o.Show.(interface{ Failed(error) }); ok {
		counts.Failed(err)
	}
}

func (e *FailedError) orNil() error {
	if e.Count == 0 {
		return nil
	}
	return e
}

func (t *Terminal) item(i Item) error {
	t.refresh()
	switch {
	case i.Warning != "":
		t.o.Warn(i.Warning)
		return nil
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
		return fmt.Errorf("%w: %w", errShow, err)
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
				b := make([]byte, 4<<10)
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
