package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
)

func newCopy(s *settings) *cobra.Command {
	var q office.CopyRequest
	var until, out string
	cmd := onLicence(s, "copy ID --for WHOM --purpose TEXT --until DATE -o F", "加注件 a copy for one recipient, purpose and time",
		func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
			if out == "" {
				return bilingual.New("须用 -o 指明存入的文件", "-o: must name a file")
			}
			var err error
			if q.Until, err = civil.Parse(until); err != nil {
				return fmt.Errorf("--until: %w", err)
			}
			r, err := o.Licence(ctx, s.actor, id)
			if err != nil {
				return err
			}
			c, err := o.Copy(ctx, s.actor, r, q)
			if err != nil {
				return err
			}
			if err := s.writeFile(out, c.PDF); err != nil {
				return fmt.Errorf("-o: %w", err)
			}
			if s.json {
				return printJSON(cmd.OutOrStdout(), map[string]any{
					"id": c.Number, "licence": id.String(), "recipient": c.Recipient, "purpose": c.Purpose, "until": c.Until.String(), "file": out, "bytes": len(c.PDF),
				})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "加注件 copy %s\n仅供 for %s  用于 purpose %s  有效期至 until %s\n", c.Number, c.Recipient, c.Purpose, c.Until)
			return err
		})
	cmd.Long = "Makes a sealed PDF that says on every page for whom it is, for what and until when, with a code of its own. Who is shown it\n" +
		"checks with elicence verify, or a print with a terminal, that it is meant for them. For whom and for what goes, encrypted,\n" +
		"beside the entry of the audit log. A copy ends at most 366 days from today, and not after the licence."
	cmd.Flags().StringVar(&q.Recipient, "for", "", "`WHOM` the copy is for, at most 60 characters")
	cmd.Flags().StringVar(&q.Purpose, "purpose", "", "`TEXT` what it is for, at most 60 characters")
	cmd.Flags().StringVar(&until, "until", "", "last `DATE` on which it may be used, such as 2026-12-31")
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write")
	return cmd
}
