// Command offline-argocd does without a cluster what Argo CD would do with this repository, by Argo CD's own code.
// In: an ApplicationSet, its AppProject and the plugin's answer. Out: Applications, their objects, and what would be
// refused. It wants kustomize on the PATH.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/sirupsen/logrus"
)

func main() {
	logrus.SetOutput(io.Discard) // Argo CD logs each command it runs
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: offline-argocd REPOSITORY PROJECT.yaml APPLICATIONSET.yaml <ANSWER.json")
		os.Exit(2)
	}
	err := render(os.Args[1], os.Args[2], os.Args[3], os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
