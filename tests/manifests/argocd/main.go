package main

import (
	"fmt"

	"github.com/argoproj/argo-cd/v3/applicationset/utils"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/kustomize"
	"github.com/argoproj/argo-cd/v3/util/git"
)

func main() {
	r := &utils.Render{}
	fmt.Println(r)
	_ = kustomize.NewKustomizeApp("", "", git.NopCreds{}, "", "", "", "")
	_ = v1alpha1.Application{}
}
