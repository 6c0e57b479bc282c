package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/emmansun/gmsm/sm3"
	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/ca/ceremony"
)

// unlocking is what opens the key stores that a ceremony makes.
type unlocking struct{ rootPassphraseFile, rootTokenFile string }

func (u *unlocking) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&u.rootPassphraseFile, "root-passphrase-file", "", "`FILE` whose first line protects the offline keys")
	cmd.Flags().StringVar(&u.rootTokenFile, "root-token", "", "`FILE` that names the PKCS#11 token for the offline keys")
}

// options completes what a new data folder is made with.
func (u *unlocking) options(s *settings, o office.CreateOptions) (office.CreateOptions, error) {
	o.Actor, o.Program, o.Store, o.Documents = s.actor, program(), s.store, s.documents
	var err error
	if s.passphraseFile != "" {
		if o.Passphrase, err = readPassphrase("--passphrase-file", s.passphraseFile); err != nil {
			return o, err
		}
	}
	if u.rootPassphraseFile != "" {
		if o.RootPassphrase, err = readPassphrase("--root-passphrase-file", u.rootPassphraseFile); err != nil {
			return o, err
		}
	}
	return o, s.initTokens(&o, u.rootTokenFile)
}

// program names this program with its version and the toolchain.
func program() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "elicence"
	}
	text := "elicence " + info.Main.Version + " " + info.GoVersion
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			text += " " + setting.Value
		}
	}
	return text
}

// ceremonyView is a ceremony that took place, as it is printed.
type ceremonyView struct {
	Data       string `json:"data"`
	Offline    string `json:"offline"`
	Shares     string `json:"shares"` // empty: none
	Record     string `json:"record"`
	RootSM3    string `json:"root_certificate_sm3"`
	TrustSM3   string `json:"root_sm3"` // for terminals to pin
	Transcript string `json:"transcript_sm3"`
}

// planView is a plan as it is printed.
type planView struct {
	File  string          `json:"file"`
	SM3   string          `json:"sm3"`
	Steps []ceremony.Step `json:"steps"`
}

func newCACeremony(s *settings) *cobra.Command {
	var u unlocking
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use:   "ceremony FILE (--dry-run | --yes) [--root-passphrase-file FILE | --root-token FILE]",
		Short: "根证书仪式 root, authorities and service from one reviewed file",
		Long: "Makes everything that a reviewed file names: the data folder of the service, the offline keys in a folder of their own, and the\n" +
			"certificates with a transcript for the people in the room. --dry-run says what will be done and touches nothing. See docs/ceremony.md.",
		Args: arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dryRun == yes {
				return bilingual.New("先用 --dry-run 查看将做什么，确认后用 --yes 执行", "ceremony: give --dry-run to see what will be done, or --yes to do it")
			}
			if err := s.check(); err != nil {
				return err
			}
			if cmd.Flags().Changed("data") {
				return bilingual.New("数据目录由仪式文件的 output.data 指定，不要用 --data", "--data: the ceremony file names the data folder: output.data")
			}
			plan, err := ceremony.Load(args[0])
			if err != nil {
				return err
			}
			if dryRun {
				return printPlan(cmd, s, plan)
			}
			options, err := u.options(s, office.CreateOptions{Plan: plan})
			if err != nil {
				return err
			}
			return hold(cmd, s, plan, options)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what will be done, and touch nothing")
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	u.add(cmd)
	return cmd
}

func printPlan(cmd *cobra.Command, s *settings, p *ceremony.Plan) error {
	if s.json {
		return printJSON(cmd.OutOrStdout(), planView{p.File, hex.EncodeToString(p.Digest[:]), p.Steps()})
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), p.Text())
	return err
}

// hold holds the ceremony of a plan.
func hold(cmd *cobra.Command, s *settings, p *ceremony.Plan, options office.CreateOptions) error {
	v, err := create(cmd.Context(), p.Output.Data, options)
	if err != nil {
		return err
	}
	v.Offline, v.Shares, v.Record = p.Output.Offline, p.Output.Shares, p.Output.Record
	transcript, err := os.ReadFile(filepath.Join(v.Record, "transcript.txt"))
	if err != nil {
		return fmt.Errorf("reading the transcript: %w", err)
	}
	digest := sm3.Sum(transcript)
	v.Transcript = hex.EncodeToString(digest[:])
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n记录 transcript: %s\nSM3 %s\n", transcript, filepath.Join(v.Record, "transcript.txt"), ceremony.Groups(digest))
	return err
}

// create makes a data folder and reads back what people compare.
func create(ctx context.Context, dir string, options office.CreateOptions) (ceremonyView, error) {
	v := ceremonyView{Data: dir}
	o, err := office.Create(ctx, dir, options)
	if err != nil {
		return v, err
	}
	file, err := o.TrustFile(ctx, "1.root")
	if err != nil {
		return v, errors.Join(err, o.Close())
	}
	root, err := o.RootCertificate(ctx)
	if err := errors.Join(err, o.Close()); err != nil {
		return v, err
	}
	trustSum, rootSum := sm3.Sum(file), sm3.Sum(root.DER)
	v.TrustSM3, v.RootSM3 = hex.EncodeToString(trustSum[:]), hex.EncodeToString(rootSum[:])
	return v, nil
}
