/** What all writes of objects have in common. */
import type { HttpRequest } from '../http.ts';
import type { ClusterState, World } from '../world/world.ts';
import type { User } from './access.ts';
import type { KubeObject } from '../objects/objects.ts';
import { decodeInto } from './go/decode.ts';
import { fieldsOfStruct } from './go/types.ts';
import type { KindInfo, ResourceInfo } from '../objects/store.ts';

/** A write and its user. */
export interface Write<Info extends ResourceInfo = KindInfo> {
  world: World;
  cluster: ClusterState;
  user: User;
  info: Info;
  request: HttpRequest;
  /** Adds the request's body to the call log. */
  describe: (body: unknown) => void;
}

/** Returns an object as Go holds it: without empty values, its fields in Go's order. */
export const normalized = (object: KubeObject): KubeObject =>
  fieldsOfStruct(object.kind) ? (decodeInto(object, object.kind, { keepsTimes: true }).value as KubeObject) : object;
