/** Checks the mutating webhook of EKS, which configures new pods for their association. */
import { type Check, fail, pass, warn } from '../terms/check.ts';
import type { Facts } from './facts.ts';
import { notSeen } from './preflight-seen.ts';

const CONFIGURATION = 'pod-identity-webhook';
const LOOK = `kubectl get mutatingwebhookconfiguration ${CONFIGURATION} -o yaml`;
const SOURCE = 'github.com/aws/amazon-eks-pod-identity-webhook, issues #68, #83 and #225';

/**
 * The failure policy Ignore is not a warning: EKS sets it, and the verification finds pods that were created without an
 * identity. A missing configuration fails: no pod would get an identity, and EKS does not document that it restores it.
 */
export function checkWebhook({ request, webhooks }: Facts): Check[] {
  const id = 'webhook';
  const { cluster } = request.target;
  if (!webhooks) return [];
  if ('error' in webhooks)
    return [
      notSeen(
        request,
        id,
        `Whether EKS's webhook gives pods their identity could not be read: ${webhooks.error}`,
        'mutating webhook configurations',
        SOURCE,
      ),
    ];
  const found = webhooks.seen.find((webhook) => webhook.configuration === CONFIGURATION);
  if (!found) {
    return [
      fail(
        id,
        `Cluster ${cluster} has no MutatingWebhookConfiguration ${CONFIGURATION}, which gives pods their identity: new pods would use the role of their node.`,
        `Find out what happened to it: ${LOOK}. EKS creates it with the cluster; ask AWS Support to restore it, or copy it from another cluster, with this cluster's certificate authority.`,
        SOURCE,
      ),
    ];
  }
  if (found.reviewVersions[0] !== 'v1beta1') {
    return [
      warn(
        id,
        `Webhook ${found.name} of ${CONFIGURATION} is called with version ${found.reviewVersions[0] ?? 'none'} of AdmissionReview, but is known to answer only v1beta1: pods would start without an identity.`,
        `Set admissionReviewVersions to v1beta1, as EKS does, if new pods get no identity: ${LOOK}`,
        `${SOURCE}; awsdocs/amazon-eks-user-guide#894`,
      ),
    ];
  }
  const ignored =
    found.failurePolicy === 'Ignore'
      ? ' A pod that is created while the webhook does not answer starts without an identity (failurePolicy: Ignore, the default of EKS); the verification of the pods detects that.'
      : '';
  return [pass(id, `EKS's webhook ${CONFIGURATION} exists.${ignored}`)];
}
