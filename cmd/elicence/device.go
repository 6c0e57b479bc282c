package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/qr/picture"
)

// drawing is where a code's pictures are written.
type drawing struct{ png, svg string }

func (d *drawing) add(cmd *cobra.Command, where string) {
	cmd.Flags().StringVar(&d.png, "png", "", "write the picture for "+where+" to this `FILE`")
	cmd.Flags().StringVar(&d.svg, "svg", "", "write the drawing for "+where+" to this `FILE`")
}

func (d *drawing) write(s *settings, symbol *picture.Symbol) error {
	if d.png != "" {
		png, err := symbol.PNG(pngScale)
		if err != nil {
			return err
		}
		if err := s.writeFile(d.png, png); err != nil {
			return fmt.Errorf("--png: %w", err)
		}
	}
	if d.svg != "" {
		if err := s.writeFile(d.svg, symbol.SVG(svgWidth)); err != nil {
			return fmt.Errorf("--svg: %w", err)
		}
	}
	return nil
}

// bindingView is a binding code as it is printed for the holder.
type bindingView struct {
	ID      string `json:"id"` // of the licence
	Code    string `json:"code"`
	Address string `json:"address"` // what its picture holds
	Until   string `json:"until"`
	Tries   int    `json:"tries"`
	DryRun  bool   `json:"dry_run,omitempty"` // then there is no code
}

// deviceView is a device of a licence as it is printed.
type deviceView struct {
	ID        string   `json:"id"`
	Algorithm string   `json:"algorithm"`
	State     string   `json:"state"` // bound or unbound
	Bound     string   `json:"bound"`
	Unbound   *string  `json:"unbound"`
	Profiles  []string `json:"profiles"`
	Renewed   string   `json:"renewed"`
	Expires   string   `json:"expires"` // of the credentials
}

func newBind(s *settings) *cobra.Command {
	var draw drawing
	var dryRun bool
	cmd := onLicence(s, "bind ID [--png F] [--svg F] [--dry-run]", "绑定码 a code for the holder to bind a device with", func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
		r, err := o.Licence(ctx, s.actor, id)
		if err != nil {
			return err
		}
		if dryRun {
			until, err := o.TryBinding(r)
			if err != nil {
				return err
			}
			if s.json {
				return printJSON(cmd.OutOrStdout(), bindingView{ID: id.String(), Until: until.Format(time.RFC3339), Tries: licence.BindingTries, DryRun: true})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n可以绑定 a device can be bound: %s\n", dryRunTitle, id)
			return err
		}
		b, err := o.OfferBinding(ctx, s.actor, r)
		if err != nil {
			return err
		}
		symbol, err := picture.Draw(b.Address, picture.Screen)
		if err != nil {
			return err
		}
		if err := draw.write(s, symbol); err != nil {
			return err
		}
		if s.json {
			return printJSON(cmd.OutOrStdout(), bindingView{ID: id.String(), Code: b.Code.Digits(), Address: b.Address, Until: b.Until.Format(time.RFC3339), Tries: licence.BindingTries})
		}
		local := b.Until.In(civil.Zone).Format(time.TimeOnly)
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n有效至 %s（北京时间），只能绑定一台设备 good until %s (UTC+8), for one device\n", b.Code.Grouped(), b.Address, local, local)
		return err
	})
	cmd.Long = "Prints a number that the holder, whom you have identified, types into the wallet page. It is good for ten minutes, one device\n" +
		"and five wrong tries. Give it to nobody else: whoever types it first has the licence on a phone."
	draw.add(cmd, "the wallet page")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say whether a device can be bound, and make no number")
	return cmd
}

func newDevices(s *settings) *cobra.Command {
	return onLicence(s, "devices ID", "设备 the devices of a licence", func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
		r, err := o.Licence(ctx, s.actor, id)
		if err != nil {
			return err
		}
		states, err := o.Devices(ctx, r)
		if err != nil {
			return err
		}
		views := make([]deviceView, len(states))
		for i, d := range states {
			v := deviceView{ID: d.ID().String(), Algorithm: d.Algorithm, State: "bound", Bound: d.BoundAt.Format(time.RFC3339), Profiles: []string{}}
			if !d.UnboundAt.IsZero() {
				at := d.UnboundAt.Format(time.RFC3339)
				v.State, v.Unbound = "unbound", &at
			}
			for _, c := range d.Credentials {
				v.Profiles = append(v.Profiles, c.Profile)
				v.Renewed, v.Expires = c.SignedAt.Format(time.RFC3339), c.Expires.Format(time.RFC3339)
			}
			views[i] = v
		}
		return list(cmd, s, views, func(v deviceView) []string {
			return []string{v.ID, v.Algorithm, v.State, v.Bound, v.Renewed, v.Expires}
		})
	})
}

func newUnbind(s *settings) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{Use: "unbind ID DEVICE [--dry-run]", Short: "解除绑定 end a device's binding for good", Args: arguments("ID", "DEVICE"), RunE: func(cmd *cobra.Command, args []string) error {
		id, err := typedIdentifier(cmd, args[0])
		if err != nil {
			return err
		}
		device, err := licence.ParseDeviceID(args[1])
		if err != nil {
			return fmt.Errorf("%s: %w", args[1], err)
		}
		return s.with(func(o *office.Office) error {
			if _, err := o.Licence(cmd.Context(), s.actor, id); err != nil {
				return err
			}
			if dryRun {
				if err := o.TryUnbind(cmd.Context(), id, device); err != nil {
					return err
				}
			} else if err := o.UnbindDevice(cmd.Context(), s.actor, id, device); err != nil {
				return err
			}
			if s.json {
				v := map[string]any{"id": device.String(), "state": "unbound"}
				if dryRun {
					v["dry_run"] = true
				}
				return printJSON(cmd.OutOrStdout(), v)
			}
			text := fmt.Sprintf("%s  已解除绑定 unbound\n", device)
			if dryRun {
				text = dryRunTitle + "\n" + text
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		})
	}}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	return cmd
}

func newPresent(s *settings) *cobra.Command {
	var fields []string
	var draw drawing
	cmd := onLicence(s, "present ID [--fields NAME,…] [--png F] [--svg F]", "在线亮证 a code of 60 seconds with chosen fields", func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
		r, err := o.Licence(ctx, s.actor, id)
		if err != nil {
			return err
		}
		p, err := o.Present(ctx, s.actor, r, fields)
		if err != nil {
			return fmt.Errorf("--fields: %w", err)
		}
		symbol, err := p.Screen()
		if err != nil {
			return err
		}
		if err := draw.write(s, symbol); err != nil {
			return err
		}
		if s.json {
			return printJSON(cmd.OutOrStdout(), map[string]any{"id": id.String(), "code": p.Digits, "cut": p.Cut, "expires": p.Expires.Format(time.RFC3339)})
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), p.Digits)
		return err
	})
	cmd.Flags().StringSliceVar(&fields, "fields", nil, "what to show, `NAME`s out of number, holder, id_masked, validity and fields.CODE; without: the category alone")
	draw.add(cmd, "a screen")
	return cmd
}
