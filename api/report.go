package api

import (
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"
	"github.com/emmansun/gmsm/sm3"
	"github.com/labstack/echo/v4"

	"github.com/elicence/elicence/api/web"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/report"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// Forms of an answer.
const (
	formatJSON = "json"
	formatHTML = "html"
	formatPDF  = "pdf"
)

const (
	typeHTML = "text/html"
	typePDF  = "application/pdf"
)

// reportPolicy lets a report show what it carries itself, and nothing else.
const reportPolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

// format is what the caller wants: as the parameter says, or the header, or JSON.
func (in *verificationInput) format() string {
	if in.Format != "" {
		return in.Format
	}
	switch negotiation.SelectQValue(in.Accept, []string{"application/json", typeHTML, typePDF}) {
	case typeHTML:
		return formatHTML
	case typePDF:
		return formatPDF
	default:
		return formatJSON
	}
}

// sentFile is what a report says of the file that it is about.
type sentFile struct {
	size int64
	sm3  [sm3.Size]byte
}

// written is a report.
type written struct {
	contentType, disposition string
	content                  []byte
}

// report puts what was found of a document into a page or a PDF.
func (s *Server) report(format, name string, sent sentFile, found inspect.Inspection) (written, error) {
	r := report.Report{File: shownName(name, found.Input), Size: sent.size, SM3: hex.EncodeToString(sent.sm3[:]), At: time.Now(), Inspection: found}
	write, out := r.HTML, written{contentType: typeHTML + "; charset=utf-8"}
	if format == formatPDF {
		write, out.contentType = r.PDF, typePDF
		out.disposition = mime.FormatMediaType("attachment", map[string]string{"filename": r.File + ".report.pdf"})
	}
	var err error
	if out.content, err = write(); err != nil {
		s.log.Error("cannot write a report", "error", err)
		return written{}, huma.Error500InternalServerError("")
	}
	return out, nil
}

// shownName is what a report calls a file: its name without folders, if that is a text
// that people can read.
func shownName(name, kind string) string {
	name = filepath.Base(strings.ReplaceAll(name, "\\", "/"))
	if name == "." || name == "/" || len(name) > 200 || cleantext.Check(name) != nil {
		return "document." + kind
	}
	return name
}

// verifyForm answers the form of the page that verifies, which works without scripts too,
// with the report on a document.
func (s *Server) verifyForm(c echo.Context) error {
	out, err := s.answerForm(c)
	if err == nil {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", reportPolicy)
		h.Set("Cache-Control", "no-store")
		if out.disposition != "" {
			h.Set("Content-Disposition", out.disposition)
		}
		return c.Blob(http.StatusOK, out.contentType, out.content)
	}
	var known huma.StatusError
	if !errors.As(err, &known) {
		return err
	}
	page, err := web.ProblemPage(known.Error())
	if err != nil {
		return err
	}
	return c.HTMLBlob(known.GetStatus(), page)
}

// maxPassword is more than any password of a PDF has, in bytes (ISO 32000-2, 7.6.4.3.2).
const maxPassword = 1 << 10

func (s *Server) answerForm(c echo.Context) (written, error) {
	format := formatHTML
	if c.QueryParam("format") == formatPDF {
		format = formatPDF
	}
	form, err := c.Request().MultipartReader()
	if err != nil {
		return written{}, huma.Error415UnsupportedMediaType("表单中没有文件 a form with a file is wanted")
	}
	var access syntax.Access // the password comes before the file that it opens
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return written{}, huma.Error422UnprocessableEntity("没有选择文件 no file was chosen")
		}
		if err != nil {
			return written{}, notReceived(err)
		}
		if part.FormName() == "password" {
			password, err := io.ReadAll(io.LimitReader(part, maxPassword))
			if err != nil {
				return written{}, notReceived(err)
			}
			access.Password = string(password)
		}
		if part.FormName() != "file" {
			continue
		}
		found, sent, err := s.verifyFile(c.Request().Context(), c.RealIP(), part, access)
		if err != nil {
			return written{}, err
		}
		if found.Document == nil {
			return written{}, huma.Error422UnprocessableEntity("报告只用于 PDF 和 OFD 文件 only a PDF or OFD document has a report")
		}
		return s.report(format, part.FileName(), sent, found)
	}
}
