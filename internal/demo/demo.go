package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/sample"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/pdf"
)

// Progress shows how far the demo is.
type Progress interface {
	// Begin starts a step of so many parts.
	Begin(step string, parts int)
	// Did counts one part of the present step. Several may call it at once.
	Did()
	// End ends the present step.
	End()
}

// Options say where the demo works and how it shows itself.
type Options struct {
	Out      string    // folder, which must be empty or not exist
	Print    io.Writer // the table and what follows it
	Progress Progress
}

// The demo's officers. Two people make a seal.
const (
	clerk    = "制章申请员 李样例"
	approver = "制章审批员 王样例"
	officer  = "发证经办人 陈样例"
)

// run is one demo.
type run struct {
	Options
	dir       string // being built
	office    *office.Office
	catalogue *catalogue.Catalogue
	today     civil.Day

	records []licence.Record // by category
	codes   []office.Code    // by category

	revoked, suspended catalogue.ID
	found              *examination // nil before everything was examined
	steps              []stepTime
}

// stepTime is how long a step took.
type stepTime struct {
	name  string
	parts int
	took  time.Duration
}

// Run does the whole job and reports whether everything was as it must be.
func Run(ctx context.Context, o Options) error {
	r := &run{Options: o, today: civil.Of(time.Now()), revoked: 79, suspended: 4}
	err := durable.BuildDir(o.Out, 0o755, func(building string) error {
		r.dir = building
		return r.all(ctx)
	})
	if r.found != nil { // also what was found wrong
		if printing := r.printTable(r.found); err == nil {
			err = printing
		}
	}
	if err != nil {
		return err
	}
	return r.printWhereToLook()
}

func (r *run) all(ctx context.Context) error {
	for _, sub := range []string{"ca", "licences", "documents"} {
		if err := durable.Mkdir(filepath.Join(r.dir, sub), 0o755); err != nil {
			return err
		}
	}
	err := r.work(ctx)
	if r.office != nil {
		if closing := r.office.Close(); err == nil {
			err = closing
		}
	}
	if err != nil {
		return err
	}
	return r.examine(ctx)
}

// work makes everything. What it leaves is examined afterwards through the files
// alone.
func (r *run) work(ctx context.Context) error {
	for _, s := range []struct {
		name  string
		parts int
		do    func(context.Context) error
	}{
		{"证书体系 PKI: root, 4 authorities, service keys", 1, r.createPKI},
		{"发证机关与印章 4 issuing authorities with their seals", len(catalogue.Levels()), r.addAuthorities},
		{"签发证照 licences issued and stored", 195, r.issue},
		{"核验码、版式文件、盖章 codes, pictures, PDFs, sealed", 195, r.print},
		{"两章一签 two seals and a citizen's cloud signature", 3, r.signAgreement},
		{"发布信任文件 trust files, a revocation and a suspension", 2, r.publish},
	} {
		if err := r.step(ctx, s.name, s.parts, s.do); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) step(ctx context.Context, name string, parts int, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.Progress.Begin(name, parts)
	start := time.Now()
	if err := do(ctx); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.steps = append(r.steps, stepTime{name, parts, time.Since(start)})
	r.Progress.End()
	return nil
}

func (r *run) createPKI(ctx context.Context) error {
	o, err := office.Create(ctx, filepath.Join(r.dir, "service"), office.CreateOptions{
		Config: datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省（演示）"}, Actor: officer,
	})
	if err != nil {
		return err
	}
	r.office, r.catalogue = o, o.Catalogue()
	certificates, err := o.AuthorityCertificates(ctx)
	if err != nil {
		return err
	}
	for name, c := range certificates {
		if err := durable.WriteFile(filepath.Join(r.dir, "ca", name+".pem"), c.PEM(), 0o644); err != nil {
			return err
		}
	}
	r.Progress.Did()
	return nil
}

func (r *run) addAuthorities(ctx context.Context) error {
	all, err := sample.Authorities()
	if err != nil {
		return err
	}
	for _, n := range all {
		a, err := r.office.AddAuthority(ctx, officer, n)
		if err != nil {
			return err
		}
		design := impression.Government(impression.Department, a.Name)
		design.Line = "电子证照专用章"
		if _, err := r.makeSeal(ctx, office.NewSeal{OwnerUSCC: a.USCC, Region: a.Region, Design: design}); err != nil {
			return err
		}
		r.Progress.Did()
	}
	return nil
}

// makeSeal lets one person apply for a seal and another approve it.
func (r *run) makeSeal(ctx context.Context, n office.NewSeal) (seal.Record, error) {
	applied, err := r.office.ApplySeal(ctx, clerk, n)
	if err != nil {
		return applied, err
	}
	return r.office.ApproveSeal(ctx, approver, applied.ID)
}

func (r *run) issue(ctx context.Context) error {
	pictures, err := sample.Draw()
	if err != nil {
		return err
	}
	r.records = make([]licence.Record, len(r.catalogue.Categories()))
	return r.eachCategory(ctx, func(i int, c *catalogue.Category) error {
		record, err := r.office.Issue(ctx, officer, c.ID, sample.Application(c, pictures, r.today), office.IssueOptions{RequestID: "demo-" + c.ID.String()})
		if err != nil {
			return fmt.Errorf("category %s %s: %w", c.ID, c.NameZH, err)
		}
		r.records[i] = record
		return nil
	})
}

func (r *run) print(ctx context.Context) error {
	r.codes = make([]office.Code, len(r.records))
	return r.eachCategory(ctx, func(i int, c *catalogue.Category) error {
		code, err := r.office.Code(ctx, officer, r.records[i])
		if err != nil {
			return err
		}
		r.codes[i] = code
		symbol, err := code.Paper()
		if err != nil {
			return err
		}
		png, err := symbol.PNG(6)
		if err != nil {
			return err
		}
		sealed, err := r.office.PDFWithCode(ctx, officer, r.records[i], code)
		if err != nil {
			return fmt.Errorf("category %s %s: %w", c.ID, c.NameZH, err)
		}
		for suffix, content := range map[string][]byte{".txt": []byte(code.Digits + "\n"), ".png": png, ".pdf": sealed} {
			// One fsync of the folder at the end is enough for a demo's output.
			if err := os.WriteFile(r.licencePath(c.ID, suffix), content, 0o644); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *run) licencePath(id catalogue.ID, suffix string) string {
	return filepath.Join(r.dir, "licences", id.String()+suffix)
}

// workers is how many categories are worked on at once: the stores share their
// fsyncs among callers that come together.
const workers = 4

// eachCategory works on every category and stops at the first error.
func (r *run) eachCategory(ctx context.Context, do func(i int, c *catalogue.Category) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i, c := range r.catalogue.Categories() {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			defer r.Progress.Did()
			return do(i, c)
		})
	}
	return group.Wait()
}

// pin is what the demo's citizen types.
var pin = []byte("246810")

func (r *run) signAgreement(ctx context.Context) error {
	agreement, err := setAgreement(time.Now())
	if err != nil {
		return err
	}
	doc, err := pdf.Open(bytes.NewReader(agreement.content), int64(len(agreement.content)))
	if err != nil {
		return err
	}
	owner, err := sample.Authorities()
	if err != nil {
		return err
	}
	province, company := owner[1], office.NewSeal{OwnerUSCC: sample.USCC, OwnerName: sample.Company, Region: "340100", Design: impression.Contract(sample.Company)}
	government := office.NewSeal{OwnerUSCC: province.USCC, OwnerName: province.Name, Region: province.Region, Design: impression.Government(impression.Department, province.Name)}
	var prepared *pdf.Prepared
	for i, n := range []office.NewSeal{government, company} {
		record, err := r.makeSeal(ctx, n)
		if err != nil {
			return err
		}
		request := office.StampRequest{SealID: record.ID, Place: agreement.seals[i], Reason: "签订协议"}
		if i == 1 {
			request.Number = "皖样数协〔2026〕1号"
		}
		if prepared, err = r.office.Stamp(ctx, clerk, doc, request); err != nil {
			return err
		}
		if doc, err = prepared.Document(); err != nil {
			return err
		}
		r.Progress.Did()
	}
	device, err := enrolPhone(ctx, r.office, officer, sample.Person, pin)
	if err != nil {
		return err
	}
	run, err := r.office.BeginSigning(ctx, sample.Person, device.enrolment, doc, agreement.sign, "经办人签名")
	if err != nil {
		return err
	}
	if prepared, err = device.sign(ctx, run, pin); err != nil {
		return err
	}
	r.Progress.Did()
	return durable.WriteFrom(filepath.Join(r.dir, "documents", "stamped.pdf"), prepared, 0o644)
}

// publish exports what scanners cache, revokes one licence and suspends another,
// and exports the change.
func (r *run) publish(ctx context.Context) error {
	dir := filepath.Join(r.dir, "trust")
	if err := r.office.ExportTrust(ctx, officer, dir); err != nil {
		return err
	}
	r.Progress.Did()
	for _, s := range []struct {
		category catalogue.ID
		step     licence.Step
		reason   string
	}{
		{r.revoked, licence.Revoke, "演示：企业申请注销"},
		{r.suspended, licence.Suspend, "演示：依法暂扣"},
	} {
		if _, err := r.office.Step(ctx, officer, r.records[s.category-1].Licence.Identifier, s.step, s.reason); err != nil {
			return err
		}
	}
	if err := r.office.ExportTrust(ctx, officer, dir); err != nil {
		return err
	}
	r.Progress.Did()
	return nil
}
