/**
 * Pure: the section of a version in a changelog as https://keepachangelog.com has it, without its heading; null where
 * there is none, or nothing in it.
 *
 *     toSection('# Changelog\n\n## 1.1.0 - 2026-11-27\n\n- New.\n\n## 1.0.0\n\n- Old.\n', '1.1.0')  // '- New.\n'
 */
export function toSection(changelog: string, version: string): string | null {
  const lines = changelog.split(/\r?\n/);
  const isHeading = (line: string) => line.startsWith('## ');
  const start = lines.findIndex(
    (line) => isHeading(line) && /^## \[?([^\s\]]+)\]?( |$)/.exec(line)?.[1] === version,
  );
  if (start === -1) return null;
  const length = lines.slice(start + 1).findIndex(isHeading);
  const section = lines.slice(start + 1, length === -1 ? undefined : start + 1 + length);
  const text = section.join('\n').trim();
  return text === '' ? null : `${text}\n`;
}
