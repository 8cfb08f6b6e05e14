import type { Where } from './error.ts';
import { isObject, type Json } from '../json.ts';
import type { Stack } from './stacks.ts';

export interface ResolvedResource {
  logicalId: string;
  properties: Json;
  where: Where;
}

/**
 * Returns a stack's resources of a type, with resolved properties; resources that the conditions exclude are left out.
 */
export const resourcesOfType = ({ resolver }: Stack, type: string): ResolvedResource[] =>
  Object.entries(resolver.resources).flatMap(([logicalId, resource]) => {
    const where: Where = { template: resolver.file, logicalId };
    if (resource['Type'] !== type || !resolver.isWanted(resource, where)) return [];
    const properties = resolver.resolve(resource['Properties'] ?? {}, { ...where, path: 'Properties' });
    return [{ logicalId, where, properties: isObject(properties) ? properties : {} }];
  });
