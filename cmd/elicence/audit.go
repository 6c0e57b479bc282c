package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

func newAudit(s *settings) *cobra.Command {
	return group("audit", "审计日志 the audit log",
		append(atDesk(s, newAuditShow(s), newAuditErase(s), newAuditVerify(s), newAuditCheckpoint(s), newAuditProve(s), newAuditConsistency(s)),
			newAuditCheckProof(s), newAuditWitness(s))...)
}

func newAuditVerify(s *settings) *cobra.Command {
	var witnesses, keys, cosigners []string
	cmd := &cobra.Command{
		Use:   "verify [--witness DIR|FILE]… [--witness-key FILE|HEX]… [--log-key HEX]…",
		Short: "核对 recompute the whole log and compare it with its witnesses",
		Long: "Recomputes every hash of the log and names the first entry that is not what was appended. A log that was made anew, cut or\n" +
			"restored from an older copy is whole in itself: only what somebody kept elsewhere contradicts it. --witness takes files and\n" +
			"folders with time files as scanners cache them, checkpoints, cosigned checkpoints and proof files, in any mixture.\n" +
			"Cosignatures are verified by the witnesses' public points: --witness-key, and the files witness.pub in those folders.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				held := testimony{files: s.files}
				var err error
				if held.logKeys, err = logKeys(cmd.Context(), o, keys); err != nil {
					return err
				}
				for _, key := range cosigners {
					if err := held.addKey(key); err != nil {
						return fmt.Errorf("--witness-key: %w", err)
					}
				}
				for _, path := range witnesses {
					if err := held.read(cmd.Context(), path); err != nil {
						return fmt.Errorf("--witness: %w", err)
					}
				}
				cosignatures, err := held.cosignatures()
				if err != nil {
					return fmt.Errorf("--witness: %w", err)
				}
				size, root, err := o.AuditLog().Verify(cmd.Context(), held.seen...)
				if err != nil {
					return err
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), map[string]any{
						"size": size, "root": hex.EncodeToString(root), "witnesses": len(held.seen), "cosignatures": cosignatures,
					})
				}
				lines := []string{fmt.Sprintf("%d 条记录，完整无误 entries, whole", size), fmt.Sprintf("%d 份见证，全部一致 witnesses, all consistent", len(held.seen))}
				if len(held.seen) == 0 {
					lines[1] = "没有见证，无法发现整体替换 no witnesses: a log that was cut or replaced as a whole is not noticed"
				}
				for _, c := range cosignatures {
					lines = append(lines, c.line())
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\nroot SM3 %x\n", strings.Join(lines, "\n"), root)
				return err
			})
		},
	}
	cmd.Flags().StringArrayVar(&witnesses, "witness", nil, "`DIR|FILE` with what was kept elsewhere; may be repeated")
	cmd.Flags().StringArrayVar(&cosigners, "witness-key", nil, "public point of a witness, in a `FILE|HEX`; may be repeated")
	cmd.Flags().StringArrayVar(&keys, "log-key", nil, "public point of the log's checkpoints in `HEX`; may be repeated; without: the data folder's")
	return cmd
}

// logKeys reads --log-key, or takes the data folder's own keys.
func logKeys(ctx context.Context, o *office.Office, points []string) ([]*pki.PublicKey, error) {
	if len(points) == 0 {
		return o.AuditLog().Keys(ctx)
	}
	var keys []*pki.PublicKey
	for _, point := range points {
		key, err := parseLogKey(point)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseLogKey(point string) (*pki.PublicKey, error) {
	b, err := hex.DecodeString(point)
	if err != nil {
		return nil, fmt.Errorf("--log-key: %q is not hexadecimal", point)
	}
	key, err := pki.ParsePoint(b)
	if err != nil {
		return nil, fmt.Errorf("--log-key: %w", err)
	}
	return key, nil
}

func newAuditShow(s *settings) *cobra.Command {
	var index int64
	var subject string
	cmd := &cobra.Command{
		Use: "show [--index N | --subject ID]", Short: "显示 show the entries, or one of them with the words kept beside it",
		Long: "Shows who did what when. --index N shows one entry whole, with the words that are kept beside it (a purpose, a reason), which\n" +
			"may be personal; it says whether they are what the entry commits to, and exits with 1 where anything is not what was appended.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			one := cmd.Flags().Changed("index")
			if one && subject != "" {
				return bilingual.New("--index 与 --subject 只能给一个", "--index: goes without --subject")
			}
			if one && index < 0 {
				return fmt.Errorf("--index: %d is not an index", index)
			}
			return s.with(func(o *office.Office) error {
				if one {
					return showEntry(cmd, s, o, uint64(index))
				}
				var views []entryView
				err := o.AuditLog().Entries(cmd.Context(), func(e auditlog.Entry) error {
					if subject == "" || e.Subject == subject {
						views = append(views, viewEntry(e))
					}
					return nil
				})
				if err != nil {
					return err
				}
				return list(cmd, s, views, entryView.row)
			})
		},
	}
	cmd.Flags().Int64Var(&index, "index", 0, "only the entry with this `NUMBER`, from 0, with the words kept beside it")
	cmd.Flags().StringVar(&subject, "subject", "", "only entries about this `ID`")
	return cmd
}

// What an entry has beside it.
const (
	detailsNone      = "none"
	detailsKept      = "kept"
	detailsErased    = "erased"
	detailsDestroyed = "destroyed" // their key was, by an erasure that this log does not know of
	detailsMissing   = "missing"
)

// entryView is an entry as it is printed.
type entryView struct {
	ID       uint64  `json:"id"`
	Time     string  `json:"time"`
	Actor    string  `json:"actor"`
	Act      string  `json:"act"`
	Subject  string  `json:"subject"`
	Digest   string  `json:"digest"`
	Details  string  `json:"details"`
	ErasedBy *uint64 `json:"erased_by"`
}

func viewEntry(e auditlog.Entry) entryView {
	v := entryView{
		ID: e.Index, Time: e.At().Format(time.RFC3339), Actor: e.Actor, Act: string(e.Act), Subject: e.Subject, Digest: hex.EncodeToString(e.Digest), Details: detailsNone,
	}
	switch {
	case e.ErasedBy > 0:
		v.Details, v.ErasedBy = detailsErased, &e.ErasedBy
	case e.Destroyed:
		v.Details = detailsDestroyed
	case e.Commits():
		v.Details = detailsKept
	}
	return v
}

func (v entryView) row() []string {
	details := ""
	if v.Details == detailsErased || v.Details == detailsDestroyed {
		details = v.fate()
	}
	return []string{fmt.Sprint(v.ID), v.Time, v.Actor, v.Act, v.Subject, details}
}

// fate says what became of the details that an entry was made with.
func (v entryView) fate() string {
	switch v.Details {
	case detailsErased:
		return fmt.Sprintf("已由第 %d 条删除 erased by entry %d", *v.ErasedBy, *v.ErasedBy)
	case detailsDestroyed:
		return "密钥已销毁，无法读出 their key was destroyed, they cannot be read"
	case detailsMissing:
		return "缺失 missing"
	case detailsKept:
		return "保存在旁 kept"
	default:
		return "无 none"
	}
}

// wholeEntryView is one entry with the words beside it.
type wholeEntryView struct {
	entryView
	Commitment string  `json:"commitment"` // HMAC-SM3 over the words, or random bytes
	Words      *string `json:"words"`
	Damage     *string `json:"damage"` // how entry or words differ from what was appended; null: they do not
}

func viewWholeEntry(index uint64, x audit.Examined) wholeEntryView {
	v := wholeEntryView{
		entryView:  viewEntry(auditlog.Entry{Index: index, Entry: x.Entry, ErasedBy: x.Beside.ErasedBy, Destroyed: x.Beside.Destroyed}),
		Commitment: hex.EncodeToString(x.Commitment),
	}
	if len(x.Beside.Details) > 0 {
		words := string(x.Beside.Details)
		v.Words = &words
		v.Details = detailsKept // whatever the entry says of it
	} else if v.Details == detailsKept {
		v.Details = detailsMissing
	}
	if x.Damage != nil {
		v.Damage = &x.Damage.What
	}
	return v
}

// text is an entry for people. What somebody wrote into it moves no cursor and begins no line.
func (v wholeEntryView) text() string {
	lines := []string{
		fmt.Sprintf("序号 index: %d", v.ID), "时间 time: " + v.Time, "操作人 actor: " + quiet(v.Actor), "事项 act: " + quiet(v.Act),
		"对象 subject: " + quiet(v.Subject), "摘要 digest SM3: " + v.Digest,
	}
	if v.Words == nil {
		lines = append(lines, "内容 words: "+v.fate())
	} else {
		lines = append(lines, "内容 words: "+quiet(*v.Words))
	}
	switch {
	case v.Damage != nil:
		lines = append(lines, "✗ 与写入时不符 not what was appended: "+quiet(*v.Damage))
	case v.Words != nil:
		lines = append(lines, "✓ 内容与该条记录的承诺一致 the words are what the entry commits to: HMAC-SM3 "+v.Commitment)
	}
	return strings.Join(append(lines, ""), "\n")
}

// showEntry prints one entry whole, damaged or not.
func showEntry(cmd *cobra.Command, s *settings, o *office.Office, index uint64) error {
	x, err := o.AuditLog().Examine(cmd.Context(), index)
	if err != nil {
		return err
	}
	v := viewWholeEntry(index, x)
	if s.json {
		err = printJSON(cmd.OutOrStdout(), []wholeEntryView{v})
	} else {
		_, err = fmt.Fprint(cmd.OutOrStdout(), v.text())
	}
	if err == nil && x.Damage != nil {
		err = bilingual.Wrap(fmt.Sprintf("审计日志第 %d 条与写入时不符", index), x.Damage)
	}
	return err
}

func newAuditErase(s *settings) *cobra.Command {
	var index int64
	var subject, reason string
	cmd := &cobra.Command{
		Use:   "erase --index N | --subject ID --reason TEXT",
		Short: "依法删除个人信息 erase the personal details beside entries, by law",
		Long: "Erases the key and the text that lie beside one entry, or beside all entries about a subject. The entries stay, and the log\n" +
			"verifies as before; each erasure is an entry with its reason. Backups made before still hold the details.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			one := cmd.Flags().Changed("index")
			if one == (subject != "") || index < 0 {
				return bilingual.New("须用 --index 或 --subject 指明要删除的内容", "--index or --subject: one of them must say what to erase")
			}
			return s.with(func(o *office.Office) error {
				erased := []uint64{uint64(index)}
				var err error
				if one {
					err = o.EraseDetails(cmd.Context(), s.actor, reason, erased...)
				} else {
					erased, err = o.EraseDetailsOf(cmd.Context(), s.actor, reason, subject)
				}
				if err != nil {
					return err
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), map[string]any{"erased": erased})
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "已删除 erased: %v\n", erased)
				return err
			})
		},
	}
	cmd.Flags().Int64Var(&index, "index", 0, "`NUMBER` of the entry")
	cmd.Flags().StringVar(&subject, "subject", "", "every entry about this `ID`")
	cmd.Flags().StringVar(&reason, "reason", "", "the lawful ground, in `WORDS`; kept as details of the erasure")
	return cmd
}

// writeOutput writes a binary file that -o names; - is standard output.
func (s *settings) writeOutput(cmd *cobra.Command, out string, content []byte) error {
	switch out {
	case "":
		return bilingual.New("须用 -o 指明存入的文件", "-o: must name a file")
	case "-":
		_, err := cmd.OutOrStdout().Write(content)
		return err
	}
	if err := s.writeFile(out, content); err != nil {
		return fmt.Errorf("-o: %w", err)
	}
	return nil
}

// writeResult is writeOutput for a command that has nothing else to say.
func (s *settings) writeResult(cmd *cobra.Command, out string, content []byte) error {
	if err := s.writeOutput(cmd, out, content); err != nil || !s.json || out == "-" {
		return err
	}
	return printJSON(cmd.OutOrStdout(), map[string]any{"file": out, "bytes": len(content)})
}
