package rawfile

import (
	"context"
	"errors"
	"io"
)

func openAvro(_ context.Context, _ io.Reader, e Entry, _ Options) (Reader, error) {
	return nil, &Error{URL: e.URL, Err: errors.New("is Avro, which is not read yet")}
}

func openParquet(_ context.Context, _ io.ReaderAt, _ int64, e Entry, _ Options) (Reader, error) {
	return nil, &Error{URL: e.URL, Err: errors.New("is Parquet, which is not read yet")}
}
