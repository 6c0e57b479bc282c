package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/seal/pdf/revision"
)

// changedWords says in both languages what a change was. The English is that of the finding.
func changedWords(c inspect.ChangeFinding) words {
	return words{cmp.Or(changedZH(c), changeWords(c.Kind).ZH), c.What}
}

// changedZH says what a change was in Chinese; empty where its code is not known.
func changedZH(c inspect.ChangeFinding) string {
	page, field := fmt.Sprintf("第 %d 页", c.Page), "签名域或表单域“"+told(c.Field)+"”"
	switch revision.ChangeCode(c.Code) {
	case revision.ChangeSignature:
		return "增加了签名" + inQuotes(c.Field)
	case revision.ChangeTimestamp:
		return "增加了文档时间戳" + inQuotes(c.Field)
	case revision.ChangeSealUponSeal:
		return page + "签章" + inQuotes(c.Field) + "叠盖在已有的签章" + allInQuotes(c.Over) + "之上，该处所见不止一枚印章"
	case revision.ChangeValidationData:
		return "增加或更新了验证资料" + key(c.Name)
	case revision.ChangeFieldFilled:
		return "填写了表单域" + inQuotes(c.Field)
	case revision.ChangeAnnotation:
		return page + "增加了批注" + kind(c.Name)

	case revision.ChangeIdentifier:
		return "更换了文件的永久标识"
	case revision.ChangeTrailerEntryLost:
		return "文件尾部少了一项" + key(c.Name)
	case revision.ChangeInformation:
		return "修改了文档属性：" + entriesZH(c.Entries)
	case revision.ChangeInformationRewritten:
		return "重写了文档属性，内容未变"
	case revision.ChangeInformationRemoved:
		return "删除了文档属性"
	case revision.ChangeMetadata:
		return "修改了元数据（XMP）" + colon(entriesZH(c.Entries))
	case revision.ChangeMetadataAdded:
		return "增加了元数据（XMP）" + colon(entriesZH(c.Entries))
	case revision.ChangeMetadataRemoved:
		return "删除了元数据（XMP）"
	case revision.ChangeVersion:
		return "修改了所述的 PDF 版本号"

	case revision.ChangeHistoryHidden:
		return "签名之后的内容指回已签版本，遮住了其后的版本"
	case revision.ChangeNoRevision:
		return "原先的文件不是此文件的任何一版"
	case revision.ChangeTrailingBytes:
		return "文件末尾另有不属于任何一版的数据"
	case revision.ChangeNotComparable:
		return "无法与前一版比较"
	case revision.ChangeXrefPlace:
		return "交叉引用数据位于前一版的内容之中"
	case revision.ChangeXrefTwice:
		return "有两套交叉引用数据，新旧阅读器所见可能不同"
	case revision.ChangeCatalogReplaced:
		return "换成了另一份文档目录"
	case revision.ChangeTrailerEntry:
		return "文件尾部的一项被改动" + key(c.Name)
	case revision.ChangeCatalogEntry:
		return catalogZH(c.Name) + "被改动" + key(c.Name)
	case revision.ChangeObjectMissing:
		return "登记了并不存在的对象"
	case revision.ChangeObjectUnlisted:
		return "藏有未登记的对象"
	case revision.ChangeStrayBytes:
		return "各对象之间藏有多余的数据"
	case revision.ChangeInformationBad:
		return "文档属性换成了别的对象"
	case revision.ChangeMetadataBad:
		return "元数据（XMP）换成了别的内容"

	default:
		return changedPageZH(c, page) + changedFormZH(c, field)
	}
}

// changedPageZH is changedZH of pages, annotations and the structure tree.
func changedPageZH(c inspect.ChangeFinding, page string) string {
	switch revision.ChangeCode(c.Code) {
	case revision.ChangePages:
		return "增加、删除了页面，或改变了页序"
	case revision.ChangePageEntry:
		return page + "的" + pagePartZH(c.Name) + "被改动" + key(c.Name)
	case revision.ChangeAnnotationRemoved:
		return page + "的批注被删除"
	case revision.ChangeAnnotationChanged:
		return page + "原有的批注或签章外观被改动"
	case revision.ChangeAnnotationReused:
		return page + "用原有对象冒充新批注"
	case revision.ChangeAnnotationActs:
		return page + "的新批注在点击时会执行动作"
	case revision.ChangeAnnotationOverSeal:
		return page + "上后加的批注或签章与已有的印章重叠"
	case revision.ChangeAnnotationLoose:
		return page + "已盖有印章，新批注的显示会超出其范围"
	case revision.ChangeAnnotationForeign:
		return page + "增加了不是批注的内容" + kind(c.Name)
	case revision.ChangeStructureEntry:
		return "文档结构（朗读用）被改动"
	case revision.ChangeStructureRemoved:
		return "文档结构（朗读用）有内容被删除"
	case revision.ChangeStructureAdded:
		return "文档结构（朗读用）增加了不属于新批注的内容"
	default:
		return ""
	}
}

// changedFormZH is changedZH of the form and its fields.
func changedFormZH(c inspect.ChangeFinding, field string) string {
	switch revision.ChangeCode(c.Code) {
	case revision.ChangeFormReplaced:
		return "表单被替换"
	case revision.ChangeFormEntry:
		return "表单的设置被改动" + key(c.Name)
	case revision.ChangeFormLook:
		return "改变了表单文字的显示方式" + key(c.Name)
	case revision.ChangeFieldsRemoved:
		return "表单中有域被删除"
	case revision.ChangeFieldRemoved:
		return field + "被删除"
	case revision.ChangeFieldRenamed:
		return field + "的名称或位置被改动"
	case revision.ChangeFieldWidget:
		return field + "在页面上的显示被删除"
	case revision.ChangeFieldEntry:
		return field + "被改动" + key(c.Name)
	case revision.ChangeFieldLoose:
		return field + "的显示不再限于自己的范围"
	case revision.ChangeFieldOverSeal:
		return field + "在填写或签名后与已有的印章重叠"
	case revision.ChangeFieldReused:
		return field + "是用原有对象冒充的"
	case revision.ChangeFieldForeign:
		return "增加了不是签名的" + field
	case revision.ChangeFieldTwice:
		return field + "与原有的域同名"
	case revision.ChangeFieldActs:
		return field + "在点击时会执行动作"
	case revision.ChangeSignatureReused:
		return field + "以原有对象冒充签名"
	case revision.ChangeSignatureElsewhere:
		return field + "所填的签名并未签署这一版"
	case revision.ChangeTimestampSays:
		return "文档时间戳" + inQuotes(c.Field) + "带有无人负责的文字"
	case revision.ChangeTimestampShows:
		return "文档时间戳" + inQuotes(c.Field) + "在页面上显示内容"
	case revision.ChangeTimestampName:
		return "文档时间戳的名称过长，或含不可见字符"
	case revision.ChangeTimestampEntry:
		return "文档时间戳" + inQuotes(c.Field) + "带有无人负责的内容" + key(c.Name)
	default:
		return ""
	}
}

// catalogZH names an entry of the catalog (ISO 32000-1, table 28).
func catalogZH(name string) string {
	zh, ok := map[string]string{
		"Pages": "页面", "PageMode": "打开方式", "PageLayout": "页面布局", "ViewerPreferences": "阅读器设置", "PageLabels": "页码标签",
		"Outlines": "书签", "OpenAction": "打开时的动作", "AA": "自动动作", "Names": "名称表（附件、脚本）", "Lang": "语言", "OCProperties": "图层设置",
		"StructTreeRoot": "文档结构（朗读用）", "MarkInfo": "文档结构（朗读用）", "Perms": "权限", "AF": "附件", "Collection": "附件", "Version": "PDF 版本号",
	}[name]
	if !ok {
		return "文档设置"
	}
	return zh
}

// pagePartZH names an entry of a page (ISO 32000-1, table 30).
func pagePartZH(name string) string {
	zh, ok := map[string]string{
		"Contents": "内容", "Resources": "字体、图片等资源", "MediaBox": "大小", "CropBox": "显示范围", "BleedBox": "裁切范围", "TrimBox": "裁切范围", "ArtBox": "裁切范围",
		"Rotate": "方向", "UserUnit": "尺寸单位", "Parent": "上级页面设置", "AA": "自动动作", "Group": "透明效果", "Metadata": "元数据", "Thumb": "缩略图",
	}[name]
	if !ok {
		return "设置"
	}
	return zh
}

// entriesZH says how properties of the document changed. The title is what a window may be
// named.
func entriesZH(entries []inspect.EntryFinding) string {
	var said []string
	for _, e := range entries {
		zh, known := map[string]string{
			"Title": "标题", "Author": "作者", "Subject": "主题", "Keywords": "关键词", "Creator": "创建程序", "Producer": "制作程序", "CreationDate": "创建时间", "ModDate": "修改时间",
		}[e.Name]
		if !known {
			zh = told(e.Name)
		}
		one := zh + "由" + quotedZH(e.Old) + "改为" + quotedZH(e.New)
		if e.Name == "Title" {
			one += "（阅读器的窗口可能显示）"
		}
		said = append(said, one)
	}
	return strings.Join(said, "；")
}

// quotedZH is a text of a property; nil: there is none.
func quotedZH(text *string) string {
	if text == nil {
		return "无文字"
	}
	return inQuotes(*text)
}

// inQuotes is a name or a text from a document in quotes, which it does not end itself.
func inQuotes(text string) string {
	return "“" + strings.NewReplacer("“", "‘", "”", "’").Replace(told(text)) + "”"
}

// allInQuotes lists names, the first ones where there are many.
func allInQuotes(names []string) string {
	const most = 5
	var quoted []string
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, inQuotes(name))
	}
	list := strings.Join(quoted, "、")
	if len(names) > most {
		list += "等"
	}
	return list
}

// told is a name from a document as far as somebody reads it. Nobody vouches for it, so it
// turns no direction of reading.
func told(name string) string {
	name = OneLine(name)
	const most = 60 // characters
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most]) + "…"
	}
	return name
}

// key names the key of an entry, for experts.
func key(name string) string {
	if name == "" {
		return ""
	}
	return "（/" + told(name) + "）"
}

// kind names the subtype of an annotation, for experts.
func kind(name string) string {
	if name == "" {
		return ""
	}
	return "（" + told(name) + "）"
}

// colon puts a colon before what is said, if anything is.
func colon(said string) string {
	if said == "" {
		return ""
	}
	return "：" + said
}
