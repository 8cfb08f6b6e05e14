/** Checks whether pods of the cluster can get credentials through Pod Identity at all, as far as one command can read. */
import { AGENT_ADDON } from '../addons/registry.ts';
import { type Check, fail, GUIDE, pass, unknown } from '../terms/check.ts';
import type { IdentityFacts } from './facts.ts';

const SOURCE = `${GUIDE}, "Set up the Amazon EKS Pod Identity Agent"`;
const ID = 'agent';
const PODS = `kubectl -n kube-system get pods -l app.kubernetes.io/name=${AGENT_ADDON} -o wide`;

export function agentCheck({
  target,
  cluster,
  agent: { addonStatus, workload, error },
}: Pick<IdentityFacts, 'target' | 'cluster' | 'agent'>): Check {
  if (cluster.autoMode) return pass(ID, 'EKS Auto Mode has the Pod Identity agent built in.');
  if (workload && (workload.desired === 0 || workload.ready < workload.desired)) {
    return fail(
      ID,
      `The Pod Identity agent is ready on ${workload.ready} of ${workload.desired} nodes: pods on the other nodes get no credentials.`,
      `Inspect its pods: ${PODS}`,
      SOURCE,
    );
  }
  if (workload) return pass(ID, `The Pod Identity agent is ready on ${workload.ready} of ${workload.desired} nodes.`);
  if (error !== undefined)
    return unknown(
      ID,
      `Whether the Pod Identity agent runs could not be read${addonStatus === undefined ? '' : `; its add-on is ${addonStatus}`}: ${error}`,
      `Check its pods: ${PODS}`,
      SOURCE,
    );
  if (addonStatus !== undefined)
    return fail(
      ID,
      `Add-on ${AGENT_ADDON} is ${addonStatus}, but the cluster does not have its DaemonSet.`,
      'Check the health of the add-on, and install it again.',
      SOURCE,
    );
  return fail(
    ID,
    `The Pod Identity agent is not installed in cluster ${target.cluster}: no pod can use Pod Identity.`,
    `Install it and wait until it is ACTIVE: aws eks create-addon --cluster-name ${target.cluster} --addon-name ${AGENT_ADDON} --region ${target.region}`,
    SOURCE,
  );
}
