// Verifies an export with somebody else's code: the Go checksum database's own packages note and tlog.
//
//	go run . <export directory> <verifier key> <directory of inclusion proofs, one file per entry number>
//
// The tiles of C2SP tlog-tiles are those of the Go checksum database at height 8, under shorter paths.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type directory string

func (d directory) Height() int { return 8 }

func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var contents [][]byte
	for _, tile := range tiles {
		content, err := d.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, nil
}

func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}

func (d directory) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(d), path))
}

func (d directory) bundle(index, width int64) ([]byte, error) {
	tile := tlog.Tile{H: 8, L: 0, N: index, W: int(width)}
	return d.read(strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1))
}

func check(err error) {
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
}

func head(export directory, key string) tlog.Tree {
	verifier, err := note.NewVerifier(key)
	check(err)
	signed, err := export.read("checkpoint")
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := tlog.ParseHash(lines[2])
	check(err)
	return tlog.Tree{N: size, Hash: root}
}

func proof(folder string, number int64) (tlog.RecordProof, bool) {
	text, err := os.ReadFile(filepath.Join(folder, fmt.Sprint(number)))
	if err != nil {
		return nil, false
	}
	var hashes tlog.RecordProof
	for _, line := range strings.Fields(string(text)) {
		content, err := base64.StdEncoding.DecodeString(line)
		check(err)
		var hash tlog.Hash
		copy(hash[:], content)
		hashes = append(hashes, hash)
	}
	return hashes, true
}

func main() {
	export := directory(os.Args[1])
	tree := head(export, os.Args[2])
	hashes := tlog.TileHashReader(tree, export)
	root, err := tlog.TreeHash(tree.N, hashes)
	check(err)
	if root != tree.Hash {
		check(fmt.Errorf("another root"))
	}
	proofs := 0
	for first := int64(0); first < tree.N; first += 256 {
		width := min(256, tree.N-first)
		bundle, err := export.bundle(first/256, width)
		check(err)
		var indexes []int64
		for number := first; number < first+width; number++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, number))
		}
		stored, err := hashes.ReadHashes(indexes)
		check(err)
		for number := first; number < first+width; number++ {
			length := 2 + int(binary.BigEndian.Uint16(bundle))
			leaf := tlog.RecordHash(bundle[2:length])
			bundle = bundle[length:]
			if stored[number-first] != leaf {
				check(fmt.Errorf("entry %d is another", number))
			}
			if ours, found := proof(os.Args[3], number); found {
				check(tlog.CheckRecord(ours, tree.N, tree.Hash, number, leaf))
				proofs++
			}
		}
		if len(bundle) != 0 {
			check(fmt.Errorf("the bundle from entry %d on is too long", first))
		}
	}
	fmt.Println(tree.N, proofs)
}
