/** Whether, and in which version, a migration installs the Pod Identity agent; and what is said of it afterwards. */
import { AGENT_ADDON } from '../addons/registry.ts';
import type { Workload } from '../kubernetes/objects.ts';
import type { Check, Target } from '../migration/model.ts';
import { shellCommand } from '../text/shell.ts';
import { warn } from './check.ts';
import type { Facts } from './facts.ts';

/** EKS knows no agent in the cluster, has none built in, and nobody's DaemonSet could be seen. */
export const lacksAgent = ({
  cluster,
  agentAddon,
  agentWorkload,
}: Pick<Facts, 'cluster' | 'agentAddon' | 'agentWorkload'>): boolean =>
  cluster?.autoMode !== true && agentAddon === undefined && agentWorkload === undefined;

/**
 * Whether it was looked if somebody else runs an agent. Where nobody may look, the request has to say that EKS's word
 * is enough.
 */
export const mayInstallUnseen = ({ request, kubernetesError }: Pick<Facts, 'request' | 'kubernetesError'>): boolean =>
  kubernetesError === undefined || request.verification === 'api';

/**
 * The version to install: EKS's default for the cluster's Kubernetes version. `undefined` where the request does not
 * ask for it, where there is an agent already or it can't be known, and where EKS offers no such version.
 */
export const agentToInstall = (facts: Facts): string | undefined =>
  facts.request.agent === 'install' && lacksAgent(facts) && mayInstallUnseen(facts)
    ? facts.agentOffered?.find((one) => one.default)?.version
    : undefined;

/**
 * Whether its DaemonSet is ready on every node where it runs. One that counts no node is not: its controller has not
 * looked yet, or there is none.
 */
export const isAgentReady = ({ desired, ready }: Pick<Workload, 'desired' | 'ready'>): boolean =>
  desired > 0 && ready >= desired;

/** Ids of the warnings: it is there and stays; it was asked for, and nobody knows what became of that. */
export const AGENT_LEFT_INSTALLED = 'agent-left-installed';
export const AGENT_INSTALL_BEGUN = 'agent-install-begun';

const agentCommand = ({ cluster, region }: Target, verb: string): string =>
  shellCommand(['aws', 'eks', verb, '--region', region, '--cluster-name', cluster, '--addon-name', AGENT_ADDON]);

/** What a migration has installed and never takes away: others may rely on it by then. `how`: by whom, in words. */
export const agentLeftInstalled = (target: Target, version: string, how: string): Check =>
  warn(
    AGENT_LEFT_INSTALLED,
    `Add-on ${AGENT_ADDON} ${version} was installed in cluster ${target.cluster} ${how}. It stays installed however the migration ends, because other pods may use it by then.`,
    `No action is needed. If no pod of the cluster uses EKS Pod Identity, it can be removed: ${agentCommand(target, 'delete-addon')}`,
  );

/** Noted before the request, so that a migration that is stopped right there tells of it too. */
export const agentInstallBegun = (target: Target, version: string): Check =>
  warn(
    AGENT_INSTALL_BEGUN,
    `This migration began to install add-on ${AGENT_ADDON} ${version} in cluster ${target.cluster}, and stopped before EKS had confirmed it. The add-on is not removed again.`,
    `Check whether it exists: ${agentCommand(target, 'describe-addon')}`,
  );
