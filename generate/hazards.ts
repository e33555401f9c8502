import { HAZARDS, ROUND_TRIPS_MS, toExpectedLosses } from '../loadtest/proof/hazard.ts';
import { formatTable } from './markdown-table.ts';

/** Requests per second on one keep-alive connection: a browser, a service that calls another, a busy one. */
const RATES = [0.1, 1, 10, 100] as const;

/** The hazards, and what a silent close costs clients, for docs/hazards.md. */
export function formatHazardsDoc(): string {
  return [
    '## The hazards\n',
    formatTable(
      ['Hazard', 'Name for `--allow`', 'What shows it'],
      Object.entries(HAZARDS).map(([id, { title, shows }]) => [title, `\`${id}\``, shows]),
    ),
    '## What one silent close costs\n',
    'The share of silent closes that lose a request, by how busy the connection is and how far its client is away (round trip):\n',
    formatTable(
      ['Requests per second on it', ...ROUND_TRIPS_MS.map((ms) => `${ms} ms`)],
      RATES.map((perSecond) => [
        String(perSecond),
        ...ROUND_TRIPS_MS.map((ms) => formatShare(toExpectedLosses({ connections: 1, perSecond }, ms))),
      ]),
    ),
  ].join('\n');
}

function formatShare(share: number): string {
  return share < 0.001 ? `${(100 * share).toFixed(2)} %` : `${(100 * share).toFixed(1)} %`;
}
