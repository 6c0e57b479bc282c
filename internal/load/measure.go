package load

import (
	"bufio"
	"context"
	"crypto"
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/emmansun/gmsm/sm2"
)

// bareSigning measures what the library signs by itself.
type bareSigning struct {
	key    *sm2.PrivateKey
	digest []byte
	signed int
	took   time.Duration
	// What was signed while the load was under way, and the processor time of that.
	beside int
	used   time.Duration
}

// How long it is measured before and after the load, how many signatures are made between
// two looks at the clock, and how many after each batch.
const (
	bareTime   = time.Second
	bareAtOnce = 64
	bareBeside = 256
)

func newBareSigning() (*bareSigning, error) {
	b := &bareSigning{digest: make([]byte, 32)}
	var err error
	if b.key, err = sm2.GenerateKey(rand.Reader); err != nil {
		return nil, fmt.Errorf("making a key to measure with: %w", err)
	}
	if _, err := rand.Read(b.digest); err != nil {
		return nil, fmt.Errorf("drawing a digest: %w", err)
	}
	return b, nil
}

func (b *bareSigning) sign(n int) error {
	for range n {
		if _, err := b.key.Sign(rand.Reader, b.digest, crypto.Hash(0)); err != nil {
			return fmt.Errorf("signing a digest: %w", err)
		}
	}
	return nil
}

// run signs digests on one core, with nothing else going on in this process.
func (b *bareSigning) run(ctx context.Context) error {
	runtime.GC() // what others left behind is not its work
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for began := time.Now(); time.Since(began) < bareTime; {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := time.Now()
		if err := b.sign(bareAtOnce); err != nil {
			return err
		}
		b.signed += bareAtOnce
		b.took += time.Since(start)
	}
	return nil
}

// sample signs some beside the load, so that whatever else the machine does weighs on both
// alike.
func (b *bareSigning) sample() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	from, err := threadTime()
	if err != nil {
		return err
	}
	if err := b.sign(bareBeside); err != nil {
		return err
	}
	until, err := threadTime()
	b.beside += bareBeside
	b.used += until - from
	return err
}

func (b *bareSigning) rate() float64 { return float64(b.signed) / b.took.Seconds() }

// resident is a measure of the process's memory by its kernel, in bytes; 0 where the kernel
// does not tell.
func resident(measure string) (int64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, nil //nolint:nilerr // not Linux
	}
	defer func() { _ = f.Close() }() // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(lines.Text(), measure+": %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, nil
}
