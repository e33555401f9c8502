/** What the exit codes of every command mean. */
export const EXIT_CODES = {
  proven: { code: 0, meaning: 'proven: no request lost, every requirement met' },
  failed: { code: 1, meaning: 'requests lost, a requirement missed, or rules broken' },
  usage: { code: 2, meaning: 'the command line or an input file is wrong; nothing was run' },
  inconclusive: { code: 3, meaning: 'inconclusive: the evidence is not good enough for a verdict' },
  'at-risk': { code: 4, meaning: 'at risk: nothing lost, but a request on its way would have been' },
} as const;

export type Exit = keyof typeof EXIT_CODES;
