/** What package managers are told of a release: pure, from its checksums alone. */
import { stringify } from 'yaml';

/** An archive of a release, with the program for one platform. */
export interface Archive {
  readonly name: string;
  /** In hexadecimal digits. */
  readonly sha256: string;
  /** As Node names them. */
  readonly os: string;
  readonly arch: string;
  readonly isMusl: boolean;
}

export interface Release {
  /** Without `v`. */
  readonly version: string;
  /** `OWNER/NAME` on GitHub. */
  readonly repository: string;
  readonly archives: readonly Archive[];
}

/**
 * The archives of a checksum file as sha256sum writes it, one a line: `DIGITS  dropless-OS-ARCH[-musl].tar.gz`.
 * @throws {Error} on any other line
 */
export function parseChecksums(text: string): Archive[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, sha256, name, os, arch, musl] =
        /^([0-9a-f]{64}) {2}(dropless-([a-z]+)-([a-z0-9]+)(-musl)?\.tar\.gz)$/.exec(line) ?? [];
      if (sha256 === undefined || name === undefined || os === undefined || arch === undefined)
        throw new Error(`no archive of a release: ${JSON.stringify(line)}`);
      return { name, sha256, os, arch, isMusl: musl !== undefined };
    });
}

/** Both package managers know systems and processors, and no libc: theirs is glibc. */
const listPackaged = ({ archives }: Release) => archives.filter(({ isMusl }) => !isMusl);

const toAddress = ({ repository, version }: Release, { name }: Archive) =>
  `https://github.com/${repository}/releases/download/v${version}/${name}`;

/** Go's names, which krew's are, where they differ from Node's. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' };

/** The manifest of the plugin `kubectl dropless`: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/ */
export function formatKrewManifest(release: Release): string {
  return stringify({
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'dropless' },
    spec: {
      version: `v${release.version}`,
      homepage: `https://github.com/${release.repository}`,
      shortDescription: 'Prove that a rollout drops no request',
      description: [
        'Puts a service under load, disrupts it (rollout, scale, drain, kill), accounts for every request, and names',
        'the cause of every loss. Also lints manifests for what would lose requests.',
      ].join('\n'),
      platforms: listPackaged(release).map((archive) => ({
        selector: { matchLabels: { os: archive.os, arch: GO_ARCHITECTURES[archive.arch] ?? archive.arch } },
        uri: toAddress(release, archive),
        sha256: archive.sha256,
        bin: 'dropless',
      })),
    },
  });
}

/** Homebrew's words for what Node names: https://docs.brew.sh/Formula-Cookbook#handling-different-system-configurations */
const BREW_SYSTEMS = { darwin: 'on_macos', linux: 'on_linux' } as const;
const BREW_ARCHITECTURES = { arm64: 'on_arm', x64: 'on_intel' } as const;

/**
 * The formula for a tap.
 * @throws {Error} where an archive that it needs is not there
 */
export function formatFormula(release: Release): string {
  const blocks = Object.entries(BREW_SYSTEMS).map(([os, onSystem]) => {
    const inner = Object.entries(BREW_ARCHITECTURES).map(([arch, onArchitecture]) => {
      const archive = listPackaged(release).find((each) => each.os === os && each.arch === arch);
      if (archive === undefined) throw new Error(`the release has no archive for ${os} on ${arch}`);
      return `    ${onArchitecture} do
      url "${toAddress(release, archive)}"
      sha256 "${archive.sha256}"
    end
`;
    });
    return `  ${onSystem} do\n${inner.join('')}  end\n`;
  });
  return `class Dropless < Formula
  desc "Prove that a Kubernetes rollout drops no request, or name the cause"
  homepage "https://github.com/${release.repository}"
  version "${release.version}"
  license "MIT"

${blocks.join('\n')}
  def install
    bin.install "dropless"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/dropless --version")
  end
end
`;
}
