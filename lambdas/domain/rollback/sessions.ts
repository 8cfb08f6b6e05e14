/** How long a pod is certain to have the session that EKS Auth gave it, once its association is deleted. */

/**
 * The duration of EKS Auth's sessions. Sources: EKS User Guide, "Learn how EKS Pod Identity grants pods access to AWS
 * services": six hours; aws/eks-pod-identity-agent, internal/cache: the agent returns sessions that are at most three
 * hours old.
 */
const SESSION_SECONDS = 6 * 3600;
const OLDEST_GIVEN_SECONDS = 3 * 3600;
/** SDKs refresh a session when this little is left of it; botocore starts at fifteen minutes. */
const REFRESH_SECONDS = 5 * 60;

/**
 * Returns the seconds for which a pod that has been on EKS Pod Identity since its creation is guaranteed to have
 * credentials, even if its association is deleted now. It fetched its first session with a token that was not in the
 * agent's cache, so that the session was new. Its second session may already have been three hours old, and the age of
 * later sessions is not known. Containers that restart, and pods that have not fetched a session yet, have no
 * credentials,
 * regardless of their age.
 */
export function sureSessionSeconds(ageSeconds: number): number {
  const first = SESSION_SECONDS - ageSeconds;
  if (first > REFRESH_SECONDS) return first;
  const second = 2 * SESSION_SECONDS - REFRESH_SECONDS - OLDEST_GIVEN_SECONDS - ageSeconds;
  return Math.max(second, REFRESH_SECONDS);
}
