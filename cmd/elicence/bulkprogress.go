package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence/exchange"
)

// bulkProgress shows how far a file has been dealt with: a bar on a terminal, which tells
// the time left, and a line every few seconds elsewhere.
type bulkProgress struct {
	out    io.Writer
	step   string
	source *exchange.Source
	bar    *progressbar.ProgressBar // nil: lines
	began  time.Time
	told   time.Time
}

// progressEvery is how often a line is printed.
const progressEvery = 5 * time.Second

func newBulkProgress(cmd *cobra.Command, s *settings, step string, source *exchange.Source) *bulkProgress {
	p := &bulkProgress{out: cmd.ErrOrStderr(), step: step, source: source, began: time.Now(), told: time.Now()}
	if s.screen() {
		p.bar = progressbar.NewOptions64(source.Size, progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(step),
			progressbar.OptionSetWidth(24), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
	}
	return p
}

// report is told of what is stored. A progress that cannot be shown is no reason to stop.
func (p *bulkProgress) report(r office.ImportReport) {
	took := time.Since(p.began)
	rate := float64(r.Done) / took.Seconds()
	read := p.source.Read()
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("%s: %d, %.0f/s", p.step, r.Last, rate))
		_ = p.bar.Set64(min(read, p.source.Size-1)) // the bar vanishes when it is full
		return
	}
	if time.Since(p.told) < progressEvery {
		return
	}
	p.told = time.Now()
	left := time.Duration(0)
	if read > 0 {
		left = time.Duration(float64(took) * float64(p.source.Size-read) / float64(read))
	}
	_, _ = fmt.Fprintf(p.out, "%s: 第 %d 行 line %d，签发 issued %d，有误 faulty %d，%.0f/s，剩余 left %s\n", p.step, r.Last, r.Last, r.Issued, r.Faulty, rate, left.Round(time.Second))
}

func (p *bulkProgress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
