package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
)

func newAuditCheckpoint(s *settings) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "checkpoint [-o FILE]", Short: "检查点 sign the present state of the log", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				c, err := o.AuditLog().Checkpoint(cmd.Context())
				if err != nil {
					return err
				}
				keys, err := o.AuditLog().Keys(cmd.Context())
				if err != nil {
					return err
				}
				present := keys[0].Point()
				if out != "" {
					if err := s.writeOutput(cmd, out, c.Signed); err != nil || out == "-" {
						return err
					}
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), map[string]any{
						"origin": c.Origin, "size": c.Size, "root": hex.EncodeToString(c.Root), "time": c.At().Format(time.RFC3339),
						"log_key": present.String(), "checkpoint": c.Signed,
					})
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %d 条记录 entries\nroot SM3 %x\nlog key %s\n", c.Origin, c.Size, c.Root, present)
				return err
			})
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` for the signed checkpoint")
	return cmd
}

func newAuditProve(s *settings) *cobra.Command {
	var index int64
	var out string
	var details bool
	cmd := &cobra.Command{
		Use:   "prove --index N -o FILE [--details]",
		Short: "存在性证明 a file that proves an entry without the log",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("index") || index < 0 {
				return bilingual.New("须用 --index 给出条目的序号", "--index: must be the number of an entry")
			}
			return s.with(func(o *office.Office) error {
				file, err := o.AuditLog().Prove(cmd.Context(), uint64(index), details)
				if err != nil {
					return err
				}
				return s.writeResult(cmd, out, file)
			})
		},
	}
	cmd.Flags().Int64Var(&index, "index", 0, "`NUMBER` of the entry, from 0")
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write; - is standard output")
	cmd.Flags().BoolVar(&details, "details", false, "disclose the details that the entry commits to; they may be personal")
	return cmd
}

// logTrust says whose checkpoints count where there is no data folder.
type logTrust struct {
	key, dir, pin string
}

func (l *logTrust) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.key, "log-key", "", "public point of the log's checkpoints in `HEX`")
	cmd.Flags().StringVar(&l.dir, "trust", "", "`DIR` with trust files that name the log's key")
	cmd.Flags().StringVar(&l.pin, "root-sm3", "", "SM3 of a root file that must be in that folder, in `HEX`")
}

// resolve finds the log's keys: the one that was given, those of trust files, or those
// of the data folder. The present one comes first.
func (l *logTrust) resolve(ctx context.Context, s *settings) ([]*pki.PublicKey, error) {
	if l.pin != "" && l.dir == "" {
		return nil, bilingual.New("--root-sm3 须与 --trust 一起用", "--root-sm3: goes with --trust")
	}
	switch {
	case l.key != "" && l.dir != "":
		return nil, bilingual.New("--log-key 不与 --trust 一起用", "--log-key: goes without --trust")
	case l.key != "":
		key, err := parseLogKey(l.key)
		return []*pki.PublicKey{key}, err
	case l.dir != "":
		options := trust.Options{Second: second.Opinion{}, Now: time.Now}
		if l.pin != "" {
			var err error
			if options.Pin, err = trust.ParsePin(l.pin); err != nil {
				return nil, fmt.Errorf("--root-sm3: %w", err)
			}
		}
		cache, err := trust.Load(os.DirFS(l.dir), options)
		if err != nil {
			return nil, fmt.Errorf("--trust: %s: %w", l.dir, err)
		}
		return cache.Trust.LogKeys()
	}
	var keys []*pki.PublicKey
	err := s.with(func(o *office.Office) error {
		var err error
		keys, err = o.AuditLog().Keys(ctx)
		return err
	})
	return keys, err
}

// verifyProof checks a proof file under whichever of the log's keys signed its
// checkpoint.
func verifyProof(p *audit.Proof, keys []*pki.PublicKey) (e audit.Entry, c audit.Checkpoint, err error) {
	for _, key := range keys {
		if e, c, err = p.Verify(key); err == nil {
			break
		}
	}
	return e, c, err
}

func newAuditCheckProof(s *settings) *cobra.Command {
	var log logTrust
	cmd := &cobra.Command{
		Use:   "check-proof [--log-key HEX | --trust DIR [--root-sm3 HEX]] FILE",
		Short: "核验证明 check a proof file, offline",
		Long:  "Checks a proof file without the log. Without --log-key and --trust the data folder's own key is used.",
		Args:  arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := s.readLimited(args[0], audit.MaxProofSize)
			if err != nil {
				return err
			}
			p, err := audit.ParseProof(file)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			keys, err := log.resolve(cmd.Context(), s)
			if err != nil {
				return err
			}
			e, c, err := verifyProof(p, keys)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			v := viewEntry(auditlog.Entry{Index: p.Index, Entry: e})
			if s.json {
				return printJSON(cmd.OutOrStdout(), map[string]any{
					"origin": c.Origin, "size": c.Size, "root": hex.EncodeToString(c.Root), "checkpoint_time": c.At().Format(time.RFC3339),
					"id": v.ID, "time": v.Time, "actor": v.Actor, "act": v.Act, "subject": v.Subject, "digest": v.Digest, "details": string(p.Details),
				})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "✓ 该记录在日志中  the entry is in the log of %s, %d entries, %s\n%d  %s  %s  %s  %s\n%s\n",
				c.Origin, c.Size, c.At().Format(time.RFC3339), v.ID, v.Time, v.Actor, v.Act, v.Subject, p.Details)
			return err
		},
	}
	log.flags(cmd)
	return atDeskUnless(s, func() bool { return log.key != "" || log.dir != "" }, cmd)
}

func newAuditConsistency(s *settings) *cobra.Command {
	var first, second uint64
	var out string
	cmd := &cobra.Command{
		Use:   "consistency --first N [--second M] -o FILE",
		Short: "一致性证明 prove that the log of N entries is a beginning of that of M",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("first") {
				return bilingual.New("须用 --first 给出较早日志的条数", "--first: must be the size of the earlier log")
			}
			if cmd.Flags().Changed("second") && second == 0 {
				return bilingual.New("--second 须为较晚日志的条数", "--second: 0 is not the size of a later log")
			}
			return s.with(func(o *office.Office) error {
				p, err := o.AuditLog().Consistency(cmd.Context(), first, second)
				if err != nil {
					return err
				}
				file, err := p.Marshal()
				if err != nil {
					return err
				}
				if out == "" && s.json {
					path := make([]string, len(p.Path))
					for i, hash := range p.Path {
						path[i] = hex.EncodeToString(hash)
					}
					return printJSON(cmd.OutOrStdout(), map[string]any{"first": p.First, "second": p.Second, "path": path})
				}
				return s.writeResult(cmd, out, file)
			})
		},
	}
	cmd.Flags().Uint64Var(&first, "first", 0, "`NUMBER` of entries of the earlier log")
	cmd.Flags().Uint64Var(&second, "second", 0, "`NUMBER` of entries of the later log; without: of the log as it is")
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write; - is standard output")
	return cmd
}
