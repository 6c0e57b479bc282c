package likeness_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/goregular"
)

const ofdSpace = ` xmlns:ofd="http://www.ofdspec.org/2016"`

// ofdFiles are those of a picture of 40 × 40 mm with objects on its page.
func ofdFiles(objects string) map[string]string {
	return map[string]string{
		"OFD.xml": `<ofd:OFD` + ofdSpace + `><ofd:DocBody><ofd:DocInfo/><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`,
		"Doc_0/Document.xml": `<ofd:Document` + ofdSpace + `><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 40 40</ofd:PhysicalBox></ofd:PageArea>` +
			`<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes><ofd:TemplatePage ID="30" BaseLoc="Temp.xml"/></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Page.xml"/></ofd:Pages></ofd:Document>`,
		"Doc_0/DocumentRes.xml": `<ofd:Res` + ofdSpace + ` BaseLoc="Res"><ofd:DrawParams><ofd:DrawParam ID="10" LineWidth="2"><ofd:StrokeColor Value="255 0 0"/><ofd:FillColor Value="#d7 #0 #f"/></ofd:DrawParam>` +
			`<ofd:DrawParam ID="11" Relative="10" LineWidth="1"/><ofd:DrawParam ID="12" Relative="12"/></ofd:DrawParams>` +
			`<ofd:ColorSpaces><ofd:ColorSpace ID="20" Type="GRAY"/><ofd:ColorSpace ID="21" Type="CMYK"/></ofd:ColorSpaces>` +
			`<ofd:MultiMedias><ofd:MultiMedia ID="40" Type="Image"><ofd:MediaFile>a.png</ofd:MediaFile></ofd:MultiMedia><ofd:MultiMedia ID="41" Type="Image"><ofd:MediaFile>none.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias>` +
			`<ofd:Fonts><ofd:Font ID="50" FontName="宋体"/><ofd:Font ID="51" FontName="Go"><ofd:FontFile>go.ttf</ofd:FontFile></ofd:Font></ofd:Fonts>` +
			`<ofd:CompositeGraphicUnits>` + ofdGroup(60, "", ofdBar) + ofdGroup(61, "", `<ofd:CompositeObject ID="4" Boundary="0 0 40 40" ResourceID="60"/>`) +
			ofdGroup(62, "", `<ofd:CompositeObject ID="4" Boundary="0 0 40 40" ResourceID="62"/>`) + ofdGroup(63, `<ofd:Substitution>40</ofd:Substitution>`, ofdBar) +
			ofdGroup(64, "", strings.Repeat(`<ofd:CompositeObject ID="4" Boundary="0 0 40 40" ResourceID="65"/>`, 200)) + ofdGroup(65, "", strings.Repeat(ofdBar, 200)) +
			ofdGroup(66, "", strings.Replace(ofdBar, "0 0 10 5", "15 0 10 5", 1)) +
			`</ofd:CompositeGraphicUnits></ofd:Res>`,
		"Doc_0/Res/go.ttf": string(goregular.TTF),
		"Doc_0/Temp.xml":   `<ofd:Page` + ofdSpace + `><ofd:Content><ofd:Layer ID="31">` + ofdPath(`Fill="true" Stroke="false" DrawParam="10"`, "M 1 1 L 5 1 L 5 5 L 1 5 C") + `</ofd:Layer></ofd:Content></ofd:Page>`,
		"Doc_0/Page.xml":   `<ofd:Page` + ofdSpace + `><ofd:Content><ofd:Layer ID="2">` + objects + `</ofd:Layer></ofd:Content></ofd:Page>`,
	}
}

// ofdBar is a path of 10 × 5 mm.
const ofdBar = `<ofd:PathObject ID="3" Boundary="0 0 10 5" Fill="true" Stroke="false" DrawParam="10"><ofd:AbbreviatedData>M 0 0 L 10 0 L 10 5 L 0 5 C</ofd:AbbreviatedData></ofd:PathObject>`

// ofdGroup is a group of 20 × 20 mm among the resources.
func ofdGroup(id int, before, objects string) string {
	return fmt.Sprintf(`<ofd:CompositeGraphicUnit ID="%d" Width="20" Height="20">%s<ofd:Content>%s</ofd:Content></ofd:CompositeGraphicUnit>`, id, before, objects)
}

func ofdPath(attributes, data string) string {
	return `<ofd:PathObject ID="3" Boundary="0 0 40 40" ` + attributes + `><ofd:AbbreviatedData>` + data + `</ofd:AbbreviatedData></ofd:PathObject>`
}

func pack(tb testing.TB, files map[string]string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		entry, err := w.Create(name)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(entry, files[name]); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func unpack(tb testing.TB, b []byte) map[string]string {
	tb.Helper()
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		tb.Fatal(err)
	}
	files := make(map[string]string)
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	return files
}
