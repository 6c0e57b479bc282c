// Package backup is the file of a backup: everything that a data folder holds, as of one
// moment, in a form that no engine owns, encrypted as it is written.
//
// # The file
//
//	"elicence/backup/1\n"
//	uint16  length of the envelope, big-endian
//	        envelope: what gives the file's key to a passphrase, a recovery key file or
//	        shares (keystore.NewEnvelope)
//	chunks  SM4-GCM of 65,536 bytes of the content each, the last one shorter or as long,
//	        each with its tag of 16 bytes
//
// The SM4 key is the first 16 bytes of HMAC-SM3 under the envelope's key over
// "elicence/backup/1" ‖ SM3 of everything before the chunks; it is used for this file
// alone. A chunk's nonce is its number from 0, 11 bytes big-endian, and 1 for the last
// chunk, else 0. So no chunk can be left out, moved, repeated or taken from another file,
// and a file that ends early is not a shorter one. Nothing may follow the last chunk.
//
// # The content
//
// Entries: kind (1 byte), length (uvarint), body. In this order:
//
//	'h'  head (CBOR): what was copied, and when; once, first
//	'f'  file of the data folder: length of the name (uvarint), name, content
//	't'  table begins: its name
//	'i'  index begins: its name
//	'r'  row of the table: length of the key (uvarint), key, value; of the index: the
//	     same with look-up key and reference. In ascending order
//	'd'  document: SM3 of its content (32 bytes), the encrypted object
//	'e'  end (CBOR): how many there were of each; once, last
//
// Tables come in the order of the schema, and keys in the order of their bytes, so the
// same records give the same content whatever engine holds them.
//
// A reader trusts nothing: names, sizes and the order of entries are checked, and nothing
// counts before the end was read.
package backup
