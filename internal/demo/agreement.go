package demo

import (
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/seal/placement"
)

// agreementDocument is a document of several pages that two organisations seal and a
// citizen signs, with the places for them on its last page.
type agreementDocument struct {
	content []byte
	seals   [2]placement.Place // the document's code stands between them
	sign    placement.Place
}

// Measures of the agreement's pages, in millimetres.
const (
	pageWidth, pageHeight, pageMargin = 210, 297, 26
	partiesHeight                     = 150 // of the seals and the signature together
)

func setAgreement(at time.Time) (*agreementDocument, error) {
	song := typeface.Stack{typeface.Song(), typeface.Kai()}
	kai := typeface.Stack{typeface.Kai(), typeface.Song()}
	doc := typeset.New(typeset.Info{Title: agreementTitle, Author: "elicence", Time: at})
	page := doc.Page(pageWidth, pageHeight)
	y := 40.0
	title, err := typeset.Style{Faces: song, Size: 20, Tracking: 0.15}.Set(agreementTitle)
	if err != nil {
		return nil, err
	}
	page.Text((pageWidth-title.Width())/2, y, title)
	y += 18
	room := func(needed float64) {
		if y+needed > pageHeight-pageMargin {
			page, y = doc.Page(pageWidth, pageHeight), pageMargin+8
		}
	}
	for _, p := range agreementText() {
		style := typeset.Style{Faces: kai, Size: 12}
		if p.heading {
			style = typeset.Style{Faces: song, Size: 13}
			room(24) // a heading does not stand alone at the end of a page
		}
		text, err := style.Set(p.text)
		if err != nil {
			return nil, err
		}
		for _, line := range text.Lines(pageWidth - 2*pageMargin) {
			room(0)
			page.Text(pageMargin, y, line)
			y += style.Size * 0.62
		}
		y += 3
	}
	room(partiesHeight)
	d := &agreementDocument{}
	d.seals[0], d.seals[1], d.sign = lastPage(52, y+46), lastPage(152, y+46), lastPage(58, y+112)
	for label, place := range map[string]placement.Place{"甲方（盖章）：": d.seals[0], "乙方（盖章）：": d.seals[1], "经办人（签名）：": d.sign} {
		text, err := typeset.Style{Faces: song, Size: 12}.Set(label)
		if err != nil {
			return nil, err
		}
		page.Text(place.X-26, place.Y-28, text)
	}
	if d.content, err = doc.PDF(); err != nil {
		return nil, fmt.Errorf("setting the agreement: %w", err)
	}
	return d, nil
}

func lastPage(x, y float64) placement.Place {
	return placement.Place{Pages: placement.LastPage, X: x, Y: y}
}

const agreementTitle = "政务数据共享服务协议（样例）"

type paragraph struct {
	text    string
	heading bool
}

// clauses are written for the demo.
var clauses = []struct {
	heading string
	items   []string
}{
	{"第一条 目的", []string{
		"为方便群众办事，减少纸质证照的重复提交，甲乙双方就电子证照数据的共享与核验达成本协议。",
		"本协议所称电子证照，是指依法出具、具有法律效力和行政效力的专业性、凭证类电子文件。",
	}},
	{"第二条 共享范围", []string{
		"甲方按照目录向乙方提供证照核验服务。乙方只在办理具体事项时核验与该事项有关的证照，每次核验应当注明事由，并留存记录。",
		"核验优先采用离线方式：乙方的终端缓存签发机关的公钥与状态清单，扫描证照上的核验码即可得出结论，不必联网，也不向甲方透露谁在何时办理了何事。",
	}},
	{"第三条 双方责任", []string{
		"甲方保证证照状态的变更(暂扣、恢复、注销)在十五分钟内发布。乙方保证其终端的数据更新时间不超过证照类别所允许的期限；超过期限的，应当如实告知群众无法判断，不得将数据陈旧归咎于群众。",
		"任何一方不得将误读的核验码当作伪造证照处理。核验码不能读出的，应当请群众重新出示。",
		"乙方不得复制、留存与事项无关的个人信息。法律、行政法规另有规定的，从其规定。",
	}},
	{"第四条 安全", []string{
		"双方采用国家密码管理部门认可的算法。签名私钥由各自的密钥设施保管，任何人不得导出。",
		"发生密钥泄露的，应当立即停用有关密钥、公布仍然真实的证照清单并重新签发，同时通知对方。",
	}},
	{"第五条 争议的解决", []string{
		"因本协议发生争议的，双方协商解决；协商不成的，提请共同的上级机关裁决。",
		"审计日志及其检查点可以作为证据。",
	}},
	{"第六条 附则", []string{
		"本协议一式一份电子原件，自双方加盖电子印章并由经办人签名之日起生效。电子原件与其打印件不一致的，以电子原件为准；打印件上的文件核验码可以用来找到电子原件。",
	}},
}

// agreementText returns the paragraphs, each item with its first line indented.
func agreementText() []paragraph {
	var all []paragraph
	for _, c := range clauses {
		all = append(all, paragraph{c.heading, true})
		for _, item := range c.items {
			all = append(all, paragraph{"　　" + item, false})
		}
	}
	return all
}
