package ledger

import (
	"context"
	"errors"
	"fmt"

	"tidemark/internal/store"
)

// Shelf is what the publisher needs of a lake.
//
// Publish gives a staged file of size bytes its final name, makes that durable and
// verified, and then takes the staged name away, durably. It never replaces a file.
// Its settled answers, after which nothing has changed, are store.ErrNotExist (there
// is no staged file), store.ErrExists (another file has the final name) and
// store.ErrSize (the staged file has another size). After any other error it may
// have happened in part, and is done again. Both methods may be called concurrently,
// also by other processes for the same file.
type Shelf interface {
	Publish(ctx context.Context, staged, final string, size int64) error
	Stat(ctx context.Context, key string) (store.Entry, error)
}

// Publisher brings the files of decided records before the readers, in ledger
// order, from the published mark on. Any number of them may work on one table, in
// any processes.
type Publisher struct {
	ledger *Ledger
	shelf  Shelf
	turn   chan struct{}
}

// NewPublisher makes a publisher of the records that l knows.
func NewPublisher(l *Ledger, s Shelf) *Publisher {
	return &Publisher{ledger: l, shelf: s, turn: make(chan struct{}, 1)}
}

// Publish publishes what the ledger's newest state knows as decided, and writes a
// checkpoint when one is due. It returns the batch records that came below the
// mark, in order: their files are durable, verified and visible, by whomever they
// were published. To see what others decided, Load first. With an error it returns
// what came below the mark before it; calling again goes on there.
func (p *Publisher) Publish(ctx context.Context) ([]*Record, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	st := p.ledger.State()
	if st == nil {
		return nil, nil
	}
	var done []*Record
	for i, pend := range st.Pending {
		r, err := p.publish(ctx, pend)
		if err != nil {
			return done, errors.Join(err, p.ledger.writeCheckpoint(ctx))
		}
		mark := st.Head + 1
		if i+1 < len(st.Pending) {
			mark = st.Pending[i+1].Seq
		}
		p.ledger.advance(mark)
		done = append(done, r)
	}
	return done, p.ledger.writeCheckpoint(ctx)
}

func (p *Publisher) publish(ctx context.Context, pend Pending) (*Record, error) {
	r, err := p.ledger.Record(ctx, pend.Seq)
	if err != nil {
		if absent(err) {
			err = &HoleError{Table: p.ledger.table, Missing: pend.Seq, Seen: p.ledger.State().Head}
		}
		return nil, fmt.Errorf("publish record %d: %w", pend.Seq, err)
	}
	for _, f := range r.Files {
		if err := p.publishFile(ctx, r, f); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// publishFile carries out the steps of one Handover.
func (p *Publisher) publishFile(ctx context.Context, r *Record, f File) error {
	var h Handover
	saw, size, stagedWrong := Begin, int64(-1), false
	for {
		var err error
		switch h.Next(saw) {
		case Move:
			saw, err = p.move(ctx, f)
			stagedWrong = saw == StagedWrong
		case LookFinal:
			saw, size, err = p.lookFinal(ctx, f)
		case Published:
			return nil
		case Alarm:
			return &FileError{Table: r.Table, Seq: r.Seq, File: f, Size: size, StagedWrong: stagedWrong}
		}
		if err != nil {
			return fmt.Errorf("publish record %d of %s: %w", r.Seq, r.Table, err)
		}
	}
}

func (p *Publisher) move(ctx context.Context, f File) (Look, error) {
	err := p.shelf.Publish(ctx, f.Staged, f.Path, f.Bytes)
	switch {
	case err == nil:
		return Moved, nil
	case errors.Is(err, store.ErrNotExist):
		return StagedAbsent, nil
	case errors.Is(err, store.ErrExists):
		return FinalTaken, nil
	case errors.Is(err, store.ErrSize):
		return StagedWrong, nil
	}
	return Begin, err
}

func (p *Publisher) lookFinal(ctx context.Context, f File) (Look, int64, error) {
	e, err := p.shelf.Stat(ctx, f.Path)
	switch {
	case absent(err):
		return FinalAbsent, -1, nil
	case err != nil:
		return Begin, -1, err
	case e.Size != f.Bytes:
		return FinalWrong, e.Size, nil
	}
	return FinalRight, e.Size, nil
}
