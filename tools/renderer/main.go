// Command renderer shows what Argo CD makes of the plugin's answer: it reads the answer and writes for each preview its
// Application and the objects that its kustomization builds. It is small, so that `make demo` need not compile Argo CD;
// `make conformance` proves that both render the same. What it does not know, it refuses.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

type answer struct {
	Output struct {
		Parameters []map[string]any `json:"parameters"`
	} `json:"output"`
}

// One preview. Error is what would stop the whole set (its template) or this Application (its kustomization).
type rendered struct {
	Application *application      `json:"application,omitempty"`
	Objects     []json.RawMessage `json:"objects"`
	Error       string            `json:"error"`
}

func main() {
	if len(os.Args) != 3 {
		fail("usage: renderer REPOSITORY APPLICATIONSET.yaml <ANSWER.json")
	}
	if err := run(os.Args[1], os.Args[2], os.Stdin, os.Stdout); err != nil {
		fail(err)
	}
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(1)
}

func run(repository, setFile string, in io.Reader, out io.Writer) error {
	var received answer
	if err := json.NewDecoder(in).Decode(&received); err != nil {
		return fmt.Errorf("the plugin's answer: %w", err)
	}
	set, err := readApplicationSet(setFile)
	if err != nil {
		return fmt.Errorf("%s: %w", setFile, err)
	}
	results := make([]rendered, len(received.Output.Parameters))
	for i, parameters := range received.Output.Parameters {
		results[i] = render(repository, set, parameters)
	}
	return json.NewEncoder(out).Encode(results)
}

func render(repository string, set *applicationSet, parameters map[string]any) (result rendered) {
	application, err := set.application(parameters)
	if err != nil {
		return rendered{Error: err.Error()}
	}
	result.Application = application
	source, err := application.source()
	if err == nil && source.Helm == nil {
		result.Objects, err = build(repository, source)
	}
	if err != nil {
		result.Error = err.Error()
	}
	return result
}
