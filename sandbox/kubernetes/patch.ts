/**
 * The two patch formats that clients of the sandbox use: JSON merge patch (RFC 7386) and Kubernetes' strategic merge
 * patch, which merges some lists by a key instead of replacing them.
 */
type Json = unknown;
type JsonObject = Record<string, Json>;

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `patchMergeKey` of lists in the sandbox's kinds (k8s.io/api, core/v1 and apps/v1). */
const MERGE_KEYS: Record<string, string> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  ports: 'containerPort',
  imagePullSecrets: 'name',
  secrets: 'name',
  topologySpreadConstraints: 'topologyKey',
  hostAliases: 'ip',
  ownerReferences: 'uid',
};

/** Strategic directives that only determine the order of lists or which union members are kept. */
const IGNORED = /^\$(setElementOrder\/|retainKeys$)/;

const mergeList = (target: Json[], patch: Json[], key: string): Json[] => {
  if (patch.some((item) => isObject(item) && item['$patch'] === 'replace'))
    return patch.filter((item) => !isObject(item) || item['$patch'] === undefined);
  let merged = [...target];
  for (const item of patch) {
    if (!isObject(item)) continue;
    const { $patch: directive, ...change } = item;
    const index = merged.findIndex((other) => isObject(other) && other[key] === change[key]);
    if (directive === 'delete') merged = merged.filter((_, at) => at !== index);
    else if (index === -1) merged.push(merge({}, change, true));
    else merged[index] = merge(merged[index], change, true);
  }
  return merged;
};

const merge = (target: Json, patch: Json, strategic: boolean): Json => {
  if (!isObject(patch)) return patch;
  if (strategic && patch['$patch'] === 'replace')
    return Object.fromEntries(Object.entries(patch).filter(([name]) => name !== '$patch'));
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (strategic && IGNORED.test(name)) continue;
    const key = MERGE_KEYS[name];
    if (value === null || (strategic && isObject(value) && value['$patch'] === 'delete')) delete result[name];
    else if (strategic && key !== undefined && Array.isArray(value)) {
      const before = result[name];
      result[name] = mergeList(Array.isArray(before) ? before : [], value, key);
    } else result[name] = merge(result[name], value, strategic);
  }
  return result;
};

/** Returns a new document; neither argument is changed. */
export const mergePatch = (target: JsonObject, patch: JsonObject): JsonObject =>
  merge(target, patch, false) as JsonObject;

/** Works like `mergePatch`, but merges lists such as containers by key and applies `$patch` directives. */
export const strategicMergePatch = (target: JsonObject, patch: JsonObject): JsonObject =>
  merge(target, patch, true) as JsonObject;
