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
	signed int
	took   time.Duration
	used   time.Duration // of the processor
}

// bareTime is how long it is measured each time.
const bareTime = time.Second

// run signs digests on one core.
func (b *bareSigning) run(ctx context.Context) error {
	runtime.GC() // what others left behind is not its work
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key to measure with: %w", err)
	}
	digest := make([]byte, 32)
	if _, err := rand.Read(digest); err != nil {
		return fmt.Errorf("drawing a digest: %w", err)
	}
	used, err := processorTime()
	if err != nil {
		return err
	}
	for began := time.Now(); time.Since(began) < bareTime; {
		if err := ctx.Err(); err != nil {
			return err
		}
		const atOnce = 64
		start := time.Now()
		for range atOnce {
			if _, err := key.Sign(rand.Reader, digest, crypto.Hash(0)); err != nil {
				return fmt.Errorf("signing a digest: %w", err)
			}
		}
		b.signed += atOnce
		b.took += time.Since(start)
	}
	until, err := processorTime()
	b.used += until - used
	return err
}

func (b *bareSigning) rate() float64 { return float64(b.signed) / b.took.Seconds() }

// peakRSS is the most memory that the process ever had resident, by its kernel; 0 where
// the kernel does not tell.
func peakRSS() (int64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, nil //nolint:nilerr // not Linux
	}
	defer func() { _ = f.Close() }() // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, nil
}
