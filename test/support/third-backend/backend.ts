import type { BackendDescriptor } from '../../../shared/backends/backend.ts';
import { ThirdDriver } from './driver.ts';
import { variables } from './variables.ts';

/** The smallest backend that is complete: what docs/developer/adding-a-backend.md walks through. */
export const third: BackendDescriptor = {
  name: 'third',
  title: 'The third agent',
  program: 'third',
  newTownRoles: [],
  givesUp: true,
  accountAdvice: 'The scripted model takes everybody: look at its address.',
  // There is none: the program itself asks the host for its role context.
  reporter: 'third.js',
  variables,
  identityFile: false,
  loadDriver: () => Promise.resolve((host, { environment }) => new ThirdDriver(host, environment)),
};
