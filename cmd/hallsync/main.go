// Command hallsync keeps the cache of a hall terminal fresh: it fetches the trust files
// from the service, a mirror or a folder, verifies them as hallscan does, and puts them
// in force as a whole or not at all. hallscan notices the new files by itself.
//
//	hallsync --trust DIR --from URL|DIR… [--every TIME] [--root-sm3 HEX] [--state DIR]
//	         [--ca FILE] [--domain PIN=ADDRESS…] [--crl] [--whole] [--json]
//
// It exits with 0 if the cache is current or was updated, 1 if what a source has must
// not be taken, and 2 if no source could be reached or it could not work.
package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/hall"
	"github.com/elicence/elicence/internal/mirror"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
)

func main() { os.Exit(run()) }

const (
	exitDone     = 0
	exitRefused  = 1
	exitCouldNot = 2
)

const program = "hallsync"

// shortest is how often the sources may be asked at most. The service signs the time
// every quarter of an hour.
const shortest = 10 * time.Second

func warn(line string) { fmt.Fprintln(os.Stderr, program+": "+line) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: hallsync --trust DIR --from URL|DIR… [--every TIME] [--root-sm3 HEX] [--state DIR] [--ca FILE] [--domain PIN=ADDRESS…] [--crl] [--whole] [--json]")
		flags.PrintDefaults()
	}
	var from []string
	flags.Func("from", "`address` of the service, of a mirror, or a folder; give it again for those that are asked next", func(s string) error {
		from = append(from, s)
		return nil
	})
	var domains []string
	flags.Func("domain", "`PIN=ADDRESS` of a recognised domain's own service, mirror or folder, by the SM3 of its root; else its files are looked for in domains/PIN beside ours", func(s string) error {
		domains = append(domains, s)
		return nil
	})
	trustDir := flags.String("trust", "", "`folder` of the cache (required); it and what lies beside it must be writable")
	every := flags.Duration("every", 0, "go on, and ask again after this `time`, as 15m; without: once")
	pinHex := flags.String("root-sm3", "", "SM3 of a root file that must be there, in `hex`; else the file root.sm3 of the configuration folder; an empty cache is filled only under one")
	stateDir := flags.String("state", "", "`folder` that remembers versions and time (default: the user's state folder)")
	caFile := flags.String("ca", "", "PEM `file` with the only certificates by which https is verified")
	crls := flags.Bool("crl", false, "fetch the authorities' revocation lists too, for those who verify documents with this folder")
	whole := flags.Bool("whole", false, "fetch every set file that is named, so that others can fetch from this folder")
	asJSON := flags.Bool("json", false, "print one JSON object a run")
	if err := flags.Parse(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitDone
		}
		return exitCouldNot
	}
	options, err := settle(settings{*trustDir, from, domains, *pinHex, *stateDir, *caFile, *every, *crls, *whole, flags.Args()})
	if err != nil {
		warn(err.Error())
		return exitCouldNot
	}
	return keep(ctx, options, *every, printer(*asJSON, os.Stdout))
}

// settings are the flags as they were given.
type settings struct {
	trust   string
	from    []string
	domains []string
	pin     string
	state   string
	ca      string
	every   time.Duration
	crls    bool
	whole   bool
	others  []string
}

// settle checks the flags and this program's cryptography.
func settle(s settings) (mirror.Options, error) {
	o := mirror.Options{Cache: s.trust, State: s.state, CRLs: s.crls, Whole: s.whole, Second: second.Opinion{}, Now: time.Now}
	switch {
	case len(s.others) > 0:
		return o, fmt.Errorf("%q: only flags are taken", s.others[0])
	case s.trust == "":
		return o, errors.New("--trust: must name the folder of the cache")
	case len(s.from) == 0:
		return o, errors.New("--from: must name the service, a mirror or a folder")
	case s.every != 0 && s.every < shortest:
		return o, fmt.Errorf("--every: %s is less than %s", s.every, shortest)
	}
	if err := errors.Join(pki.SelfTest(), second.SelfTest()); err != nil {
		return o, err
	}
	roots, err := readRoots(s.ca)
	if err != nil {
		return o, err
	}
	for _, address := range s.from {
		source, err := source(address, roots)
		if err != nil {
			return o, fmt.Errorf("--from: %w", err)
		}
		o.Sources = append(o.Sources, source)
	}
	o.Domains = make(map[[sm3.Size]byte]mirror.Source)
	for _, d := range s.domains {
		text, address, _ := strings.Cut(d, "=")
		pin, err := trust.ParsePin(text)
		if err != nil {
			return o, fmt.Errorf("--domain: %.64q %w", text, err)
		}
		if o.Domains[*pin], err = source(address, roots); err != nil {
			return o, fmt.Errorf("--domain: %w", err)
		}
	}
	if o.Pin, err = hall.ReadPin(program, s.pin); err != nil {
		return o, err
	}
	if o.Pin == nil {
		warn("the root is not pinned: give --root-sm3, or the cache is only as good as its first filling")
	}
	if o.State == "" {
		if o.State, err = hall.StateFolder(program); err != nil {
			warn("what was seen is remembered beside the cache: " + err.Error() + "; give --state")
			o.State = ""
		}
	}
	return o, nil
}

// readRoots reads the certificates by which https is verified; nil stands for the system's.
func readRoots(caFile string) (*x509.CertPool, error) {
	if caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca: %s holds no certificate that TLS can use, in PEM", caFile)
	}
	return roots, nil
}

func source(address string, roots *x509.CertPool) (mirror.Source, error) {
	switch {
	case address == "":
		return nil, errors.New("must name the service, a mirror or a folder")
	case strings.Contains(address, "://"):
		return mirror.NewHTTP(address, roots, mirror.Limits{})
	default:
		return mirror.Folder(address), nil
	}
}

// keep runs once, or again and again until it is told to end.
func keep(ctx context.Context, o mirror.Options, every time.Duration, report func(mirror.Result) error) int {
	for failed := 0; ; {
		r := mirror.Run(ctx, o)
		if err := report(r); err != nil {
			warn(err.Error())
			return exitCouldNot
		}
		if every == 0 {
			return exit(r.Outcome)
		}
		if r.Outcome == mirror.Unreachable {
			failed++
		} else {
			failed = 0
		}
		select {
		case <-ctx.Done():
			return exitDone
		case <-time.After(pause(every, failed, rand.Float64())):
		}
	}
}

func exit(o mirror.Outcome) int {
	switch o {
	case mirror.Updated, mirror.Current:
		return exitDone
	case mirror.Refused:
		return exitRefused
	default:
		return exitCouldNot
	}
}

// firstRetry is how soon a source is asked again that could not be reached.
const firstRetry = 30 * time.Second

// pause is how long to wait for the next run. A source that cannot be reached is asked
// again sooner at first, and ever more seldom up to the usual time. Every pause is up to
// a tenth shorter or longer, so that the terminals of a province do not ask together.
func pause(every time.Duration, failed int, draw float64) time.Duration {
	wait := every
	if failed > 0 {
		wait = min(every, firstRetry<<min(failed-1, 10))
	}
	return wait + time.Duration((draw-0.5)*0.2*float64(wait))
}

// printer writes a result for machines or for people.
func printer(asJSON bool, out io.Writer) func(mirror.Result) error {
	return func(r mirror.Result) error {
		if asJSON {
			b, err := json.Marshal(r)
			if err != nil {
				return fmt.Errorf("writing the result: %w", err)
			}
			_, err = fmt.Fprintf(out, "%s\n", b)
			return err
		}
		for _, p := range r.Problems {
			at := ""
			if p.From != "" {
				at = p.From + ": "
			}
			warn(fmt.Sprintf("%s%s (%s)", at, p.Error, p.Rule))
		}
		_, err := fmt.Fprintln(out, r.String())
		return err
	}
}
