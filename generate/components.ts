interface Component {
  purpose: string;
  /** What a cluster must have for it, beyond Kubernetes itself. */
  needs: string;
}

/** The directories of components/, each one feature. The table in README.md is made from this. */
export const COMPONENTS: Readonly<Record<string, Component>> = {
  'load-balancer': {
    purpose: 'An external address for the Service.',
    needs: 'something that gives `LoadBalancer` Services an address',
  },
  gateway: {
    purpose: 'A route from the Gateway named `gateway`.',
    needs: 'Gateway API and a controller',
  },
  pdb: {
    purpose: 'A node drain takes one pod at a time, and is never blocked.',
    needs: '',
  },
  'network-policy': {
    purpose: 'Nothing but port 3000 goes in, nothing goes out.',
    needs: 'a network plugin that enforces it',
  },
  monitoring: {
    purpose:
      'What Prometheus scrapes, records and alerts on; `rules.yaml` is the same for one without an operator.',
    needs: 'the Prometheus operator',
  },
  dashboard: {
    purpose: 'A Grafana dashboard.',
    needs: 'Grafana with its sidecar, or an import of `microservice.json`',
  },
  loadtest: {
    purpose:
      'A Job whose pods share one plan of load on the Service: [how to use it](../docs/load-testing.md).',
    needs: 'the image that `docker build --target dropless` makes',
  },
  prover: {
    purpose:
      'A Job that proves a rollout and a scaling of the Deployment from within the cluster: [how to read it](../docs/in-cluster.md).',
    needs: 'the image that `docker build --target dropless` makes',
  },
  observer: {
    purpose:
      "A Deployment that watches every replacement of the service's pods under a small load, with metrics, alerts and Events for what was lost: [how to read it](../docs/observe.md).",
    needs: 'the image that `docker build --target dropless` makes; the Prometheus operator',
  },
  'node-runtime': {
    purpose: 'The same service on Node: the image `microservice-node` in place of `microservice`.',
    needs: '',
  },
  tenancy: {
    purpose:
      'A namespace under Pod Security `restricted`, with a quota that has room for a rollout at full scale, and default limits. List it last: only what stands before it goes into its namespace.',
    needs: '',
  },
};
