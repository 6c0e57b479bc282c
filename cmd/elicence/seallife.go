package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/seal"
)

// sealAct is an act on one seal, which prints what it has become.
func sealAct(s *settings, use, short string, act func(ctx context.Context, o *office.Office, id string) (seal.Record, error)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: arguments("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		return s.with(func(o *office.Office) error {
			r, err := act(cmd.Context(), o, args[0])
			if err != nil {
				return err
			}
			return printSeal(cmd, s, r)
		})
	}}
}

func newSealShow(s *settings) *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: "显示一枚印章 one seal with its keepers and limits", Args: arguments("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		return s.with(func(o *office.Office) error {
			r, err := o.Seal(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			v, err := viewSeal(r)
			if err != nil {
				return err
			}
			if s.json {
				return printJSON(cmd.OutOrStdout(), v)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), v.text())
			return err
		})
	}}
}

// text is a seal for people.
func (v sealView) text() string {
	lines := []string{
		v.ID + "  " + v.Name, v.Owner + " " + v.OwnerName,
		fmt.Sprintf("类别 class: %s %s  %g × %g mm", seal.Class(v.Class).Chinese(), v.Class, v.WidthMM, v.HeightMM), "状态 state: " + v.stateText(),
	}
	if v.Since != nil {
		lines[3] += "  " + *v.Since + "  " + *v.Reason
	}
	lines = append(lines, "申请 applied by: "+v.AppliedBy+"  "+v.AppliedAt)
	if v.ApprovedBy != nil {
		lines = append(lines, "批准 approved by: "+*v.ApprovedBy+"  "+*v.ApprovedAt, "有效期至 valid until: "+*v.ValidUntil)
	}
	keepers := "不限 everybody"
	if len(v.Keepers) > 0 {
		keepers = strings.Join(v.Keepers, "、")
	}
	uses := fmt.Sprint(v.Uses)
	if v.MaxUses != nil {
		uses += fmt.Sprint(" / ", *v.MaxUses)
	}
	if v.Hours != nil {
		uses += "  " + *v.Hours
	}
	if v.PurposeRequired {
		uses += "  须说明用印事由 purpose required"
	}
	return strings.Join(append(lines, "保管人 keepers: "+keepers, "用印 uses: "+uses, ""), "\n")
}

func newSealSuspend(s *settings) *cobra.Command {
	var reason string
	cmd := sealAct(s, "suspend ID --reason WORDS", "停用 suspend a seal, its certificates too", func(ctx context.Context, o *office.Office, id string) (seal.Record, error) {
		return o.SuspendSeal(ctx, s.actor, id, reason)
	})
	cmd.Flags().StringVar(&reason, "reason", "", "why, in `WORDS`")
	return cmd
}

func newSealResume(s *settings) *cobra.Command {
	var reason string
	cmd := sealAct(s, "resume ID --reason WORDS", "恢复使用 put a suspended seal into use again", func(ctx context.Context, o *office.Office, id string) (seal.Record, error) {
		return o.ResumeSeal(ctx, s.actor, id, reason)
	})
	cmd.Flags().StringVar(&reason, "reason", "", "why, in `WORDS`")
	return cmd
}

func newSealRevoke(s *settings) *cobra.Command {
	var reason, code string
	cmd := sealAct(s, "revoke ID --reason WORDS [--code REASON]", "注销印章 end a seal for ever and revoke its certificates", func(ctx context.Context, o *office.Office, id string) (seal.Record, error) {
		parsed, err := cert.ParseReason(code)
		if err != nil {
			return seal.Record{}, fmt.Errorf("--code: %w", err)
		}
		return o.RevokeSeal(ctx, s.actor, id, office.Revocation{Reason: parsed, Note: reason})
	})
	cmd.Flags().StringVar(&reason, "reason", "", "why, in `WORDS`")
	cmd.Flags().StringVar(&code, "code", cert.CessationOfOperation.String(), "`REASON` of RFC 5280 for the certificates; after keyCompromise no earlier document is believed")
	return cmd
}

func newSealKeeper(s *settings) *cobra.Command {
	keeper := func(use, short string, act func(o *office.Office, ctx context.Context, id, name string) (seal.Record, error)) *cobra.Command {
		return &cobra.Command{Use: use + " ID NAME", Short: short, Args: arguments("ID", "NAME"), RunE: func(cmd *cobra.Command, args []string) error {
			return s.with(func(o *office.Office) error {
				r, err := act(o, cmd.Context(), args[0], args[1])
				if err != nil {
					return err
				}
				return printSeal(cmd, s, r)
			})
		}}
	}
	return group("keeper", "印章保管人 who may use a seal; without any, every officer",
		keeper("add", "指定保管人 name a keeper", func(o *office.Office, ctx context.Context, id, name string) (seal.Record, error) {
			return o.AddKeeper(ctx, s.actor, id, name)
		}),
		keeper("remove", "撤销保管人 take the seal from a keeper", func(o *office.Office, ctx context.Context, id, name string) (seal.Record, error) {
			return o.RemoveKeeper(ctx, s.actor, id, name)
		}))
}

// What --purpose takes.
const (
	purposeRequired = "required"
	purposeOptional = "optional"
)

func newSealLimit(s *settings) *cobra.Command {
	var uses uint64
	var hours, purpose string
	var cmd *cobra.Command
	cmd = sealAct(s, "limit ID [--uses N] [--hours 08:00-18:00] [--purpose required|optional]", "用印限制 how often, at what hours and for what a seal may be used", func(ctx context.Context, o *office.Office, id string) (seal.Record, error) {
		if !slices.ContainsFunc([]string{"uses", "hours", "purpose"}, cmd.Flags().Changed) {
			return seal.Record{}, bilingual.New("须给出 --uses、--hours 或 --purpose；0、none、optional 为取消限制", "--uses, --hours or --purpose: one must be given; 0, none and optional take a limit away")
		}
		if cmd.Flags().Changed("purpose") && purpose != purposeRequired && purpose != purposeOptional {
			return seal.Record{}, fmt.Errorf("--purpose: %q is not %s or %s", purpose, purposeRequired, purposeOptional)
		}
		r, err := o.Seal(ctx, id)
		if err != nil {
			return r, err
		}
		limits := r.Rules
		if cmd.Flags().Changed("uses") {
			limits.MaxUses = uses
		}
		switch {
		case hours == "none":
			limits.From, limits.Until = 0, 0
		case hours != "":
			if limits.From, limits.Until, err = seal.ParseHours(hours); err != nil {
				return r, fmt.Errorf("--hours: %w", err)
			}
		}
		if purpose != "" {
			limits.PurposeRequired = purpose == purposeRequired
		}
		return o.LimitSeal(ctx, s.actor, id, limits)
	})
	cmd.Flags().Uint64Var(&uses, "uses", 0, "`NUMBER` of uses in all; 0: no limit")
	cmd.Flags().StringVar(&hours, "hours", "", "`HOURS` of the day in UTC+8, 08:00-18:00; none: no limit")
	cmd.Flags().StringVar(&purpose, "purpose", "", "`WORD`: required: every use says for what, with --reason; optional: it need not")
	return cmd
}
