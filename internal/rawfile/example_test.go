package rawfile_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
)

// Find the files of a folder and read one of them.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.WriteFile(filepath.Join(folder, "a.csv"), []byte("id,name\n1,\"Zürich, HB\"\n2,Bern\n"), 0o600); err != nil {
		panic(err)
	}

	found, err := rawfile.Find(ctx, []string{folder}, nil)
	if err != nil {
		panic(err)
	}
	defer found.Close()
	r, err := rawfile.Open(ctx, found.Entries[0], rawfile.Options{CSV: schema.DefaultCSV()})
	if err != nil {
		panic(err)
	}
	defer r.Close()
	fmt.Println(r.Layout().Header)
	for c := (batch.Chunk{}); !c.Last; {
		if err := r.Next(ctx, &c); err != nil {
			panic(err)
		}
		for _, l := range c.Lines {
			fmt.Printf("line %d: %s\n", l.Number, c.Data[l.At:l.At+l.Len])
		}
	}
	// Output:
	// [id name]
	// line 2: 1,"Zürich, HB"
	// line 3: 2,Bern
}
