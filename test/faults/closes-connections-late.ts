/** Serves on for three seconds after SIGTERM, as podinfo does; then it ends idle connections that it never gave notice. */
import { startServer } from './server.ts';

const LAME_DUCK_MS = 3_000;
let isDraining = false;
const server = startServer(({ path, answer }) => answer(path === '/ready' && isDraining ? 503 : 200));

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(() => {
    server.stopListening();
    setInterval(() => {
      for (const socket of server.sockets) if (!server.busy.has(socket)) socket.destroy();
      if (server.sockets.size === 0) process.exit(0);
    }, 20);
  }, LAME_DUCK_MS);
});
