package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
)

// lossView is a stolen key as it is printed.
type lossView struct {
	ID      string  `json:"id"` // the authority's code
	Key     string  `json:"key"`
	Since   *string `json:"since"`
	Genuine int     `json:"genuine"` // credentials that are known
	Bytes   int     `json:"bytes"`   // of the file that names them
}

func newAuthorityCompromise(s *settings) *cobra.Command {
	var key, since, note string
	cmd := &cobra.Command{
		Use:   "compromise USCC [--key NAME] [--since TIME] [--note TEXT]",
		Short: "密钥失窃 the authority's key was stolen: only what the register has signed counts; a new key takes over",
		Args:  arguments("USCC"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var at time.Time
			if since != "" {
				var err error
				if at, err = time.Parse(time.RFC3339, since); err != nil {
					return fmt.Errorf("--since: %q is not a time like 2026-05-01T08:00:00+08:00", since)
				}
			}
			return s.with(func(o *office.Office) error {
				loss, err := o.CompromiseAuthority(cmd.Context(), s.actor, args[0], key, at, note)
				if err != nil {
					return err
				}
				v := lossView{ID: loss.USCC, Key: loss.Key, Genuine: loss.Genuine, Bytes: loss.Bytes}
				if !loss.Since.IsZero() {
					text := loss.Since.UTC().Format(time.RFC3339)
					v.Since = &text
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), v)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  已知真实 known to be genuine: %d (%d bytes)\n请运行 now run: elicence authority reissue-codes %s -o FILE\n", v.ID, v.Key, v.Genuine, v.Bytes, v.ID)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "`NAME` of the key, as elicence key list has it; without: the one in use, unless one was stolen before")
	cmd.Flags().StringVar(&since, "since", "", "`TIME` of the theft (RFC 3339), where it is known; for people: nothing depends on it")
	cmd.Flags().StringVar(&note, "note", "", "why, in words; kept encrypted")
	return cmd
}

func newAuthorityReissueCodes(s *settings) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "reissue-codes USCC -o FILE.csv",
		Short: "重签核验码 sign anew the printed codes of a stolen key",
		Args:  arguments("USCC"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return bilingual.New("须用 -o 指明存入的文件", "-o: must name a file")
			}
			// What is signed anew is in the register already; the file says to whom to send
			// what. So it grows line by line, and is never written over.
			file, err := os.OpenFile(filepath.Clean(out), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return fmt.Errorf("-o: %w", err)
			}
			lines := csv.NewWriter(file)
			written := 0
			err = s.with(func(o *office.Office) error {
				if err := lines.Write([]string{"id", "profile", "code"}); err != nil {
					return err
				}
				written, err = o.ReissueCodes(cmd.Context(), s.actor, args[0], func(r office.Reissued) error {
					return lines.Write([]string{r.Licence.String(), string(r.Profile), r.Code.Digits})
				})
				return err
			})
			lines.Flush()
			if err := errors.Join(err, lines.Error(), file.Sync(), file.Close()); err != nil {
				return err
			}
			if s.json {
				return printJSON(cmd.OutOrStdout(), map[string]any{"out": out, "codes": written})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d codes\n", written)
			return err
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "`FILE` for the licences and their new codes; must not be there")
	return cmd
}
