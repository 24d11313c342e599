package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Address is where a lake in an object store lies. It holds no secret: a URL with
// keys in it is refused.
type Address struct {
	Scheme    string // s3, gs or azblob
	Bucket    string // a container, on Azure
	Prefix    string // of every key, without slashes at its ends; "" for the whole bucket
	Region    string // s3
	Endpoint  string // http://host:port, https://host, … where it is not the cloud's own
	PathStyle bool   // s3: the bucket stands in the path, not in the host
	Profile   string // s3: a section of the AWS configuration
	RoleARN   string // s3: a role to take on
	Anonymous bool   // gs: without credentials
	Account   string // azblob
}

// ParseAddress reads the URL of a lake in an object store. Its errors name what to
// write instead and show nothing of the URL, which may hold a secret by mistake.
func ParseAddress(lake string) (*Address, error) {
	u, err := url.Parse(lake)
	if err != nil {
		return nil, errors.New("not a URL: write s3://bucket/prefix, gs://bucket/prefix or azblob://container/prefix")
	}
	a := &Address{Scheme: u.Scheme, Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	params, ok := a.params()[a.Scheme]
	switch {
	case !ok:
		return nil, errors.New("unknown scheme: write s3://, gs:// or azblob://")
	case u.User != nil:
		return nil, errors.New("keys do not belong into the URL: take them out, and give them by the environment (docs/configuration.md)")
	case u.Fragment != "" || strings.Contains(lake, "#"):
		return nil, errors.New("a URL of a lake has no fragment: take out what follows #")
	case !bucketName.MatchString(a.Bucket):
		return nil, fmt.Errorf("no name of a bucket: write %s://bucket/prefix", a.Scheme)
	case a.Prefix != "" && (!fs.ValidPath(a.Prefix) || a.Prefix == "." || strings.ContainsFunc(a.Prefix, isControl)):
		return nil, errors.New("not a prefix: write names, none of them . or .., with one slash between them")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("parameters cannot be read: write ?name=value&name=value")
	}
	if err := a.take(query, params); err != nil {
		return nil, err
	}
	if a.Scheme == "s3" && a.RoleARN != "" && !strings.HasPrefix(a.RoleARN, "arn:") {
		return nil, errors.New("role_arn: write arn:aws:iam::ACCOUNT:role/NAME")
	}
	return a, nil
}

// bucketName is what every cloud allows, and a little more: the cloud knows better.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,221}$`)

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// params lists, by scheme, the parameters and where each goes.
func (a *Address) params() map[string]map[string]func(string) error {
	text := func(to *string) func(string) error {
		return func(s string) error {
			if s == "" || strings.ContainsFunc(s, isControl) {
				return errors.New("is empty")
			}
			*to = s
			return nil
		}
	}
	truth := func(to *bool) func(string) error {
		return func(s string) error {
			if s != "true" && s != "false" {
				return errors.New("write true or false")
			}
			*to = s == "true"
			return nil
		}
	}
	return map[string]map[string]func(string) error{
		"s3": {
			"region": text(&a.Region), "endpoint": a.endpoint, "path_style": truth(&a.PathStyle),
			"profile": text(&a.Profile), "role_arn": text(&a.RoleARN),
		},
		"gs":     {"endpoint": a.endpoint, "anonymous": truth(&a.Anonymous)},
		"azblob": {"account": text(&a.Account), "endpoint": a.endpoint},
	}
}

func (a *Address) take(query url.Values, params map[string]func(string) error) error {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		set, ok := params[name]
		if !ok {
			return fmt.Errorf("unknown parameter: %s:// takes %s", a.Scheme, strings.Join(slices.Sorted(maps.Keys(params)), ", "))
		}
		if len(query[name]) > 1 {
			return fmt.Errorf("%s: is there twice", name)
		}
		if err := set(query[name][0]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// endpoint reads the address of a server. Azure's emulator has the account in the
// path.
func (a *Address) endpoint(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("write http://host:port or https://host, without keys and parameters")
	}
	if path := strings.Trim(u.Path, "/"); path != "" && a.Scheme != "azblob" {
		return errors.New("write http://host:port or https://host, without a path")
	}
	a.Endpoint = strings.TrimRight(s, "/")
	return nil
}
