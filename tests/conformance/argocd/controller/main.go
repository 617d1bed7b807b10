// Command controller runs Argo CD's own ApplicationSet controller without a cluster, a reconcile at a time.
//
// It reads one request per line from stdin and writes one answer per line to stdout, both JSON:
//
//	{"apply": [OBJECT, ...]}    create or replace ApplicationSets, AppProjects, ConfigMaps and Secrets
//	{"reconcile": NAME}         what a queue would have the controller do; the answer says what changed
//	{"parameters": NAME}        what the set's generators return, without templates
//	{"applications": true}      every Application as the API server has it
//	{"sets": true}              every ApplicationSet; what Argo CD's webhook wants refreshed is annotated
//	{"webhook": true}           the URL of Argo CD's webhook, which is served all the time
//
// An answer with "failed" is a request that could not be carried out; what Argo CD itself reports is in the other fields.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/sirupsen/logrus"
)

type request struct {
	Apply        []json.RawMessage `json:"apply"`
	Reconcile    string            `json:"reconcile"`
	Parameters   string            `json:"parameters"`
	Applications bool              `json:"applications"`
	Sets         bool              `json:"sets"`
	Webhook      bool              `json:"webhook"`
}

func main() {
	modules := flag.String("modules", "", "Go's module cache, which holds Argo CD's CRDs")
	webhookSecret := flag.String("webhook-secret", "", "Argo CD's webhook.github.secret")
	flag.Parse()
	logrus.SetOutput(io.Discard) // conditions say it, and are compared
	if err := serve(context.Background(), *modules, *webhookSecret, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, modules, webhookSecret string, in io.Reader, out io.Writer) error {
	server, err := newAPIServer(modules)
	if err != nil {
		return err
	}
	controller, err := newController(ctx, server, webhookSecret)
	if err != nil {
		return err
	}
	lines, answers := bufio.NewReader(in), json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		answer, err := controller.handle(ctx, line)
		if err != nil {
			answer = map[string]string{"failed": err.Error()}
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
}

func (c *controller) handle(ctx context.Context, line []byte) (any, error) {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return nil, err
	}
	switch {
	case asked.Apply != nil:
		return map[string]string{}, c.server.apply(ctx, asked.Apply)
	case asked.Reconcile != "":
		return c.reconcile(ctx, asked.Reconcile)
	case asked.Parameters != "":
		return c.parameters(ctx, asked.Parameters)
	case asked.Applications:
		return c.server.applications(ctx)
	case asked.Sets:
		return c.server.sets(ctx)
	case asked.Webhook:
		return map[string]string{"url": c.webhook}, nil
	}
	return nil, fmt.Errorf("this asks for nothing: %s", line)
}
