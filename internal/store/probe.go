package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrWeak is what errors are (errors.Is) that say that a store lets two win the
// creation of one key. The program stops with exit code 4: no ledger is safe there.
var ErrWeak = errors.New("no real put-if-absent")

// Prober is what Probe needs of a store, with the meaning that File gives it.
type Prober interface {
	Create(ctx context.Context, key string, data []byte) error
	Read(ctx context.Context, key string) ([]byte, error)
	Remove(ctx context.Context, key string) error
}

// WeakError says how a store failed the probe.
type WeakError struct {
	Key     string
	Racers  int
	Winners int
	Kept    bool // the object holds what the one winner wrote
}

func (e *WeakError) Error() string {
	if e.Winners == 1 && !e.Kept {
		return fmt.Sprintf("probe %s: of %d that created it one won, but its bytes are another's: this store cannot hold a ledger", e.Key, e.Racers)
	}
	return fmt.Sprintf("probe %s: of %d that created it %d won, and exactly one may: this store cannot hold a ledger", e.Key, e.Racers, e.Winners)
}

// Is makes the error an ErrWeak.
func (e *WeakError) Is(target error) bool { return target == ErrWeak }

// Probe finds out whether a store has a real put-if-absent: for each of keys, it
// lets two create it one after the other, and then racers create another one at
// once. A weak store may pass by luck; 20 keys and 16 racers find most. The error
// is ErrWeak, or an error of the store itself. Nothing but the folder
// _tidemark/probe is touched, and what the probe put there it takes away if it may.
func Probe(ctx context.Context, s Prober, keys, racers int) error {
	folder := "_tidemark/probe/" + randomHex()
	for i := range keys {
		if err := probeSerial(ctx, s, fmt.Sprintf("%s/serial-%d", folder, i)); err != nil {
			return err
		}
		if err := probeParallel(ctx, s, fmt.Sprintf("%s/parallel-%d", folder, i), racers); err != nil {
			return err
		}
	}
	return nil
}

func probeSerial(ctx context.Context, s Prober, key string) error {
	// A store may forbid to delete anything: leftovers here harm nobody.
	defer func() { _ = s.Remove(context.WithoutCancel(ctx), key) }()
	return judge(ctx, s, key, []error{create(ctx, s, key, 0), create(ctx, s, key, 1)})
}

func probeParallel(ctx context.Context, s Prober, key string, racers int) error {
	defer func() { _ = s.Remove(context.WithoutCancel(ctx), key) }()
	answers := make([]error, racers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			<-start
			answers[i] = create(ctx, s, key, i)
		})
	}
	close(start)
	all.Wait()
	return judge(ctx, s, key, answers)
}

// create sends one racer's request, again where the store asks for that.
func create(ctx context.Context, s Prober, key string, racer int) error {
	for {
		err := s.Create(ctx, key, racerData(racer))
		if !errors.Is(err, ErrAgain) || ctx.Err() != nil {
			return err
		}
	}
}

func racerData(racer int) []byte { return fmt.Appendf(nil, "racer %d\n", racer) }

func judge(ctx context.Context, s Prober, key string, answers []error) error {
	winners, winner := 0, 0
	for i, err := range answers {
		switch {
		case err == nil:
			winners, winner = winners+1, i
		case !errors.Is(err, ErrExists):
			return fmt.Errorf("probe put-if-absent: %w", err)
		}
	}
	data, err := s.Read(ctx, key)
	if err != nil {
		return fmt.Errorf("probe put-if-absent: %w", err)
	}
	if kept := bytes.Equal(data, racerData(winner)); winners != 1 || !kept {
		return &WeakError{Key: key, Racers: len(answers), Winners: winners, Kept: kept}
	}
	return nil
}
