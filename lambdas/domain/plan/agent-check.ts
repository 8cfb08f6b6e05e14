/**
 * Checks whether pods of the cluster can get credentials through Pod Identity at all: whether its agent runs on every node
 * where they may run.
 */
import { eksCommand, eksRegionCommand } from '../commands/eks.ts';
import { AGENT_ADDON } from '../addons/registry.ts';
import { type Check, fail, GUIDE, pass, some, unknown, warn } from '../terms/check.ts';
import { agentToInstall, isAgentReady, lacksAgent, mayInstallUnseen } from './agent-install.ts';
import type { Facts } from './facts.ts';
import { seenIn } from '../terms/seen.ts';

const SOURCE = `${GUIDE}, "Set up the Amazon EKS Pod Identity Agent"`;
/** Source for the effect of NONE on an agent that was not installed as an add-on. */
const CONFLICTS = 'EKS API Reference, CreateAddon, resolveConflicts';
/** The command for the DaemonSet, in the namespace that the agent's chart uses. */
const LOOK = `kubectl -n kube-system get daemonset ${AGENT_ADDON}`;

/** Returns the names of the instances that are not ready. An agent that exists is not ready there, which blocks as well. */
const nodesNotReady = ({ nodes }: Pick<Facts, 'nodes'>): string[] =>
  (seenIn(nodes) ?? []).flatMap(({ name, ready, os, compute }) =>
    !ready && os === 'linux' && compute === 'ec2' ? [name] : [],
  );

/** Checks a cluster without an agent if the request asks to install it. */
function checkInstall(facts: Facts): Check {
  const { request, cluster, kubernetesError } = facts;
  const none = `The Pod Identity agent is not installed in cluster ${request.target.cluster}`;
  if (!mayInstallUnseen(facts)) {
    return unknown(
      'agent',
      `EKS reports no Pod Identity agent in cluster ${request.target.cluster}, but whether a self-managed agent runs there could not be read: ${kubernetesError ?? ''}`,
      'Give the service access to the API server (see the check kubernetes-access), then plan again: a self-managed agent is never overwritten.',
      SOURCE,
    );
  }
  const version = agentToInstall(facts);
  if (version === undefined) {
    return fail(
      'agent',
      `${none}, and EKS offers no version of add-on ${AGENT_ADDON} as the default for Kubernetes ${cluster?.version ?? ''}.`,
      `List the offered versions: ${eksRegionCommand(request.target, 'describe-addon-versions', ['--addon-name', AGENT_ADDON, '--kubernetes-version', cluster?.version ?? ''])} . EKS Pod Identity needs Kubernetes 1.24 or later.`,
      SOURCE,
    );
  }
  const notReady = nodesNotReady(facts);
  if (notReady.length > 0) {
    return fail(
      'agent',
      `${none}, and cannot become ready on ${notReady.length === 1 ? 'a node that is' : `${notReady.length} nodes that are`} not ready: ${some(notReady)}. EKS would report the agent's add-on as DEGRADED, which the migration would wait for.`,
      'Wait until each node is ready, or repair or remove the others, then plan again: kubectl get nodes',
      SOURCE,
    );
  }
  const will = `add-on ${AGENT_ADDON} ${version}, EKS's default for Kubernetes ${cluster?.version ?? ''}, will be installed before anything else changes, and stays`;
  if (kubernetesError === undefined) return pass('agent', `${none}: ${will}.`);
  return warn(
    'agent',
    `${none} as far as EKS reports: ${will}. Whether a self-managed agent runs there could not be read; EKS does not change the fields of such an agent, and the installation fails if fields differ.`,
    `Check first: ${LOOK} . If it exists, give the service access to the API server, so that it finds the agent and installs nothing.`,
    CONFLICTS,
  );
}

export function checkAgent(facts: Facts): Check {
  const { request, cluster, agentAddon, agentWorkload, kubernetesError } = facts;
  if (cluster?.autoMode) return pass('agent', 'EKS Auto Mode has the Pod Identity agent built in.');
  if (lacksAgent(facts)) {
    if (request.agent === 'install') return checkInstall(facts);
    return fail(
      'agent',
      `The Pod Identity agent is not installed in cluster ${request.target.cluster}${kubernetesError ? ' (as far as EKS reports; the API server could not be read)' : ''}.`,
      `Add --agent install, which installs it first; or install it yourself and wait until it is ACTIVE: ${eksCommand(request.target, 'create-addon', ['--addon-name', AGENT_ADDON])}`,
      SOURCE,
    );
  }
  if (agentAddon && agentAddon.status !== 'ACTIVE') {
    return fail(
      'agent',
      `Add-on ${AGENT_ADDON} is ${agentAddon.status}, not ACTIVE.`,
      'Get it to ACTIVE first; otherwise pods on its nodes get no credentials.',
      SOURCE,
    );
  }
  if (agentWorkload && !isAgentReady(agentWorkload)) {
    return fail(
      'agent',
      `The Pod Identity agent is ready on ${agentWorkload.ready} of ${agentWorkload.desired} nodes.`,
      `Inspect its pods: kubectl -n ${agentWorkload.namespace} get pods -l app.kubernetes.io/name=${AGENT_ADDON} -o wide`,
      SOURCE,
    );
  }
  const where = agentWorkload ? `ready on ${agentWorkload.ready} of ${agentWorkload.desired} nodes` : 'ACTIVE';
  return pass('agent', `The Pod Identity agent is ${where}.`);
}
