import type { Field } from './field.ts';
import type { KubeObject } from './object.ts';

/** A HorizontalPodAutoscaler, or the ScaledObject from which KEDA makes one. */
export interface Autoscaler {
  readonly object: KubeObject;
  /** `HorizontalPodAutoscaler/web` */
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly minField: Field;
  readonly maxField: Field;
  readonly behavior: Field;
  readonly metrics: readonly UtilizationMetric[];
}

/** A metric that is a share of what containers request. */
interface UtilizationMetric {
  readonly field: Field;
  readonly resource: string;
  readonly percent: number;
  /** Undefined: the sum of all containers of the pod. */
  readonly container: string | undefined;
}

export function isAutoscaler({ kind, apiVersion }: KubeObject): boolean {
  return kind === 'HorizontalPodAutoscaler' || (kind === 'ScaledObject' && apiVersion.startsWith('keda.sh/'));
}

interface ScaleTarget {
  readonly kind: string | undefined;
  readonly name: string | undefined;
}

export function toScaleTarget({ kind, root }: KubeObject): ScaleTarget {
  const target = root.get('spec', 'scaleTargetRef');
  const byDefault = kind === 'ScaledObject' ? 'Deployment' : undefined;
  return { kind: target.get('kind').text() ?? byDefault, name: target.get('name').text() };
}

export function isScaleTarget(
  target: ScaleTarget,
  { kind, name }: Pick<KubeObject, 'kind' | 'name'>,
): boolean {
  return target.kind === kind && target.name === name;
}

/**
 * With the defaults filled in.
 *
 * https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
 * https://keda.sh/docs/latest/reference/scaledobject-spec/
 */
export function toAutoscaler(object: KubeObject): Autoscaler {
  const spec = object.root.get('spec');
  const label = `${object.kind}/${object.name}`;
  if (object.kind === 'ScaledObject') {
    const idle = spec.get('idleReplicaCount');
    const minField = idle.exists ? idle : spec.get('minReplicaCount');
    const maxField = spec.get('maxReplicaCount');
    return {
      object,
      label,
      min: minField.number() ?? 0,
      max: maxField.number() ?? 100,
      minField,
      maxField,
      behavior: spec.get('advanced', 'horizontalPodAutoscalerConfig', 'behavior'),
      metrics: toTriggerMetrics(spec),
    };
  }
  const [minField, maxField] = [spec.get('minReplicas'), spec.get('maxReplicas')];
  return {
    object,
    label,
    min: minField.number() ?? 1,
    max: maxField.number() ?? 1,
    minField,
    maxField,
    behavior: spec.get('behavior'),
    metrics: toUtilizationMetrics(spec),
  };
}

/** https://keda.sh/docs/latest/scalers/cpu/ */
function toTriggerMetrics(spec: Field): UtilizationMetric[] {
  return spec
    .get('triggers')
    .items()
    .flatMap((field) => {
      const resource = field.get('type').text() ?? '';
      const percent = Number(field.get('metadata', 'value').scalar());
      const isShare = field.get('metricType').text() === 'Utilization';
      if (!['cpu', 'memory'].includes(resource) || !isShare || !(percent > 0)) return [];
      return [{ field, resource, percent, container: field.get('metadata', 'containerName').text() }];
    });
}

function toUtilizationMetrics(spec: Field): UtilizationMetric[] {
  const cpu = (field: Field, percent: number) => [{ field, resource: 'cpu', percent, container: undefined }];
  // autoscaling/v1 knows only this; without any metric both versions take the CPU at 80 %.
  const v1 = spec.get('targetCPUUtilizationPercentage');
  if (v1.exists) return cpu(v1, v1.number() ?? 80);
  if (spec.get('metrics').items().length === 0) return cpu(spec, 80);
  return spec
    .get('metrics')
    .items()
    .flatMap((field) => {
      const isContainer = field.get('type').text() === 'ContainerResource';
      const metric = field.get(isContainer ? 'containerResource' : 'resource');
      const resource = metric.get('name').text();
      const percent = metric.get('target', 'averageUtilization').number();
      if (resource === undefined || percent === undefined) return [];
      return [
        { field, resource, percent, container: isContainer ? metric.get('container').text() : undefined },
      ];
    });
}
