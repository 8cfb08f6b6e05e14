/** Outputs of public modules that are names which the call gives. */

/** An output of a public module. */
export interface PublicOutput {
  /** Arguments of which the first one that is given is the name. */
  arguments: readonly string[];
  is: 'name' | 'role-arn';
}

interface KnownOutput extends PublicOutput {
  /** Matches the source: its name in the registry, or the address of its repository. */
  source: RegExp;
  output: string;
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

/** Returns what an output of a module is, by the module's source; undefined if that is not known. */
export const publicOutput = (source: string, output: string): PublicOutput | undefined =>
  KNOWN.find((one) => one.output === output && one.source.test(source));
