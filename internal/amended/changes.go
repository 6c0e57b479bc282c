package amended

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/licence/catalogue"
)

// The changes lie in the folder [datafolder.CatalogueName] as 0001, 0002, …, each with the files of a
// [catalogue.Change].
//
// changesSetting holds the digests of the changes in force, in order, as JSON, and changeSetting with a digest behind
// it the change itself, so that every node that shares the records gets it. What lies in the folder and is not among
// them does not count. What is among them and lies in the folder otherwise than it was recorded keeps the service from
// starting; what does not lie there is written from the store.
const (
	changesSetting = "catalogue"
	changeSetting  = "catalogue."
)

// errOther: a change of the catalogue is not what was recorded.
var errOther = errors.New("not the change of the catalogue that was recorded")

// maxChanges bounds the changes of a catalogue.
const maxChanges = 9999

// changeSize bounds one file of a change, in bytes.
const changeSize = 1 << 20

func changeName(i int) string { return fmt.Sprintf("%04d", i+1) }

// dir is the folder of the changes.
func (c *Catalogue) dir() string { return filepath.Join(c.folder.Dir, datafolder.CatalogueName) }

// recorded returns the digests of the changes in force, and the setting as it is stored.
func (c *Catalogue) recorded(ctx context.Context) ([]string, []byte, error) {
	stored, err := c.folder.Records.Setting(ctx, changesSetting)
	if err != nil || stored == nil {
		return nil, nil, err
	}
	var digests []string
	if err := json.Unmarshal(stored, &digests); err != nil || len(digests) > maxChanges {
		return nil, nil, fmt.Errorf("the record of the catalogue's changes is damaged: %w", errors.Join(err, errOther))
	}
	return digests, stored, nil
}

// recordedChange returns the change of a digest from the folder. What another node has
// changed does not lie there yet, and is written from the store.
func (c *Catalogue) recordedChange(ctx context.Context, name, digest string) (catalogue.Change, error) {
	change, sum, err := readChange(os.DirFS(c.dir()), name)
	if _, missing := os.Stat(filepath.Join(c.dir(), name)); errors.Is(missing, fs.ErrNotExist) {
		if change, sum, err = c.storedChange(ctx, digest); err == nil && hex.EncodeToString(sum[:]) == digest {
			err = writeChange(c.dir(), name, change)
		}
		if err != nil { // or another process on the folder was faster
			if there, its, failed := readChange(os.DirFS(c.dir()), name); failed == nil {
				change, sum, err = there, its, nil
			}
		}
	}
	if err != nil {
		return change, fmt.Errorf("%s/%s: %w", datafolder.CatalogueName, name, err)
	}
	if hex.EncodeToString(sum[:]) != digest {
		return change, fmt.Errorf("%s/%s: %w", datafolder.CatalogueName, name, errOther)
	}
	return change, nil
}

// storedChange returns the change that the store has under a digest, and what its digest is.
func (c *Catalogue) storedChange(ctx context.Context, digest string) (catalogue.Change, [sm3.Size]byte, error) {
	stored, err := c.folder.Records.Setting(ctx, changeSetting+digest)
	if err == nil && stored == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return catalogue.Change{}, [sm3.Size]byte{}, err
	}
	return decodeChange(stored)
}

// encodeChange is a change as the store has it: its files by name in JSON, without those
// that it does not have.
func encodeChange(c catalogue.Change) ([]byte, error) {
	files := make(map[string][]byte)
	for name, content := range c.Files() {
		if *content != nil {
			files[name] = *content
		}
	}
	return json.Marshal(files)
}

// decodeChange reads what [encodeChange] has written, and its digest.
func decodeChange(stored []byte) (catalogue.Change, [sm3.Size]byte, error) {
	var c catalogue.Change
	var files map[string][]byte
	if err := json.Unmarshal(stored, &files); err != nil {
		return c, [sm3.Size]byte{}, fmt.Errorf("the stored change: %w", err)
	}
	for name, into := range c.Files() {
		*into = files[name]
	}
	sum, err := c.Digest()
	return c, sum, err
}

// ReadFolder returns the catalogue of the data folder of a path without opening that: the
// embedded one with every change that lies there. Where there is no folder it is the
// embedded one.
func ReadFolder(data string) (*catalogue.Catalogue, error) {
	dir := os.DirFS(filepath.Join(data, datafolder.CatalogueName))
	var changes []catalogue.Change
	for i := range maxChanges {
		c, _, err := readChange(dir, changeName(i))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	return catalogue.Load(changes...)
}

// readChange reads the files of a change, and its digest.
func readChange(dir fs.FS, name string) (c catalogue.Change, sum [sm3.Size]byte, err error) {
	for file, into := range c.Files() {
		info, err := fs.Stat(dir, name+"/"+file)
		if err == nil && info.Size() > changeSize {
			err = fmt.Errorf("%d bytes, at most %d are read", info.Size(), changeSize)
		}
		if err == nil {
			*into, err = fs.ReadFile(dir, name+"/"+file)
		}
		if errors.Is(err, fs.ErrNotExist) && c.Optional(file) {
			continue
		}
		if err != nil {
			return c, sum, fmt.Errorf("%s/%s/%s: %w", datafolder.CatalogueName, name, file, err)
		}
	}
	sum, err = c.Digest()
	return c, sum, err
}

// writeChange writes the folder of a change, which must not be there.
func writeChange(dir, name string, change catalogue.Change) error {
	if err := durable.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.BuildDir(filepath.Join(dir, name), 0o755, func(building string) error {
		for file, content := range change.Files() {
			if *content == nil {
				continue
			}
			if err := durable.WriteFile(filepath.Join(building, file), *content, 0o644); err != nil {
				return err
			}
		}
		return nil
	})
}
