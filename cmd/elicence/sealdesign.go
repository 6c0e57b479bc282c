package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/seal/impression"
)

// designs are the kinds of seal by name.
var designs = map[string]func(text, code string) impression.Spec{
	"state-council":  func(text, _ string) impression.Spec { return impression.Government(impression.StateCouncil, text) },
	"province":       func(text, _ string) impression.Spec { return impression.Government(impression.Province, text) },
	"bureau":         func(text, _ string) impression.Spec { return impression.Government(impression.NationalBureau, text) },
	"county":         func(text, _ string) impression.Spec { return impression.Government(impression.County, text) },
	"department":     func(text, _ string) impression.Spec { return impression.Government(impression.Department, text) },
	"township":       func(text, _ string) impression.Spec { return impression.Government(impression.Township, text) },
	"company":        func(text, _ string) impression.Spec { return impression.Company(text) },
	"finance":        func(text, _ string) impression.Spec { return impression.Finance(text) },
	"contract":       func(text, _ string) impression.Spec { return impression.Contract(text) },
	"invoice":        impression.Invoice,
	"representative": func(text, _ string) impression.Spec { return impression.Representative(text) },
}

// sealDesign is what a seal shows, as flags say it.
type sealDesign struct {
	kind, text, line, code, picture, emblem string
	width, height                           float64
}

func (d *sealDesign) flags(cmd *cobra.Command, further string) {
	cmd.Flags().StringVar(&d.kind, "kind", "department", "with the national emblem: state-council 国务院, province 省级政府和部委, bureau 部委管理的国家局, county 县级以上政府;\n"+
		"with a star: township 乡镇政府, department 政府工作部门和其他单位, company 公章, finance 财务章, contract 合同章;\n"+
		"invoice 发票章, representative 法定代表人名章; picture: as on a scan"+further)
	cmd.Flags().StringVar(&d.text, "text", "", "`TEXT` along the rim, or the seal's name")
	cmd.Flags().StringVar(&d.line, "line", "", "`TEXT` below the star")
	cmd.Flags().StringVar(&d.code, "code", "", "`CODE` along the lower rim, as the police register it; on a seal for invoices the taxpayer's number")
	cmd.Flags().StringVar(&d.picture, "picture", "", "`FILE` with a scan of the impression, PNG or JPEG, for --kind picture")
	cmd.Flags().StringVar(&d.emblem, "emblem", "", "`FILE` with the official drawing of the national emblem in red, PNG or JPEG, for seals that have it")
	cmd.Flags().Float64Var(&d.width, "width", 0, "of the impression on the scan in `MM`")
	cmd.Flags().Float64Var(&d.height, "height", 0, "the same; without: as the width")
}

// designFlags are the flags of a design but for its kind.
func designFlags() []string {
	return []string{"text", "line", "code", "picture", "emblem", "width", "height"}
}

// spec returns the design. The owner's code is the taxpayer's number where no other is given.
func (d *sealDesign) spec(s *settings, owner string) (impression.Spec, error) {
	if d.kind == "picture" {
		return d.traced(s)
	}
	if d.picture != "" || d.width != 0 || d.height != 0 {
		return impression.Spec{}, bilingual.New("--picture、--width、--height 只用于 --kind picture", "--picture, --width and --height are for --kind picture")
	}
	design, known := designs[d.kind]
	if !known {
		return impression.Spec{}, bilingual.Wrap("没有这种印章，各种印章见 --help", fmt.Errorf("--kind: %q is not state-council, province, bureau, county, township, department, company, finance, contract, invoice, representative, picture or set", d.kind))
	}
	spec := design(d.text, owner)
	if d.line != "" {
		spec.Line = d.line
	}
	if d.code != "" {
		spec.Code = d.code
	}
	if d.emblem == "" {
		return spec, nil
	}
	drawing, err := s.readLimited(d.emblem, impression.MaxPictureBytes)
	if err != nil {
		return spec, err
	}
	spec, err = impression.TraceEmblem(spec, drawing)
	if err != nil {
		return spec, fmt.Errorf("%s: %w", d.emblem, err)
	}
	return spec, nil
}

func (d *sealDesign) traced(s *settings) (impression.Spec, error) {
	if d.code != "" {
		return impression.Spec{}, bilingual.New("--kind picture 以图为准，不用 --code", "--code is not for --kind picture, which shows what the picture shows")
	}
	if d.line != "" {
		return impression.Spec{}, bilingual.New("--kind picture 以图为准，不用 --line", "--line is not for --kind picture, which shows what the picture shows")
	}
	if d.emblem != "" {
		return impression.Spec{}, bilingual.New("--kind picture 以图为准，不用 --emblem", "--emblem is not for --kind picture, which shows what the picture shows")
	}
	picture, err := s.readLimited(d.picture, impression.MaxPictureBytes)
	if err != nil {
		return impression.Spec{}, err
	}
	height := d.height
	if height == 0 {
		height = d.width
	}
	spec, err := impression.Trace(picture, d.text, d.width, height)
	if err != nil {
		return spec, fmt.Errorf("%s: %w", d.picture, err)
	}
	return spec, nil
}

func newSealPreview(s *settings) *cobra.Command {
	var d sealDesign
	var svg, png string
	var dpi float64
	cmd := &cobra.Command{
		Use:   "preview [ID | --text TEXT [--kind KIND] …] --svg FILE | --png FILE",
		Short: "预览印模 draw a seal as it would be made, or one that is",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if svg == "" && png == "" {
				return bilingual.New("须用 --svg 或 --png 指明图的文件", "--svg or --png must name a file to draw into")
			}
			if len(args) == 0 {
				spec, err := d.spec(s, "")
				if err != nil {
					return err
				}
				return drawSeal(cmd, s, spec, svg, png, dpi)
			}
			if slices.ContainsFunc(append(designFlags(), "kind"), cmd.Flags().Changed) {
				return bilingual.New("已有印章自有其式样：编码与式样只能给一个", "a seal that exists has its design: give its ID or a design, not both")
			}
			return s.with(func(o *office.Office) error {
				r, err := o.Seal(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return drawSeal(cmd, s, r.Design, svg, png, dpi)
			})
		},
	}
	d.flags(cmd, "")
	cmd.Flags().StringVar(&svg, "svg", "", "draw vectors into `FILE`")
	cmd.Flags().StringVar(&png, "png", "", "draw pixels into `FILE`")
	cmd.Flags().Float64Var(&dpi, "dpi", 300, "resolution of the pixels")
	return cmd
}

// drawSeal writes a design's drawing into files; an empty name is none.
func drawSeal(cmd *cobra.Command, s *settings, spec impression.Spec, svg, png string, dpi float64) error {
	drawing, err := impression.Draw(spec)
	if err != nil {
		return err
	}
	if svg != "" {
		if err := s.writeFile(svg, drawing.SVG()); err != nil {
			return err
		}
	}
	if png != "" {
		pixels, err := drawing.PNG(dpi)
		if err != nil {
			return err
		}
		if err := s.writeFile(png, pixels); err != nil {
			return err
		}
	}
	if !s.json {
		return nil
	}
	return printJSON(cmd.OutOrStdout(), map[string]any{"svg": svg, "png": png})
}
