package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/keystore"
)

// crlView is a revocation list in force as it is printed.
type crlView struct {
	ID         string `json:"id"` // its name within URLs
	Number     uint64 `json:"number"`
	Entries    int    `json:"entries"`
	NextUpdate string `json:"next_update"`
}

func viewCRL(r crl.Report) crlView {
	return crlView{r.Name, r.Number, r.Entries, r.NextUpdate.Format(time.RFC3339)}
}

func (v crlView) row() []string {
	return []string{v.ID, fmt.Sprint(v.Number), fmt.Sprint(v.Entries), v.NextUpdate}
}

func newCACRL(s *settings) *cobra.Command {
	var f offlineFlags
	var l rootList
	cmd := &cobra.Command{
		Use:   "crl [NAME] [-o FILE] | crl --root --offline-passphrase-file FILE [--offline DIR] [--responder] [-o FILE]",
		Short: "吊销列表 publish the revocation lists now",
		Long: "Makes every revocation list of an authority anew, or of all authorities, and lists them. With -o one full list is also\n" +
			"written, in DER: of an authority with shards name the list as it is named in certificates, NAME-COUNT-INDEX.crl.\n\n" +
			"With --root the root signs a list of what it has revoked: intermediates, cross-certificates. It must be made anew before its\n" +
			"nextUpdate, and at once after a revocation. With --responder it also certifies anew the key that answers for it by OCSP.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if l.root {
				if len(args) > 0 {
					return bilingual.New("--root 不能与其他机构的名称一起用", "--root: goes without the name of another authority")
				}
				return s.withOffline(f, func(o *office.Office, offline *keystore.Store) error { return l.run(cmd, s, o, offline) })
			}
			for _, flag := range []string{"responder", "life-days", "responder-life-days", "offline", "offline-passphrase-file", "offline-share", "offline-token"} {
				if cmd.Flags().Changed(flag) {
					return fmt.Errorf("--%s: goes with --root", flag)
				}
			}
			var name string
			if len(args) == 1 {
				name = args[0]
			}
			return s.with(func(o *office.Office) error {
				if l.out != "" {
					return s.writeCRL(cmd, o, name, l.out)
				}
				reports, err := o.PublishCRLs(cmd.Context(), name)
				if err != nil {
					return err
				}
				var views []crlView
				for _, r := range reports {
					views = append(views, viewCRL(r))
				}
				return list(cmd, s, views, crlView.row)
			})
		},
	}
	l.flags(cmd)
	f.add(cmd)
	return atDeskUnless(s, func() bool { return l.root }, cmd)
}

// writeCRL publishes and writes one list: the only one of an authority, or one that is
// named in full.
func (s *settings) writeCRL(cmd *cobra.Command, o *office.Office, name, out string) error {
	if name == "" {
		return bilingual.New("须用 -o 指明列表的文件名，如 seals-1-0.crl", "-o: name the list, as seals-1-0.crl")
	}
	if _, err := o.PublishCRLs(cmd.Context(), ""); err != nil {
		return err
	}
	list, found, err := o.Latest(cmd.Context(), name)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%s: %w", name, office.ErrNoCRL)
	}
	return s.writeResult(cmd, out, list.DER)
}
