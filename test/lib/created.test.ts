/** What AWS says to the state machines of each deployment when they are created: see `sandbox/states/validation`. */
import { describe, expect, it } from 'vitest';
import { createDefinition } from '../../sandbox/states/create-definition.ts';
import { parseDefinition } from '../../sandbox/states/parse-definition.ts';
import { validateDefinition } from '../../sandbox/states/validation/validate.ts';
import { CONFIGURATIONS } from './configurations.ts';
import { deployed, type Deployment, sweep } from './definition.ts';
import { synthesiseWith } from './synthesised.ts';

const deployments = Object.entries(CONFIGURATIONS).map(
  ([name, { context, settings, everyRole = false }]): [string, () => Deployment] => [
    name,
    () => (everyRole ? deployed : synthesiseWith(context, settings)),
  ],
);

describe.each(deployments)('the state machines of a deployment with %s', (_, deployment) => {
  it('are created, and nothing in them may fail by what it reads', () => {
    const machines = deployment().resourcesOf('AWS::StepFunctions::StateMachine');
    expect(machines.length).toBeGreaterThanOrEqual(3);
    const found = machines.flatMap(([name, { Properties }]) => {
      const definition = JSON.parse(deployment().resolve(Properties.DefinitionString) as string) as object;
      return validateDefinition(parseDefinition(name, definition)).map((diagnostic) => ({ name, ...diagnostic }));
    });
    expect(found).toEqual([]);
  });
});

describe('the state machine Sweep of before', () => {
  // Its Map kept what failed in a variable that the sweep itself assigns.
  const before = JSON.parse(JSON.stringify(sweep.definition).replaceAll('locationFailure', 'failure')) as object;

  it('is refused, with the variable, both places, and what to do', () =>
    expect(() => createDefinition('Sweep', before)).toThrow(
      expect.objectContaining({
        name: 'InvalidDefinition',
        message:
          "Sweep: Invalid State Machine Definition: 'DUPLICATE_VARIABLE_NAME: The variable 'failure' is also assigned in an outer scope, at /States/BeginSweep/Catch[0]/Assign/failure, so an inner scope must not assign it. Use another name here at /States/InspectLocations/ItemProcessor/States/TakeInventory/Catch[0]/Assign/failure'",
      }) as Error,
    ));

  it('is the same but for that', () => expect(createDefinition('Sweep', sweep.definition).StartAt).toBe('BeginSweep'));
});
