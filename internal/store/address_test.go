package store_test

import (
	"strings"
	"testing"

	"tidemark/internal/store"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct {
		lake string
		want store.Address
	}{
		{"s3://b", store.Address{Scheme: "s3", Bucket: "b"}},
		{"s3://b/", store.Address{Scheme: "s3", Bucket: "b"}},
		{"s3://b//a/b/", store.Address{Scheme: "s3", Bucket: "b", Prefix: "a/b"}},
		{"s3://b/a%20b?region=r&endpoint=http://h:1/&path_style=true&profile=p&role_arn=arn:aws:iam::1:role/x", store.Address{
			Scheme: "s3", Bucket: "b", Prefix: "a b", Region: "r", Endpoint: "http://h:1", PathStyle: true, Profile: "p", RoleARN: "arn:aws:iam::1:role/x"}},
		{"gs://b/p?anonymous=true&endpoint=https://h", store.Address{Scheme: "gs", Bucket: "b", Prefix: "p", Endpoint: "https://h", Anonymous: true}},
		{"azblob://c/p?account=a&endpoint=http://127.0.0.1:1/a", store.Address{
			Scheme: "azblob", Bucket: "c", Prefix: "p", Account: "a", Endpoint: "http://127.0.0.1:1/a"}},
	} {
		if got, err := store.ParseAddress(c.lake); err != nil || *got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", c.lake, got, err, c.want)
		}
	}
}

// TestAddressShowsNothing: what is refused may be a secret in the wrong place.
func TestAddressShowsNothing(t *testing.T) {
	for _, lake := range []string{
		"s3://hunter2:hunter2@b/p", "s3://b/p?hunter2=1", "s3://b/p?secret=hunter2", "s3://b/p#hunter2", "s3://b/p#", "s3://b/hunter2/../x", "s3://b/a//hunter2",
		"s3://b/p?endpoint=http://hunter2@h", "s3://b/p?endpoint=http://h?hunter2", "s3://b/p?endpoint=http://h/hunter2", "s3://b/p?endpoint=hunter2",
		"s3://b/p?path_style=hunter2", "s3://b?region=hunter2&region=hunter2", "s3://b?region=", "s3://b?role_arn=hunter2", "s3://b?%zzhunter2",
		"s3://hunter2%zz", "s3://hunter2 b/", "s3:///hunter2", "ftp://hunter2", "hunter2", "gs://b?account=hunter2", "azblob://b?region=hunter2", "s3://b/hunter2%00",
	} {
		_, err := store.ParseAddress(lake)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want an error that does not show it", lake, err)
		}
	}
}
