// Command decoder reads YAML documents on its input strictly into the Go types of the projects that define them, for
// kinds that Kubernetes' own schemas do not know. Argo CD's kinds: see tests/conformance/argocd.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	externalsecrets "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	strictyaml "sigs.k8s.io/yaml"
)

var kinds = map[string]func() any{
	"external-secrets.io/v1/ClusterSecretStore": func() any { return &externalsecrets.ClusterSecretStore{} },
	"external-secrets.io/v1/ExternalSecret":     func() any { return &externalsecrets.ExternalSecret{} },
	"gateway.networking.k8s.io/v1/HTTPRoute":    func() any { return &gateway.HTTPRoute{} },
	"monitoring.coreos.com/v1/PrometheusRule":   func() any { return &monitoring.PrometheusRule{} },
	"monitoring.coreos.com/v1/ServiceMonitor":   func() any { return &monitoring.ServiceMonitor{} },
}

func main() {
	documents := yaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	failed := false
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = decode(document)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func decode(document []byte) error {
	var identity struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if err := strictyaml.Unmarshal(document, &identity); err != nil {
		return err
	}
	target, known := kinds[identity.APIVersion+"/"+identity.Kind]
	if !known {
		return fmt.Errorf("%s %s: the decoder does not know the kind", identity.APIVersion, identity.Kind)
	}
	if err := strictyaml.UnmarshalStrict(document, target()); err != nil {
		return fmt.Errorf("%s %s: %w", identity.Kind, identity.Metadata.Name, err)
	}
	return nil
}
