/** Runs `trust repair`: shows, prints or writes the one statement that allows EKS Pod Identity. */
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptedNames } from '../../lambdas/domain/acceptance/accept.ts';
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import { decodePolicy, type ParsedPolicy, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import { parseTrust, type TrustPolicy } from '../../lambdas/domain/trust/policy.ts';
import { targetRoleCommand } from '../../lambdas/domain/plan/trust-remedy.ts';
import { proposeRepair, type RepairProposal } from '../../lambdas/domain/trust/repair.ts';
import { limitFor } from '../../lambdas/domain/trust/size.ts';
import { assertCanAsk, confirm, mustAsk } from '../confirm.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { PROGRAM } from '../options.ts';
import { styleFor, type Style } from '../text/style.ts';
import type { TrustRepairFlags } from './options.ts';
import { type Answers, answersOfAll, type ClusterUse, otherAccount, type Question } from './answer.ts';
import { repairLines } from './print.ts';
import type { Repaired } from './repaired.ts';
import { readSource, type Source } from './source.ts';
import { lookAt } from './look-at.ts';
import type { Sleep } from './write.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';

/** Throws if the role is in an embedded sandbox, where the repair would be lost with the command, or on the next replay. */
const refuseLostWrite = ({ roleArn, dryRun, sandbox, state }: TrustRepairFlags): void => {
  if (roleArn === undefined || dryRun || (sandbox === undefined && state === undefined)) return;
  const [where, why] =
    state === undefined
      ? [`--sandbox ${sandbox}`, 'ends with this command']
      : [`--state ${state}`, 'keeps only what migrations change'];
  throw new CliError(
    'NotKept',
    `the sandbox of ${where} ${why}, so a repaired role would be lost`,
    `Add --dry-run to see the repair, or migrate with --trust repair.\nTo write to a role of a sandbox, serve it with "${PROGRAM} sandbox" and omit ${state === undefined ? '--sandbox' : '--state'}.`,
  );
};

const isReadable = (policy: ParsedPolicy, name: string): void => {
  if (policy.valid) return;
  throw new CliError(
    'InvalidPolicy',
    `the trust policy of ${name} is not valid at ${policy.path}: ${policy.reason}`,
    'Correct the policy there, then run the same command again',
  );
};

/** Returns the refusal for a role in another account: its trust policy could allow EKS, but EKS would not accept it. */
const ofOtherAccount = ({
  roleArn,
  clusterArn: target,
  namespace,
  serviceAccount: [serviceAccount = ''],
}: TrustRepairFlags): RepairProposal | undefined => {
  const account = otherAccount(roleArn, target);
  if (account === undefined || roleArn === undefined) return undefined;
  return {
    do: 'refuse',
    why: `The role is in account ${account} and the cluster in ${target.account}: EKS associates service accounts only with roles in the cluster's account`,
    remedy: `Create a role in the cluster's account that may assume this one, and an association with this one as its target role. To print the policies and commands: ${targetRoleCommand(target, { roleArn, namespace, serviceAccount })}`,
  };
};

const usesOf = (
  { clusterArn: target, namespace, serviceAccount, disableSessionTags }: TrustRepairFlags,
  { oidcIssuer }: Source,
): ClusterUse[] =>
  [...new Set(serviceAccount)].map((name) => ({
    target,
    clusterArn: clusterArn(target),
    namespace,
    serviceAccount: name,
    disableSessionTags,
    ...(oidcIssuer === undefined ? {} : { oidcIssuer }),
  }));

const propose = (
  flags: TrustRepairFlags,
  trustPolicy: TrustPolicy,
  { oidcIssuer }: Source,
  uses: readonly ClusterUse[],
): RepairProposal =>
  ofOtherAccount(flags) ??
  proposeRepair({
    trustPolicy,
    target: flags.clusterArn,
    serviceAccounts: uses.map(({ namespace, serviceAccount, disableSessionTags = false }) => ({
      namespace,
      serviceAccount,
      disableSessionTags,
    })),
    ...(oidcIssuer === undefined ? {} : { oidcIssuer }),
    acceptedKeys: acceptedNames(flags, 'condition-key'),
  });

const repairedBy = (
  proposal: RepairProposal,
  { text, document }: TrustPolicy,
  answers: (policy: ParsedPolicy) => Answers,
): Repaired => {
  const policy: unknown = JSON.parse(decodePolicy(text));
  const unchanged = {
    changed: false,
    written: false,
    policy,
    length: JSON.stringify(policy).length,
    before: answers(document),
  };
  switch (proposal.do) {
    case 'nothing':
      return { ...unchanged, after: unchanged.before };
    case 'refuse':
      return { ...unchanged, refused: { why: proposal.why, remedy: proposal.remedy } };
    case 'repair': {
      const { statement, after, length } = proposal;
      return {
        ...unchanged,
        changed: true,
        statement,
        policy: JSON.parse(after) as unknown,
        length,
        after: answers(parsePolicy(after, 'trust')),
      };
    }
  }
};

/**
 * Returns 0 if the policy is repaired or needs no repair. Throws a CliError for a policy that cannot be read or written.
 * `wait`: pause between reads of the written policy.
 */
export const trustRepair = async (flags: TrustRepairFlags, io: Io, wait: Sleep = sleep): Promise<ExitCode> => {
  refuseLostWrite(flags);
  const change = { yes: flags.yes, deployed: isWrite(flags) };
  assertCanAsk(change, io);
  const source = await readSource(flags, io);
  const { name, roles } = source;
  const trustPolicy = parseTrust(source.trustPolicy);
  isReadable(trustPolicy.document, name);
  const uses = usesOf(flags, source);
  const questions = uses.map((use): Question => ({
    use,
    acceptedKeys: acceptedNames(flags, 'condition-key'),
    roleArn: flags.roleArn,
  }));
  const proposal = propose(flags, trustPolicy, source, uses);
  let repaired = repairedBy(proposal, trustPolicy, (policy) => answersOfAll(policy, questions));
  if (proposal.do === 'repair' && flags.roleArn !== undefined && roles && !flags.dryRun) {
    const unwritten = repaired;
    if (mustAsk(change))
      await confirm(io, (style) => linesOf(unwritten, { source, uses }, false, style), 'Write this policy now?');
    const { writeTrust } = await import('./write.ts');
    io.onInterrupt?.(`Interrupted while the trust policy was being written. ${lookAt(flags.roleArn)}`);
    await writeTrust(roles, { roleArn: flags.roleArn, before: trustPolicy.text, after: proposal.after }, wait);
    repaired = { ...repaired, written: true };
  }
  print(repaired, flags, { source, uses }, io);
  return repaired.refused ? EXIT_CODES.blocked : EXIT_CODES.ok;
};

/** Returns whether the command writes to a role in IAM. */
const isWrite = ({ roleArn, dryRun, sandbox, state }: TrustRepairFlags): boolean =>
  roleArn !== undefined && !dryRun && sandbox === undefined && state === undefined;

const linesOf = (
  repaired: Repaired,
  { source: { name, trustPolicy }, uses: [use, ...others] }: { source: Source; uses: readonly ClusterUse[] },
  printed: boolean,
  style: Style,
): string[] => {
  if (!use) return [];
  const before = JSON.stringify(JSON.parse(decodePolicy(trustPolicy)));
  const serviceAccounts = [use, ...others].map((one) => one.serviceAccount);
  return repairLines({ name, use, serviceAccounts, before, repaired, limit: limitFor(before.length), printed }, style);
};

/** Prints the result. If the document was requested, nothing else is printed on stdout. */
const print = (
  repaired: Repaired,
  flags: TrustRepairFlags,
  origin: { source: Source; uses: readonly ClusterUse[] },
  io: Io,
): void => {
  if (flags.json) {
    io.stdout.write(`${jsonText(repaired, 2)}\n`);
    return;
  }
  const isDocument = flags.policy !== undefined && !flags.dryRun;
  const told = isDocument ? io.stderr : io.stdout;
  told.write(`${linesOf(repaired, origin, isDocument, styleFor(told)).join('\n')}\n`);
  if (isDocument && !repaired.refused) io.stdout.write(`${jsonText(repaired.policy, 2)}\n`);
};
