/**
 * EKS Auth: its only operation, AssumeRoleForPodIdentity, which the agents on nodes call. Shapes and errors: EKS Auth
 * API Reference. For the world's own pods, the same functions (`sandbox/credentials`) decide without a call.
 */
import { ASSUME_FOR_POD } from '../credentials/agents.ts';
import { evaluatePodIdentity, POD_IDENTITY_AUDIENCE, type PodIdentityGrant } from '../credentials/pod-identity.ts';
import { outageOf } from '../credentials/outages.ts';
import { isRefusal, type Refusal } from '../credentials/refusal.ts';
import { readToken, type TokenClaims } from '../credentials/tokens.ts';
import { type CallContext, contentOf, type HttpRequest, type HttpResponse, type Service } from '../http.ts';
import { getObject } from '../objects/store.ts';
import { issueAccessKey } from '../authorization/access-keys.ts';
import { sessionArn } from '../authorization/sessions.ts';
import { Random } from '../random.ts';
import { findCluster, findRole, type ClusterState, type World } from '../world/world.ts';

const PATH = /^\/clusters\/([^/]+)\/assume-role-for-pod-identity$/;

class Refused extends Error {
  readonly refusal: Refusal;
  constructor(code: string, status: number, message: string) {
    super(message);
    this.refusal = { code, status, message };
  }
}

/** Returns the claims of a pod's token. Throws Refused if EKS Auth would not accept the token for this cluster. */
const claimsOf = (
  world: World,
  cluster: ClusterState,
  token: string,
): TokenClaims & { pod: { name: string; uid: string } } => {
  const claims = readToken([cluster], token)?.claims;
  // AWS's messages are not known.
  if (!claims) throw new Refused('InvalidTokenException', 400, 'The token was not issued by this cluster.');
  if (claims.expiresAt * 1000 <= world.schedule.now())
    throw new Refused('ExpiredTokenException', 400, 'The token has expired.');
  const { pod, namespace } = claims;
  if (!claims.audiences.includes(POD_IDENTITY_AUDIENCE))
    throw new Refused('InvalidTokenException', 400, `The token is not for the audience ${POD_IDENTITY_AUDIENCE}.`);
  if (!pod || getObject(cluster.kube, 'Pod', namespace, pod.name)?.metadata.uid !== pod.uid)
    throw new Refused('InvalidTokenException', 400, 'The token is not bound to a pod of this cluster.');
  return { ...claims, pod };
};

const answerOf = (world: World, { namespace, serviceAccount }: TokenClaims, granted: PodIdentityGrant): object => {
  const { association, roleArn, sessionName, policies } = granted;
  // Expiration uses the real clock, by which clients sign, as in STS.
  const expiresAt = Math.floor(Date.now() / 1000 + world.knobs.podSessionSeconds) * 1000;
  const key = issueAccessKey(world, roleArn, { sessionName, expiresAt, ...(policies.length > 0 ? { policies } : {}) });
  return {
    subject: { namespace, serviceAccount: serviceAccount.name },
    audience: POD_IDENTITY_AUDIENCE,
    podIdentityAssociation: { associationArn: association.arn, associationId: association.id },
    assumedRoleUser: {
      arn: sessionArn(roleArn, sessionName),
      assumeRoleId: `${findRole(world, roleArn)?.roleId ?? ''}:${sessionName}`,
    },
    credentials: {
      accessKeyId: key.accessKeyId,
      secretAccessKey: key.secretAccessKey,
      sessionToken: key.sessionToken,
      expiration: expiresAt / 1000,
    },
  };
};

const assumeRole = (world: World, request: HttpRequest, context: CallContext): object => {
  const name = PATH.exec(request.path)?.[1];
  if (request.method !== 'POST' || name === undefined) {
    context.describe('UnknownOperation', { method: request.method, path: request.path });
    throw new Refused(
      'UnknownOperationException',
      404,
      `EKS Auth has no operation at ${request.method} ${request.path}.`,
    );
  }
  const clusterName = decodeURIComponent(name);
  context.describe('AssumeRoleForPodIdentity', { clusterName });
  const { token } = contentOf(request) ?? {};
  if (typeof token !== 'string' || token === '')
    throw new Refused(
      'InvalidParameterException',
      400,
      "Value at 'token' failed to satisfy constraint: Member must not be null",
    );
  const cluster = findCluster(world, context.caller.account, context.region, clusterName);
  if (!cluster) throw new Refused('ResourceNotFoundException', 404, `No cluster found for name: ${clusterName}.`);
  const denial = context.authorize({ action: ASSUME_FOR_POD, resource: cluster.arn });
  if (denial) throw new Refused('AccessDeniedException', 403, denial.message);
  const outage = outageOf(world, cluster, 'pod-identity');
  if (outage) throw new Refused(outage.refused.code, outage.refused.status || 503, outage.refused.message);
  const claims = claimsOf(world, cluster, token);
  const { namespace, serviceAccount, pod } = claims;
  context.describe('AssumeRoleForPodIdentity', {
    clusterName,
    namespace,
    serviceAccount: serviceAccount.name,
    pod: pod.name,
  });
  const result = evaluatePodIdentity(world, cluster, { namespace, serviceAccount: serviceAccount.name, ...pod });
  if (isRefusal(result)) throw new Refused(result.refused.code, result.refused.status, result.refused.message);
  return answerOf(world, claims, result);
};

/** Creates EKS Auth over a world. It has its own random generator, so that it does not change the world's sequence. */
export const createEksAuthService = (world: World): Service => {
  const ids = new Random(world.seed);
  return async (request, context): Promise<HttpResponse> => {
    const headers = { 'content-type': 'application/json', 'x-amzn-requestid': ids.uuid() };
    try {
      return { status: 200, headers, body: JSON.stringify(assumeRole(world, request, context)) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { code, status, message } = error.refusal;
      return { status, headers: { ...headers, 'x-amzn-errortype': code }, body: JSON.stringify({ message }) };
    }
  };
};
