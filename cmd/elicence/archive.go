package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
)

// archiveWithin is [office.ArchiveWithin] as a flag.
const archiveWithin = "90d"

// archiving is which archive is looked after, and how long before their end its proofs are
// renewed.
type archiving struct{ dir, within string }

func (a archiving) period() (time.Duration, error) {
	return parseDays("--archive-within", a.within)
}

// archivedView is a document of an archive for machines.
type archivedView struct {
	ID      string  `json:"id"` // the file within the archive
	Until   *string `json:"proven_until"`
	Due     bool    `json:"due"`
	Renewed bool    `json:"renewed"`
	Cause   string  `json:"cause"` // why it is not kept; empty: it is
}

// archiveFolder lists the documents of an archive that are due or not in order, all of them
// as JSON, and renews those that are due if asked to.
func archiveFolder(cmd *cobra.Command, s *settings, dir, within string, renew bool) error {
	period, err := parseDays("--within", within)
	if err != nil {
		return err
	}
	return s.with(func(o *office.Office) error {
		archive, err := o.Archive(dir, period)
		if err != nil {
			return err
		}
		look := archive.Examine
		if renew {
			look = func(ctx context.Context, f func(office.Archived) error) error { return archive.Renew(ctx, s.actor, f) }
		}
		views, attention := []archivedView{}, false
		err = look(cmd.Context(), func(d office.Archived) error {
			attention = attention || d.Err != nil || d.Due
			views = append(views, viewArchived(d))
			if s.json {
				return nil
			}
			return printArchived(cmd.OutOrStdout(), d)
		})
		if s.json {
			err = errors.Join(err, printJSON(cmd.OutOrStdout(), views))
		}
		if err == nil && attention {
			return errNotValid
		}
		return err
	})
}

func viewArchived(d office.Archived) archivedView {
	v := archivedView{ID: d.File, Due: d.Due, Renewed: d.Renewed}
	if !d.Until.IsZero() {
		until := d.Until.Format(time.RFC3339)
		v.Until = &until
	}
	if d.Err != nil {
		v.Cause = d.Err.Error()
	}
	return v
}

// printArchived prints what needs attention or got it.
func printArchived(out io.Writer, d office.Archived) error {
	until := "没有整份时间戳 no time stamp over the whole"
	if !d.Until.IsZero() {
		until = "有效至 until " + d.Until.Format(time.DateOnly)
	}
	var err error
	switch {
	case d.Err != nil:
		_, err = fmt.Fprintf(out, "✗ %s  %v\n", d.File, d.Err)
	case d.Renewed:
		_, err = fmt.Fprintf(out, "✓ %s  已续期 renewed  %s\n", d.File, until)
	case d.Due:
		_, err = fmt.Fprintf(out, "! %s  到期 due  %s\n", d.File, until)
	}
	return err
}
