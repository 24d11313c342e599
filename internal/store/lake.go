package store

import "context"

// Objects is the half of a lake that holds small objects, with the meaning that
// File gives the methods.
type Objects interface {
	Create(ctx context.Context, key string, data []byte) error
	Read(ctx context.Context, key string) ([]byte, error)
	List(ctx context.Context, prefix string) ([]Entry, error)
	Sync(ctx context.Context, dir string) error
}

// Files is the half of a lake that holds large files, with the meaning that File
// gives the methods.
type Files interface {
	Stage(ctx context.Context, key string) (Staged, error)
	Publish(ctx context.Context, staged, final string, size int64) error
	Open(ctx context.Context, key string) (Reader, int64, error)
}

// Names is what is done with a name alone, with the meaning that File gives the
// methods.
type Names interface {
	Stat(ctx context.Context, key string) (Entry, error)
	Remove(ctx context.Context, key string) error
}

// Lake is a whole store: what File is, and what an object store is made to be.
type Lake interface {
	Objects
	Files
	Names
}

var _ Lake = (*File)(nil)
