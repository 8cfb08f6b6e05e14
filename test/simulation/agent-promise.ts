/** The promise about the Pod Identity agent, which a migration may install and never changes afterwards. */
import { AGENT_ADDON } from '../../lambdas/domain/addons/registry.ts';
import { AGENT_INSTALL_BEGUN, AGENT_LEFT_INSTALLED } from '../../lambdas/domain/plan/agent-install.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { inputOf } from './calls.ts';
import { happened } from './life-effects.ts';
import { allMigrations, changes, effective, migrationOf } from './observe.ts';
import { about, interfered, type Promised } from './promised.ts';
import type { RunResult } from './run.ts';

/** Returns the version that EKS installs by default, from its catalogue. */
const defaultVersion = ({ sandbox, cluster }: RunResult): string | undefined =>
  sandbox.world.catalogue
    .get(AGENT_ADDON)
    ?.versions.find(({ offered, defaultFor }) => offered && defaultFor.includes(cluster.version))?.version;

/** Fields of a create request that would assign a role to the agent or overwrite an existing installation. */
const TOO_MUCH = ['serviceAccountRoleArn', 'podIdentityAssociations', 'configurationValues', 'tags'] as const;

const wrongCreate = (result: RunResult, call: Call): string[] => {
  const input = inputOf(call);
  const migration = allMigrations(result).find(
    ({ migrationId }) => migrationId === migrationOf(result, call.execution),
  );
  return [
    ...(call.operation === 'CreateAddon' && call.step === 'install-agent' ? [] : [`${about(call)} changed the agent`]),
    ...(migration?.request.agent === 'install'
      ? []
      : [`${about(call)} installed the agent although the request does not ask for it`]),
    ...(input['addonVersion'] === migration?.record?.plan?.installAgent?.version &&
    input['addonVersion'] === defaultVersion(result)
      ? []
      : [
          `${about(call)} installed version ${String(input['addonVersion'])}, which is not the planned version or not EKS's default`,
        ]),
    ...TOO_MUCH.filter((field) => input[field] !== undefined).map(
      (field) => `${about(call)} installed the agent with ${field}`,
    ),
    ...(input['resolveConflicts'] === 'OVERWRITE' ? [`${about(call)} would overwrite an existing installation`] : []),
  ];
};

export const agentAsAsked: Promised = {
  name: 'agent-as-asked',
  statement:
    "The Pod Identity agent is installed only if there is none and the request asks for it: once, in EKS's default version for the cluster; it stays, and the record reports it.",
  broken: (result) => {
    const { before, cluster, spec } = result;
    const ofAgent = effective(changes(result)).filter(
      (call) => call.service === 'eks' && inputOf(call)['addonName'] === AGENT_ADDON,
    );
    const problems = ofAgent.flatMap((call) => wrongCreate(result, call));
    if (ofAgent.length > 0 && (before.addons.has(AGENT_ADDON) || cluster.autoMode))
      problems.push('an agent was installed although the cluster had one');
    // An invocation that continues after Step Functions has given it up may repeat the same request, which changes
    // nothing.
    const twins = spec.faults.some(({ kind }) => kind.startsWith('time-out')) ? 1 : 0;
    if (ofAgent.length > 1 + twins) problems.push(`the agent was installed ${ofAgent.length} times`);
    for (const call of ofAgent) {
      const { migrationId, record } =
        allMigrations(result).find((one) => one.migrationId === migrationOf(result, call.execution)) ?? {};
      const reported = record?.warnings.some(({ id }) => id === AGENT_LEFT_INSTALLED || id === AGENT_INSTALL_BEGUN);
      if (record?.status === 'ended' && reported !== true)
        problems.push(`${migrationId ?? ''} has installed the agent and does not report that it stays`);
    }
    const isDeleted = happened(result, 'delete-agent').length > 0;
    if (!interfered(result) && !isDeleted && ofAgent.length > 0 && !cluster.addons.has(AGENT_ADDON))
      problems.push('the installed agent is gone');
    const [was, now] = [before.addons.get(AGENT_ADDON), cluster.addons.get(AGENT_ADDON)];
    if (was && !isDeleted && (now?.arn !== was.arn || now.version !== was.version))
      problems.push('the existing agent has changed');
    return problems;
  },
};
