package report

import (
	"fmt"
	"strings"

	"github.com/elicence/elicence/internal/inspect"
)

// kindWords says who signed.
func kindWords(kind string) words {
	switch kind {
	case "seal":
		return words{"电子印章", "Seal"}
	case "person":
		return words{"个人签名", "Signature of a person"}
	case "timestamp":
		return words{"文档时间戳", "Document time stamp"}
	default:
		return words{"无法识别的签名", "Signature of an unknown kind"}
	}
}

// stepWords says what a step of the verification looks at.
func stepWords(name string) words {
	w, ok := map[string]words{
		"structure":        {"签名结构与字节范围", "Structure and byte range"},
		"format":           {"签名格式", "Format of the signature"},
		"signature":        {"签名值", "Signature value"},
		"certificate list": {"印章所列签章证书", "Certificates that the seal lists"},
		"seal":             {"印章及制章者", "The seal and its maker"},
		"certificate":      {"签章证书链", "Path of the signer's certificate"},
		"document":         {"文件摘要", "Digest of the document"},
		"time":             {"签署时间在印章有效期内", "Time of signing within the seal's validity"},
		"property":         {"所述字节范围", "Byte range that the seal names"},
		"picture":          {"页面图案与印章一致", "Picture on the page is the seal"},
		"seen":             {"页面所示与签名所载一致", "Pages show what the signature names as seen"},
		"changes":          {"签署后的变化", "Changes after signing"},
		"time stamp":       {"时间戳", "Time stamp"},
		"log proof":        {"审计日志中的用印记录", "Entry of the audit log about the use of the seal"},
		"proof of time":    {"签署时间的证明", "Proof of the time of signing"},
		"files":            {"文件清单所列的文件", "Files that the list names"},
		"references":       {"受保护的文件", "Protected files"},
		"coverage":         {"保护范围", "What is covered"},
		"seal file":        {"所附印章与签章所用一致", "Seal beside the signature is the one in it"},
	}[name]
	if !ok {
		return words{name, name}
	}
	return w
}

// uncoveredWords says in both languages that something is covered by no signature; nil:
// nothing is.
func uncoveredWords(what string) *words {
	if what == "" {
		return nil
	}
	return &words{"最后一个签名之后文件另有内容，无人对其负责", what}
}

// integrityText says what the list of a package's files is worth.
func integrityText(f *inspect.IntegrityFinding) string {
	if !f.Valid {
		return "不作数 does not count: " + f.Cause
	}
	return "文件无增无减，清单签名有效 no file was added or left out, and the list is signed by " + f.Signer
}

// revocationWords says what is known of a certificate's revocation.
func revocationWords(status string) words {
	w, ok := map[string]words{
		"not checked":   {"未查", "not checked"},
		"not needed":    {"无须查询", "not needed"},
		"not revoked":   {"未吊销", "not revoked"},
		"revoked later": {"签署之后吊销", "revoked after it was signed"},
		"revoked":       {"已吊销", "revoked"},
		"unknown":       {"无法查明", "not known"},
	}[status]
	if !ok {
		return words{status, ""}
	}
	return w
}

// changeWords says what kind of change came after a signature.
func changeWords(kind string) words {
	switch kind {
	case "signature":
		return words{"增加签名", "Signature added"}
	case "validation data":
		return words{"增加验证资料", "Validation data added"}
	case "seal upon seal":
		return words{"印章叠盖", "A seal put upon another"}
	case "form fill":
		return words{"填写表单", "Form filled in"}
	case "annotation":
		return words{"增加批注", "Annotation added"}
	case "metadata":
		return words{"修改文档属性（页面所见未变）", "Metadata changed, nothing that a page shows"}
	default:
		return words{"内容被改动", "Modified"}
	}
}

// onPage says whether the page shows the seal, and in which colour; nil where nothing is shown.
func onPage(s *inspect.SealFinding) (*words, string) {
	switch s.OnPage {
	case "same":
		return &words{"页面图案与印章一致", "The page shows this seal"}, ""
	case "slice":
		if s.Slices > 0 {
			return &words{fmt.Sprintf("骑缝章：%d 页上的切片合成这枚完整印章", s.Slices), fmt.Sprintf("A straddle seal: %d slices make this seal together", s.Slices)}, ""
		}
		return &words{"页面图案是印章的一部分（骑缝章）", "The page shows a slice of this seal"}, ""
	case "other":
		return &words{"页面图案不是这枚印章", "The picture on the page is not this seal"}, "red"
	case "drawn":
		if len(s.Picture) == 0 && s.OnPageWhy != "" {
			return &words{"阅读器在页面上按印章数据绘制印章，此处无法绘出", "Readers draw the seal on the page from the seal itself. It could not be drawn here. " + s.OnPageWhy}, "amber"
		}
		return &words{"阅读器在页面上按印章数据绘制的就是这枚印章", "What readers draw on the page is this seal, from the seal itself"}, ""
	case "unknown":
		if len(s.Picture) == 0 {
			return &words{"无法比对页面图案，此处也未绘出印章", "The picture on the page could not be compared, nor is the seal drawn here. " + s.OnPageWhy}, "amber"
		}
		return &words{"无法比对页面图案，请与此处绘出的印章核对", "The picture on the page could not be compared: compare it with this seal. " + s.OnPageWhy}, "amber"
	default:
		return nil, ""
	}
}

// seenWords says what of the places that a signature names is not as it was; nil where it
// names none.
func seenWords(places []inspect.SeenFinding) *words {
	if len(places) == 0 {
		return nil
	}
	var zh, en []string
	for _, p := range places {
		w, wrong := map[string]words{"moved": {"已移动", "was moved"}, "dressed": {"外观已改", "shows something else"}, "missing": {"已不在", "is gone"}}[p.State]
		if wrong && len(zh) < maxPlaces {
			zh, en = append(zh, fmt.Sprintf("第 %d 页%s", p.Page, w.ZH)), append(en, fmt.Sprintf("page %d %s", p.Page, w.EN))
		}
	}
	if len(zh) == 0 {
		if len(places) == 1 {
			return &words{"1 处，与签署时一致", "1 place, as it was signed"}
		}
		return &words{fmt.Sprintf("共 %d 处，均与签署时一致", len(places)), fmt.Sprintf("%d places, all as they were signed", len(places))}
	}
	return &words{strings.Join(zh, "，"), strings.Join(en, ", ")}
}

// proofText says what a proof of the audit log is worth here.
func proofText(f inspect.ProofFinding) string {
	if !f.Counts {
		return "不作数 does not count: " + f.Cause
	}
	return fmt.Sprintf("第 %d 条用印记录，不晚于 entry %d about the use of the seal, by %s", f.ID, f.ID, localText(f.ProvenAt))
}

// maxPlaces is more than anybody will read.
const maxPlaces = 10

// cautionWhere says where it is, in English what it is in particular as well.
func cautionWhere(c inspect.CautionFinding) words {
	if c.Page == 0 {
		return words{"", c.What}
	}
	return words{fmt.Sprintf("第 %d 页", c.Page), c.What}
}

// cautionWords says what may look otherwise than it did to the signers.
func cautionWords(kind string) words {
	switch kind {
	case "script":
		return words{"含脚本，显示内容可能变化", "Scripts: what is shown may change"}
	case "action":
		return words{"含自动动作", "Actions that open, send or start something"}
	case "layer":
		return words{"含图层，屏幕与打印可能不同", "Layers: screen and print may differ"}
	case "xfa":
		return words{"动态表单（XFA）", "An XFA form, whose pages the reader makes"}
	case "hybrid":
		return words{"不同阅读器可能看到不同内容", "Not all readers may see the same"}
	case "attachment":
		return words{"文件内含附件", "Files travel inside"}
	case "seal":
		return words{"印章未按原样完整显示", "A seal is not seen whole and as it is"}
	case "version":
		return words{"文件内有多份或多版文档", "Several documents, or versions of one"}
	default:
		return words{kind, kind}
	}
}
