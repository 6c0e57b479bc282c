// Command elicence is the e-licence, seal and signature service of a province and
// its command line. `elicence help` lists the commands; docs/commands.md describes
// them.
//
// It exits with 0 for yes, 1 for no (not valid, refused) and 2 if it could not
// (usage, input, input/output). Errors go to standard error as `elicence: what: why`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/elicence/elicence/internal/amended"
	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/demo"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/pagetext"
	docreport "github.com/elicence/elicence/internal/report"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/exchange"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/audit/witness"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/ca/ceremony"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	qrtrust "github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

func main() { os.Exit(run()) }

const (
	exitYes      = 0
	exitNo       = 1
	exitCouldNot = 2
)

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := office.SelfTest(); err != nil {
		return report(os.Stderr, err)
	}
	return report(os.Stderr, newRoot().ExecuteContext(ctx))
}

// errNotValid is returned by a command whose answer, already printed, is no.
var errNotValid = errors.New("not valid")

// errNotDone is returned by a command that could not do all that it was to do, and has
// said what it did.
var errNotDone = bilingual.New("未全部完成", "not done")

// exitCode is returned by a command that somebody else has carried out, and has said how
// it went.
type exitCode int

// Error says it in words.
func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// refusals are the errors that say no: the exit code is 1.
var refusals = []error{
	office.ErrAuthorityExists, amended.ErrExists,
	licence.ErrStep, licence.ErrNumberTaken, licence.ErrRequestReused, licence.ErrUnbound, licence.ErrChanged, office.ErrNotInForce, office.ErrNotRenewable,
	errNotDone, licence.ErrSamePerson, licence.ErrProposal, licence.ErrDigest, office.ErrSelection, office.ErrUndecided, office.ErrPlanChanged, office.ErrHolderRequest,
	office.ErrImportChanged, office.ErrImportElsewhere, office.ErrCopyTerm, office.ErrNotInOrder, licence.ErrErased, licence.ErrNoErasure, licence.ErrInForce,
	seal.ErrSamePerson, seal.ErrState, seal.ErrNotKeeper, seal.ErrRules, demo.ErrNotAsItMustBe,
	backup.ErrNotBackup, backup.ErrDamaged, atrest.ErrDamagedBackup, datafolder.ErrOlderStore,
	audit.ErrCheckpoint, audit.ErrProof, audit.ErrDetails, audit.ErrErased, audit.ErrNothingToErase, audit.ErrRolledBack, audit.ErrSplitView, witness.ErrBusy,
	ca.ErrState, ca.ErrKeyInUse, ca.ErrWeakKey, ca.ErrPersonalNumber, ca.ErrRequest, cert.ErrPossession, ceremony.ErrFingerprint,
	pdf.ErrIntact, office.ErrNotItsSignature,
}

// report prints an error and returns the exit code that it stands for.
func report(w io.Writer, err error) int {
	var invalid *licence.InvalidError
	var plan *ceremony.InvalidError
	var elsewhere exitCode
	switch {
	case err == nil:
		return exitYes
	case errors.As(err, &elsewhere):
		return int(elsewhere)
	case errors.Is(err, errNotValid):
		return exitNo
	case errors.As(err, &invalid):
		for _, f := range invalid.Faults {
			_, _ = fmt.Fprintf(w, "elicence: %s: %s\n", quiet(f.Field), quiet(f.Text()))
		}
	case errors.As(err, &plan):
		for _, f := range plan.Faults {
			_, _ = fmt.Fprintf(w, "elicence: %s: %s\n", plan.File, quiet(fmt.Sprint(f)))
		}
	default:
		for _, one := range apart(err) {
			_, _ = fmt.Fprintf(w, "elicence: %s\n", quiet(bilingual.Text(inChinese(one))))
		}
	}
	if hint := hintFor(err); hint != "" {
		_, _ = fmt.Fprintf(w, "elicence: hint: %s\n", hint)
	}
	if errors.As(err, new(unanswered)) {
		return exitCouldNot
	}
	var damage *audit.DamageError
	var contradiction *audit.ContradictionError
	if errors.As(err, &damage) || errors.As(err, &contradiction) {
		return exitNo
	}
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return exitNo
		}
	}
	return exitCouldNot
}

// quiet is an error's text as a terminal may show it. It may quote what a stranger put into a file:
// that moves no cursor, and its lines do not look like those of an answer.
func quiet(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = docreport.OneLine(lines[i])
	}
	return strings.Join(lines, "\n  ")
}

// inChinese gives the commonest refusals of the system and of the command line their Chinese
// sentence, where the error has none of its own.
func inChinese(err error) error {
	if bilingual.TextZH(err) != "" {
		return err
	}
	for _, known := range []struct {
		is error
		zh string
	}{
		{idcode.ErrBadCode, "代码或号码不合规则"},
		{impression.ErrSpec, "印模画不出"},
		{qrtrust.ErrBadPin, "不是根文件的 SM3，应为 64 位十六进制数"},
		{qrtrust.ErrPin, "根文件不是指定的那份"},
		{qrtrust.ErrInvalid, "信任文件不合规则"},
		{qrtrust.ErrExpired, "信任文件已过期"},
		{qrtrust.ErrMismatch, "各信任文件不相配"},
		{qrtrust.ErrRollback, "信任文件比用过的旧"},
		{qrtrust.ErrClock, "本机时钟不准"},
		{fs.ErrNotExist, "没有该文件或目录"},
		{fs.ErrExist, "已存在，不会覆盖"},
		{fs.ErrPermission, "没有权限"},
		{syscall.ENOSPC, "磁盘空间不足"},
	} {
		if errors.Is(err, known.is) {
			return bilingual.Wrap(known.zh, err)
		}
	}
	// What is wrong with a flag or an argument begins with its name; cobra's own errors have no types.
	for _, known := range []struct{ begins, zh string }{
		{"-", "选项有误"},
		{"unknown command ", "没有该命令，或多给了参数"},
		{"accepts ", "参数个数不对"},
		{"requires at least ", "参数不够"},
	} {
		if strings.HasPrefix(err.Error(), known.begins) {
			return bilingual.Wrap(known.zh, err)
		}
	}
	return err
}

// apart returns the errors that were joined, each for a line of its own, or the one that
// there is.
func apart(err error) []error {
	joined, several := err.(interface{ Unwrap() []error }) //nolint:errorlint // what wraps them has its own words
	if !several || !strings.Contains(err.Error(), "\n") {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, apart(one)...)
	}
	return all
}

// hintFor names the next command where there is an obvious one.
func hintFor(err error) string {
	var broken *brokenOff
	switch {
	case errors.As(err, &broken):
		return broken.hint()
	case errors.Is(err, datafolder.ErrNotDataFolder):
		return "新建数据目录 make one with: elicence init --data DIR"
	case errors.Is(err, datafolder.ErrInUse):
		return "请停止正在使用该目录的服务，或等待另一命令结束 stop the service that runs on the folder, or wait for the other command to end"
	case errors.Is(err, datafolder.ErrMoved):
		return "用 --store 指明存放记录的数据库；未完成的迁移可继续 name their database with --store URL; a move that was cut off goes on with: elicence storage move"
	case errors.Is(err, datafolder.ErrOlderStore):
		return "恢复备份，或接受现有记录 restore a backup with: elicence restore; or take over what is there with: elicence storage adopt"
	case errors.Is(err, atrest.ErrNoRecordKeys):
		return "用 --record-keys 指明最新的记录密钥备份 name the newest of their backups with --record-keys FILE; elicence backup writes it beside its file"
	case errors.Is(err, atrest.ErrNotPrepared):
		return "请先准备，并复制到各节点 make them with: elicence storage rekey --prepare; and copy DATA/keys and DATA/record-keys to every node"
	case errors.Is(err, atrest.ErrLookupsNotPrepared):
		return "请先准备，并复制到各节点 make them with: elicence storage rekey --lookups --prepare; and copy DATA/keys to every node"
	case errors.Is(err, datafolder.ErrLookups), errors.Is(err, datafolder.ErrOtherLookups):
		return "从已更换检索密钥的节点复制 copy DATA/keys/register from the node that renewed them"
	case errors.Is(err, atrest.ErrSharedKeys):
		return "请先用新密钥重新加密 encrypt them under new keys with: elicence storage rekey"
	case errors.Is(err, datafolder.ErrRecordKeys):
		return "从其他节点复制，或恢复其备份；没有它读不出任何证照 copy DATA/record-keys from another node, or restore their backup; without them nothing of a licence can be read"
	case errors.Is(err, datafolder.ErrDocumentsPlace):
		return "用 --documents 指明存储桶；文档就在数据目录中则不要写 name their bucket with --documents URL, or leave it out if they are in DATA/documents"
	case errors.Is(err, datafolder.ErrUnknown):
		return "待数据库恢复应答后重做，--request-id 相同则不会重复签发 repeat it when the database answers; with the same --request-id nothing is issued twice"
	case errors.Is(err, datafolder.ErrNoRecords):
		return "用 --store 指明数据库 give --store URL, or $ELICENCE_STORE"
	case errors.Is(err, keystore.ErrNeedsPassphrase):
		return "用 --passphrase-file 给出口令文件 give --passphrase-file FILE"
	case errors.Is(err, keystore.ErrDeviceOnly):
		return "用 --token 给出支持 SM2 的令牌 give --token FILE of a token that has SM2, and for init --root-token FILE"
	case errors.Is(err, keystore.ErrNational):
		return "用 --passphrase-file 给出口令文件，以 PBKDF2-HMAC-SM3 保护 give --passphrase-file FILE: it is protected by PBKDF2-HMAC-SM3"
	case errors.Is(err, office.ErrNoAuthority):
		return "查看各机构可签发的类别 see who issues what with: elicence authority list"
	case errors.Is(err, office.ErrAuthorityExists):
		return "要增加发证类别 let it issue further categories with: elicence authority allow CODE --category NNN"
	case errors.Is(err, seal.ErrNoPurpose):
		return "用 --reason 说明用印事由 say what it is for with --reason WORDS"
	case errors.Is(err, seal.ErrNotFound):
		return "查看印章，或申请制章 see the seals with: elicence seal list; apply for one with: elicence seal make"
	case needsPassword(err):
		return "用 --password-file 给出文件的密码 give it with --password-file FILE, or $ELICENCE_DOCUMENT_PASSWORD"
	case isDamaged(err):
		return "可重写文件，但其上的签名随之失效 write it anew with: elicence document repair IN OUT; signatures on it lose their meaning"
	case errors.Is(err, placement.ErrManyPlaces):
		return "用 --keyword-hit 指明第几处 say which with --keyword-hit NUMBER, last or all"
	case errors.Is(err, pagetext.ErrTooLarge):
		return "用 --at 指明印章位置，用 --code-at 指明二维码位置 say where the seal goes with --at X,Y, and a code with --code-at X,Y"
	case errors.Is(err, ca.ErrNoProfile):
		return "查看各证书模板 see them with: elicence ca profiles"
	case errors.Is(err, ca.ErrNoCertificate):
		return "查看各证书的序列号 see the serial numbers with: elicence ca list"
	case errors.Is(err, office.ErrNoCRL):
		return "查看各吊销列表的名称 see their names with: elicence ca crl"
	case errors.Is(err, office.ErrNeedsOffline):
		return "用 --offline-passphrase-file 给出离线密钥的口令文件，已移走的再用 --offline 指明位置 give --offline-passphrase-file FILE, and --offline DIR if the offline keys were moved"
	case errors.Is(err, office.ErrNeedsProtection):
		return "按计划用 --root-passphrase-file 或 --root-token 给出 give --root-passphrase-file FILE or --root-token FILE, as the plan says"
	case errors.Is(err, licence.ErrChanged):
		return "查看现在的修订号 see its revision with: elicence licence show ID --json"
	case errors.Is(err, licence.ErrNoProposal), errors.Is(err, licence.ErrDigest):
		return "查看各提议 see the proposals with: elicence licence mass list"
	case errors.Is(err, office.ErrPlanChanged):
		return "取消后按现状重新提出 cancel it with: elicence licence mass cancel ID; and propose what there is now"
	case errors.Is(err, office.ErrUndecided):
		return "逐件决定注销或保留 decide with --end ID or --keep ID"
	case errors.Is(err, licence.ErrNoDevice):
		return "查看已绑定的设备 see the devices with: elicence licence devices ID"
	case errors.Is(err, licence.ErrSchema):
		return "查看现在的字段后再次执行同一命令，导入从中断处按新字段继续 see its fields now with: elicence category show NNN; and give the same command again: an import goes on where it stopped, by the new ones"
	case errors.Is(err, office.ErrImportChanged):
		return "请先按原文件导入完毕，变更或新增的内容另存为文件导入 import the file as it was to the end; what was changed or added, as another file"
	case errors.Is(err, exchange.ErrHeader):
		return "查看该类证照的字段 see the fields with: elicence category show NNN"
	case errors.Is(err, catalogue.ErrNoCategory):
		return "查找类别 find it with: elicence category search WORD"
	default:
		return ""
	}
}
