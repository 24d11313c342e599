package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// secret reads a text that is not to be seen, from key or from the file that
// key_file names. The file is read again each time that the secret is asked for, so
// that it can be renewed.
func (s section) secret(key string) (ask func() (string, error)) {
	inFile, hasFile := s.values[key+"_file"]
	here, isHere := s.values[key]
	switch {
	case hasFile && isHere:
		inFile.fault("and %s are both there: keep one", here.name)
	case isHere:
		return here.secret()
	case hasFile:
		return inFile.secretFile()
	default:
		s.r.fault(s.at, "%s is missing: write %s_file: /run/secrets/NAME, or %s: ${NAME}", value{name: s.name}.path(key), key, key)
	}
	return nil
}

func (v value) secret() func() (string, error) {
	s, ok := v.scalar("a text")
	switch {
	case !ok:
		return nil
	case !s.isText:
		v.fault("is a number: write it in quotes")
		return nil
	case s.text == "":
		v.fault("is empty: write a text, or %s_file: PATH", v.name[strings.LastIndex(v.name, ".")+1:])
		return nil
	}
	return func() (string, error) { return s.text, nil }
}

func (v value) secretFile() func() (string, error) {
	var path string
	if !v.text(&path) {
		return nil
	}
	if _, err := readSecret(path); err != nil {
		if _, err := os.Stat(path); err != nil && !filepath.IsAbs(path) { // it may be the secret itself
			v.fault("names a secret that cannot be read: mount it, and write its whole path, such as /run/secrets/NAME")
			return nil
		}
		v.fault("names a secret that cannot be read: %s: mount the secret, or mend the path", cause(err))
		return nil
	}
	if i, err := os.Stat(path); err == nil && i.Mode().Perm()&0o004 != 0 {
		v.warn("%s can be read by every user of this machine: chmod o-r it", path)
	}
	return func() (string, error) { return readSecret(path) }
}

// maxFile bounds the files that a configuration names.
const maxFile = 1 << 20

// readFile reads a small regular file: no pipe that never ends, no device.
func readFile(path string) ([]byte, error) {
	i, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !i.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case i.Size() > maxFile:
		return nil, fmt.Errorf("%s is larger than %s", path, formatSize(maxFile))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// readSecret is the text of a file without the newline that editors put at its end.
func readSecret(path string) (string, error) {
	data, err := readFile(path)
	if err != nil {
		return "", err
	}
	s := strings.TrimRight(string(data), "\r\n")
	if s == "" {
		return "", errors.New(path + " is empty")
	}
	return s, nil
}
