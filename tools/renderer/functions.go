package main

import (
	"regexp"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/gosimple/slug"
	"sigs.k8s.io/yaml"
)

// What a template of an ApplicationSet may call: sprig without what reads the machine, and five functions of Argo CD.
// https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/GoTemplate/
func functions() template.FuncMap {
	found := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(found, name)
	}
	found["normalize"] = normalize
	found["slugify"] = slugify
	found["toYaml"] = toYAML
	found["fromYaml"] = fromYAML[map[string]any]
	found["fromYamlArray"] = fromYAML[[]any]
	return found
}

const longestName = 253 // characters of a DNS subdomain

var notInNames = regexp.MustCompile("[^-a-z0-9.]")

func normalize(name string) string {
	name = notInNames.ReplaceAllString(strings.ToLower(name), "-")
	return strings.Trim(name[:min(len(name), longestName)], "-.")
}

// slugify [LENGTH [WHOLE WORDS]] NAME; the library takes its settings from variables.
func slugify(arguments ...any) string {
	slug.MaxLength, slug.EnableSmartTruncate = 50, true
	if len(arguments) > 1 {
		slug.MaxLength = arguments[0].(int)
	}
	if len(arguments) > 2 {
		slug.EnableSmartTruncate = arguments[1].(bool)
	}
	return slug.Make(normalize(arguments[len(arguments)-1].(string)))
}

func toYAML(value any) (string, error) {
	content, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(content), "\n"), err
}

func fromYAML[T any](content string) (value T, err error) {
	return value, yaml.Unmarshal([]byte(content), &value)
}
