/** Serves well for a second and a half as a new version, and then exits with what it has in flight. */
import { startServer } from './server.ts';

let isDraining = false;
startServer(({ path, answer }) => {
  if (path === '/ready') answer(200);
  else setTimeout(() => answer(200, { close: isDraining }), 40);
});
if (process.env.APP_VERSION !== 'v1') setTimeout(() => process.exit(1), 1_500);

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => process.exit(0), 2_000);
});
