package verify

// Verdict is the answer to a scan.
type Verdict string

// The verdicts.
const (
	Valid       Verdict = "valid"
	ValidStale  Verdict = "valid_stale"
	Expired     Verdict = "expired"
	NotYetValid Verdict = "not_yet_valid"
	Suspended   Verdict = "suspended"
	Revoked     Verdict = "revoked"
	NotIssued   Verdict = "not_issued"
	OutOfScope  Verdict = "out_of_scope"
	Untrusted   Verdict = "untrusted"
	Tampered    Verdict = "tampered"
	Malformed   Verdict = "malformed"
	Replayed    Verdict = "replayed"
	Clock       Verdict = "clock"
	NoData      Verdict = "no_data"
)

// Verdicts lists all verdicts, the good ones first.
func Verdicts() []Verdict {
	return []Verdict{Valid, ValidStale, Expired, NotYetValid, Suspended, Revoked, NotIssued, OutOfScope,
		Untrusted, Tampered, Malformed, Replayed, Clock, NoData}
}

// Colour groups the verdicts for screens. A screen adds [Wording.Symbol], since
// colour alone does not reach everybody.
type Colour string

// The colours.
const (
	Green Colour = "green" // accept
	Amber Colour = "amber" // look again: nobody is accused
	Red   Colour = "red"   // do not accept
)

// Wording is how a verdict is put to people.
type Wording struct {
	ZH, EN         string
	NextZH, NextEN string // one next step
	Colour         Colour
	Symbol         string
}

// Wording returns the words for a verdict.
func (v Verdict) Wording() Wording {
	w, ok := wordings[v]
	if !ok {
		return wordings[NoData]
	}
	return w
}

var wordings = map[Verdict]Wording{
	Valid: {"有效", "Valid",
		"请核对持证人", "Check that this is the holder", Green, "✓"},
	ValidStale: {"有效（状态数据较旧）", "Valid, but this terminal's status data is old",
		"请核对持证人，并尽快更新本终端数据", "Check the holder, and update this terminal's data soon", Amber, "✓"},
	Expired: {"已过期", "Expired",
		"请持证人换领新证或重新打印", "Ask the holder to renew or to print again", Red, "⌛"},
	NotYetValid: {"尚未生效", "Not yet valid",
		"请在生效日期之后使用", "To be used from its first day", Red, "⌛"},
	Suspended: {"已暂扣（暂停使用）", "Suspended",
		"请联系发证机关", "Contact the issuing authority", Red, "‖"},
	Revoked: {"已注销或吊销", "Revoked",
		"不得接受，请联系发证机关", "Do not accept; contact the issuing authority", Red, "✗"},
	NotIssued: {"无签发记录", "Never issued",
		"不得接受，请报告上级", "Do not accept; report it", Red, "✗"},
	OutOfScope: {"超出签发或使用范围", "Outside what its issuer or this code may be used for",
		"请出示适用的证照或现场亮证", "Ask for the proper licence, or for it to be shown live", Red, "⊘"},
	Untrusted: {"签发方不受信任", "The signer is not trusted",
		"请更新本终端数据；仍如此则不得接受", "Update this terminal's data; if it stays so, do not accept", Red, "?"},
	Tampered: {"内容被篡改或系伪造", "Tampered with or forged",
		"不得接受，请报告上级", "Do not accept; report it", Red, "✗"},
	Malformed: {"未能读出（误读或非本系统的码）", "Could not be read, or is not one of our codes",
		"请擦净、放平后重新扫描", "Flatten or clean it and scan again", Amber, "↻"},
	Replayed: {"此码已被使用", "This code was shown before",
		"请持证人刷新后重新出示", "Ask the holder to refresh and show it again", Red, "↻"},
	Clock: {"时钟不符", "The clocks differ",
		"请校准时间后重试", "Set the clock and try again", Amber, "◷"},
	NoData: {"无法判断", "Cannot say",
		"请更新本终端数据或联网核验", "Update this terminal's data or verify online", Amber, "?"},
}
