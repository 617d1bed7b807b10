package main

import (
	"context"
	"net"
	"net/http"

	"github.com/argoproj/argo-cd/v3/applicationset/generators"
	"github.com/argoproj/argo-cd/v3/applicationset/webhook"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const webhookWorkers = 50 // the default of the controller's --webhook-parallelism-limit

// serveWebhook serves Argo CD's webhook for ApplicationSets, as the controller's command does, and returns its URL.
func serveWebhook(
	ctx context.Context, manager *settings.SettingsManager, api client.Client,
	known map[string]generators.Generator,
) (string, error) {
	handler, err := webhook.NewWebhookHandler(webhookWorkers, manager, api, known)
	if err != nil {
		return "", err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	paths := http.NewServeMux()
	paths.HandleFunc("/api/webhook", handler.Handler)
	go http.Serve(listener, paths) //nolint:errcheck  it ends with the process
	return "http://" + listener.Addr().String() + "/api/webhook", nil
}
