/** Serves well for a second and a half as a new version, and then takes memory until its limit is reached. */
import { existsSync, writeFileSync } from 'node:fs';
import { isNew, startServer } from './server.ts';

const CHUNK_BYTES = 16 * 1_024 * 1_024;
/** So that it does so only once, although its container is started again. */
const { CRASHED = '' } = process.env;
const taken: Buffer[] = [];
let isDraining = false;

startServer(({ path, answer }) => {
  if (path === '/ready') answer(200);
  else setTimeout(() => answer(200, { close: isDraining }), 40);
});
if (isNew && !existsSync(CRASHED)) {
  setTimeout(() => {
    writeFileSync(CRASHED, '');
    setInterval(() => taken.push(Buffer.alloc(CHUNK_BYTES, 1)), 5);
  }, 1_500);
}

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 2_000);
});
