package consumer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// quiet is how long a warning that was logged is not logged again.
const quiet = 10 * time.Second

// clientLog hands the Kafka client's warnings on, each kind at most once in ten
// seconds: while a broker is away, the client repeats itself many times a second.
type clientLog struct {
	log   *slog.Logger
	quiet *limiter
}

func newClientLog(log *slog.Logger) *clientLog {
	return &clientLog{log: log.With("component", "kafka"), quiet: newLimiter()}
}

// Level implements kgo.Logger.
func (l *clientLog) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelWarn
}

// Log implements kgo.Logger.
func (l *clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	switch level {
	case kgo.LogLevelError, kgo.LogLevelWarn:
		if l.quiet.due(msg) {
			l.log.Warn(msg, keyvals...)
		}
	default:
		l.log.Debug(msg, keyvals...)
	}
}

// limiter tells which messages were not logged for a while.
type limiter struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func newLimiter() *limiter { return &limiter{last: map[string]time.Time{}} }

// due reports whether msg may be logged now.
func (l *limiter) due(msg string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if last, ok := l.last[msg]; ok && now.Sub(last) < quiet {
		return false
	}
	if len(l.last) > 1000 { // messages are constants; never trust that
		clear(l.last)
	}
	l.last[msg] = now
	return true
}
