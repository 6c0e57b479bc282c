package verify

// causeWording words a cause. Numbered verbs pick from the arguments of [Because].
type causeWording struct {
	en, zh         string
	nextEN, nextZH string // where the verdict's next step is not the right one
}

// Next steps that several causes share.
const (
	setClockZH = "请校准本终端时钟后重试"
	setClockEN = "Set this terminal's clock and try again"
	otherZH    = "请持证人出示原件，或到发证机关重新打印"
	otherEN    = "Ask for the original, or for a new print from the issuing authority"
	refreshZH  = "请持证人刷新后重新出示"
	refreshEN  = "Ask the holder to refresh the code and show it again"
	answerZH   = "请持证人用手机扫描本窗口显示的问询码"
	answerEN   = "Ask the holder to scan this counter's code with the phone"

	newQuestionZH = "请重新显示问询码，由持证人再扫一次"
	newQuestionEN = "Show a new question, and ask the holder to scan it"
)

// causes words every cause. It blames nobody: a misread is the scanner's, old data is
// the terminal's, and neither is the citizen's.
var causes = map[CauseCode]causeWording{
	CauseInOrder:         {en: "signature, scope, status and dates are in order", zh: "签名、范围、状态和日期均相符"},
	CauseCompareDocument: {en: "compare the document with its electronic original", zh: "核验码签名有效，文件本身尚未核对", nextEN: "Compare the document with its electronic original", nextZH: "请与电子原件核对"},

	CauseDataStale: {en: "status as of %[1]s, %[2]s ago", zh: "状态数据截至 %[3]s，已有 %[4]s"},

	CauseLastDay: {en: "its last day was %s", zh: "有效期至 %s", nextEN: "Ask the holder to renew", nextZH: "请持证人办理换证"},
	CausePrintAgain: {en: "the licence may still be in force, but this print's code has ended: print again", zh: "打印件上的码已过期，证照本身可能仍有效",
		nextEN: "Print again", nextZH: "请重新打印"},
	CauseRenewCredential: {en: "the licence may still be in force, but the phone's credential has ended", zh: "手机凭证已过期，证照本身可能仍有效",
		nextEN: "Ask the holder to open the wallet with a network, then show it again", nextZH: "请持证人联网打开手机证照后重新出示"},
	CauseCodeEnded: {en: "this code was good for 60 seconds and has ended", zh: "此码仅 60 秒有效，现已过期", nextEN: refreshEN, nextZH: refreshZH},

	CauseFirstDay: {en: "valid from %s", zh: "自 %s 起有效"},

	CauseSuspended: {en: "suspended by the issuing authority", zh: "发证机关已暂停其效力"},
	CauseRevoked:   {en: "revoked by the issuing authority", zh: "发证机关已注销或吊销"},

	CauseNeverAllotted: {en: "its number in the status list was never given out", zh: "其状态序号从未分配"},

	CauseIssuerRegion:   {en: "%[1]s is of region %[2]s, which is not of its domain", zh: "%[1]s所属地区 %[2]s 不在本系统管辖范围内", nextEN: "Do not accept; report it", nextZH: "不得接受，请报告上级"},
	CauseDomainCategory: {en: "category %[2]s of %[1]s is not recognised here", zh: "本地不互认%[1]s签发的 %[2]s 类证照"},
	CauseDomainRegion:   {en: "region %[2]s of %[1]s is not recognised here", zh: "本地不互认%[1]s %[2]s 地区签发的证照"},
	CauseIssuerCategory: {en: "%[1]s may not issue category %[2]s", zh: "%[1]s无权签发 %[2]s 类证照", nextEN: "Do not accept; report it", nextZH: "不得接受，请报告上级"},
	CauseIssuerKind:     {en: "the issuing authority may not sign a code of this kind and life", zh: "发证机关无权签发这种码或这样长的有效期", nextEN: "Do not accept; report it", nextZH: "不得接受，请报告上级"},
	CauseServiceKind:    {en: "the service may not sign a code of this kind and life", zh: "该服务无权签发这种码或这样长的有效期", nextEN: "Do not accept; report it", nextZH: "不得接受，请报告上级"},
	CauseServiceTime:    {en: "signed outside the time in which the service's key was in use", zh: "签名时间不在该服务密钥的使用期内", nextEN: "Do not accept; report it", nextZH: "不得接受，请报告上级"},
	CauseShowLive:       {en: "a licence of this category counts only when it is shown live: show it live", zh: "此类证照须现场亮证，打印件无效", nextEN: "Ask the holder to show it live on a phone", nextZH: "请持证人用手机现场亮证"},
	CauseListForeign:    {en: "the status list is not the issuing authority's", zh: "状态列表不属于该发证机关", nextEN: "Do not accept; report it", nextZH: "不得接受，请报告上级"},
	CauseListClosed:     {en: "signed outside the time in which its status list was in use", zh: "签名时间不在其状态列表的使用期内", nextEN: "Do not accept; report it", nextZH: "不得接受，请报告上级"},
	CauseKindNotTaken:   {en: "licences of this category do not count in this form", zh: "此类证照不接受这种出示方式", nextEN: "Ask for the original", nextZH: "请持证人出示原件"},
	CauseDeviceKind:     {en: "devices that sign with %[1]s are not taken", zh: "不接受使用 %[1]s 签名的设备", nextEN: "Ask for the original", nextZH: "请持证人出示原件"},
	CauseAnswerWanted:   {en: "this counter asks a question that only a phone can answer", zh: "本窗口须用手机扫描问询码亮证", nextEN: answerEN, nextZH: answerZH},

	CauseUnknownIssuer:  {en: "no issuing authority of the trust list has this key", zh: "信任列表中没有使用此密钥的发证机关"},
	CauseUnknownService: {en: "no service of the trust list has this key", zh: "信任列表中没有使用此密钥的服务"},
	CauseKeyCompromised: {en: "the issuing authority's key is known to be compromised", zh: "发证机关的密钥已泄露，凭此码无法判断真伪",
		nextEN: "Look the licence up online, or ask for a new print", nextZH: "请联网查询，或请持证人重新打印"},

	CauseBadSignature: {en: "the signature is not that of the key it names", zh: "签名与内容不符"},
	CauseBadDevice:    {en: "the licence was not shown by the phone that it was given to", zh: "出示的设备不是该证照绑定的手机"},

	CauseNotOurs:     {en: "not a code of ours", zh: "不是本系统的码", nextEN: "Scan the code that is printed on the licence", nextZH: "请扫描证照上的核验码"},
	CauseLength:      {en: "cut off, or not a code of ours", zh: "码不完整，或不是本系统的码", nextEN: "Scan the whole code again", nextZH: "请完整地重新扫描"},
	CauseUnknownForm: {en: "misread, or newer than this terminal", zh: "误读，或该码比本终端程序新", nextEN: "Scan again; if it stays so, update this terminal", nextZH: "请重新扫描；仍如此请升级本终端"},
	CauseCheckDigits: {en: "misread: the check digits are wrong", zh: "误读：校验位不符"},
	CauseGroups:      {en: "digits that no code of ours has", zh: "数字组合不合编码规则", nextEN: otherEN, nextZH: otherZH},
	CauseContent:     {en: "the content has not the form of our codes", zh: "内容不合码的格式", nextEN: otherEN, nextZH: otherZH},
	CauseFieldList:   {en: "the fields are not those of the category", zh: "字段与证照类别不符", nextEN: otherEN, nextZH: otherZH},
	CauseLongLine:    {en: "longer than any code", zh: "内容过长，不是码", nextEN: "Scan the code alone", nextZH: "请只扫描核验码"},
	CauseNoPicture:   {en: "not a picture that can be read", zh: "不是可读的图片", nextEN: "Use a PNG or JPEG picture", nextZH: "请使用 PNG 或 JPEG 图片"},
	CauseNoCode:      {en: "no QR code was found in the picture", zh: "图片中没有找到二维码", nextEN: "Take the picture closer, straight and in good light", nextZH: "请靠近、对正、补光后重新拍摄"},
	CauseSeveralCodes: {en: "more than one QR code is in the picture", zh: "图片中有多个二维码",
		nextEN: "Take a picture of one code alone", nextZH: "请只拍摄一个码"},
	CauseFutureSigning: {en: "signed %[1]s in this terminal's future", zh: "签名时间比本终端时钟晚 %[2]s", nextEN: setClockEN, nextZH: setClockZH},
	CausePresentedAhead: {en: "presented %[1]s in this terminal's future", zh: "出示时间比本终端时钟晚 %[2]s",
		nextEN: "Compare the phone's clock and this terminal's, then show it again", nextZH: "请核对手机与本终端的时钟后重新出示"},
	CausePresentedLate: {en: "presented %[1]s in this terminal's past: an old picture of a code, or a clock that is off", zh: "出示时间比本终端时钟早 %[2]s，可能是截图，也可能是时钟不准",
		nextEN: "Ask the holder to refresh the code; if it stays so, compare the clocks", nextZH: "请持证人刷新后重新出示；仍如此请核对时钟"},

	CauseShownBefore:     {en: "this code was shown here before", zh: "此码已在此出示过", nextEN: refreshEN, nextZH: refreshZH},
	CauseAnswerMissing:   {en: "it does not answer this counter's question", zh: "此码未回答本窗口的问询", nextEN: answerEN, nextZH: answerZH},
	CauseAnswerOther:     {en: "it answers another question than this counter's", zh: "此码回答的不是本窗口的问询", nextEN: answerEN, nextZH: answerZH},
	CauseAnsweredBefore:  {en: "this counter's question was answered before", zh: "本窗口的问询已有回答", nextEN: newQuestionEN, nextZH: newQuestionZH},
	CauseQuestionEnded:   {en: "this counter's question has run out", zh: "本窗口的问询已超时", nextEN: newQuestionEN, nextZH: newQuestionZH},
	CauseAnswerElsewhere: {en: "it answers a counter's question and counts only there", zh: "此码是对某窗口问询的回答，只在该窗口有效", nextEN: refreshEN, nextZH: refreshZH},

	CauseClockBehind:      {en: "this terminal's clock is %[1]s behind the last signed time", zh: "本终端时钟比最近的签名时间慢 %[2]s", nextEN: setClockEN, nextZH: setClockZH},
	CauseOtherRoot:        {en: "the root is not the pinned one", zh: "数据的根与本终端固定的根不符", nextEN: "Do not use this data; fetch it from where you trust", nextZH: "不得使用此数据，请从可信渠道重新取得"},
	CauseDataRolledBack:   {en: "this terminal's data is older than what it has used before", zh: "本终端的数据比已用过的旧"},
	CauseDataExpired:      {en: "this terminal's data has expired", zh: "本终端的数据已失效"},
	CauseDataUnusable:     {en: "this terminal's data is missing or damaged", zh: "本终端的数据缺失或损坏"},
	CauseDisagree:         {en: "the two implementations disagree", zh: "两套算法实现的结论不一致", nextEN: "Keep the code, report it, and verify online", nextZH: "请保留此码并报告，同时联网核验"},
	CauseBusy:             {en: "too busy to be sure", zh: "系统繁忙，未能复核", nextEN: "Try again", nextZH: "请稍后重试"},
	CauseUnknownFieldList: {en: "this terminal's data does not know the category's field list", zh: "本终端的数据没有该类证照的字段表"},
	CauseUnknownList:      {en: "this terminal's data does not have status list %d", zh: "本终端的数据没有第 %d 号状态列表"},
	CauseIssuedAfterData:  {en: "issued after this terminal's data", zh: "签发时间晚于本终端的数据"},
	CauseDataTooOld:       {en: "the status data is too old: of %[1]s, %[2]s ago", zh: "状态数据过旧：截至 %[3]s，已有 %[4]s"},
}

// Causes lists the causes that a verdict may have, in no order.
func Causes() []CauseCode {
	codes := make([]CauseCode, 0, len(causes))
	for code := range causes {
		codes = append(codes, code)
	}
	return codes
}
