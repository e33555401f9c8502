/** Finishes what is in flight, but ends idle connections without having announced it by `Connection: close`. */
import { startServer } from './server.ts';

const server = startServer(({ answer }) => answer(200));

process.on('SIGTERM', () => {
  server.stopListening();
  setInterval(() => {
    for (const socket of server.sockets) if (!server.busy.has(socket)) socket.destroy();
    if (server.sockets.size === 0) process.exit(0);
  }, 20);
});
