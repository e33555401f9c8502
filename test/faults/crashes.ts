/** Serves well for a second and a half as a new version, and then exits with what it has in flight. */
import { existsSync, writeFileSync } from 'node:fs';
import { isNew, startServer } from './server.ts';

let isDraining = false;
startServer(({ path, answer }) => {
  if (path === '/ready') answer(200);
  else setTimeout(() => answer(200, { close: isDraining }), 40);
});
/** Where a container is started again after its end: so that it crashes only once. */
const { CRASHED = '' } = process.env;

if (isNew && !existsSync(CRASHED)) {
  setTimeout(() => {
    if (CRASHED !== '') writeFileSync(CRASHED, '');
    process.exit(1);
  }, 1_500);
}

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 2_000);
});
