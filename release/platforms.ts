import type { Build } from 'bun';

/** What `npm run build:binaries` builds for, as `OS-ARCH[-musl]`: Bun's name for each, and the package with its runtime. */
export const PLATFORMS: Readonly<
  Record<string, { readonly target: Build.CompileTarget; readonly runtime: string }>
> = {
  'linux-x64': { target: 'bun-linux-x64', runtime: '@oven/bun-linux-x64' },
  'linux-x64-musl': { target: 'bun-linux-x64-musl', runtime: '@oven/bun-linux-x64-musl' },
  'linux-arm64': { target: 'bun-linux-arm64', runtime: '@oven/bun-linux-aarch64' },
  'linux-arm64-musl': { target: 'bun-linux-arm64-musl', runtime: '@oven/bun-linux-aarch64-musl' },
  'darwin-x64': { target: 'bun-darwin-x64', runtime: '@oven/bun-darwin-x64' },
  'darwin-arm64': { target: 'bun-darwin-arm64', runtime: '@oven/bun-darwin-aarch64' },
};
