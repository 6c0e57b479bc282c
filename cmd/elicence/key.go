package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/columns"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/pki/keystore"
)

func newKey(s *settings) *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "列出 every key, without opening one", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			stores, err := s.assess()
			if err != nil {
				return err
			}
			var keys []keyView
			for _, store := range stores {
				keys = append(keys, store.Keys...)
			}
			if err := list(cmd, s, keys, func(k keyView) []string {
				return []string{k.ID, k.Algorithm, strconv.Itoa(k.Bits), k.Place, k.Created, k.Point}
			}); err != nil {
				return err
			}
			return faults(stores)
		},
	}
	assess := &cobra.Command{
		Use: "assess", Short: "密评 algorithm, length, place, protection and purpose of every key", Args: cobra.NoArgs,
		Long: "Lists what an assessment of commercial cryptography asks for, from the files alone: no passphrase is needed and no key is\n" +
			"opened. Looks at DATA/keys and, if it is still there, DATA/offline.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			stores, err := s.assess()
			if err != nil {
				return err
			}
			if s.json {
				err = printJSON(cmd.OutOrStdout(), stores)
			} else {
				err = printAssessment(cmd, stores)
			}
			if err != nil {
				return err
			}
			return faults(stores)
		},
	}
	return group("key", "密钥 the keys at rest", list, assess, newRewrap(s), newKeyRotate(s), newKeyGenerations(s))
}

// storeView is a key store as it is printed.
type storeView struct {
	ID         string      `json:"id"` // its folder within the data folder
	Store      string      `json:"store"`
	GMOnly     bool        `json:"gm_only"`
	Generation uint64      `json:"generation"`
	Rotating   bool        `json:"rotating"`
	Keys       []keyView   `json:"keys"`
	Faults     []faultView `json:"faults"`
}

// keyView is a key as it is printed.
type keyView struct {
	ID         string `json:"id"` // folder/purpose/name
	Purpose    string `json:"purpose"`
	Name       string `json:"name"`
	Algorithm  string `json:"algorithm"`
	Bits       int    `json:"bits"`
	Place      string `json:"place"`
	Where      string `json:"where,omitempty"`
	Protection string `json:"protection"`
	Point      string `json:"point,omitempty"`
	Created    string `json:"created"`
	Generation uint64 `json:"generation,omitempty"`
}

type faultView struct {
	File  string `json:"file"`
	Fault string `json:"fault"`
}

// assess looks at the service's keys and at the offline keys, if those are here.
func (s *settings) assess() ([]storeView, error) {
	var stores []storeView
	for _, folder := range []string{"keys", "offline"} {
		a, err := keystore.Assess(filepath.Join(s.data, folder))
		if errors.Is(err, os.ErrNotExist) {
			if folder == "offline" {
				continue
			}
			return nil, fmt.Errorf("--data: %s: %w: %w", s.data, datafolder.ErrNotDataFolder, err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", folder, err)
		}
		stores = append(stores, viewStore(folder, a))
	}
	return stores, nil
}

func viewStore(folder string, a keystore.Assessment) storeView {
	v := storeView{ID: folder, Store: a.Store.String(), GMOnly: a.GMOnly, Generation: a.Generation, Rotating: a.Rotating, Faults: []faultView{}}
	for _, k := range a.Keys {
		key := keyView{
			ID: folder + "/" + k.Purpose + "/" + k.Name, Purpose: k.Purpose, Name: k.Name, Algorithm: k.Algorithm, Bits: k.Bits,
			Place: string(k.Place), Where: k.Where, Protection: k.Protection, Created: k.Created.Format(time.RFC3339), Generation: k.Generation,
		}
		if k.Point != nil {
			key.Point = k.Point.String()
		}
		v.Keys = append(v.Keys, key)
	}
	for _, f := range a.Faults {
		v.Faults = append(v.Faults, faultView{f.File, f.Err.Error()})
	}
	return v
}

func printAssessment(cmd *cobra.Command, stores []storeView) error {
	out := cmd.OutOrStdout()
	for _, v := range stores {
		mode := "普通 ordinary"
		if v.GMOnly {
			mode = "仅国密 gm-only"
		}
		if _, err := fmt.Fprintf(out, "%s: %s, %s, 主密钥 master key %d\n", v.ID, v.Store, mode, v.Generation); err != nil {
			return err
		}
		rows := make([][]string, len(v.Keys))
		for i, k := range v.Keys {
			rows[i] = []string{k.ID, k.Algorithm, strconv.Itoa(k.Bits), k.Place, k.Where, k.Protection, k.Created, k.Point}
		}
		if err := columns.Write(out, rows); err != nil {
			return err
		}
	}
	return nil
}

// faults names every file that is not what it must be.
func faults(stores []storeView) error {
	found := false
	for _, v := range stores {
		if v.Rotating {
			fmt.Fprintf(os.Stderr, "elicence: %s: a rotation of the master key is not finished: elicence key rewrap --master takes it up\n", v.ID)
		}
		for _, f := range v.Faults {
			found = true
			fmt.Fprintf(os.Stderr, "elicence: %s: %s\n", f.File, f.Fault)
		}
	}
	if found {
		return errNotValid
	}
	return nil
}
