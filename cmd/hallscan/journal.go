package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/hall"
	"github.com/elicence/elicence/internal/terminal"
	"github.com/elicence/elicence/internal/terminal/journal"
	"github.com/elicence/elicence/qr/verify"
)

func journalFolder(state string) string { return filepath.Join(state, "journal") }

// errRefused says that a journal is not what it should be: exit 1, not 2.
var errRefused = errors.New("the journal is refused")

// runJournal is hallscan journal.
func runJournal(args []string, warn func(string)) int {
	commands := map[string]func(*flag.FlagSet, []string) error{"export": exportJournal, "verify": verifyJournal, "seen": seenInJournal}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	command, known := commands[name]
	if !known {
		warn("journal: wants export, verify or seen")
		return exitCouldNot
	}
	err := command(flag.NewFlagSet(program+" journal "+name, flag.ContinueOnError), args[1:])
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitValid
	case errors.Is(err, errRefused):
		warn(err.Error())
		return exitNotValid
	default:
		warn(err.Error())
		return exitCouldNot
	}
}

// stateFlag adds --state, which is resolved after parsing.
func stateFlag(flags *flag.FlagSet) func() (string, error) {
	dir := flags.String("state", "", "the terminal's state `folder` (default: the user's state folder)")
	return func() (string, error) {
		if *dir != "" {
			return *dir, nil
		}
		return hall.StateFolder(program)
	}
}

// exportJournal signs the journal for collection.
func exportJournal(flags *flag.FlagSet, args []string) error {
	state := stateFlag(flags)
	out := flags.String("o", "", "`file` to write (required)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || flags.NArg() > 0 {
		return errors.New("journal export: wants -o FILE and nothing else")
	}
	dir, err := state()
	if err != nil {
		return err
	}
	b, err := journal.Export(journalFolder(dir), time.Now())
	if errors.Is(err, journal.ErrBroken) {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if err != nil {
		return err
	}
	return durable.WriteFile(*out, b, 0o600)
}

// maxExport bounds a file that is read as an export.
const maxExport = 64 << 20

func readExport(path string) (*journal.Collected, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxExport {
		return nil, fmt.Errorf("%s: %w: %w", path, errRefused, journal.ErrMalformed)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := journal.Verify(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errRefused, err)
	}
	return c, nil
}

// verifyJournal checks what was collected from a terminal.
func verifyJournal(flags *flag.FlagSet, args []string) error {
	key := flags.String("key", "", "the terminal's key, a point in `hex`; without it the export is only as good as the key that it names")
	after := flags.String("after", "", "an earlier export `file` of the same terminal, which this one must continue")
	asJSON := flags.Bool("json", false, "print every entry, one JSON object a line")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("journal verify: wants one FILE")
	}
	c, err := readExport(flags.Arg(0))
	if err != nil {
		return err
	}
	point := hex.EncodeToString(c.Point[:])
	if *key != "" && !strings.EqualFold(*key, point) {
		return fmt.Errorf("%w: it is of the terminal with the key %s", errRefused, point)
	}
	if *after != "" {
		earlier, err := readExport(*after)
		if err != nil {
			return err
		}
		if err := c.Continues(earlier); err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
	}
	if *asJSON {
		return printEntries(c)
	}
	counts := make(map[verify.Verdict]int)
	for e := range c.Entries() {
		counts[verify.Verdict(e.Verdict)]++
	}
	fmt.Printf("终端密钥 key of the terminal  %s\n第 %d 至 %d 条 entries %d to %d  导出于 exported %s\n",
		point, c.First, c.Next-1, c.First, c.Next-1, c.At.In(civil.Zone).Format(time.DateTime))
	for _, v := range verify.Verdicts() {
		if n := counts[v]; n > 0 {
			w := v.Wording()
			fmt.Printf("  %s %s %s  %d\n", w.Symbol, w.ZH, w.EN, n)
		}
	}
	return nil
}

// printEntries prints a journal for programs.
func printEntries(c *journal.Collected) error {
	out := json.NewEncoder(os.Stdout)
	for e := range c.Entries() {
		err := out.Encode(struct {
			Sequence     uint64 `json:"sequence"`
			At           string `json:"at"`
			Verdict      string `json:"verdict"`
			CauseCode    string `json:"cause_code"`
			Kind         uint64 `json:"kind"`     // 0: not known
			Category     string `json:"category"` // empty: not known
			TrustVersion uint64 `json:"trust_version"`
			Mark         string `json:"mark"` // of the credential, for this terminal alone
		}{e.Sequence, e.Time().Format(time.RFC3339), e.Verdict, e.Cause, e.Kind, e.Category, e.TrustVersion, hex.EncodeToString(e.Seen)})
		if err != nil {
			return err
		}
	}
	return nil
}

// seenInJournal answers whether a licence was scanned here: its code is given again.
func seenInJournal(flags *flag.FlagSet, args []string) error {
	state := stateFlag(flags)
	trust := flags.String("trust", "", "`folder` with the trust files (required)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *trust == "" {
		return errors.New("--trust: must name the folder with the trust files")
	}
	dir, err := state()
	if err != nil {
		return err
	}
	s := sources{pictures: flags.Args()}
	all, closeAll, err := s.open(false, func() {})
	if err != nil {
		return err
	}
	defer closeAll()
	t, err := terminal.New(terminal.Options{
		Trust: *trust, Show: seen{journalFolder(dir)}, Warn: func(string) {}, Now: time.Now,
	})
	if err != nil {
		return err
	}
	return t.Run(context.Background(), all...)
}

// seen shows when a licence was scanned.
type seen struct{ dir string }

// Scan implements terminal.Display.
func (s seen) Scan(_ string, r verify.Result) error {
	if r.Status == nil {
		fmt.Printf("%s %s\n", r.CauseZH, r.Cause)
		return nil
	}
	found, err := journal.Seen(s.dir, *r.Status)
	if err != nil {
		return err
	}
	fmt.Printf("扫描 %d 次 scanned %d times\n", len(found), len(found))
	for _, e := range found {
		w := verify.Verdict(e.Verdict).Wording()
		fmt.Printf("  %s  %s %s %s\n", e.Time().In(civil.Zone).Format(time.DateTime), w.Symbol, w.ZH, w.EN)
	}
	return nil
}

// Tick implements terminal.Display.
func (s seen) Tick(terminal.Health) error { return nil }
