package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/parquet-go/parquet-go"

	"tidemark/internal/backfill"
	"tidemark/internal/rawfile"
)

// file feeds the pipeline from a file, whose bytes are in the page cache, into files on disk:
// a container of Avro or a Parquet file, packed with snappy as Spark writes both.
func file(ctx context.Context, o options) (result, error) {
	path, err := eventFile(o)
	if err != nil {
		return result{}, err
	}
	lake, remove, err := newLake(o.dir)
	if err != nil {
		return result{}, err
	}
	defer remove()
	if err := cached(path); err != nil {
		return result{}, err
	}
	found, err := rawfile.Find(ctx, []string{path}, nil)
	if err != nil {
		return result{}, err
	}
	defer found.Close()
	raw := o
	raw.format, raw.raw = "json", true
	p, err := newPipeline(ctx, raw, "file://"+lake)
	if err != nil {
		return result{}, err
	}
	stop, err := profiled(o)
	if err != nil {
		return result{}, err
	}
	defer stop()
	m, err := start()
	if err != nil {
		return result{}, err
	}
	c := backfill.Config{
		Table: "transactions", Files: found.Entries, Log: slog.New(slog.DiscardHandler),
		Options: rawfile.Options{Exact: []string{"amount"}, Text: o.text},
	}
	if err := p.Feed(ctx, nil, func(ctx context.Context) error {
		st, err := p.State(c.Table)
		if err != nil {
			return err
		}
		run, err := backfill.Run(ctx, p, c, st, &backfill.Progress{})
		if err == nil && len(run.Failed) > 0 {
			err = errors.New(run.Failed[0].Why)
		}
		return err
	}); err != nil {
		return result{}, err
	}
	r, err := m.stop(o.events, found.Entries[0].Size, 0)
	if err != nil {
		return result{}, err
	}
	return r, checkLake(ctx, "file://"+lake, o.events)
}

// cached reads a file, so that its bytes are in the page cache.
func cached(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the events: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(io.Discard, f); err != nil {
		return fmt.Errorf("read the events: %w", err)
	}
	return nil
}

// eventFile is the file of the events, which is made if no measurement before has.
func eventFile(o options) (path string, err error) {
	path = filepath.Join(o.dir, fmt.Sprintf("%d-%d.%s", o.events, o.seed, o.format))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	f, err := os.Create(path + ".part")
	if err != nil {
		return "", fmt.Errorf("make the events: %w", err)
	}
	buffer := bufio.NewWriterSize(f, 1<<20)
	if o.format == "avro" {
		err = avroFile(buffer, o)
	} else {
		err = parquetFile(buffer, o)
	}
	if err = errors.Join(err, buffer.Flush(), f.Close()); err != nil {
		return "", fmt.Errorf("make the events: %w", err)
	}
	return path, os.Rename(path+".part", path)
}

// cards are the events one after another. One that is no event, of which a JSON topic may hold
// some, is an event whose status is no text.
func cards(o options, take func(c *card, event []byte) error) error {
	g := generator(o)
	last := []byte("{}")
	for {
		e, ok := g.Next()
		if !ok {
			return nil
		}
		var c card
		value := e.Value
		if json.Unmarshal(value, &c) != nil || inFormat(nil, "avro-registry", value)[0] != 0 {
			if err := json.Unmarshal(last, &c); err != nil {
				return fmt.Errorf("make an event: %w", err)
			}
			value, c.Status = nil, "\xff"
		} else {
			last = append(last[:0], value...)
		}
		if err := take(&c, value); err != nil {
			return err
		}
	}
}

// avroFile writes a container of the events, in blocks as Java's library makes them.
func avroFile(to io.Writer, o options) error {
	const sync, size = "0123456789abcdef", 64000
	text := func(b []byte, s string) []byte { return append(binary.AppendVarint(b, int64(len(s))), s...) }
	head := text(text(append([]byte("Obj\x01"), 4), "avro.schema"), avroEvent)
	head = append(append(text(text(head, "avro.codec"), "snappy"), 0), sync...)
	if _, err := to.Write(head); err != nil {
		return err
	}
	var block []byte
	rows := int64(0)
	flush := func() error {
		packed := snappy.Encode(nil, block)
		packed = binary.BigEndian.AppendUint32(packed, crc32.ChecksumIEEE(block))
		_, err := to.Write(append(text(binary.AppendVarint(nil, rows), string(packed)), sync...))
		block, rows = block[:0], 0
		return err
	}
	err := cards(o, func(c *card, _ []byte) error {
		event, err := json.Marshal(c)
		if err != nil {
			return err
		}
		datum := inFormat(nil, "avro-registry", event)[5:]
		if c.Status == "\xff" { // which JSON cannot say
			datum = append(binary.AppendVarint(binary.AppendVarint(nil, c.ID), c.Account), 2, 1, 2, 'x', 0, 2, 0xff, 0, 0, 0, 0)
		}
		block = append(block, datum...)
		if rows++; len(block) >= size {
			return flush()
		}
		return nil
	})
	if err == nil && rows > 0 {
		err = flush()
	}
	return err
}

// columnarCard is an event as a row of Parquet.
type columnarCard struct {
	ID       int64     `parquet:"transaction_id"`
	Account  int64     `parquet:"account_id"`
	Amount   int64     `parquet:"amount,decimal(2:18)"`
	Type     string    `parquet:"transaction_type,dict"`
	Date     time.Time `parquet:"transaction_date,timestamp(microsecond)"`
	Status   string    `parquet:"status,dict"`
	Currency string    `parquet:"currency,dict"`
	Channel  string    `parquet:"channel,dict"`
	Merchant string    `parquet:"merchant,dict"`
	Country  string    `parquet:"country,dict"`
}

// parquetFile writes a Parquet file of the events, with row groups of a million rows.
func parquetFile(to io.Writer, o options) error {
	w := parquet.NewGenericWriter[columnarCard](to, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(1_000_000), parquet.DataPageVersion(1))
	hundred := big.NewRat(100, 1)
	err := cards(o, func(c *card, _ []byte) error {
		amount, _ := new(big.Rat).SetString(string(c.Amount))
		if amount == nil {
			amount = new(big.Rat)
		}
		cents := amount.Mul(amount, hundred).Num().Int64()
		_, err := w.Write([]columnarCard{{c.ID, c.Account, cents, c.Type, c.Date, c.Status, c.Currency, c.Channel, c.Merchant, c.Country}})
		return err
	})
	return errors.Join(err, w.Close())
}
