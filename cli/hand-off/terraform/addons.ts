/** Chooses where the add-on of a hand-off is defined: in a resource, or in the arguments of a module. */
import type { HandOff } from '../../../lambdas/domain/terms/hand-off.ts';
import { addressOf, matchesOf, patchAddon } from './addon.ts';
import { type Code, NOTHING } from './code.ts';
import type { Finding, Patch } from './model.ts';
import { type AddonPlace, addonsInModules } from './module-addons.ts';

interface Definition {
  path: string;
  line: number;
  address: string;
}

/** Returns findings for several definitions of which only a person knows which the add-on is. */
const ambiguous = (definitions: readonly Definition[], { target, addon }: HandOff): Patch => ({
  edits: [],
  findings: definitions.map(({ path, line, address }, index): Finding => {
    const others = definitions.filter((_, other) => other !== index);
    const places = others.map((other) => `${other.address} (${other.path}:${String(other.line)})`).join(' and ');
    return {
      result: 'left',
      about: 'addon',
      path,
      line,
      what: `${address} may define ${addon?.name ?? ''} of ${target.cluster}, but so may ${places}.`,
      why: 'Which it is cannot be read from the code.',
      next: 'Edit the right one: `pod-identity hand-off` prints what it must contain.',
    };
  }),
});

/** Patches the definition of the add-on. Finds nothing if the code has none. */
export function patchAddons(code: Code, handOff: HandOff): Patch {
  const { addon, target } = handOff;
  if (addon === undefined) return NOTHING;
  const resources = matchesOf(code, target, addon.name).map((match) => ({
    path: match.file.path,
    line: match.block.line,
    address: addressOf(match),
    cluster: match.cluster,
    addon: match.addon,
  }));
  const modules = addonsInModules(code.scopes.values(), handOff);
  const isCertain = (place: Pick<AddonPlace, 'cluster' | 'addon'>): boolean =>
    place.cluster === 'yes' && place.addon === 'yes';
  const isNamed = (place: Pick<AddonPlace, 'addon'>): boolean => place.addon === 'yes';
  for (const fits of [isCertain, isNamed]) {
    const [inModules, inResources] = [modules.filter(fits), resources.filter(fits)];
    if (inModules.length + inResources.length === 0) continue;
    const [module, ...more] = inModules;
    if (module === undefined) return patchAddon(code, handOff);
    return more.length + inResources.length > 0 ? ambiguous([...inModules, ...inResources], handOff) : module.patch();
  }
  if (resources.length > 0) return patchAddon(code, handOff);
  // Arguments that can't be read may define the add-on.
  return { edits: [], findings: modules.flatMap((module) => module.patch().findings) };
}
