package seal

import (
	"fmt"

	"github.com/elicence/elicence/seal/impression"
)

// Class is what a seal stands for, one of the five of 国办发〔2025〕33号. It says nothing of
// the shape.
type Class string

// The classes.
const (
	LegalName      Class = "legal-name"      // 法定名称章: of the body itself
	InternalBody   Class = "internal-body"   // 内设机构章: of a part within it
	Branch         Class = "branch"          // 分支机构章
	SpecialPurpose Class = "special-purpose" // 业务专用章: for one kind of business
	PersonalName   Class = "personal-name"   // 个人名章
)

var classNames = map[Class]string{
	LegalName: "法定名称章", InternalBody: "内设机构章", Branch: "分支机构章", SpecialPurpose: "业务专用章", PersonalName: "个人名章",
}

// ParseClass reads the name of a class.
func ParseClass(name string) (Class, error) {
	if _, known := classNames[Class(name)]; !known {
		return "", fmt.Errorf("class: %q is none of %q", name, Classes())
	}
	return Class(name), nil
}

// Classes returns all classes, in the order of the rule that names them.
func Classes() []Class {
	return []Class{LegalName, InternalBody, Branch, SpecialPurpose, PersonalName}
}

// Chinese returns the name that the rule gives it.
func (c Class) Chinese() string { return classNames[c] }

// ClassOf is the class that a design shows where nobody said another: a name on a square
// is a person's, a line such as 财务专用章 makes it one for that business.
func ClassOf(design impression.Spec) Class {
	switch {
	case design.Kind == impression.Square:
		return PersonalName
	case design.Line != "":
		return SpecialPurpose
	default:
		return LegalName
	}
}
