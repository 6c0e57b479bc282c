package security

// Permissions is what the user's password lets people do (ISO 32000-2, table 22).
type Permissions struct {
	bits     uint32 // /P
	revision int
}

// Bits of /P, counted from 1.
const (
	modify   = 4
	annotate = 6
	fillIn   = 9
)

func (p Permissions) has(bit int) bool { return p.bits>>(bit-1)&1 == 1 }

// Modify permits changes that no other permission is about.
func (p Permissions) Modify() bool { return p.has(modify) }

// Annotate permits annotations, and to fill in fields.
func (p Permissions) Annotate() bool { return p.has(annotate) }

// Sign permits to sign a field that is there. Revision 2 knows no permission of its own.
func (p Permissions) Sign() bool { return p.has(annotate) || p.revision >= 3 && p.has(fillIn) }

// AddFields permits new fields.
func (p Permissions) AddFields() bool { return p.has(annotate) && p.has(modify) }
