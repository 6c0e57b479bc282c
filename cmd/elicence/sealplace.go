package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/seal/placement"
)

// placing is what the flags say of where a seal goes.
type placing struct {
	pages, at, corner, straddle string
	keyword                     placement.Keyword
	group                       int
	along                       float64
}

func (p *placing) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.pages, "page", "", "`PAGES`: numbers and ranges such as 1,3-5,8-, or all, odd, even, last; without: last, for --straddle and --keyword all")
	f.StringVar(&p.at, "at", "", "`X,Y` of the seal's middle in mm from the corner; without: the field's own place, else bottom right")
	f.StringVar(&p.corner, "corner", "", "`CORNER` that --at is measured from: top-left, top-right, bottom-left, bottom-right (default top-left)")
	f.StringVar(&p.keyword.Words, "keyword", "", "put the seal at these `WORDS` of the document")
	f.BoolVar(&p.keyword.Date, "over-date", false, "put the seal over the date of issue, the last date of the document")
	f.StringVar(&p.keyword.Hit, "keyword-hit", "", "`NUMBER` of the place, if the words stand there more than once; last, all")
	f.StringVar((*string)(&p.keyword.Side), "keyword-side", "", "`SIDE` of the words: over, before, after (default over)")
	f.StringVar(&p.straddle, "straddle", "", "straddle seal over an `EDGE` of the pages: left, right, top, bottom")
	f.IntVar(&p.group, "straddle-pages", 0, "straddle seal: how many `PAGES` share one seal; without: all")
	f.Float64Var(&p.along, "straddle-at", 0, "straddle seal: `MM` of its middle from the left or top along the edge; without: the middle")
}

// uponOwn is the flag of what puts seals on documents, and not persons' signatures.
func uponOwn(cmd *cobra.Command, r *office.StampRequest) {
	cmd.Flags().BoolVar(&r.UponOwn, "upon-own", false, "let the seal lie upon earlier seals of the same owner, as 法人章 upon 公章; without, that is refused")
}

// place reads the flags into a request.
func (p *placing) place(r *office.StampRequest) error {
	r.Place = placement.Place{Pages: placement.Pages(p.pages), Corner: placement.Corner(p.corner)}
	if p.keyword != (placement.Keyword{}) {
		return p.words(r)
	}
	if p.straddle == "" {
		if p.group != 0 || p.along != 0 {
			return bilingual.New("--straddle-pages 与 --straddle-at 须用 --straddle 指明哪一边", "--straddle: must name an edge for --straddle-pages and --straddle-at")
		}
		return p.whole(&r.Place)
	}
	if p.at != "" || p.corner != "" {
		return bilingual.New("骑缝章在页边，用 --straddle-at，不用 --at", "--at: a straddle seal has its place at the edge; see --straddle-at")
	}
	if !slices.Contains(placement.Edges(), placement.Edge(p.straddle)) {
		return fmt.Errorf("--straddle: %q is not left, right, top or bottom", p.straddle)
	}
	r.Straddle = &placement.Straddle{Edge: placement.Edge(p.straddle), Group: p.group, Along: p.along}
	return nil
}

// words reads the flags for a seal at words.
func (p *placing) words(r *office.StampRequest) error {
	switch {
	case p.keyword.Date && p.keyword.Words != "":
		return bilingual.New("--over-date 以日期定位，不用 --keyword", "--over-date: the date is the place; leave out --keyword")
	case p.keyword.Words == "" && !p.keyword.Date:
		return bilingual.New("--keyword-hit 与 --keyword-side 须与 --keyword 或 --over-date 一起用", "--keyword or --over-date: must be given for --keyword-hit and --keyword-side")
	case p.straddle != "" || p.at != "" || p.corner != "":
		return bilingual.New("已按文字定位，不用 --at、--corner、--straddle", "--keyword or --over-date: the words are the place; leave out --at, --corner and --straddle")
	case p.keyword.Side != "" && !slices.Contains(placement.Sides(), p.keyword.Side):
		return fmt.Errorf("--keyword-side: %q is not over, before or after", p.keyword.Side)
	}
	r.Keyword = &p.keyword
	return nil
}

// whole reads the flags for a seal that is not cut.
func (p *placing) whole(place *placement.Place) error {
	if p.corner != "" && !slices.Contains(placement.Corners(), place.Corner) {
		return fmt.Errorf("--corner: %q is not top-left, top-right, bottom-left or bottom-right", p.corner)
	}
	if p.at == "" {
		if p.corner != "" {
			return bilingual.New("--corner 须与 --at 一起用", "--corner: needs --at")
		}
		return nil
	}
	if place.Corner == "" {
		place.Corner = placement.TopLeft
	}
	var err error
	place.X, place.Y, err = coordinates("--at", p.at)
	return err
}

// coordinates reads X,Y in millimetres from a flag.
func coordinates(flag, text string) (float64, float64, error) {
	left, right, found := strings.Cut(text, ",")
	x, errX := strconv.ParseFloat(left, 64)
	y, errY := strconv.ParseFloat(right, 64)
	if !found || errX != nil || errY != nil {
		return 0, 0, fmt.Errorf("%s: %q is not X,Y in millimetres", flag, text)
	}
	return x, y, nil
}

// codeAt reads where a document code goes.
func codeAt(r *office.StampRequest, at string) error {
	if at == "" {
		return nil
	}
	if r.Number == "" {
		return bilingual.New("--code-at 须与 --number 一起用", "--code-at: needs --number, which is in the code")
	}
	x, y, err := coordinates("--code-at", at)
	r.Code = &office.CodePlace{X: x, Y: y}
	return err
}
