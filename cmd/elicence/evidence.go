package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/evidence"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
)

func newEvidence(s *settings) *cobra.Command {
	var out string
	var witnesses []string
	var clock clockFlag
	cmd := onLicence(s, "evidence ID -o F.zip", "证据包 one file that proves a licence, decades later and offline",
		func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
			if out == "" {
				return bilingual.New("须用 -o 指明存入的文件", "-o: must name a file")
			}
			var cosigned [][]byte
			for _, path := range witnesses {
				file, err := s.readLimited(path, audit.MaxCheckpointSize)
				if err != nil {
					return fmt.Errorf("--witness: %w", err)
				}
				cosigned = append(cosigned, file)
			}
			r, err := o.Licence(ctx, s.actor, id)
			if err != nil {
				return err
			}
			bundle, err := o.Evidence(ctx, s.actor, r, cosigned...)
			if err != nil {
				return err
			}
			if err := s.writeFile(out, bundle); err != nil {
				return fmt.Errorf("-o: %w", err)
			}
			if s.json {
				return printJSON(cmd.OutOrStdout(), map[string]any{"id": id.String(), "file": out, "bytes": len(bundle)})
			}
			return nil
		})
	cmd.Long = "Writes one ZIP file with the licence in signed form, its sealed pages, the certificates and trust files of this moment, proofs\n" +
		"from the audit log, the descriptions of all formats, and a time stamp over it all. elicence verify checks it with nothing but\n" +
		"the SM3 of a root. --witness adds a checkpoint that an outside witness has cosigned. A proven clock is needed, see --clock-error."
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := clock.set(s); err != nil {
			return err
		}
		return run(cmd, args)
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write")
	cmd.Flags().StringArrayVar(&witnesses, "witness", nil, "`FILE` with a cosigned checkpoint of the audit log; may be repeated")
	clock.add(cmd)
	return cmd
}

// inspectEvidence verifies a bundle by a pin alone.
func inspectEvidence(ctx context.Context, name, pin string, keys []string) (inspect.Inspection, error) {
	archive, err := readLimited(name, evidence.MaxSize)
	if err != nil {
		return inspect.Inspection{}, err
	}
	options := inspect.EvidenceOptions{Second: second.Opinion{}}
	if options.Pin, err = trust.ParsePin(pin); err != nil {
		return inspect.Inspection{}, fmt.Errorf("--root-sm3: %w", err)
	}
	held := testimony{files: durable.Disk{}}
	for _, key := range keys {
		if err := held.addKey(key); err != nil {
			return inspect.Inspection{}, fmt.Errorf("--witness-key: %w", err)
		}
	}
	options.Witnesses = held.witnessKeys
	return inspect.Evidence(ctx, archive, options)
}

// isEvidence reports whether a file says that it is an evidence bundle.
func isEvidence(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was only read
	head := make([]byte, 64)
	n, err := f.Read(head)
	return err == nil && evidence.Looks(head[:n])
}

// evidenceLines says in words what a bundle proves.
func evidenceLines(e *inspect.EvidenceFinding) []string {
	var lines []string
	if l := e.Licence; l != nil && l.ID != "" {
		lines = append(lines, fmt.Sprintf("  %s %s  %s  %s", l.Category, l.CategoryName, l.Number, l.Holder), "  "+l.ID)
	}
	if e.StampedAt != nil {
		lines = append(lines, "  时间戳 stamped "+*e.StampedAt+"  "+*e.StampedBy)
	}
	if e.AsOf != nil {
		lines = append(lines, "  状态截至 status as of "+*e.AsOf)
	}
	if e.RootSM3 != nil {
		lines = append(lines, "  信任根 root SM3 "+*e.RootSM3)
	}
	if len(e.Chain) > 0 {
		lines = append(lines, "  证书链 chain "+strings.Join(e.Chain, " ← "))
	}
	for _, entry := range e.Log {
		lines = append(lines, fmt.Sprintf("  日志 log %d  %s  %s  %s", entry.ID, entry.Time, entry.Act, entry.Actor))
	}
	for _, w := range e.Witnesses {
		known := "未核验 not verified, give --witness-key"
		if w.Key != nil {
			known = "key " + *w.Key
		}
		lines = append(lines, fmt.Sprintf("  见证 witness %s  %d 条 entries  %s", w.Name, w.Size, known))
	}
	return lines
}
