package main

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
)

// rootList is what `ca crl --root` is asked for.
type rootList struct {
	root, responder         bool
	lifeDays, responderDays int
	out                     string
}

// rootListView is a list of the root as it is printed.
type rootListView struct {
	Number     string `json:"number"`
	Entries    int    `json:"entries"`
	NextUpdate string `json:"next_update"`
	SM3        string `json:"sm3"`
	Responder  string `json:"responder"` // serial number of the new certificate; empty: none
}

func (l *rootList) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&l.root, "root", false, "the root's list")
	flags.BoolVar(&l.responder, "responder", false, "certify the root's OCSP responder anew too")
	flags.IntVar(&l.lifeDays, "life-days", 0, "`NUMBER` of days until the root's nextUpdate; without: as many as the list before")
	flags.IntVar(&l.responderDays, "responder-life-days", 0, "`NUMBER` of days of the responder's certificate; without: as many as before")
	flags.StringVarP(&l.out, "out", "o", "", "`FILE` for one full list, in DER")
}

func (l rootList) run(cmd *cobra.Command, s *settings, o *office.Office, offline *keystore.Store) error {
	list, err := o.PublishRootCRL(cmd.Context(), s.actor, offline, days(l.lifeDays))
	if err != nil {
		return err
	}
	if l.out != "" {
		if err := durable.WriteFile(l.out, list.DER, 0o644); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
	}
	digest := sm3.Sum(list.DER)
	v := rootListView{Number: list.Number.String(), Entries: list.Len(), NextUpdate: list.NextUpdate.Format(time.RFC3339), SM3: hex.EncodeToString(digest[:])}
	if l.responder {
		var c *cert.Certificate
		if c, err = o.RenewRootResponder(cmd.Context(), s.actor, offline, days(l.responderDays)); err != nil {
			return err
		}
		v.Responder = c.Serial()
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "第 %s 号 number %s  %d 项 entries  下次更新 next update %s\nSM3 %s\n", v.Number, v.Number, v.Entries, v.NextUpdate, v.SM3)
	if err == nil && v.Responder != "" {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "状态响应证书 responder %s\n", v.Responder)
	}
	return err
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
