package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/audit"
)

func newSealProof(s *settings) *cobra.Command {
	var field, kept, out string
	var opens password
	cmd := &cobra.Command{
		Use:   "proof [--field NAME] [--checkpoint FILE] -o FILE IN.pdf",
		Short: "用印证明 prove by the audit log that a document was sealed by a time",
		Long: "Writes a proof that the use of the seal on a document stands in the audit log: a proof of time for elicence verify --proof, as a time\n" +
			"stamp is. It is under the first checkpoint after the use that the service has kept (one for each day of publishing), else under one\n" +
			"of this moment, and is good if the seal's certificate was in force at the time of the checkpoint. Another checkpoint may be given: a\n" +
			"time file of a scanner's cache, or a checkpoint.",
		Args: arguments("IN.pdf"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var checkpoint []byte
			if kept != "" {
				var err error
				if checkpoint, err = s.readLimited(kept, audit.MaxProofSize); err != nil {
					return fmt.Errorf("--checkpoint: %w", err)
				}
			}
			doc, closeFile, err := s.openPDF(args[0], opens)
			if err != nil {
				return err
			}
			defer closeFile()
			return s.with(func(o *office.Office) error {
				proof, err := o.AuditLog().ProveUse(cmd.Context(), doc, field, checkpoint)
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				return s.writeResult(cmd, out, proof)
			})
		},
	}
	cmd.Flags().StringVar(&field, "field", "", "`NAME` of the seal's field, where the document has several")
	cmd.Flags().StringVar(&kept, "checkpoint", "", "`FILE` with a checkpoint that was kept")
	opens.flags(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write; - is standard output")
	return cmd
}
