package revision

// A ChangeKind says what kind of change a later revision made.
type ChangeKind string

const (
	// SignatureAdded is another signature, named in Change.Field, with its
	// widget and its stamps. Whoever trusts a file with such a change must
	// find that signature valid too.
	SignatureAdded ChangeKind = "signature"
	// SealUponSeal is that the field of such a signature lies upon those of earlier ones, named in
	// Change.Over. Only a seal may, upon those of its owner, and if it hides nothing of them.
	SealUponSeal ChangeKind = "seal upon seal"
	// ValidationData are certificates and revocation lists (/DSS), and
	// document time-stamps.
	ValidationData ChangeKind = "validation data"
	// FormFill is a form field that got another value.
	FormFill ChangeKind = "form fill"
	// AnnotationAdded is a comment or mark-up that no signature came with.
	AnnotationAdded ChangeKind = "annotation"
	// MetadataChanged concerns title, author and dates, nothing on a page.
	MetadataChanged ChangeKind = "metadata"
	// Modified is everything else, and everything in doubt.
	Modified ChangeKind = "modified"
)

// A Change is one thing that a later revision did to a signed file.
type Change struct {
	Kind     ChangeKind
	Code     ChangeCode
	Revision int           // the revision that did it
	Object   int           // number of the object concerned, 0 for none
	Page     int           // the page concerned, 0 for none
	Field    string        // name of the field concerned, "" for none
	Over     []string      // names of the fields that it lies over, of a seal upon others
	Name     string        // the key concerned, without its slash, or an annotation's subtype; "" for none
	Entries  []EntryChange // of the properties of the document, those whose words are told
	What     string        // in plain words
}

// An EntryChange is a property of the document that changed.
type EntryChange struct {
	Name     string  // its key, without its slash
	Old, New *string // its text, the beginning where it is long; nil: there was none that is text
}

// A ChangeCode says which change it was, for whoever words it in another language than
// Change.What. What else there is to say is in the fields of the Change.
type ChangeCode string

// The codes of signatures, validation data, fields that were filled in, and comments.
const (
	ChangeSignature      ChangeCode = "signature_added"
	ChangeTimestamp      ChangeCode = "timestamp_added"
	ChangeSealUponSeal   ChangeCode = "seal_upon_seal" // Page, Field, Over
	ChangeValidationData ChangeCode = "validation_data"
	ChangeFieldFilled    ChangeCode = "field_filled"
	ChangeAnnotation     ChangeCode = "annotation_added"
)

// The codes of properties of the document.
const (
	ChangeIdentifier           ChangeCode = "identifier"
	ChangeTrailerEntryLost     ChangeCode = "trailer_entry_lost"
	ChangeInformation          ChangeCode = "information_changed"
	ChangeInformationRewritten ChangeCode = "information_rewritten"
	ChangeInformationRemoved   ChangeCode = "information_removed"
	ChangeMetadata             ChangeCode = "metadata_changed"
	ChangeMetadataAdded        ChangeCode = "metadata_added"
	ChangeMetadataRemoved      ChangeCode = "metadata_removed"
	ChangeVersion              ChangeCode = "version"
)

// The codes of what is Modified: of the file as a whole.
const (
	ChangeHistoryHidden   ChangeCode = "history_hidden"     // what follows the signed revision hides later ones
	ChangeNoRevision      ChangeCode = "no_revision"        // the earlier file is no revision of this one
	ChangeTrailingBytes   ChangeCode = "trailing_bytes"     // behind the newest revision
	ChangeNotComparable   ChangeCode = "not_comparable"     // one of two revisions cannot be read
	ChangeXrefPlace       ChangeCode = "xref_place"         // cross-reference data lie in what was there already
	ChangeXrefTwice       ChangeCode = "xref_twice"         // for old and for new readers
	ChangeCatalogReplaced ChangeCode = "catalog_replaced"   // the trailer names another one
	ChangeTrailerEntry    ChangeCode = "trailer_entry"      // Name
	ChangeCatalogEntry    ChangeCode = "catalog_entry"      // Name
	ChangeObjectMissing   ChangeCode = "object_missing"     // one is listed where there is none
	ChangeObjectUnlisted  ChangeCode = "object_unlisted"    // one is there and not listed
	ChangeStrayBytes      ChangeCode = "stray_bytes"        // between objects
	ChangeInformationBad  ChangeCode = "information_misuse" // the document information is something else
	ChangeMetadataBad     ChangeCode = "metadata_misuse"    // the metadata are something else
)

// The codes of what is Modified: of pages, comments, and what is read aloud.
const (
	ChangePages              ChangeCode = "pages"                // added, removed or in another order
	ChangePageEntry          ChangeCode = "page_entry"           // Page, Name
	ChangeAnnotationRemoved  ChangeCode = "annotation_removed"   // Page
	ChangeAnnotationChanged  ChangeCode = "annotation_changed"   // Page
	ChangeAnnotationReused   ChangeCode = "annotation_reused"    // Page: a new one that is an older object, or none
	ChangeAnnotationActs     ChangeCode = "annotation_acts"      // Page: when it is touched
	ChangeAnnotationOverSeal ChangeCode = "annotation_over_seal" // Page
	ChangeAnnotationLoose    ChangeCode = "annotation_loose"     // Page: one that does not keep to its rectangle
	ChangeAnnotationForeign  ChangeCode = "annotation_foreign"   // Page, Name: a new one that is no comment
	ChangeStructureEntry     ChangeCode = "structure_changed"    // the structure tree
	ChangeStructureRemoved   ChangeCode = "structure_removed"    // elements of it
	ChangeStructureAdded     ChangeCode = "structure_added"      // an element that is not of a new annotation
)

// The codes of what is Modified: of forms and signature fields.
const (
	ChangeFormReplaced       ChangeCode = "form_replaced"
	ChangeFormEntry          ChangeCode = "form_entry" // Name
	ChangeFormLook           ChangeCode = "form_look"  // Name: how text shows that readers draw themselves
	ChangeFieldsRemoved      ChangeCode = "fields_removed"
	ChangeFieldRemoved       ChangeCode = "field_removed"        // Field
	ChangeFieldRenamed       ChangeCode = "field_renamed"        // Field: it changed its name or widgets
	ChangeFieldWidget        ChangeCode = "field_widget_missing" // Field
	ChangeFieldEntry         ChangeCode = "field_entry"          // Field, Name
	ChangeFieldLoose         ChangeCode = "field_loose"          // Field: it does not keep to its rectangle
	ChangeFieldOverSeal      ChangeCode = "field_over_seal"      // Field: a signed one lies over an earlier seal
	ChangeFieldReused        ChangeCode = "field_reused"         // Field: a new one that is an older object
	ChangeFieldForeign       ChangeCode = "field_foreign"        // Field: a new one that is not a plain signature
	ChangeFieldTwice         ChangeCode = "field_twice"          // Field: a new one with the name of an older
	ChangeFieldActs          ChangeCode = "field_acts"           // Field: when it is touched
	ChangeSignatureReused    ChangeCode = "signature_reused"     // Field: it got an older object
	ChangeSignatureElsewhere ChangeCode = "signature_elsewhere"  // Field: it got one that does not sign this revision
	ChangeTimestampSays      ChangeCode = "timestamp_says"       // Field: a time-stamp says something
	ChangeTimestampShows     ChangeCode = "timestamp_shows"      // Field: it shows something on a page
	ChangeTimestampName      ChangeCode = "timestamp_name"       // it has a name that may mislead
	ChangeTimestampEntry     ChangeCode = "timestamp_entry"      // Field, Name
)

// ChangeCodes lists the codes.
func ChangeCodes() []ChangeCode {
	return []ChangeCode{
		ChangeSignature, ChangeTimestamp, ChangeSealUponSeal, ChangeValidationData, ChangeFieldFilled, ChangeAnnotation,
		ChangeIdentifier, ChangeTrailerEntryLost, ChangeInformation, ChangeInformationRewritten, ChangeInformationRemoved,
		ChangeMetadata, ChangeMetadataAdded, ChangeMetadataRemoved, ChangeVersion,
		ChangeHistoryHidden, ChangeNoRevision, ChangeTrailingBytes, ChangeNotComparable, ChangeXrefPlace, ChangeXrefTwice,
		ChangeCatalogReplaced, ChangeTrailerEntry, ChangeCatalogEntry, ChangeObjectMissing, ChangeObjectUnlisted, ChangeStrayBytes,
		ChangeInformationBad, ChangeMetadataBad,
		ChangePages, ChangePageEntry, ChangeAnnotationRemoved, ChangeAnnotationChanged, ChangeAnnotationReused, ChangeAnnotationActs,
		ChangeAnnotationOverSeal, ChangeAnnotationLoose, ChangeAnnotationForeign, ChangeStructureEntry, ChangeStructureRemoved, ChangeStructureAdded,
		ChangeFormReplaced, ChangeFormEntry, ChangeFormLook, ChangeFieldsRemoved, ChangeFieldRemoved, ChangeFieldRenamed,
		ChangeFieldWidget, ChangeFieldEntry, ChangeFieldLoose, ChangeFieldOverSeal, ChangeFieldReused, ChangeFieldForeign, ChangeFieldTwice, ChangeFieldActs,
		ChangeSignatureReused, ChangeSignatureElsewhere, ChangeTimestampSays, ChangeTimestampShows, ChangeTimestampName, ChangeTimestampEntry,
	}
}

// maxWhat is the longest Change.What, in characters: names of fields have no end.
const maxWhat = 2000

// A part is what the two revisions are compared of, where any difference is a change.
type part struct {
	code ChangeCode
	page int
	// field and name are as in [Change].
	field, name string
	what        string // in plain words
}

// changed is a Change of the part.
func (p *part) changed(num uint32) Change {
	return Change{Code: p.code, Object: int(num), Page: p.page, Field: p.field, Name: p.name}
}
