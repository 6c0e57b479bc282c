package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/elicence/elicence/internal/demo"
)

func newDemo(*settings) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "demo --out DIR",
		Short: "把全部工作做一遍 the whole job, once, offline",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return fmt.Errorf("--out: must name a folder for the results")
			}
			return demo.Run(cmd.Context(), demo.Options{Out: out, Print: cmd.OutOrStdout(), Progress: newProgress()})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "`DIR` for the results, which must be empty or not exist")
	return cmd
}

// newProgress is a bar on a terminal and plain lines elsewhere.
func newProgress() demo.Progress {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return new(bar)
	}
	return new(lines)
}

// bar shows the present step as a bar that the next one replaces.
type bar struct {
	bar *progressbar.ProgressBar
}

func (b *bar) Begin(step string, parts int) {
	b.bar = progressbar.NewOptions(parts, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(step),
		progressbar.OptionSetWidth(24), progressbar.OptionShowCount(), progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionClearOnFinish())
}

// A bar that cannot be drawn is no reason to stop.
func (b *bar) Did() { _ = b.bar.Add(1) }
func (b *bar) End() { _ = b.bar.Finish() }

// lines prints a line when a step is done.
type lines struct {
	step  string
	parts int
	start time.Time
}

func (l *lines) Begin(step string, parts int) { l.step, l.parts, l.start = step, parts, time.Now() }
func (l *lines) Did()                         {}

func (l *lines) End() {
	fmt.Fprintf(os.Stderr, "%s: %d (%.1f s)\n", l.step, l.parts, time.Since(l.start).Seconds())
}
