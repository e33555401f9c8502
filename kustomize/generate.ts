import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from './generated.ts';

for (const [path, text] of generate()) writeFileSync(join(import.meta.dirname, '..', path), text);
