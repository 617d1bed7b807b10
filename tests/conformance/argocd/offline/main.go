// Command offline does without a cluster what Argo CD would do with this repository, by Argo CD's own code.
// render reads the plugin's answer and writes Applications, their objects, and what would be refused; applications reads
// Applications that the controller made instead. Both want kustomize on the PATH, or helm. admit reads objects and writes what the
// cluster would refuse.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sirupsen/logrus"
)

func main() {
	logrus.SetOutput(io.Discard) // Argo CD logs each command it runs
	var err error
	switch arguments := os.Args[1:]; {
	case len(arguments) == 4 && arguments[0] == "render":
		err = render(arguments[1], arguments[2], arguments[3], os.Stdin, os.Stdout)
	case len(arguments) == 3 && arguments[0] == "applications":
		err = renderApplications(arguments[1], arguments[2], os.Stdin, os.Stdout)
	case len(arguments) == 1 && arguments[0] == "admit":
		err = admit(os.Stdin, os.Stdout)
	default:
		err = errors.New("usage: offline render REPOSITORY PROJECT.yaml APPLICATIONSET.yaml <ANSWER.json | " +
			"applications REPOSITORY PROJECT.yaml <APPLICATIONS.json | admit <OBJECTS.json")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
