/** Preloaded by `bun test`: the suites run what is shipped, so dist/ is built before them. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

execFileSync(process.execPath, ['build.ts'], { cwd: join(import.meta.dirname, '..'), stdio: 'inherit' });
