package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/seal"
)

// profiling is the flag for the form of a seal signature.
type profiling struct{ profile string }

func (p *profiling) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.profile, "profile", string(seal.ProfileSES), "`FORM` of the signature: ses (GB/T 38540), or cades (CMS with the seal in a signed attribute)")
}

func (p *profiling) use() (seal.Profile, error) {
	profile, err := seal.ParseProfile(p.profile)
	if err != nil {
		return "", fmt.Errorf("--%w", err)
	}
	return profile, nil
}
