package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/durable"
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

func (d *drawing) write(symbol *picture.Symbol) error {
	if d.png != "" {
		png, err := symbol.PNG(pngScale)
		if err != nil {
			return err
		}
		if err := durable.WriteFile(d.png, png, 0o644); err != nil {
			return fmt.Errorf("--png: %w", err)
		}
	}
	if d.svg != "" {
		if err := durable.WriteFile(d.svg, symbol.SVG(svgWidth), 0o644); err != nil {
			return fmt.Errorf("--svg: %w", err)
		}
	}
	return nil
}

// desk is what an officer does with devices, in a data folder that is opened for it or
// at the service that runs on it.
type desk interface {
	Bind(ctx context.Context, actor string, id licence.Identifier) (api.DeskBinding, error)
	Devices(ctx context.Context, actor string, id licence.Identifier) ([]api.DeskDevice, error)
	Unbind(ctx context.Context, actor string, id licence.Identifier, device licence.DeviceID) error
}

// atDesk goes to the running service if there is one, else it opens the data folder.
func (s *settings) atDesk(ctx context.Context, f func(desk) error) error {
	if err := s.check(); err != nil {
		return err
	}
	if remote, running := api.DialDesk(ctx, filepath.Join(s.data, api.DeskSocket)); running {
		return f(remote)
	}
	return s.with(func(o *office.Office) error { return f(api.NewDesk(o)) })
}

func newBind(s *settings) *cobra.Command {
	var draw drawing
	cmd := &cobra.Command{
		Use: "bind ID [--png F] [--svg F]", Short: "绑定码 a code for the holder to bind a device with", Args: arguments("ID"),
		Long: "Prints a number that the holder, whom you have identified, types into the wallet page. It is good for ten minutes, one device\n" +
			"and five wrong tries. Give it to nobody else: whoever types it first has the licence on a phone.\n" +
			"If the service runs on the data folder it is asked; bind, devices and unbind work while it does.",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := typedIdentifier(cmd, args[0])
			if err != nil {
				return err
			}
			return s.atDesk(cmd.Context(), func(d desk) error {
				b, err := d.Bind(cmd.Context(), s.actor, id)
				if err != nil {
					return err
				}
				return printBinding(cmd, s, draw, b)
			})
		},
	}
	draw.add(cmd, "the wallet page")
	return cmd
}

func printBinding(cmd *cobra.Command, s *settings, draw drawing, b api.DeskBinding) error {
	code, err := licence.ParseBindingCode(b.Code)
	if err != nil {
		return err
	}
	symbol, err := picture.Draw(b.Address, picture.Screen)
	if err != nil {
		return err
	}
	if err := draw.write(symbol); err != nil {
		return err
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), b)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n十分钟内有效，只能绑定一台设备 good for ten minutes, until %s, for one device\n", code.Grouped(), b.Address, b.Until)
	return err
}

func newDevices(s *settings) *cobra.Command {
	return &cobra.Command{Use: "devices ID", Short: "设备 the devices of a licence", Args: arguments("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		id, err := typedIdentifier(cmd, args[0])
		if err != nil {
			return err
		}
		return s.atDesk(cmd.Context(), func(d desk) error {
			devices, err := d.Devices(cmd.Context(), s.actor, id)
			if err != nil {
				return err
			}
			return list(cmd, s, devices, func(v api.DeskDevice) []string {
				return []string{v.ID, v.Algorithm, v.State, v.Bound, v.Renewed, v.Expires}
			})
		})
	}}
}

func newUnbind(s *settings) *cobra.Command {
	return &cobra.Command{Use: "unbind ID DEVICE", Short: "解除绑定 end a device's binding for good", Args: arguments("ID", "DEVICE"), RunE: func(cmd *cobra.Command, args []string) error {
		id, err := typedIdentifier(cmd, args[0])
		if err != nil {
			return err
		}
		device, err := licence.ParseDeviceID(args[1])
		if err != nil {
			return fmt.Errorf("%s: %w", args[1], err)
		}
		return s.atDesk(cmd.Context(), func(d desk) error {
			if err := d.Unbind(cmd.Context(), s.actor, id, device); err != nil {
				return err
			}
			if s.json {
				return printJSON(cmd.OutOrStdout(), map[string]string{"id": device.String(), "state": "unbound"})
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s  unbound\n", device)
			return err
		})
	}}
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
		if err := draw.write(symbol); err != nil {
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
