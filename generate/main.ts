import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATED } from './generated.ts';

for (const { path, toText } of GENERATED) writeFileSync(join(import.meta.dirname, '..', path), toText());
