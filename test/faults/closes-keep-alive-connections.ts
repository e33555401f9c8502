/** Finishes what is in flight, but ends idle connections without having announced it by `Connection: close`. */
import { startServer } from './server.ts';

const server = startServer(({ answer }) => answer(200));

process.on('SIGTERM', () => {
  server.stopListening();
  setInterval(() => {
    for (const socket of server.sockets) if (!server.busy.has(socket)) socket.destroy();
  }, 20);
  setTimeout(() => process.exit(0), 600);
});
