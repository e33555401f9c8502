/** Closes a connection that has been idle for a moment, as a client sends the next request on it. Drains by the book. */
import { startServer } from './server.ts';

/** Of the load's keep-alive connections each is idle for about as long: some requests meet the close. */
const IDLE_MS = 330;
let isDraining = false;
const timers = new Map<object, ReturnType<typeof setTimeout>>();

const server = startServer(({ path, socket, answer }) => {
  clearTimeout(timers.get(socket));
  answer(path === '/ready' && isDraining ? 503 : 200, { close: isDraining });
  timers.set(
    socket,
    setTimeout(() => socket.destroy(), IDLE_MS),
  );
});

process.on('SIGTERM', () => {
  isDraining = true;
  setTimeout(server.stopListening, 1_000);
  setTimeout(() => process.exit(0), 1_200);
});
