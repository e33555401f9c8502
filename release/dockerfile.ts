/** What a Dockerfile says, as far as a release asks: pure. */
import { DockerfileParser, type Instruction, Label, type Property } from 'dockerfile-ast';

interface Stage {
  readonly name: string;
  /** As it is written: an image, or `${ARG}`. */
  readonly image: string;
  /** The value of `--platform`, as it is written; null where the stage is made for the platform that is built for. */
  readonly platform: string | null;
  /** After FROM: `COPY`, `RUN`. */
  readonly keywords: readonly string[];
  /** As they are written, with `${ARG}` in them. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface Recipe {
  /** Arguments before the first stage that have a default: here, the images that stages start from. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
}

/** Parses a Dockerfile: https://docs.docker.com/reference/dockerfile/ */
export function parseDockerfile(text: string): Recipe {
  const file = DockerfileParser.parse(text);
  const defaults = toRecord(file.getInitialARGs().map((arg) => arg.getProperty()));
  const instructions = file.getInstructions();
  const stages = file.getFROMs().map((from, at, all) => {
    const next = all[at + 1];
    const own = instructions.slice(
      instructions.indexOf(from) + 1,
      next === undefined ? undefined : instructions.indexOf(next),
    );
    return {
      name: from.getBuildStage() ?? '',
      image: from.getImage() ?? '',
      platform: from.getPlatformFlag()?.getValue() ?? null,
      keywords: own.map((instruction) => instruction.getKeyword()),
      labels: toRecord(own.flatMap(listLabels)),
    };
  });
  return { defaults, stages };
}

const listLabels = (instruction: Instruction) =>
  instruction instanceof Label ? instruction.getProperties() : [];

/** Without those that have no value. */
function toRecord(properties: readonly (Property | null)[]): Record<string, string> {
  return Object.fromEntries(
    properties
      .map((property) => [property?.getName() ?? '', property?.getValue() ?? ''])
      .filter(([, value]) => value !== ''),
  );
}
