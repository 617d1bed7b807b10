// Command notifications runs Argo CD's own notifications controller without a cluster, an Application at a time.
//
// It reads one request per line from stdin and writes one answer per line to stdout, both JSON:
//
//	{"patch": PATCH, "type": TYPE, "kind": KIND, "name": NAME}
//	                           `kubectl patch --type merge` or `json` of a ConfigMap or a Secret; the answer is what is stored then
//	{"application": OBJECT}    an Application as Argo CD's other controllers wrote it; the answer comes once the notifications
//	                           controller has dealt with it
//	{"links": OBJECT}          the deep links of an Application, by argocd-cm
//
// An answer with "failed" is a request that could not be carried out.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sirupsen/logrus"
)

type request struct {
	Patch       json.RawMessage `json:"patch"`
	Type        string          `json:"type"`
	Kind        string          `json:"kind"`
	Name        string          `json:"name"`
	Application json.RawMessage `json:"application"`
	Links       json.RawMessage `json:"links"`
}

func main() {
	logrus.SetOutput(io.Discard) // what matters of the log is in the answers
	if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	cluster := newCluster()
	lines, answers := bufio.NewReader(in), json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		answer, err := cluster.handle(ctx, line)
		if err != nil {
			answer = map[string]string{"failed": err.Error()}
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
}

func (c *cluster) handle(ctx context.Context, line []byte) (any, error) {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return nil, err
	}
	switch {
	case asked.Patch != nil:
		return c.patch(ctx, asked)
	case asked.Application != nil:
		return c.notify(ctx, asked.Application)
	case asked.Links != nil:
		return c.links(ctx, asked.Links)
	}
	return nil, fmt.Errorf("this asks for nothing: %s", line)
}
