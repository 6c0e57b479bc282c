package inspect

import (
	"fmt"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// EncryptionFinding says how a document that was verified is encrypted. Encryption hides it
// from others and says nothing about who made it.
type EncryptionFinding struct {
	Method string `json:"method"` // RC4, AES-128, AES-256 or Identity
	Bits   int    `json:"bits"`   // of its key
	Weak   bool   `json:"weak"`   // it hides nothing from anybody with patience
	Owner  bool   `json:"owner"`  // the owner's password opened it
}

func encryptionFinding(e *syntax.Encryption) *EncryptionFinding {
	if e == nil {
		return nil
	}
	return &EncryptionFinding{e.Method, e.Bits, e.Weak, e.Owner}
}

// Words puts it to people, in Chinese and in English.
func (e *EncryptionFinding) Words() (string, string) {
	zh, en := fmt.Sprintf("文档已加密（%s，%d 位密钥）", e.Method, e.Bits), fmt.Sprintf("the document is encrypted (%s, key of %d bits)", e.Method, e.Bits)
	if e.Weak {
		zh, en = zh+"，加密强度不足，不能保密", en+", too weakly to keep anything secret"
	}
	return zh, en
}
