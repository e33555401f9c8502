import type { Field } from './field.ts';

/** Whether all the wanted labels are among these. */
export function hasLabels(labels: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): boolean {
  return [...wanted].every(([key, value]) => labels.get(key) === value);
}

/**
 * Whether a label selector (matchLabels and matchExpressions) chooses the labels; an empty one chooses all.
 *
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
 */
export function matchesSelector(selector: Field, labels: ReadonlyMap<string, string>): boolean {
  if (!selector.exists) return false;
  return (
    hasLabels(labels, selector.get('matchLabels').texts()) &&
    toRequirements(selector).every(({ key, operator, values }) => {
      const label = labels.get(key);
      switch (operator) {
        case 'In':
          return label !== undefined && values.includes(label);
        case 'NotIn':
          return label === undefined || !values.includes(label);
        case 'Exists':
          return label !== undefined;
        case 'DoesNotExist':
          return label === undefined;
        default:
          return false;
      }
    })
  );
}

/** A label selector as the API takes it in a query, not encoded yet. */
export function toSelectorQuery(selector: Field): string {
  const labels = [...selector.get('matchLabels').texts()].map(([key, value]) => `${key}=${value}`);
  const expressions = toRequirements(selector).map(({ key, operator, values }) => {
    const queries: Readonly<Record<string, string>> = {
      In: `${key} in (${values.join(',')})`,
      NotIn: `${key} notin (${values.join(',')})`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    return queries[operator] ?? key;
  });
  return [...labels, ...expressions].join(',');
}

function toRequirements(selector: Field) {
  return selector
    .get('matchExpressions')
    .items()
    .map((expression) => ({
      key: expression.get('key').text() ?? '',
      operator: expression.get('operator').text() ?? '',
      values: expression
        .get('values')
        .items()
        .map((value) => value.text()),
    }));
}
