package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/load"
	"github.com/elicence/elicence/internal/office"
)

func newBench(s *settings) *cobra.Command {
	return group("bench", "测量 measurements on this machine", newBenchLoad(s))
}

// maxLoad is as many applications as the categories have numbers for.
const maxLoad = 11_000_000

func newBenchLoad(s *settings) *cobra.Command {
	var count int
	cmd := &cobra.Command{
		Use:   "load --data DIR --count N",
		Short: "批量签发并测速 issue varied licences of all categories in bulk, and measure",
		Long: "Issues as licence import does, with checks, signatures, their verification, encryption, indexes and the audit log. The data\n" +
			"folder is made if it is not there; what is issued stays in it. The last line of the output is one JSON object.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if count < 1 || count > maxLoad {
				return fmt.Errorf("--count: %d is not 1 to %d", count, maxLoad)
			}
			if err := s.check(); err != nil {
				return err
			}
			if _, err := os.Stat(s.data); errors.Is(err, fs.ErrNotExist) {
				options, err := new(unlocking).options(s, office.CreateOptions{Config: datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省"}})
				if err != nil {
					return err
				}
				if _, err := create(cmd.Context(), s.data, options); err != nil {
					return err
				}
			}
			defer collectLess()()
			var r load.Result
			err := s.with(func(o *office.Office) error {
				var told time.Time
				l := load.Load{Office: o, Actor: s.actor, Count: count, Progress: func(done int, rate float64) {
					if time.Since(told) >= progressEvery {
						told = time.Now()
						fmt.Fprintf(os.Stderr, "已签发 issued %d/%d, %.0f/s\n", done, count, rate)
					}
				}}
				var err error
				r, err = l.Run(cmd.Context())
				return err
			})
			if err != nil {
				return err
			}
			size, err := folderSize(s.data)
			if err != nil {
				return err
			}
			r.BytesPerRecord = float64(size) / float64(count)
			return printLoad(cmd, s, r)
		},
	}
	cmd.Flags().IntVar(&count, "count", 100_000, "how many licences: `N`")
	return cmd
}

func printLoad(cmd *cobra.Command, s *settings, r load.Result) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if !s.json {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d 件 licences, %.1f s: %.0f/s (首段 first tenth %.0f/s, 末段 last tenth %.0f/s)\n"+
			"单核裸签名 bare signatures of one core %.0f/s × %d: %.0f %%; 处理器时间 processor time %.1f µs, %.1f µs: %.0f %%\n每件 bytes a licence %.0f, 内存 memory %d MiB (堆 heap %d MiB), 查询 look-up p50 %.0f µs, p99 %.0f µs\n",
			r.Count, r.Seconds, r.Rate, r.RateFirstTenth, r.RateLastTenth, r.BareSignRate, r.Cores, 100*r.Rate/r.BareSignRate/float64(r.Cores),
			r.CPUUS, r.BareSignCPUUS, 100*r.BareSignCPUUS/r.CPUUS, r.BytesPerRecord, r.PeakRSSBytes>>20, r.PeakAnonymousBytes>>20, r.LookupP50US, r.LookupP99US)
		if err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", b)
	return err
}

// folderSize adds up the files of a folder, in bytes.
func folderSize(dir string) (int64, error) {
	var size int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
