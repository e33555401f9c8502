#!/usr/bin/env bash
# A cluster for `npm run e2e` and `npm run prove:cluster`, by kind: two workers, the local registry of kind's
# documentation, metrics-server, and external addresses for Services. Needs Docker, kind 0.27 or newer and kubectl,
# on Linux.
# `test/e2e/kind.sh delete` takes it all away.
#
# https://kind.sigs.k8s.io/docs/user/local-registry/ https://github.com/kubernetes-sigs/cloud-provider-kind
set -euo pipefail

registry=kind-registry
port=5001 # of E2E_REGISTRY's default
builder=dropless-e2e
provider=cloud-provider-kind
provider_image=registry.k8s.io/cloud-provider-kind/cloud-controller-manager:v0.10.0
metrics=https://github.com/kubernetes-sigs/metrics-server/releases/download/v0.8.1/components.yaml

if [ "${1:-}" = delete ]; then
  docker rm --force "$provider" "$registry"
  docker buildx rm "$builder" || true
  exec kind delete cluster
fi

kind create cluster --wait 120s --config - <<'CLUSTER'
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{ role: control-plane }, { role: worker }, { role: worker }]
CLUSTER

# One name on both sides: on a node, localhost is the node.
docker run --detach --name "$registry" --network kind --publish "127.0.0.1:$port:5000" registry:3
for node in $(kind get nodes); do
  docker exec "$node" mkdir -p "/etc/containerd/certs.d/localhost:$port"
  echo "[host.\"http://$registry:5000\"]" |
    docker exec --interactive "$node" cp /dev/stdin "/etc/containerd/certs.d/localhost:$port/hosts.toml"
done

# Docker's own builder cannot rewrite timestamps. The network is this machine's, where the registry is localhost.
docker buildx create --name "$builder" --driver docker-container --driver-opt network=host --use

docker run --detach --name "$provider" --network kind --volume /var/run/docker.sock:/var/run/docker.sock \
  "$provider_image"

kubectl apply --filename "$metrics"
# The certificates of kind's kubelets are signed by nobody.
kubectl --namespace kube-system patch deployment metrics-server --type json --patch \
  '[{ "op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--kubelet-insecure-tls" }]'
kubectl --namespace kube-system rollout status deployment metrics-server --timeout 180s
