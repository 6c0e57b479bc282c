package main

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/keystore"
)

// rootName is what both the root authority and the root of the trust files are called.
const rootName = "root"

// trustRootView is a root of the trust files as it is printed.
type trustRootView struct {
	ID      string `json:"id"` // file name
	Version uint64 `json:"version"`
	SM3     string `json:"root_sm3"`
	Expires string `json:"expires"`
}

// rotateTrustRoot puts a new key in the place of the one that signs the roots of the
// trust files, and prints the root that names it.
func rotateTrustRoot(cmd *cobra.Command, s *settings, o *office.Office, offline *keystore.Store) error {
	root, err := o.RotateTrustRoot(cmd.Context(), s.actor, offline)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d.root", root.Version)
	signed, err := o.TrustFile(cmd.Context(), name)
	if err != nil {
		return err
	}
	sum := sm3.Sum(signed)
	v := trustRootView{ID: name, Version: root.Version, SM3: hex.EncodeToString(sum[:]), Expires: root.ExpiresAt().Format(time.RFC3339)}
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  SM3 %s\n已固定任一旧版本的终端自动跟随 terminals that pin any version before follow by themselves\n", v.ID, v.SM3)
	return err
}

// withAllRoots adds --all to the command that prints the present root.
func withAllRoots(s *settings, cmd *cobra.Command) *cobra.Command {
	var all bool
	present := cmd.RunE
	cmd.Use = "root [--all] [-o FILE]"
	cmd.Flags().BoolVar(&all, "all", false, "every generation of the root, the present one last")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !all {
			return present(cmd, args)
		}
		return s.with(func(o *office.Office) error {
			roots, err := o.Roots(cmd.Context())
			if err != nil {
				return err
			}
			return printRoots(cmd, s, roots)
		})
	}
	return cmd
}

// rootView is a generation of the root as it is printed.
type rootView struct {
	ID       string `json:"id"`
	Serial   string `json:"serial"`
	NotAfter string `json:"not_after"`
	InUse    bool   `json:"in_use"`
	PEM      string `json:"pem"`
}

// printRoots prints all generations: in PEM one after the other, which is what programs
// read as a list of anchors.
func printRoots(cmd *cobra.Command, s *settings, roots []office.RootGeneration) error {
	var views []rootView
	var pem []byte
	for i, r := range roots {
		views = append(views, rootView{
			ID: r.Name, Serial: r.Certificate.Serial(), NotAfter: r.Certificate.NotAfter().Format(time.RFC3339),
			InUse: i == len(roots)-1, PEM: string(r.Certificate.PEM()),
		})
		pem = append(pem, r.Certificate.PEM()...)
	}
	if out := cmd.Flag("out").Value.String(); out != "" {
		if err := durable.WriteFile(out, pem, 0o644); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
	}
	switch {
	case s.json:
		return printJSON(cmd.OutOrStdout(), views)
	case cmd.Flag("out").Changed:
		return nil
	}
	_, err := cmd.OutOrStdout().Write(pem)
	return err
}
