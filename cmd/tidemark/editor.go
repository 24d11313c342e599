package main

import "tidemark/internal/config"

// editorCommand is `tidemark schema config`.
type editorCommand struct{}

// Help is shown by --help.
func (editorCommand) Help() string {
	return "With it an editor that knows JSON Schema completes keys, shows what they are for, and marks what check would refuse for its form. " +
		"It belongs to this version of the program. The first line of a configuration says where it lies: # yaml-language-server: $schema=tidemark.schema.json\n\n" +
		example("tidemark schema config > tidemark.schema.json")
}

// Run prints it.
func (editorCommand) Run(p *program) error {
	text, err := config.JSONSchema()
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(text)
	return err
}
