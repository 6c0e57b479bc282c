package records_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/elicence/elicence/pki/audit"
)

// appendCallers is how many callers append at once.
const appendCallers = 256

// BenchmarkAppendConcurrent appends from 256 callers, each of which makes an entry,
// waits for the fsync that holds it and gets its inclusion proof.
func BenchmarkAppendConcurrent(b *testing.B) {
	for name, details := range map[string][]byte{"look": nil, "details": []byte("经核查，持证人已迁出本市，依申请注销")} {
		b.Run(name, func(b *testing.B) {
			s := createStore(b, filepath.Join(b.TempDir(), "store.db"), newBox(b))
			digest := make([]byte, 32)
			subject := strings.Repeat("1.2.156.3005.2.", 6)
			b.SetParallelism(appendCallers / runtime.GOMAXPROCS(0))
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r, err := audit.NewRecord(audit.Entry{Time: 1700000000, Actor: "officer", Act: audit.ActLicenceLook, Subject: subject, Digest: digest}, details)
					if err != nil {
						b.Error(err)
						return
					}
					receipts, err := s.Append(b.Context(), r)
					if err != nil || len(receipts) != 1 {
						b.Error(receipts, err)
						return
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkBareFsync is the floor: a page written and fsynced.
func BenchmarkBareFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	page := make([]byte, os.Getpagesize())
	for b.Loop() {
		if _, err := f.WriteAt(page, 0); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
