package api

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/elicence/elicence/internal/auditlog"
)

// checkpointOutput is the present state of the audit log, signed.
type checkpointOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Origin     string    `json:"origin" doc:"Whose log"`
		Size       uint64    `json:"size" doc:"Number of entries"`
		Root       string    `json:"root" doc:"Merkle tree hash (RFC 6962 with SM3), hexadecimal"`
		Time       time.Time `json:"time"`
		Checkpoint []byte    `json:"checkpoint" doc:"COSE_Sign1 elicence/checkpoint/1, base64: what witnesses keep"`
	}
}

type inclusionInput struct {
	Index uint64 `query:"index" required:"true" doc:"Number of the entry, from 0"`
	Size  uint64 `query:"size" doc:"Number of entries of the log; without: of the log as it is"`
}

type inclusionOutput struct {
	Body struct {
		Index    uint64   `json:"index"`
		Size     uint64   `json:"size"`
		LeafHash string   `json:"leaf_hash" doc:"SM3(0x00 ‖ entry), hexadecimal; the entry itself is not public"`
		Root     string   `json:"root" doc:"Of the log of this size, hexadecimal"`
		Path     []string `json:"path" doc:"Inclusion proof (RFC 6962, 2.1.1), hexadecimal"`
	}
}

type consistencyInput struct {
	First  uint64 `query:"first" required:"true" doc:"Number of entries of the earlier log"`
	Second uint64 `query:"second" doc:"Number of entries of the later log; without: of the log as it is"`
}

type consistencyOutput struct {
	Body struct {
		First  uint64   `json:"first"`
		Second uint64   `json:"second"`
		Path   []string `json:"path" doc:"Consistency proof (RFC 6962, 2.1.2), hexadecimal"`
		Proof  []byte   `json:"proof" doc:"The same as a file for cosigners, base64"`
	}
}

func (s *Server) registerAudit() {
	huma.Register(s.api, huma.Operation{
		OperationID: "audit-checkpoint", Method: http.MethodGet, Path: "/v1/audit/checkpoint", Tags: []string{"audit"},
		Summary: "审计日志检查点 The present state of the audit log, signed",
		Errors:  []int{http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, func(ctx context.Context, _ *struct{}) (*checkpointOutput, error) {
		c, err := s.office.AuditLog().Checkpoint(ctx)
		if err != nil {
			return nil, s.auditProblem(err)
		}
		out := &checkpointOutput{CacheControl: "no-store"}
		out.Body.Origin, out.Body.Size, out.Body.Root, out.Body.Time, out.Body.Checkpoint = c.Origin, c.Size, hex.EncodeToString(c.Root), c.At(), c.Signed
		return out, nil
	})
	huma.Register(s.api, huma.Operation{
		OperationID: "audit-inclusion", Method: http.MethodGet, Path: "/v1/audit/inclusion", Tags: []string{"audit"},
		Summary:     "存在性证明 Proof that an entry is in the audit log",
		Description: "Shows hashes only. Whoever was given an entry, or its hash, checks that the log holds it.",
		Errors:      []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *inclusionInput) (*inclusionOutput, error) {
		p, err := s.office.AuditLog().Inclusion(ctx, in.Index, in.Size)
		if err != nil {
			return nil, s.auditProblem(err)
		}
		out := new(inclusionOutput)
		out.Body.Index, out.Body.Size, out.Body.LeafHash, out.Body.Root, out.Body.Path = p.Index, p.Size, hex.EncodeToString(p.LeafHash), hex.EncodeToString(p.Root), hexadecimal(p.Path)
		return out, nil
	})
	huma.Register(s.api, huma.Operation{
		OperationID: "audit-consistency", Method: http.MethodGet, Path: "/v1/audit/consistency", Tags: []string{"audit"},
		Summary: "一致性证明 Proof that an earlier audit log is a beginning of a later one",
		Errors:  []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *consistencyInput) (*consistencyOutput, error) {
		p, err := s.office.AuditLog().Consistency(ctx, in.First, in.Second)
		if err != nil {
			return nil, s.auditProblem(err)
		}
		file, err := p.Marshal()
		if err != nil {
			return nil, s.auditProblem(err)
		}
		out := new(consistencyOutput)
		out.Body.First, out.Body.Second, out.Body.Path, out.Body.Proof = p.First, p.Second, hexadecimal(p.Path), file
		return out, nil
	})
}

// auditProblem tells the caller what concerns the question, and the log the rest.
func (s *Server) auditProblem(err error) error {
	if errors.Is(err, auditlog.ErrNoEntry) {
		return huma.Error404NotFound("审计日志没有这么多记录 " + err.Error())
	}
	s.log.Error("audit log does not answer", "error", err)
	return huma.Error503ServiceUnavailable("the audit log does not answer")
}

func hexadecimal(hashes [][]byte) []string {
	text := make([]string, len(hashes))
	for i, hash := range hashes {
		text[i] = hex.EncodeToString(hash)
	}
	return text
}
