package main

import "github.com/spf13/cobra"

func newKey(s *settings) *cobra.Command {
	return group("key", "密钥 the service's keys", newKeyRotate(s), newKeyGenerations(s))
}
