package rawfile

import (
	"context"
	"errors"
	"io"
)

func openParquet(_ context.Context, _ io.ReaderAt, _ int64, e Entry, _ Options) (Reader, error) {
	return nil, &Error{URL: e.URL, Err: errors.New("is Parquet, which is not read yet")}
}
