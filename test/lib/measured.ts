/** What a configuration comes to of everything that AWS limits, with all names as long as AWS makes them. */
import { measuresOfAssembly } from '../../sandbox/assembly/limits.ts';
import { type Configuration, withApp } from './synthesised.ts';
import { textsIn } from './texts.ts';

export interface Measured {
  measures: ReturnType<typeof measuresOfAssembly>;
  /** The files of its cloud assembly. */
  texts: Record<string, string>;
}

export const measuredOf = (configuration: Configuration): Measured =>
  withApp(configuration, (app, outdir) => {
    app.synth();
    return { measures: measuresOfAssembly(outdir), texts: textsIn(outdir) };
  });

/** Returns each measure that is above its limit, as text. */
export const tooMuchIn = (measures: Measured['measures']): string[] =>
  measures
    .filter(({ measured, most }) => measured > most)
    .map(({ subject, measured, most, unit }) => `${subject}: ${measured} ${unit} of ${most}`);
