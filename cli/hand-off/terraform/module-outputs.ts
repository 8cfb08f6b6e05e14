/** Outputs of modules that the code determines: those of local modules, and names that public modules return unchanged. */
import type { Located, Scope } from './scope.ts';
import { attributeOf, type Block } from './syntax.ts';
import { ARN_PART, knownText, partsOf, ROLE_PATH, text, UNKNOWN, type Value } from './value.ts';

/** An output of a public module. */
interface KnownOutput {
  /** Matches the source: its name in the registry, or the address of its repository. */
  source: RegExp;
  output: string;
  /** Arguments of which the first one that is given is the name. */
  arguments: readonly string[];
  is: 'name' | 'role-arn';
}

const EKS = /(?:^|\/)terraform-aws-modules\/(?:eks\/aws|terraform-aws-eks(?:\.git)?)(?:\?|$)/;
const IRSA =
  /(?:^|\/)terraform-aws-modules\/(?:iam\/aws|terraform-aws-iam(?:\.git)?)\/\/modules\/iam-role-for-service-accounts-eks(?:\?|$)/;

/** Releases 18 to 21 of the EKS module, and 5 of the IAM module, whose `role_name` is not a prefix. */
const KNOWN: readonly KnownOutput[] = [
  { source: EKS, output: 'cluster_name', arguments: ['cluster_name', 'name'], is: 'name' },
  { source: IRSA, output: 'iam_role_name', arguments: ['role_name'], is: 'name' },
  { source: IRSA, output: 'iam_role_arn', arguments: ['role_name'], is: 'role-arn' },
];

function knownOutput(scope: Scope, { body }: Block, output: string, depth: number): Value {
  const source = attributeOf(body, 'source');
  const address = source && knownText(scope.valueOf(source.value, depth));
  if (address === undefined) return UNKNOWN;
  const known = KNOWN.find((one) => one.output === output && one.source.test(address));
  const argument = known?.arguments.map((name) => attributeOf(body, name)).find((one) => one !== undefined);
  if (known === undefined || argument === undefined) return UNKNOWN;
  const value = scope.valueOf(argument.value, depth);
  if (known.is === 'name') return value;
  return text('arn:', ARN_PART, ':iam::', ARN_PART, ':role/', ROLE_PATH, ...partsOf(value));
}

/**
 * Returns the expression of an output of a local module, such as `module.NAME.OUTPUT`; undefined if the module is not
 * local, has several instances, or has no such output.
 */
export function outputOf(scope: Scope, path: readonly (string | number)[]): Located | undefined {
  const [, name, output, ...more] = path;
  if (typeof name !== 'string' || typeof output !== 'string' || more.length > 0) return undefined;
  const [call] = scope.blocks('module', name);
  const called = call && scope.calledBy(call.block);
  const [found] = called?.blocks('output', output) ?? [];
  const value = found && attributeOf(found.block.body, 'value');
  return called && found && value && { expression: value.value, scope: called, file: found.file };
}

/** Returns the value of an output of a public module. */
export function publicOutput(scope: Scope, path: readonly (string | number)[], depth: number): Value {
  const [, name, output, ...more] = path;
  if (typeof name !== 'string' || typeof output !== 'string' || more.length > 0) return UNKNOWN;
  const [call] = scope.blocks('module', name);
  return call === undefined ? UNKNOWN : knownOutput(scope, call.block, output, depth);
}
