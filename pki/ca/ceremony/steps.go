package ceremony

import (
	"fmt"
	"strings"
	"time"
)

// StepID names a step of a ceremony. Those of one intermediate or one cross-certificate
// have its name or number behind a colon.
type StepID string

// The steps.
const (
	StepSelfTest     StepID = "self-test"
	StepOffline      StepID = "offline-store"
	StepRoot         StepID = "root"
	StepIntermediate StepID = "intermediate"
	StepRootOCSP     StepID = "root-ocsp"
	StepServiceKeys  StepID = "service-keys"
	StepCross        StepID = "cross"
	StepRootCRL      StepID = "root-crl"
	StepTrust        StepID = "trust-root"
)

// Of is the step for one intermediate authority or one number.
func (id StepID) Of(which any) StepID { return StepID(fmt.Sprintf("%s:%v", id, which)) }

// Step is one thing that a ceremony does, in two languages.
type Step struct {
	ID      StepID `json:"id"`
	Chinese string `json:"zh"`
	English string `json:"en"`
}

// Steps lists what the plan will do, in order.
func (p *Plan) Steps() []Step {
	all := []Step{
		{StepSelfTest, "两套密码实现自检", "self-test of both implementations of the national algorithms"},
		{
			StepOffline, "新建离线密钥库，保护方式：" + p.Protection.chinese() + "；服务的密钥库与存储另行新建",
			"a new offline key store, opened by " + p.Protection.english() + "; apart from it the key store and records of the service",
		},
		{
			StepRoot, fmt.Sprintf("在离线密钥库中生成根密钥并自签根证书：%s，%s", p.Root.Subject, p.Root.chineseLife()),
			fmt.Sprintf("the root's key, made in the offline store, and its certificate for itself: %s, %s", p.Root.Subject, p.Root.englishLife()),
		},
	}
	for _, i := range p.Intermediates {
		all = append(all, Step{
			StepIntermediate.Of(i.Name), fmt.Sprintf("生成中级密钥 %s，由根签发证书：%s，%s", i.Name, i.Subject, i.chineseLife()),
			fmt.Sprintf("the key of the intermediate authority %s, certified by the root: %s, %s", i.Name, i.Subject, i.englishLife()),
		})
	}
	all = append(all,
		Step{
			StepRootOCSP, fmt.Sprintf("生成状态响应密钥 ocsp-root，由根签发证书：%s，%s", p.RootOCSP.Subject, p.RootOCSP.chineseLife()),
			fmt.Sprintf("the key ocsp-root, which answers for the root by OCSP, certified by the root: %s, %s", p.RootOCSP.Subject, p.RootOCSP.englishLife()),
		},
		Step{
			StepServiceKeys, "生成服务密钥并由中级证书签发：核验码、审计日志、印章制作、信任文件、时间戳、四个状态响应",
			"the keys of the service, certified by the intermediates: codes, audit log, seal maker, trust files, time stamps, four OCSP responders",
		})
	for n, r := range p.Recognitions {
		all = append(all, r.step(n+1))
	}
	return append(all,
		Step{
			StepRootCRL, fmt.Sprintf("由根签发第 1 号证书吊销列表，%d 天内有效", p.RootCRLLife/day),
			fmt.Sprintf("the root's revocation list number 1, good for %d days", p.RootCRLLife/day),
		},
		Step{
			StepTrust, "在离线密钥库中生成信任文件根密钥，签署第 1 份信任文件根并首次发布",
			"the key of the trust files' root, made in the offline store; it signs root 1, and the first trust files are published",
		})
}

func (r Recognition) step(n int) Step {
	excluded, apart := "", ""
	if len(r.Exclude) > 0 {
		excluded, apart = "，排除 "+names(r.Exclude), ", but not "+names(r.Exclude)
	}
	c := Certificate{Life: r.Life}
	return Step{
		StepCross.Of(n),
		fmt.Sprintf("由根签发交叉证书：%s，限于 %s%s，下级层数 %d，%s", r.Root.Subject, names(r.Permit), excluded, r.PathLen, c.chineseLife()),
		fmt.Sprintf("a cross-certificate by the root for %s, within %s%s, path length %d, %s", r.Root.Subject, names(r.Permit), apart, r.PathLen, c.englishLife()),
	}
}

func names[N fmt.Stringer](all []N) string {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = "[" + n.String() + "]"
	}
	return strings.Join(texts, " ")
}

func (p Protection) chinese() string {
	switch p.Method {
	case ByShares:
		return fmt.Sprintf("分成 %d 份，任意 %d 份可打开", p.Total, p.Threshold)
	case ByToken:
		return "PKCS#11 令牌"
	default:
		return "口令"
	}
}

func (p Protection) english() string {
	switch p.Method {
	case ByShares:
		return fmt.Sprintf("any %d of %d shares", p.Threshold, p.Total)
	case ByToken:
		return "a PKCS#11 token"
	default:
		return "a passphrase"
	}
}

func (c Certificate) chineseLife() string {
	if c.Life == 0 {
		return "有效期按模板"
	}
	return fmt.Sprintf("有效期 %d 天", c.Life/(24*time.Hour))
}

func (c Certificate) englishLife() string {
	if c.Life == 0 {
		return "as long as the profile says"
	}
	return fmt.Sprintf("%d days", c.Life/(24*time.Hour))
}
