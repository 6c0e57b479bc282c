package browser

import "github.com/elicence/elicence/qr/verify"

// Meaning says in plain words what a verdict means to somebody who holds the paper in
// their hand, and the one thing to do next. The words at the counter are those of
// [verify.Wording].
type Meaning struct {
	ZH     string `json:"zh"`
	EN     string `json:"en"`
	NextZH string `json:"next_zh"`
	NextEN string `json:"next_en"`
}

func meaningOf(r verify.Result) Meaning {
	if r.Document != nil {
		if m, ok := documentMeanings[r.Verdict]; ok {
			return m
		}
	}
	m, ok := meanings[r.Verdict]
	if !ok {
		return meanings[verify.NoData]
	}
	return m
}

// documentMeanings are of codes on sealed documents, where the words differ.
var documentMeanings = map[verify.Verdict]Meaning{
	verify.Valid: {
		"这个码是真的。它只说明有这样一份盖章文件，不说明您手里的纸没有被改动。", "This code is genuine. It says that such a sealed document exists, and not that the paper in your hand is unchanged.",
		"请取得电子原件，在“文件核验”页核验。", "Get the electronic original and check it on the page for documents.",
	},
	verify.Expired: {
		"这个码是真的，但已过期。", "This code is genuine, but its time is over.",
		"请取得新印的文件，或在“文件核验”页核验电子原件。", "Get a new print, or check the electronic original on the page for documents.",
	},
	verify.OutOfScope: {
		"签名是真的，但签名的服务无权签发这样的码。", "The signature is genuine, but its signer may not sign such a code.",
		"不要相信这份文件，请向出具单位核实。", "Do not rely on it, and ask whoever is said to have issued it.",
	},
}

var meanings = map[verify.Verdict]Meaning{
	verify.Valid: {
		"这张证照是真的，目前有效，没有被注销或暂扣。", "This licence is genuine and in force; it is neither revoked nor suspended.",
		"请看下面的姓名和号码是否与本人、与纸面一致。", "Compare the name and the number below with the person and the paper.",
	},
	verify.ValidStale: {
		"这张证照是真的。不过本机的数据有些旧，最近的变化可能还没有收到。", "This licence is genuine, but the data on this device is old and may miss recent changes.",
		"联网后再打开一次本页。", "Open this page again with a network.",
	},
	verify.Expired: {
		"这张证照是真的，但有效期已过。", "This licence is genuine, but its time is over.",
		"向发证机关申请换领，或重新打印。", "Ask the issuing authority to renew it or to print it again.",
	},
	verify.NotYetValid: {
		"这张证照是真的，但还没有到生效日期。", "This licence is genuine, but its first day has not come.",
		"请在生效日期以后使用。", "Use it from its first day.",
	},
	verify.Suspended: {
		"这张证照是真的，但现在暂停使用。", "This licence is genuine, but it must not be used for the time being.",
		"请联系发证机关了解原因。", "Ask the issuing authority why.",
	},
	verify.Revoked: {
		"这张证照曾经签发，但已经注销或吊销，不能再用。", "This licence was issued and has been revoked since; it can no longer be used.",
		"有疑问请联系发证机关。", "If you doubt this, ask the issuing authority.",
	},
	verify.NotIssued: {
		"没有找到签发这张证照的记录。", "There is no record that this licence was ever issued.",
		"不要相信这张证照，请向发证机关反映。", "Do not rely on it, and tell the authority that it names.",
	},
	verify.OutOfScope: {
		"签名是真的，但签发机关无权签发这类证照，或者这类证照须当场出示。", "The signature is genuine, but its signer may not issue this, or it has to be shown live.",
		"请出示手机上的动态码，或到发证机关核实。", "Show the code on the phone instead, or ask the issuing authority.",
	},
	verify.Untrusted: {
		"签发这个码的机关不在本省的信任名单里。", "Whoever signed this code is not on this province's trust list.",
		"联网后再打开一次本页；结果不变就不要相信它。", "Open this page again with a network; if the answer stays, do not rely on it.",
	},
	verify.Tampered: {
		"码里的内容与签名不符：被改动过，或是伪造的。", "What the code says does not fit its signature: it was changed or forged.",
		"不要相信这张证照，请向发证机关反映。", "Do not rely on it, and tell the authority that it names.",
	},
	verify.Malformed: {
		"没有读清楚，或者这不是证照上的核验码。这不表示证照有问题。", "The code was not read well, or is not one of a licence. This does not speak against the licence.",
		"擦净、放平、光线亮一些，再扫一次。", "Clean it, lay it flat in good light, and scan again.",
	},
	verify.Replayed: {
		"这个动态码刚才已经用过一次。", "This code has just been used.",
		"请持证人在手机上刷新后再出示。", "Ask the holder to refresh it and to show it again.",
	},
	verify.Clock: {
		"出示的手机与本机的时间对不上。这不表示证照有问题。", "The clocks of the phone that showed it and of this device differ. This does not speak against the licence.",
		"把时间设为自动，再试一次。", "Set the time to automatic and try again.",
	},
	verify.NoData: {
		"本机现在没有足够新的数据，说不出真假。这不表示证照有问题。", "This device has no data that is new enough, so it cannot say. This does not speak against the licence.",
		"联网后再打开一次本页。", "Open this page again with a network.",
	},
}
