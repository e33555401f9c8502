/** The least a handler of node:http can do: what the service is measured against. */
import { createServer } from 'node:http';

const body = '{"status":"ok"}';
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ message: 'listening', port: server.address().port }));
});
