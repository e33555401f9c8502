/** Answers what it has when SIGTERM comes, and exits 0 at once: by the book, but for the keep-alive connections that it ends. */
import { startServer } from './server.ts';

const server = startServer(({ answer }) => answer(200));

process.on('SIGTERM', () => {
  server.stopListening();
  setInterval(() => server.busy.size === 0 && process.exit(0), 10);
});
