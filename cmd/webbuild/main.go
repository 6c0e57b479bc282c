// Command webbuild is make web: it builds what the pages run in the browser into the folder
// that the service embeds.
//
//	webbuild --out DIR [--root-sm3 HEX]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/elicence/elicence/internal/webbuild"
	"github.com/elicence/elicence/qr/trust"
)

func main() {
	out := flag.String("out", "", "`folder` to build into (required)")
	pin := flag.String("root-sm3", "", "SM3 of the root file that the pages trust, in `hex`; without it they pin the root of the first visit")
	flag.Parse()
	if err := build(*out, *pin); err != nil {
		fmt.Fprintln(os.Stderr, "webbuild: "+err.Error())
		os.Exit(2)
	}
}

const bestQuality = 11

func build(out, pin string) error {
	if out == "" || flag.NArg() > 0 {
		return errors.New("usage: webbuild --out DIR [--root-sm3 HEX]")
	}
	if pin != "" {
		if _, err := trust.ParsePin(pin); err != nil {
			return fmt.Errorf("--root-sm3: %w", err)
		}
	}
	if err := webbuild.Build(context.Background(), out, pin); err != nil {
		return err
	}
	return webbuild.Compress(out, bestQuality)
}
