/**
 * Configuration schemas in the two forms that EKS publishes: schemas of networking add-ons are generated, draft 6, and
 * use references throughout; schemas of CSI drivers are handwritten, draft 2019-09. Source of the forms:
 * terraform-aws-modules/terraform-aws-eks#2667 (vpc-cni), aws/amazon-vpc-cni-k8s#2272 (aws-ebs-csi-driver). The
 * parameters are a selection of the real ones.
 */
export type Property = Record<string, unknown>;

const closed = (properties: Record<string, Property>): Property => ({
  type: 'object',
  additionalProperties: false,
  properties,
});

export const object = closed;
export const text: Property = { type: 'string' };
export const integer: Property = { type: 'integer' };
export const boolean: Property = { type: 'boolean' };
export const list: Property = { type: 'array' };
/** A part of a pod's specification that is passed on unchanged. */
export const anyObject: Property = { type: 'object' };
export const texts: Property = { type: 'object', additionalProperties: text };
/** Environment variables are strings, also those that look like numbers. */
export const variable = (format?: 'boolean' | 'integer'): Property => ({
  type: 'string',
  ...(format === undefined ? {} : { format }),
});
export const oneOf = (...values: string[]): Property => ({ type: 'string', enum: values });

/** CPU and memory; EKS accepts numbers and strings such as `50m`. */
export const resources: Property = closed({
  limits: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
  requests: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
});
export const tolerations: Property = {
  type: 'array',
  items: closed({
    key: text,
    operator: oneOf('Exists', 'Equal'),
    value: text,
    effect: oneOf('NoSchedule', 'PreferNoSchedule', 'NoExecute', ''),
    tolerationSeconds: integer,
  }),
};
export const affinity: Property = { type: ['object', 'null'] };
/** Pod settings that many add-ons support. */
export const podSettings = {
  affinity,
  nodeSelector: texts,
  podAnnotations: texts,
  podLabels: texts,
  resources,
  tolerations,
};
export const replicas = (most?: number): Property => ({
  type: 'integer',
  minimum: 1,
  ...(most === undefined ? {} : { maximum: most }),
});

/** Returns a schema in the form of the CSI drivers, as text: additional properties are not allowed. */
export const configurationSchema = (
  description: string,
  properties: Record<string, Property>,
  definitions: Record<string, Property> = {},
): string =>
  JSON.stringify({
    ...(Object.keys(definitions).length > 0 ? { $defs: definitions } : {}),
    $schema: 'https://json-schema.org/draft/2019-09/schema',
    additionalProperties: false,
    description,
    properties,
    type: 'object',
  });

/** Returns a reference to one of the `$defs` of `configurationSchema`. */
export const reference = (name: string): Property => ({ $ref: `#/$defs/${name}` });

const titleOf = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** Returns a schema in the form of the networking add-ons, as text: each object is a separate definition. */
export const generatedSchema = (title: string, description: string, properties: Record<string, Property>): string => {
  const definitions: Record<string, Property> = {};
  const referTo = (name: string, property: Property): Property => {
    if (property['type'] !== 'object' && property['items'] === undefined) return property;
    const nested = property['properties'] as Record<string, Property> | undefined;
    definitions[name] = { ...property, ...(nested ? { properties: namedIn(name, nested) } : {}), title: name };
    return { $ref: `#/definitions/${name}` };
  };
  const namedIn = (parent: string, members: Record<string, Property>): Record<string, Property> =>
    Object.fromEntries(
      Object.entries(members).map(([name, property]) => [
        name,
        referTo(`${parent === title ? '' : parent}${titleOf(name)}`, property),
      ]),
    );
  const root = { ...closed(namedIn(title, properties)), title };
  return JSON.stringify({
    $ref: `#/definitions/${title}`,
    $schema: 'http://json-schema.org/draft-06/schema#',
    definitions: { ...definitions, [title]: root },
    description,
  });
};
