// Package webbuild builds what the pages run in the browser: the verifier and the picture
// reader as WebAssembly, and the Go toolchain's own support script for them.
package webbuild

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/andybalholm/brotli"
)

const module = "github.com/elicence/elicence/"

// Programs are the commands that are built; NAME becomes NAME.wasm.
func Programs() []string { return []string{"webverify", "webpicture"} }

// support is the script that every Go program needs around it in a browser.
const support = "wasm_exec.js"

// Build compiles the programs into a folder, which must be there, and puts the
// toolchain's script beside them. With a pin (SM3 of a root file, in hexadecimal) the
// verifier trusts that root only; without one it pins the root of the first visit.
func Build(ctx context.Context, dir, pin string) error {
	for _, name := range Programs() {
		flags := "-s -w"
		if pin != "" {
			flags += " -X main.rootSM3=" + pin
		}
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags="+flags, "-o", filepath.Join(dir, name+".wasm"), module+"cmd/"+name)
		build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("asking for the Go toolchain: %w", err)
	}
	script, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", support))
	if err != nil {
		return fmt.Errorf("the toolchain's script: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, support), script, 0o644)
}

// Compress replaces every file in a folder that [Build] has filled by NAME.br and NAME.gz:
// each browser takes one of them, and the program that embeds them stays small. Quality is
// that of brotli, 0 to 11; the best takes the better part of a minute.
func Compress(dir string, quality int) error {
	for _, name := range files() {
		path := filepath.Join(dir, name)
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var small, everywhere bytes.Buffer
		br := brotli.NewWriterOptions(&small, brotli.WriterOptions{Quality: quality, LGWin: 24})
		gz, err := gzip.NewWriterLevel(&everywhere, min(quality, gzip.BestCompression))
		if err != nil {
			return err
		}
		_, brErr := br.Write(content)
		_, gzErr := gz.Write(content)
		err = errors.Join(brErr, gzErr, br.Close(), gz.Close(), os.WriteFile(path+".br", small.Bytes(), 0o644), os.WriteFile(path+".gz", everywhere.Bytes(), 0o644))
		if err != nil {
			return fmt.Errorf("compressing %s: %w", name, err)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// files are the names of what [Build] makes.
func files() []string {
	names := []string{support}
	for _, name := range Programs() {
		names = append(names, name+".wasm")
	}
	return names
}
