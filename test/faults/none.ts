/** Does everything right: goes on accepting for a while after SIGTERM, sends clients away, finishes, exits 0. */
import { startServer } from './server.ts';

const LAME_DUCK_MS = 1_500;
/** Longer than the lame duck, so that it is finished after it. */
const SLOW_MS = 1_800;
let isDraining = false;
const server = startServer(({ path, answer }) => {
  if (path === '/ready') answer(isDraining ? 503 : 200, { close: isDraining });
  else setTimeout(() => answer(200, { close: isDraining }), path === '/slow' ? SLOW_MS : 2);
});

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => {
    server.stopListening();
    setInterval(() => server.busy.size === 0 && process.exit(0), 10);
  }, LAME_DUCK_MS);
});
