/** What a proof can blame a lost request on. */
export interface Cause {
  readonly title: string;
  /** What the caller sees, and what in the pod's timeline tells it. */
  readonly shows: string;
  /** What to change, in the order to try it. */
  readonly fix: string;
}

/** The closed list of causes. Attribution, reports and docs take them from here. */
export const CAUSES = {
  'exits-on-sigterm': {
    title: 'Exits on SIGTERM',
    shows:
      'The process ends as soon as it gets SIGTERM: requests in flight are cut, and keep-alive connections with them.',
    fix: 'Handle SIGTERM: stop taking connections, answer what is in flight, then exit 0. A shell as process 1 does not pass the signal on: start the server with `exec`.',
  },
  'closes-keep-alive-connections': {
    title: 'Closes keep-alive connections without `Connection: close`',
    shows:
      'A request on a keep-alive connection meets its end: the server closed it while the request was on its way.',
    fix: 'After SIGTERM keep serving for some seconds and answer every request with `Connection: close`, so that clients leave of themselves. For losses without SIGTERM: make the server keep idle connections for longer than its clients do.',
  },
  'stops-listening-early': {
    title: 'Stops listening before its endpoints are gone',
    shows:
      'New connections are refused, or answered 503, by a terminating pod, or a proxy answers 502 or 504 for it: it stopped serving while nodes still sent it traffic.',
    fix: 'Add `lifecycle.preStop.sleep` of 5 to 10 s, longer than the removal of an endpoint takes to reach every node, and raise terminationGracePeriodSeconds by as much.',
  },
  'ready-too-early': {
    title: 'Becomes ready too early',
    shows: 'A new pod gets traffic, and fails it, before it has ever answered such a request.',
    fix: 'Give the container a readiness probe that succeeds only once every route can be served, and raise minReadySeconds. A container without the probe is ready as soon as it starts.',
  },
  'killed-at-grace-end': {
    title: 'Killed at the end of grace',
    shows: 'The pod did not end within its grace period and was killed with requests on its connections.',
    fix: 'Exit once drained, and make terminationGracePeriodSeconds longer than preStop, lame duck and longest request together. A deletion with grace 0 (`--force`) always kills.',
  },
  'too-little-capacity': {
    title: 'Too little capacity',
    shows:
      'Ready pods answer 429, 503 or 504, or not in time, or no pod is ready at all: those that are left cannot carry the load.',
    fix: 'Set maxUnavailable to 0 and maxSurge to at least 1, raise the minimum of replicas, and add a PodDisruptionBudget.',
  },
  'readiness-flaps': {
    title: 'Readiness flaps',
    shows: 'A pod that is not terminating turns unready and ready again, and requests fail around it.',
    fix: 'Let readiness depend on the pod alone, not on its load or on services behind it, and raise timeoutSeconds and failureThreshold of the probe.',
  },
  'node-lost': {
    title: 'Node lost',
    shows:
      'Requests to pods of one node, or on a way over it, are met by silence, and the node is reported NotReady later. Ports that a client uses again are led to the dead pods for up to two minutes more.',
    fix: 'Spread replicas over nodes, so that each is a small part. Until the node is taken out of the endpoints (about 50 s by default) only keep-alive connections, short connect timeouts and retries in the client help.',
  },
  unknown: {
    title: 'Unknown',
    shows:
      'Nothing in the timelines of the pods explains it: a crash, an error of the application, or the network.',
    fix: 'Read the loss and the log of its pod at that time.',
  },
} as const satisfies Record<string, Cause>;

export type CauseId = keyof typeof CAUSES;
