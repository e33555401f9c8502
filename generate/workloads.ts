import { Field } from '../loadtest/kube/field.ts';
import { WORKLOADS, type WorkloadKind } from '../loadtest/kube/workload-kind.ts';
import { formatTable } from './markdown-table.ts';

/** The kinds of workloads that can be proven, and what each disruption does to them. */
export function formatWorkloads(): string {
  const kinds = Object.keys(WORKLOADS) as WorkloadKind[];
  const rows = kinds.map((kind) => {
    const { words, group, version, replacement, toRefusal } = WORKLOADS[kind];
    const can = (change: 'scale' | 'drain') => {
      const refusal = toRefusal(change, new Field({}));
      return refusal === null ? 'yes' : `no: ${refusal.replace(/: .*/, '')}`;
    };
    return [kind, `\`${words[0]}/web\``, `\`${group}/${version}\``, replacement, can('scale'), can('drain')];
  });
  return formatTable(['Kind', 'Named', 'API', 'A rollout replaces its pods', '`scale`', '`drain`'], rows);
}
