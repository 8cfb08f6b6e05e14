/** Decides whether, and in which version, a migration installs the Pod Identity agent, and warns about it afterwards. */
import { AGENT_ADDON } from '../addons/registry.ts';
import type { Workload } from '../kubernetes/objects.ts';
import { type Check, warn } from '../terms/check.ts';
import type { Target } from '../terms/subject.ts';
import { shellCommand } from '../text/shell.ts';
import type { Facts } from './facts.ts';

/** Returns whether the cluster has no agent: no add-on, none built in, and no DaemonSet that could be read. */
export const lacksAgent = ({
  cluster,
  agentAddon,
  agentWorkload,
}: Pick<Facts, 'cluster' | 'agentAddon' | 'agentWorkload'>): boolean =>
  cluster?.autoMode !== true && agentAddon === undefined && agentWorkload === undefined;

/**
 * Returns whether the agent may be installed although DaemonSets could not be read. The request must then accept the
 * information from the EKS API.
 */
export const mayInstallUnseen = ({ request, kubernetesError }: Pick<Facts, 'request' | 'kubernetesError'>): boolean =>
  kubernetesError === undefined || request.verification === 'api';

/**
 * Returns the version to install: EKS's default for the cluster's Kubernetes version. Returns undefined if the request
 * does not ask for it, if an agent exists or that cannot be known, and if EKS offers no default version.
 */
export const agentToInstall = (facts: Facts): string | undefined =>
  facts.request.agent === 'install' && lacksAgent(facts) && mayInstallUnseen(facts)
    ? facts.agentOffered?.find((one) => one.default)?.version
    : undefined;

/**
 * Returns whether the agent's DaemonSet is ready on every node where it should run. A DaemonSet with no desired pods is
 * not ready: its controller has not processed it yet, or the cluster has no nodes.
 */
export const isAgentReady = ({ desired, ready }: Pick<Workload, 'desired' | 'ready'>): boolean =>
  desired > 0 && ready >= desired;

/** IDs of the warnings: the agent was installed and stays; the installation was requested, and its result is not known. */
export const AGENT_LEFT_INSTALLED = 'agent-left-installed';
export const AGENT_INSTALL_BEGUN = 'agent-install-begun';

const agentCommand = ({ cluster, region }: Target, verb: string): string =>
  shellCommand(['aws', 'eks', verb, '--region', region, '--cluster-name', cluster, '--addon-name', AGENT_ADDON]);

/** Warns that the installed agent is never removed, since other workloads may depend on it. `how` names the installer. */
export const agentLeftInstalled = (target: Target, version: string, how: string): Check =>
  warn(
    AGENT_LEFT_INSTALLED,
    `Add-on ${AGENT_ADDON} ${version} was installed in cluster ${target.cluster} ${how}. It stays installed however the migration ends, because other pods may use it by then.`,
    `No action is needed. If no pod of the cluster uses EKS Pod Identity, it can be removed: ${agentCommand(target, 'delete-addon')}`,
  );

/** Warns that the installation has begun. It is recorded before the request, in case the migration stops right there. */
export const agentInstallBegun = (target: Target, version: string): Check =>
  warn(
    AGENT_INSTALL_BEGUN,
    `This migration began to install add-on ${AGENT_ADDON} ${version} in cluster ${target.cluster}, and stopped before EKS had confirmed it. The add-on is not removed again.`,
    `Check whether it exists: ${agentCommand(target, 'describe-addon')}`,
  );
