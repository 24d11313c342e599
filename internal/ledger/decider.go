package ledger

import (
	"context"
	"errors"
	"fmt"

	"tidemark/internal/store"
)

// decider carries out the actions of one Attempt.
type decider struct {
	ledger   *Ledger
	proposal Proposal
	nonce    string

	sealed    *Record // for sealedAt: the same bytes are sent each time
	data      []byte
	doubts    int // doubtful answers in a row
	conflicts int
}

func (d *decider) run(ctx context.Context) (Decision, error) {
	l := d.ledger
	a := NewAttempt(Claimant{Kind: d.proposal.Kind, Batch: d.proposal.Batch, Nonce: d.nonce, Sources: d.proposal.Sources})
	ev := Event{Kind: Loaded, State: l.State()}
	for {
		act := a.Next(ev)
		var err error
		switch act.Kind {
		case Put:
			ev, err = d.put(ctx, act)
		case Get:
			ev, err = d.get(ctx, act.Seq)
		case Reload:
			d.conflicts++
			ev, err = d.reload(ctx)
		case Done:
			if err := l.accept(d.sealed); err != nil {
				return Decision{}, err
			}
			return Decision{Record: d.sealed, State: l.State(), Conflicts: d.conflicts}, nil
		case Drop:
			return Decision{State: l.State(), Dropped: true, Why: act.Why, Conflicts: d.conflicts}, nil
		}
		if err != nil {
			return Decision{Conflicts: d.conflicts}, err
		}
	}
}

// put sends the record for act.Seq. An error means that nothing more can be done.
func (d *decider) put(ctx context.Context, act Action) (Event, error) {
	if err := d.seal(act); err != nil {
		return Event{}, err
	}
	err := d.ledger.store.Create(ctx, RecordKey(d.ledger.table, act.Seq), d.data)
	switch {
	case err == nil:
		return Event{Kind: PutOK}, nil
	case errors.Is(err, store.ErrExists):
		return Event{Kind: PutTaken}, nil
	case errors.Is(err, store.ErrAgain):
		return Event{Kind: PutAgain}, d.doubt(ctx, act.Seq, err)
	}
	return Event{Kind: PutDoubt}, d.doubt(ctx, act.Seq, err)
}

func (d *decider) seal(act Action) error {
	if d.sealed != nil && d.sealed.Seq == act.Seq {
		return nil
	}
	r, err := d.proposal.Seal(act.State, act.Seq)
	if err != nil {
		return fmt.Errorf("seal batch %s: %w", d.proposal.Batch, err)
	}
	sealed := *r
	sealed.Version, sealed.Seq, sealed.Table, sealed.Kind = Version, act.Seq, d.ledger.table, d.proposal.Kind
	sealed.Batch, sealed.Nonce, sealed.Sources = d.proposal.Batch, d.nonce, d.proposal.Sources
	sealed.Previous = act.State.HeadHash
	// A clock that jumped back must not make the ledger's own time run backwards.
	sealed.DecidedAt = max(sealed.DecidedAt, act.State.DecidedAt)
	if err := sealed.validate(); err != nil {
		return fmt.Errorf("seal batch %s: %w", d.proposal.Batch, err)
	}
	data, err := EncodeRecord(&sealed)
	if err != nil {
		return fmt.Errorf("seal batch %s: %w", d.proposal.Batch, err)
	}
	sealed.hash = hashOf(data)
	d.sealed, d.data = &sealed, data
	return nil
}

func (d *decider) get(ctx context.Context, seq int64) (Event, error) {
	r, err := d.ledger.read(ctx, seq)
	if err == nil {
		// Its writer may have been cut off between making it visible and durable.
		err = d.ledger.store.Sync(ctx, LedgerDir(d.ledger.table))
	}
	switch {
	case err == nil:
		d.doubts = 0
		return Event{Kind: GotRecord, Record: r}, nil
	case errors.Is(err, ErrUnsafe):
		return Event{}, err
	case r == nil && absent(err):
		return Event{Kind: GotNothing}, nil
	}
	return Event{Kind: GetDoubt}, d.doubt(ctx, seq, err)
}

func (d *decider) reload(ctx context.Context) (Event, error) {
	for {
		err := d.ledger.load(ctx)
		if err == nil {
			d.doubts = 0
			return Event{Kind: Loaded, State: d.ledger.State()}, nil
		}
		if errors.Is(err, ErrUnsafe) {
			return Event{}, err
		}
		if err := d.doubt(ctx, d.ledger.State().Head+1, err); err != nil {
			return Event{}, err
		}
	}
}

// doubt counts a doubtful answer and waits, or gives up.
func (d *decider) doubt(ctx context.Context, seq int64, cause error) error {
	d.doubts++
	if d.doubts < d.ledger.answers {
		if d.ledger.wait(ctx, d.doubts) == nil {
			return nil
		}
	}
	return &DoubtError{Table: d.ledger.table, Seq: seq, Batch: d.proposal.Batch, Err: cause}
}
