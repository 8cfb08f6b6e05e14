/** Runs `trust check`: evaluates whether a service account may use a role through EKS Pod Identity and IRSA. */
import { acceptedNames } from '../../lambdas/domain/acceptance/accept.ts';
import { parsePolicy } from '../../lambdas/domain/policy/index.ts';
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import { exitCodeOfVerdict, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { styleFor } from '../text/style.ts';
import type { TrustCheckFlags } from './options.ts';
import { answersOf } from './answer.ts';
import { checkLines } from './print.ts';
import { repairCommand } from './request.ts';
import { readSource } from './source.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';

/** Returns the exit code by the verdict for Pod Identity only. Throws a CliError for an unreadable policy. */
export const trustCheck = async (flags: TrustCheckFlags, io: Io): Promise<ExitCode> => {
  const { name, trustPolicy, oidcIssuer } = await readSource(flags, io);
  const { clusterArn: target, namespace, serviceAccount, disableSessionTags, roleArn } = flags;
  const use = {
    target,
    clusterArn: clusterArn(target),
    namespace,
    serviceAccount,
    disableSessionTags,
    ...(oidcIssuer === undefined ? {} : { oidcIssuer }),
  };
  const answers = answersOf(parsePolicy(trustPolicy, 'trust'), {
    use,
    acceptedKeys: acceptedNames(flags, 'condition-key'),
    roleArn,
  });
  if (flags.json) io.stdout.write(`${jsonText(answers, 2)}\n`);
  else
    io.stdout.write(
      `${checkLines({ name, use, answers, repair: repairCommand(flags) }, styleFor(io.stdout)).join('\n')}\n`,
    );
  return exitCodeOfVerdict(answers.podIdentity.verdict);
};
