/** What a proof can blame a lost request on. */
export interface Cause {
  readonly title: string;
  /** What the client sees, and what in the pod's timeline shows it. */
  readonly shows: string;
  /** What to change, in the order to try it. */
  readonly fix: string;
}

/** The closed list of causes. Attribution, reports and docs take them from here. */
export const CAUSES = {
  'exits-on-sigterm': {
    title: 'Exits on SIGTERM',
    shows:
      'The process exits as soon as it receives SIGTERM, which cuts requests in flight and keep-alive connections.',
    fix: 'Handle SIGTERM: stop accepting connections, answer the requests in flight, then exit 0. A shell as process 1 does not pass the signal on: start the server with `exec`.',
  },
  'closes-keep-alive-connections': {
    title: 'Closes keep-alive connections without `Connection: close`',
    shows:
      'A request on a keep-alive connection fails: the server closed the connection while the request was on its way.',
    fix: 'After SIGTERM, keep serving for some seconds and answer every request with `Connection: close`, so that clients move to other pods.',
  },
  'closes-idle-connections': {
    title: 'Closes idle connections sooner than clients do',
    shows:
      'A pod that is not terminating closes a keep-alive connection after some idle seconds, just as a client sends a request on it.',
    fix: 'Keep idle connections open for longer than clients and balancers in front do: more than 60 s behind most balancers.',
  },
  'stops-listening-early': {
    title: 'Stops listening before its endpoints are gone',
    shows:
      'A terminating pod refuses new connections or answers 503, or a proxy answers 502 or 504 for it: it stopped serving while nodes still sent it traffic.',
    fix: 'Add a `lifecycle.preStop.sleep` of 5 to 10 s, longer than the removal of an endpoint takes to reach every node, and raise terminationGracePeriodSeconds by the same amount.',
  },
  'rejects-while-draining': {
    title: 'Answers 503 on open connections while draining',
    shows:
      'A terminating pod answers 429, 503 or 504 on a keep-alive connection that it had accepted before, while new connections go elsewhere already.',
    fix: 'While draining, answer every request on open connections as before, and add `Connection: close` to the response. A longer preStop does not help: the connections are open already.',
  },
  'cut-by-drain-limit': {
    title: 'Cut by the server’s own drain limit',
    shows:
      'A terminating pod waits for its requests after SIGTERM, but exits with some of them in flight, before its grace period ends.',
    fix: 'Raise the shutdown timeout of the server above its longest request, and keep terminationGracePeriodSeconds above preStop and that timeout together.',
  },
  'ready-too-early': {
    title: 'Becomes ready too early',
    shows: 'A new pod gets requests and fails them before it has ever answered one of their kind.',
    fix: 'Give the container a readiness probe that succeeds only once every route can be served, and raise minReadySeconds. A container without the probe is ready as soon as it starts.',
  },
  'slow-first-requests': {
    title: 'First requests are too slow',
    shows: 'A new pod is ready and accepts requests, but its first ones take longer than the deadline.',
    fix: 'Warm up before the readiness probe succeeds: open connection pools, load caches, and send a request to each route of the own server first.',
  },
  crashes: {
    title: 'Crashes',
    shows: 'The process of a pod exits without being asked to, with requests on its connections.',
    fix: 'Read the log of the pod from before its exit. Exit code 137 without a termination is mostly memory: raise the limit, or find the leak.',
  },
  'ignores-sigterm': {
    title: 'Ignores SIGTERM',
    shows:
      'The pod takes requests as before until it is killed at the end of its grace period: it does not react to SIGTERM, or waits for connections that clients keep open.',
    fix: 'Handle SIGTERM: answer with `Connection: close` from then on, finish what is in flight, and exit. Where the image sets another STOPSIGNAL, or a shell is process 1, the server never hears of it. A longer grace period does not help.',
  },
  'killed-at-grace-end': {
    title: 'Killed at the end of the grace period',
    shows: 'The pod did not exit within its grace period and was killed with requests on its connections.',
    fix: 'Exit once drained, and make terminationGracePeriodSeconds longer than preStop, lame duck and the longest request together. A deletion with grace period 0 (`--force`) always kills.',
  },
  'too-little-capacity': {
    title: 'Too little capacity',
    shows:
      'Ready pods answer 429, 503 or 504, or too late, or no pod is ready at all: the remaining pods cannot carry the load.',
    fix: 'Add replicas and a PodDisruptionBudget, and let new pods come before old ones go, where the workload can: maxUnavailable 0 and maxSurge 1.',
  },
  'readiness-flaps': {
    title: 'Readiness flaps',
    shows: 'A pod that is not terminating turns unready and ready again, and requests fail around it.',
    fix: 'Make readiness depend on the pod alone, not on its load or on services behind it, and raise the probe’s timeoutSeconds and failureThreshold.',
  },
  'node-lost': {
    title: 'Node lost',
    shows:
      'Requests to pods on one node, or routed through it, get no response, and the node is reported NotReady later. Client ports that are reused keep being routed to the dead pods for up to two more minutes.',
    fix: 'Spread replicas over nodes, so that each node holds a small share. Until its pods are removed from the endpoints (about 50 s by default), only keep-alive connections, short connect timeouts and client retries help.',
  },
  unknown: {
    title: 'Unknown',
    shows: 'Nothing in the pod timelines explains it: a crash, an application error, or the network.',
    fix: 'Read the loss, and the log of its pod from that time.',
  },
} as const satisfies Record<string, Cause>;

export type CauseId = keyof typeof CAUSES;
