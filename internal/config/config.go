// Package config reads the configuration file: strictly, with a place for every
// fault, and with everything decided that a setting can mean.
//
// In goes one YAML document, the environment, and the files that it names
// (secrets, certificates). Out comes a Config whose values are within bounds, whose
// tables are complete (preset, overrides and defaults put together) and whose
// checks are compiled; or all faults at once, each an *Error "FILE:line:col: text"
// that ends in what to write instead.
//
// Invariants:
//
//	G1 a key that is not read is an error, and so is one of a feature that is not
//	   in this version: nothing is ignored
//	G2 no secret is in a message, in the Hash, or in any printed form of a Config
//	G3 what a variable of the environment holds is not in a message either: it is
//	   named, since it may be a secret that went astray
//	G4 a document takes bounded memory and time, whatever it holds: its size, its
//	   tokens and its depth are limited before it is parsed
//
// YAML itself is parsed by a library; its anchors, aliases, merge keys and tags are
// refused, since a configuration that says what it means needs none of them and
// they are what bombs are made of. The tree is then read by hand, key by key, which
// is what lets every fault have its place and its advice.
//
// Only the program calls this, once, before anything starts. Opening the lake,
// reaching brokers and topics is left to others: `tidemark check` does it.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"tidemark/internal/schema"
	"tidemark/quality"
	"tidemark/watermark"
)

// Config is a configuration file, read and found right. Nothing changes it.
type Config struct {
	Lake         string
	SourceSystem string
	Kafka        *Kafka    // nil: none, see ForRun
	Registry     *Registry // nil: none
	Batch        Batch
	Memory       int64
	Writer       Writer // what tables inherit
	HTTP         HTTP
	Tables       []Table

	// Hash stands for the effective configuration, without its secrets: two files
	// that mean the same have the same.
	Hash string
	// Warnings are what is allowed and yet worth a line in the log.
	Warnings []string

	file string
}

// Batch says when a batch is cut: at whichever bound is reached first.
type Batch struct {
	MaxAge   time.Duration
	MaxRows  int
	MaxBytes int64 // at most a quarter of the memory
}

// HTTP says where metrics, health and status are served.
type HTTP struct {
	Listen string // empty: nowhere
}

// Writer says how Parquet files are written.
type Writer struct {
	Codec, Level string
	TargetFile   int64
	SortBy       []string
}

// Table is one table with all that is said about it.
type Table struct {
	Schema *schema.Table
	Topics []string
	Format string
	// SchemaFile is the path of the schema of Avro of records that name none; empty: there is
	// none.
	SchemaFile string

	Delay, MaxFuture, IdleAfter time.Duration
	Late                        watermark.Policy

	Checks []quality.Check
	Dedupe *quality.Dedupe // nil: none
	Suite  *quality.Suite  // of Checks and Dedupe
	Policy quality.Policy
	Writer Writer

	// FirstRun is how old rows of the table's first backfill may be by their event time;
	// 0: any age.
	FirstRun time.Duration

	// Raw tables take the columns of their files: Schema has none, and there is no Suite,
	// until Adopt.
	Raw bool

	// Remarks are what the table's preset would check and does not, with the reason.
	Remarks []string
}

// Load reads a file with the environment of the process.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return Parse(path, data, os.LookupEnv)
}

func unreadable(path string, err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err // path stands before it already
	}
	return &Error{File: path, Text: fmt.Sprintf("read the configuration: %v: name a file with -c", err)}
}

// Parse reads a document; name stands in its errors. Secrets and certificates are
// read from the files that it names.
func Parse(name string, data []byte, getenv func(string) (string, bool)) (*Config, error) {
	r := &reader{file: name, getenv: getenv}
	c := defaults(name)
	if doc, ok := r.document(data); ok {
		c.read(doc)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	c.Warnings = r.warnings
	c.Hash = c.hash()
	return c, nil
}

// ForRun reports what `tidemark run` needs beyond what other commands do.
func (c *Config) ForRun() error {
	var errs []error
	if c.Kafka == nil {
		errs = append(errs, &Error{File: c.file, Text: "run needs brokers to read from: write kafka: {brokers: [localhost:9092], group: tidemark}"})
	}
	if len(c.Streamed()) == 0 {
		errs = append(errs, &Error{File: c.file, Text: "run needs a table with topics: write topics: [NAME] in it (those without are for backfill)"})
	}
	return errors.Join(errs...)
}

// Streamed are the tables that topics feed: those of `tidemark run`.
func (c *Config) Streamed() []*Table {
	var out []*Table
	for i := range c.Tables {
		if t := &c.Tables[i]; len(t.Topics) > 0 {
			out = append(out, t)
		}
	}
	return out
}

// The defaults and bounds of what stands at the top.
const (
	minMemory = 128 << 20
	// minBucketMemory is for lakes in object stores, whose files are sent in parts that
	// are held meanwhile.
	minBucketMemory = 256 << 20
	maxMemory       = 1 << 40
)

func defaults(file string) *Config {
	return &Config{
		file:   file,
		Batch:  Batch{MaxAge: 30 * time.Second, MaxRows: 500_000, MaxBytes: 256 << 20},
		Memory: 1 << 30,
		Writer: Writer{Codec: "zstd", Level: "fastest", TargetFile: 256 << 20},
	}
}

func (c *Config) read(doc value) {
	s, ok := doc.section(top)
	if !ok {
		return
	}
	s.require("lake", "file:///var/lib/tidemark", func(v value) { c.Lake = v.lake() })
	s.require("source_system", "core_banking", func(v value) { v.text(&c.SourceSystem) })
	least := int64(minMemory)
	if isBucket(c.Lake) {
		least = minBucketMemory
	}
	s.with("memory", func(v value) { v.size(&c.Memory, least, maxMemory) })
	s.with("batch", c.readBatch)
	c.clampBatch(s)
	s.with("kafka", func(v value) { c.Kafka = readKafka(v) })
	s.with("registry", func(v value) { c.Registry = readRegistry(v) })
	s.with("http", func(v value) {
		if h, ok := v.section(httpSection); ok {
			h.require("listen", `":8080"`, func(v value) { v.address(&c.HTTP.Listen) })
		}
	})
	var sortBy value
	s.with("writer", func(v value) { sortBy = readWriter(v, &c.Writer) })
	s.require("tables", "a list of tables, each with name, topics, event_time and columns", func(v value) {
		c.Tables = readTables(v, inherited{writer: c.Writer, sortBy: sortBy})
	})
	s.with("registry", c.warnOfRegistry)
	c.needRegistry(s)
}

func (c *Config) readBatch(v value) {
	s, ok := v.section(batchSection)
	if !ok {
		return
	}
	s.with("max_age", func(v value) { v.duration(&c.Batch.MaxAge, 100*time.Millisecond, 24*time.Hour) })
	s.with("max_rows", func(v value) {
		n := int64(c.Batch.MaxRows)
		v.whole(&n, 1, 100_000_000)
		c.Batch.MaxRows = int(n)
	})
	s.with("max_bytes", func(v value) { v.size(&c.Batch.MaxBytes, 1<<20, maxMemory) })
}

// clampBatch keeps a batch to a quarter of the memory: several are in the making
// at once, and each is held as it came and as columns.
func (c *Config) clampBatch(s section) {
	most := c.Memory / 4
	if c.Batch.MaxBytes <= most {
		return
	}
	s.with("batch", func(v value) {
		b, _ := v.peek(batchSection)
		b.with("max_bytes", func(v value) {
			v.warn("batch.max_bytes is more than a quarter of memory (%s): %s is used; raise memory or lower max_bytes", formatSize(c.Memory), formatSize(most))
		})
	})
	c.Batch.MaxBytes = most
}
