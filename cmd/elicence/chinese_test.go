package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
)

// TestRefusalsAreInChinese: whoever is refused something reads why in Chinese.
func TestRefusalsAreInChinese(t *testing.T) {
	for _, err := range append(refusals,
		datafolder.ErrNotDataFolder, datafolder.ErrInUse, datafolder.ErrMoved, atrest.ErrNoRecordKeys, atrest.ErrNotPrepared, atrest.ErrLookupsNotPrepared, datafolder.ErrLookups,
		datafolder.ErrOtherLookups, atrest.ErrSharedKeys, datafolder.ErrRecordKeys, datafolder.ErrDocumentsPlace, datafolder.ErrUnknown, datafolder.ErrNoRecords, office.ErrNoCRL,
		office.ErrNeedsOffline, office.ErrNeedsProtection, office.ErrNoAuthority, catalogue.ErrNoCategory, ca.ErrNoProfile, ca.ErrNoCertificate,
		keystore.ErrLocked, keystore.ErrMethod, keystore.ErrNeedsPassphrase, keystore.ErrNoKey, keystore.ErrDamaged, keystore.ErrMode, keystore.ErrStale,
		keystore.ErrDeviceOnly, keystore.ErrNoDevice, keystore.ErrNational, keystore.ErrSharesTooFew, keystore.ErrShareWrong, trust.ErrPin, trust.ErrExpired,
	) {
		if zh := bilingual.TextZH(inChinese(fmt.Errorf("doing something: %w", err))); zh == "" {
			t.Errorf("in English alone: %v", err)
		}
	}
}

// TestCommandLineInChinese: the commonest slips at the command line.
func TestCommandLineInChinese(t *testing.T) {
	for text, zh := range map[string]string{
		`--at: "x" is not X,Y in millimetres`:   "选项有误",
		`unknown command "x" for "elicence ca"`: "没有该命令，或多给了参数",
		"accepts 1 arg(s), received 0":          "参数个数不对",
		"requires at least 1 arg(s), only 0":    "参数不够",
		"the disk sings":                        "",
	} {
		if got := bilingual.TextZH(inChinese(errors.New(text))); got != zh {
			t.Errorf("%s: %q, want %q", text, got, zh)
		}
	}
}
