/**
 * Serves hostile modes, each on a port of its own, and keeps its own count in a file that a SIGKILL leaves whole:
 * a line `MODE ID OUTCOME[|OUTCOME]` for each request received, and `MODE accepted` for each connection.
 * Prints the ports as one line of JSON; ends with its standard input.
 *
 *   server JOURNAL MODE...
 */
import { openSync, writeSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { MODES, type Received } from './modes.ts';

const [journalPath = '', ...names] = process.argv.slice(2);
const journal = openSync(journalPath, 'a');
const HEAD_END = '\r\n\r\n';

const ports: Record<string, number> = {};
for (const mode of MODES.filter(({ name }) => names.includes(name))) {
  ports[mode.name] = await serve(mode);
}
console.log(JSON.stringify(ports));
process.stdin.on('end', () => process.exit(0)).resume();

async function serve({ name, accept, answer }: (typeof MODES)[number]): Promise<number> {
  let number = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    writeSync(journal, `${name} accepted\n`);
    socket.on('error', () => {});
    if (typeof accept === 'function') return accept(socket);
    let unread = '';
    let nth = 0;
    socket.on('data', (chunk) => {
      unread += chunk.toString('latin1');
      for (let end = unread.indexOf(HEAD_END); end >= 0; end = unread.indexOf(HEAD_END)) {
        const id = /x-request-id: (\S+)/i.exec(unread.slice(0, end))?.[1] ?? '-';
        unread = unread.slice(end + HEAD_END.length);
        number += 1;
        nth += 1;
        const record: Received['record'] = (...outcomes) =>
          writeSync(journal, `${name} ${id} ${outcomes.join('|')}\n`);
        answer({ socket, number, nth, record });
      }
    });
    socket.on('end', () => socket.end());
  });
  const port = await listen(server);
  if (accept === 'port-closed') server.close();
  return port;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
