const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * A resource quantity in its base unit (cores, bytes, pieces): `500m` is 0.5, `1Ki` 1024. Undefined where it is none.
 *
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function parseQuantity(value: string | number | undefined): number | undefined {
  if (typeof value === 'number') return value;
  const [, amount, suffix = ''] =
    /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(value ?? '') ?? [];
  const factor = SUFFIXES[suffix];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

/**
 * A number of pods given as a number or as a share of the replicas.
 *
 * @param round up for maxSurge and a PodDisruptionBudget, down for maxUnavailable of a Deployment
 */
export function toPods(
  value: string | number | undefined,
  replicas: number,
  round: 'up' | 'down',
): number | undefined {
  if (typeof value === 'number') return value;
  const [, percent] = /^(\d+)%$/.exec(value ?? '') ?? [];
  if (percent === undefined) return undefined;
  // Whole percents of whole pods: integers up to the division, so that 50 % of 4 is 2 and nothing near it.
  const pods = (Number(percent) * replicas) / 100;
  return round === 'up' ? Math.ceil(pods) : Math.floor(pods);
}
