package licence

import (
	"slices"
	"strings"

	"github.com/elicence/elicence/internal/idcode"
)

// MaskedID returns the holder's document number as a code carries it: personal
// numbers with only their first 2 and last 4 characters, an organisation's
// public code whole.
func (h Holder) MaskedID() string {
	if h.IDType.Public() {
		return h.IDNumber
	}
	return idcode.Mask(h.IDNumber)
}

const citizenNumberLength = 18

// MaskedNumber returns the licence number as a code carries it. Where the
// number is or contains a personal number, that part is masked by the rule of
// [Holder.MaskedID].
func (l *Licence) MaskedNumber() string {
	number := l.Number
	for _, h := range l.Holders {
		if !h.IDType.Public() && h.IDNumber != "" {
			number = strings.ReplaceAll(number, h.IDNumber, idcode.Mask(h.IDNumber))
		}
	}
	if !slices.Contains(containsCitizenNumber, l.Category) {
		return number
	}
	// Somebody else's citizen number, or the holder's under another document.
	for i := 0; i+citizenNumberLength <= len(number); i++ {
		part := number[i : i+citizenNumberLength]
		if idcode.CheckCitizenNumber(part) == nil {
			number = number[:i] + idcode.Mask(part) + number[i+citizenNumberLength:]
		}
	}
	return number
}
