/** The parts of a conformance run: what real program each is held against, and what it takes to run it. */

export interface Part {
  /** Its folder in `conformance`, whose main.ts exports `run`. */
  name: string;
  /** The real programs, and what is compared with them: a phrase. */
  against: string;
  /** What must be installed to run it, apart from Node. */
  needs: string;
}

/** All parts, in the order in which they run. */
export const PARTS: readonly Part[] = [
  {
    name: 'pods',
    against: 'what the AWS SDKs for Python, JavaScript and Go do in a pod, with how the service reads it',
    needs: 'Python, Go',
  },
  {
    name: 'step-functions',
    against: "moto's interpreter, with the sandbox's, on the same executions",
    needs: 'Python',
  },
  {
    name: 'cloudformation',
    against: "cfn-lint, and moto's CloudFormation, with the sandbox's reading of the templates",
    needs: 'Python',
  },
  { name: 'api', against: 'schemathesis, with the API and its document', needs: 'Python' },
  {
    name: 'eksctl',
    against: "eksctl, with the sandbox's EKS, and with the service's own migrations",
    needs: 'Go',
  },
  {
    name: 'kubernetes',
    against: "a real control plane, with the sandbox's Kubernetes",
    needs: 'Go',
  },
];

export const partNamed = (name: string): Part | undefined => PARTS.find((part) => part.name === name);

/**
 * The module of a part. Its exit code is 0, 1 for a difference without a reason, and 2 for what cannot be run as it was
 * asked. It throws an `ArgumentError` for unusable flags, a `UsageRequest` for `--help`, and a `BuildError` if a program
 * that it needs is missing or cannot be built.
 */
export interface PartModule {
  run: (args: readonly string[]) => Promise<number>;
}

/** What follows the name of the command. */
export type Order =
  | { kind: 'parts'; parts: readonly Part[] }
  | { kind: 'part'; part: Part; args: readonly string[]; plant?: string }
  | { kind: 'document' }
  | { kind: 'refused'; message: string };

const USAGE = `Usage:
  npm run conformance                          every part, one after the other
  npm run conformance -- PART...               these parts
  npm run conformance -- PART FLAGS            one part with its flags; --help prints them
  npm run conformance -- PART --plant NAME     one part, with a defect planted in a copy of the project: it must fail
  npm run conformance -- document              writes the kept results into the documents
Parts: ${PARTS.map(({ name }) => name).join(', ')}`;

const refused = (message: string): Order => ({ kind: 'refused', message: `${message}\n${USAGE}` });

/** Returns what the arguments select. */
export const readOrder = (words: readonly string[]): Order => {
  const firstFlag = words.findIndex((word) => word.startsWith('-'));
  const names = firstFlag === -1 ? words : words.slice(0, firstFlag);
  const args = firstFlag === -1 ? [] : words.slice(firstFlag);
  if (names.length === 1 && names[0] === 'document' && args.length === 0) return { kind: 'document' };
  const unknown = names.find((name) => !partNamed(name));
  if (unknown !== undefined) return refused(`There is no part ${JSON.stringify(unknown)}.`);
  const parts = names.length === 0 ? PARTS : PARTS.filter(({ name }) => names.includes(name));
  if (args.length === 0 && parts.length !== 1) return { kind: 'parts', parts };
  const [part] = parts;
  if (!part || parts.length > 1)
    return refused(`${args[0] ?? ''} is a flag of one part, and ${parts.length} are named.`);
  // The cases of Kubernetes plant their defects themselves, since they keep the control plane.
  const plant = part.name === 'kubernetes' ? -1 : args.indexOf('--plant');
  if (plant === -1) return { kind: 'part', part, args };
  const [, name] = args.slice(plant);
  if (name === undefined || name.startsWith('-')) return refused('--plant needs the name of a defect.');
  return { kind: 'part', part, args: args.toSpliced(plant, 2), plant: name };
};
