package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/audit/witness"
	"github.com/elicence/elicence/pki/keystore"
)

// The key of a witness within its folder.
const (
	witnessKeys = "keys"
	witnessKEK  = "kek"
	witnessKey  = "witness"
)

func newAuditWitness(s *settings) *cobra.Command {
	return group("witness", "外部见证 an outside witness of the log, on another machine", newWitnessCreate(s), newWitnessCosign(s), newWitnessShow(s))
}

// witnessUnlock says how the witness's own key is protected: by a passphrase, or by
// the file kek in its folder.
func (s *settings) witnessUnlock(dir string) (keystore.Unlock, error) {
	if s.passphraseFile == "" {
		return keystore.Unlock{File: filepath.Join(dir, witnessKEK)}, nil
	}
	passphrase, err := readPassphrase("--passphrase-file", s.passphraseFile)
	return keystore.Unlock{Passphrase: passphrase}, err
}

// openWitness opens a witness's folder, and returns its own public point with it.
func (s *settings) openWitness(dir string) (*witness.Witness, string, error) {
	if dir == "" {
		return nil, "", bilingual.New("须用 --state 指明见证人的目录", "--state: must name the witness's folder")
	}
	unlock, err := s.witnessUnlock(dir)
	if err != nil {
		return nil, "", err
	}
	keys, err := keystore.Open(filepath.Join(dir, witnessKeys), unlock)
	if err != nil {
		return nil, "", fmt.Errorf("--state: %w", err)
	}
	key, err := keys.Signer(keystore.PurposeService, witnessKey)
	if err != nil {
		return nil, "", fmt.Errorf("--state: %w", err)
	}
	w, err := witness.Open(dir, key)
	if err != nil {
		return nil, "", fmt.Errorf("--state: %w", err)
	}
	return w, key.Public().Point().String(), nil
}

func newWitnessCreate(s *settings) *cobra.Command {
	var dir, logKey string
	var w witness.Settings
	cmd := &cobra.Command{
		Use:   "create --state DIR --name NAME --origin NAME --log-key HEX",
		Short: "新建见证方 make the folder of a witness with a key of its own",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return bilingual.New("--state 须为空目录或尚不存在的目录", "--state: must name a folder that is empty or not there")
			}
			var err error
			if w.Log, err = parseLogKey(logKey); err != nil {
				return err
			}
			var point string
			err = durable.BuildDir(dir, 0o700, func(building string) error {
				unlock, err := s.witnessUnlock(building)
				if err != nil {
					return err
				}
				if unlock.File != "" {
					if err := keystore.NewKeyFile(unlock.File); err != nil {
						return err
					}
				}
				keys, err := keystore.Create(filepath.Join(building, witnessKeys), unlock)
				if err != nil {
					return err
				}
				key, err := keys.GenerateSigner(keystore.PurposeService, witnessKey)
				if err != nil {
					return err
				}
				point = key.Public().Point().String()
				return witness.Create(building, w, key)
			})
			if err != nil {
				return fmt.Errorf("--state: %w", err)
			}
			return printWitness(cmd, s, w, point, audit.Checkpoint{})
		},
	}
	stateFlag(cmd, &dir)
	cmd.Flags().StringVar(&w.Name, "name", "", "`NAME` of the witness; stands in what it signs")
	cmd.Flags().StringVar(&w.Origin, "origin", "", "`NAME` of the log, as in its checkpoints")
	cmd.Flags().StringVar(&logKey, "log-key", "", "public point of the log's checkpoints in `HEX`")
	return cmd
}

func stateFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "state", "", "`DIR` with the witness's key and what it saw")
}

func newWitnessCosign(s *settings) *cobra.Command {
	var dir, consistency, out string
	cmd := &cobra.Command{
		Use:   "cosign --state DIR [--consistency FILE] -o OUT CHECKPOINT",
		Short: "联署 sign a checkpoint that continues what was seen before",
		Long: "Checks by a consistency proof that the log continues the last checkpoint that was seen, writes the new one down and signs\n" +
			"it. The proof begins at the size that `audit witness show` prints; the first checkpoint needs none. A log that was cut or\n" +
			"is another one is refused with exit 1: keep the checkpoint, it is signed and proves it.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return bilingual.New("须用 -o 指明存入的文件", "-o: must name a file")
			}
			signed, err := readLimited(args[0], audit.MaxCheckpointSize)
			if err != nil {
				return err
			}
			var proof *audit.ConsistencyProof
			if consistency != "" {
				file, err := readLimited(consistency, audit.MaxConsistencySize)
				if err == nil {
					proof, err = audit.ParseConsistencyProof(file)
				}
				if err != nil {
					return fmt.Errorf("--consistency: %w", err)
				}
			}
			w, _, err := s.openWitness(dir)
			if err != nil {
				return err
			}
			cosigned, err := w.Cosign(signed, proof, time.Now())
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return s.writeResult(cmd, out, cosigned)
		},
	}
	stateFlag(cmd, &dir)
	cmd.Flags().StringVar(&consistency, "consistency", "", "`FILE` with the proof from the last checkpoint to this one")
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write; - is standard output")
	return cmd
}

func newWitnessShow(s *settings) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "show --state DIR", Short: "显示 who witnesses which log, and what was seen last", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, point, err := s.openWitness(dir)
			if err != nil {
				return err
			}
			last, err := w.Last()
			if err != nil {
				return err
			}
			return printWitness(cmd, s, w.Settings(), point, last)
		},
	}
	stateFlag(cmd, &dir)
	return cmd
}

func printWitness(cmd *cobra.Command, s *settings, w witness.Settings, point string, last audit.Checkpoint) error {
	if s.json {
		return printJSON(cmd.OutOrStdout(), map[string]any{
			"name": w.Name, "key": point, "origin": w.Origin, "log_key": w.Log.Point().String(), "size": last.Size,
		})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s  key %s\n见证 witnesses %s  log key %s\n最近所见 last seen: %d 条记录 entries\n", w.Name, point, w.Origin, w.Log.Point(), last.Size)
	return err
}
