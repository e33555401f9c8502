// Made by `npm run generate` from the definitions of the flags.

/** The flags of `dropless prove`, in camel case. Times are texts with their unit, for example `1.5s`. */
export interface ProveFlags {
  /** Namespace of the target (default: the one of the context) */
  readonly namespace?: string | undefined;
  /** Context of the kubeconfig (default: the current one) */
  readonly context?: string | undefined;
  /** The kubeconfig (default: $KUBECONFIG, or ~/.kube/config) */
  readonly kubeconfig?: string | undefined;
  /** The container that serves (default: the one of the default-container annotation, or the only one) */
  readonly container?: string | undefined;
  /** Address that the load is sent to (default: the address of the Service that selects the pods) */
  readonly url?: string | undefined;
  /** Number of times to go through all disruptions (1 to 1000; default: 1) */
  readonly rounds?: number | undefined;
  /** rollout: change to this image and back afterwards, instead of a restart */
  readonly image?: string | undefined;
  /** rollout: leave the new image in place */
  readonly keep?: boolean | undefined;
  /** scale: replicas to add, then to remove (1 to 100; default: 2) */
  readonly by?: number | undefined;
  /** drain: the node (default: the one with the most pods of the target) */
  readonly node?: string | undefined;
  /** kill: no grace period, like kubectl delete --force */
  readonly force?: boolean | undefined;
  /** run: the shell command that disrupts */
  readonly do?: string | undefined;
  /** Remove one safeguard for this run, and expect losses: preStop, lame-duck, readiness, in-flight, preStop=TIME, env:NAME=VALUE (may be repeated) */
  readonly without?: readonly string[] | undefined;
  /** After the proof, remove each safeguard in turn and compare */
  readonly withControls?: boolean | undefined;
  /** Requests per second (1 to 100000; default: 400) */
  readonly rate?: number | undefined;
  /** 'METHOD /path [weight] [expected status]'; without one, the path of the URL, or the routes of the reference service except /ready, with one response in twenty held back longer than its lame duck (may be repeated) */
  readonly endpoint?: readonly string[] | undefined;
  /** Share of the requests that open a fresh connection (0 to 1; default: 0.4) */
  readonly fresh?: number | undefined;
  /** Keep-alive connections that share the other requests (1 to 1000; default: 24) */
  readonly keepAlive?: number | undefined;
  /** Age at which a keep-alive connection is replaced, so that new pods are reached (100ms to 1h; default: 20s, locally 5s) */
  readonly connMaxAge?: string | undefined;
  /** Deadline of each request, from the time it is due (1ms to 1h; default: 5s) */
  readonly timeout?: string | undefined;
  /** Seed of the plan: the same seed gives the same plan (0 to 4294967295; default: 1) */
  readonly seed?: number | undefined;
  /** Load before the disruption (0ms to 1h; default: 5s, locally 1s) */
  readonly baseline?: string | undefined;
  /** Load after the target is quiet again (0ms to 1h; default: 5s, locally 1s) */
  readonly tail?: string | undefined;
  /** Requests as JSON lines: method, path, headers, body, weight, and what is expected */
  readonly requests?: string | undefined;
  /** CSV with values for {{column}} in paths, headers and bodies; --seed chooses the rows */
  readonly data?: string | undefined;
  /** 'Name: value', sent with every request (may be repeated) */
  readonly header?: readonly string[] | undefined;
  /** Lines 'Name: value', sent with every request and read again when they change */
  readonly headerFile?: string | undefined;
  /** traceparent of each request: unsampled names a trace, sampled also asks the target to record it; a header of your own wins (default: unsampled) */
  readonly trace?: 'unsampled' | 'sampled' | 'off' | undefined;
  /** Run on this machine, without Kubernetes; the default where no cluster is configured */
  readonly local?: boolean | undefined;
  /** The server to run; it must listen on $PORT (default: the reference service) */
  readonly command?: string | undefined;
  /** A Deployment to take replicas, readiness probe, preStop, grace period, maxSurge, maxUnavailable, minReadySeconds and env from, where no flag says otherwise; - is standard input */
  readonly manifest?: string | undefined;
  /** Number of replicas (1 to 20; default: 3) */
  readonly replicas?: number | undefined;
  /** Path of the readiness probe (default: /ready) */
  readonly readyPath?: string | undefined;
  /** How late the balancer learns that an endpoint is gone (0ms to 1m; default: 1500ms) */
  readonly propagation?: string | undefined;
  /** One-way latency between clients and pods (0ms to 1s; default: 15ms) */
  readonly latency?: string | undefined;
  /** From the deletion of a pod to SIGTERM (0ms to 1h; default: 4s) */
  readonly preStop?: string | undefined;
  /** LAME_DUCK_MS of the server (0ms to 1h; default: 1s) */
  readonly lameDuck?: string | undefined;
  /** From the deletion of a pod to SIGKILL (0ms to 1h; default: 10s) */
  readonly grace?: string | undefined;
  /** minReadySeconds (0ms to 1h; default: 500ms) */
  readonly minReady?: string | undefined;
  /** Carry this out in a pod beside the target, fetch the reports, and remove the pod: for a target that cannot be reached from here */
  readonly inCluster?: boolean | undefined;
  /** Image of that pod, of the same version (default: ghcr.io/dropless/dropless:0.1.0) */
  readonly runnerImage?: string | undefined;
  /** Send the load from a node, node/NAME, or a part of it from each-node: one plan, whose parts are merged exactly (may be repeated) */
  readonly from?: readonly string[] | undefined;
  /** PEM file of the certificate authority that signed the target’s certificate */
  readonly ca?: string | undefined;
  /** Accept any certificate */
  readonly insecure?: boolean | undefined;
  /** PEM file of the client certificate to show */
  readonly cert?: string | undefined;
  /** PEM file of its private key */
  readonly key?: string | undefined;
  /** The name to ask the target for (SNI) and to check its certificate against (default: the host of the URL) */
  readonly servername?: string | undefined;
  /** Where to connect instead of the host of the URL (default: the host of the URL) */
  readonly connectTo?: string | undefined;
  /** HTTP proxy that opens a tunnel to the target by CONNECT (default: HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment) */
  readonly proxy?: string | undefined;
  /** Response header that names the pod (default: looked for in heads and bodies of the target at rest; locally X-Pod) */
  readonly podHeader?: string | undefined;
  /** Response header that names the version (default: X-Version) */
  readonly versionHeader?: string | undefined;
  /** Do not connect to the pods’ own addresses to see what they accept; by default, where they answer */
  readonly noPodProbes?: boolean | undefined;
  /** A hazard that does not count: silent-close-while-draining, short-idle-timeout, late-endpoint, cold-start, tight-grace, thin-capacity (may be repeated) */
  readonly allow?: readonly string[] | undefined;
  /** What must hold besides losing nothing, for example 'p99 < 50ms' or 'p99(during) < 80ms'; else the exit code is 1 (may be repeated) */
  readonly require?: readonly string[] | undefined;
  /** Write the flight recorder, a self-contained page */
  readonly html?: string | undefined;
  /** Write the results as JUnit XML, which CI systems show as tests */
  readonly junit?: string | undefined;
  /** Write what a manifest can mend as a patch, for Kustomize or kubectl patch --patch-file */
  readonly fix?: string | undefined;
}

/** The flags of `dropless lint`, in camel case. Times are texts with their unit, for example `1.5s`. */
export interface LintFlags {
  /** Namespace of the target (default: the one of the context) */
  readonly namespace?: string | undefined;
  /** Context of the kubeconfig (default: the current one) */
  readonly context?: string | undefined;
  /** The kubeconfig (default: $KUBECONFIG, or ~/.kube/config) */
  readonly kubeconfig?: string | undefined;
  /** Version of Kubernetes that the manifests are for (default: for a live target, the version of the cluster) */
  readonly kubeVersion?: string | undefined;
  /** Disable a rule; an annotation does so for one object (docs/lint.md) (may be repeated) */
  readonly ignore?: readonly string[] | undefined;
  /** The lowest severity that makes the exit code 1 (default: error) */
  readonly failOn?: 'error' | 'warning' | 'info' | undefined;
}
