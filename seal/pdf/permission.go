package pdf

import (
	"slices"
	"strings"

	"github.com/elicence/elicence/seal/pdf/security"
	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// permitted refuses what earlier signers, or the kind of the form, forbid.
func (p *preparation) permitted() error {
	if err := p.byEncryption(); err != nil {
		return err
	}
	if err := p.xfa(); err != nil {
		return err
	}
	if p.lock == nil {
		p.lock = p.stamp.Lock
	}
	for _, f := range p.form.All {
		if !f.Signed() {
			continue
		}
		if p.stamp.Certify > 0 {
			return refuseZH("文件已有签名，只有第一个签名可作认证签名", "the file is signed already (%q), and only the first signature can certify", f.Name)
		}
		sig, err := p.doc.now.Dict(f.Val)
		if err != nil {
			return err
		}
		locks, err := p.doc.now.locks(f, sig)
		if err != nil {
			return err
		}
		switch {
		case p.stamp.Timestamp:
			// Proof of time changes nothing that anybody sees and is always allowed
			// (ISO 32000-2, 12.8.2.2.2).
		case locks.certifies == 1:
			return refuseZH("已有签名声明文件不得再变更", "the signature %q certifies that nothing may be changed", f.Name)
		case locks.closed:
			return refuseZH("已有签名声明文件不得再变更", "the signature %q allows no change after it", f.Name)
		case locks.certifies == 2 && len(p.stamp.Marks) > 1:
			return refuseZH("已有签名只允许再签名，不允许批注，所以只能盖一处", "the signature %q allows further signatures but no annotations, so there can be only one mark", f.Name)
		case locks.covers(p.name):
			return refuseZH("已有签名锁定了此签名域", "the signature %q locks the field %q", f.Name, p.name)
		}
	}
	return nil
}

// byEncryption refuses what an encrypted file permits to its owner only.
func (p *preparation) byEncryption() error {
	allowed := p.doc.file.Permits(security.Permissions.AddFields)
	what := "new signature fields"
	if p.existing != nil {
		allowed, what = p.doc.file.Permits(security.Permissions.Sign), "signing"
		if allowed && len(p.stamp.Marks) > 1 {
			allowed, what = p.doc.file.Permits(security.Permissions.Annotate), "annotations"
		}
	}
	if !allowed {
		return refuseZH("文件已加密，其所有者未许可", "the file is encrypted and permits %s only with its owner's password", what)
	}
	return nil
}

// xfa refuses XFA forms (ISO 32000-1, 12.7.8), which some readers show in place of the pages.
// Where there are true pages, the caller may say that the XFA goes: from then on every reader
// shows the pages, and that is what is sealed.
func (p *preparation) xfa() error {
	if p.form.Dict.Lookup("XFA") == nil {
		return nil
	}
	if !p.stamp.WithoutXFA {
		return refuseZH("文件是 XFA 表单", "the file is an XFA form, whose pages are not what is shown")
	}
	catalog, err := p.doc.now.Catalog()
	if err != nil {
		return err
	}
	rendered, err := p.doc.now.Get(catalog.Val.(*syntax.Dict), "NeedsRendering")
	if err != nil {
		return err
	}
	if rendered != nil && rendered != false {
		return refuseZH("文件是 XFA 表单", "the file is an XFA form that has no pages of its own")
	}
	for _, f := range p.form.All {
		if f.Signed() {
			return refuseZH("文件是已签名的 XFA 表单", "the file is an XFA form and signed already (%q), so its XFA must stay", f.Name)
		}
	}
	return nil
}

// takeLock reads what an existing field asks its signer to lock (ISO 32000-1, table 233).
func (p *preparation) takeLock(f *structure.Field) error {
	if f.Dict.Lookup("Lock") == nil {
		return nil
	}
	d, err := p.doc.now.Dict(f.Dict.Lookup("Lock"))
	if err != nil {
		return err
	}
	if d == nil || p.stamp.Lock != nil {
		return refuse("the field %q has a lock of its own", f.Name)
	}
	for _, e := range d.Entries {
		if e.Key != "Type" && e.Key != "Action" && e.Key != "Fields" {
			return refuse("the field %q asks for a lock with %s, which is not supported", f.Name, e.Key.Quoted())
		}
	}
	var asked locks
	if err := p.doc.now.fieldMDP(d, &asked); err != nil {
		return err
	}
	action, _ := asked.action.(syntax.Name)
	p.lock = &Lock{Action: LockAction(action), Fields: asked.fields}
	if p.lock.Action == LockAll {
		p.lock.Fields = nil
	}
	return p.lock.check()
}

// transforms is the signature's /Reference: what it forbids.
func (p *preparation) transforms() syntax.Array {
	var out syntax.Array
	method := func(kind syntax.Name, parameters *syntax.Dict) {
		out = append(out, syntax.DictOf("Type", syntax.Name("SigRef"), "TransformMethod", kind, "TransformParams", parameters))
	}
	if p.stamp.Certify > 0 {
		method("DocMDP", syntax.DictOf("Type", syntax.Name("TransformParams"), "P", int64(p.stamp.Certify), "V", syntax.Name("1.2")))
	}
	if l := p.lock; l != nil {
		d := syntax.DictOf("Type", syntax.Name("TransformParams"), "Action", syntax.Name(l.Action), "V", syntax.Name("1.2"))
		if len(l.Fields) > 0 {
			var fields syntax.Array
			for _, f := range l.Fields {
				fields = append(fields, syntax.TextString(f))
			}
			d = d.With("Fields", fields)
		}
		method("FieldMDP", d)
	}
	return out
}

// locks is what a signature forbids (ISO 32000-1, 12.8.2).
type locks struct {
	certifies int // DocMDP's /P, 0 for a signature that does not certify
	action    syntax.Value
	fields    []string
	closed    bool // the lock of a signature that does not certify allows no change at all
}

// unchangeable reports that nothing may change after the signature.
func (l locks) unchangeable() bool { return l.certifies == 1 || l.closed }

func (l locks) covers(field string) bool {
	listed := slices.ContainsFunc(l.fields, func(f string) bool { return f == field || strings.HasPrefix(field, f+".") })
	switch l.action {
	case syntax.Name("All"):
		return true
	case syntax.Name("Include"):
		return listed
	case syntax.Name("Exclude"):
		return !listed
	}
	return false
}

// locks reads what the signature of a field forbids.
func (v view) locks(f *structure.Field, sig *syntax.Dict) (locks, error) {
	var out locks
	if err := v.fieldLock(f, &out); err != nil {
		return out, err
	}
	references, err := v.Array(sig.Lookup("Reference"))
	if err != nil {
		return out, err
	}
	for _, val := range references {
		reference, err := v.Dict(val)
		if err != nil {
			return out, err
		}
		method, err := v.Get(reference, "TransformMethod")
		if err != nil {
			return out, err
		}
		parms, err := v.Dict(reference.Lookup("TransformParams"))
		if err != nil {
			return out, err
		}
		switch method {
		case syntax.Name("DocMDP"):
			err = v.docMDP(parms, &out)
		case syntax.Name("FieldMDP"):
			err = v.fieldMDP(parms, &out)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func (v view) docMDP(parms *syntax.Dict, out *locks) error {
	out.certifies = 2 // where /P is missing
	val, err := v.Get(parms, "P")
	if n, ok := val.(int64); ok {
		out.certifies = 1 // what the standard does not know is read as the strictest
		if n >= 1 && n <= 3 {
			out.certifies = int(n)
		}
	}
	return err
}

// fieldLock reads the /P of a field's /Lock, by which a signature that does not certify can
// forbid changes all the same (ISO 32000-2, table 236). Some write it into the signature as
// well.
func (v view) fieldLock(f *structure.Field, out *locks) error {
	if f.Dict.Lookup("Lock") == nil {
		return nil
	}
	d, err := v.Dict(f.Dict.Lookup("Lock"))
	if err != nil || d == nil {
		return err
	}
	return v.lockPermissions(d, out)
}

func (v view) lockPermissions(d *syntax.Dict, out *locks) error {
	val, err := v.Get(d, "P")
	if n, ok := val.(int64); ok && (n < 2 || n > 3) { // what the standard does not know is read as the strictest
		out.closed = true
	}
	return err
}

func (v view) fieldMDP(parms *syntax.Dict, out *locks) error {
	if err := v.lockPermissions(parms, out); err != nil {
		return err
	}
	action, err := v.Get(parms, "Action")
	if err != nil {
		return err
	}
	list, err := v.Array(parms.Lookup("Fields"))
	if err != nil {
		return err
	}
	out.action = action
	for _, val := range list {
		if val, err = v.Resolve(val); err != nil {
			return err
		}
		out.fields = append(out.fields, syntax.Text(val))
	}
	return nil
}
