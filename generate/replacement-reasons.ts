import { REPLACEMENT_REASONS } from '../loadtest/observe/replacement.ts';
import { formatTable } from './markdown-table.ts';

/** The reasons that observe names, for docs/observe.md. */
export function formatReplacementReasons(): string {
  const rows = Object.entries(REPLACEMENT_REASONS).map(([reason, meaning]) => [`\`${reason}\``, meaning]);
  return formatTable(['Reason', 'When'], rows);
}
