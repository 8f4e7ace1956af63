/** Units are added from documents, and what they say is changed. */
import { isDeepStrictEqual } from 'node:util';
import type { CallerView, Params, Results } from '../channel/protocol.ts';
import type { WorkView } from '../channel/views.ts';
import { overseer } from '../domain/message.ts';
import { hasEnded } from '../domain/session-state.ts';
import { ownedStates } from '../domain/work-state.ts';
import { requireRoom } from '../orchestration/sling-unit.ts';
import { GasTownError } from '../platform/errors.ts';
import { withoutUndefined } from '../platform/objects.ts';
import type { StoredWork } from '../store/work.ts';
import type { WorkEdit } from '../work/service.ts';
import { parseWorkDocument } from '../work/work-document.ts';
import type { WorkDocument } from '../work/work-document.ts';
import { nameOfCaller } from './caller.ts';
import type { ApiParts } from './context.ts';
import { kindOfCaller } from './rights.ts';

type NewUnit = Omit<Params<'work.add'>, 'description'> & { description: string };

export function addWork(town: ApiParts, params: Params<'work.add'>, caller: CallerView): WorkView {
  const by = nameOfCaller(caller);
  requireRoom(town, by);
  return town.views.work(
    town.store.transaction(() => {
      const { id } = addUnit(town, params, by);
      if (params.after !== undefined) town.dependencies.add(id, params.after, by);
      return town.work.get(id);
    }),
  );
}

/** All of them are added, or none. A unit may wait for one that comes later in the documents. */
export function addWorkFromDocuments(
  town: ApiParts,
  { documents }: Params<'work.import'>,
  caller: CallerView,
): Results['work.import'] {
  const by = nameOfCaller(caller);
  const units = documents.flatMap(({ name, text }) =>
    parseWorkDocument(name, text).map((document) => ({ where: `${name}:${document.line}`, document })),
  );
  const added = town.store.transaction(() => {
    const ids = units.map(({ where, document }) =>
      at(where, () => {
        requireRoom(town, by);
        const { line: _line, rig, batch, description, ...given } = document;
        if (description === '' && given.title === undefined)
          throw new GasTownError(
            'bad-input',
            'this unit says nothing. Give it a title, or a text below its front matter.',
          );
        const places = withoutUndefined({ rig: rig || undefined, batch: batch || undefined });
        return addUnit(town, { ...given, ...places, description: description || given.title! }, by).id;
      }),
    );
    units.forEach(({ where, document: { after = [] } }, index) =>
      at(where, () => town.dependencies.add(ids[index]!, after, by)),
    );
    return ids;
  });
  return { work: added.map((id) => town.views.work(town.work.get(id))) };
}

function addUnit(town: ApiParts, { after: _later, ...params }: NewUnit, by: string): StoredWork {
  if (params.rig !== undefined) town.rigs.get(params.rig);
  const batch = params.batch === undefined ? undefined : town.batches.named(params.batch, by).id;
  const { description, ...given } = params;
  return town.work.add({ ...withoutUndefined({ ...given, batch }), description }, by);
}

/** What goes wrong with one of several units says which, and that nothing was done. */
function at<T>(where: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!GasTownError.is(error)) throw error;
    throw new GasTownError(error.code, `${where}: ${error.message} Nothing was added.`, { cause: error });
  }
}

export function editWork(town: ApiParts, params: Params<'work.edit'>, caller: CallerView): WorkView {
  const by = nameOfCaller(caller);
  const unit = town.work.get(params.id);
  requireOwn(town, unit, caller);
  const { after, batch, ...fields } = wanted(params);
  return town.views.work(
    town.store.transaction(() => {
      const changed = changedFields(town, unit, fields);
      const names = Object.keys(changed);
      const edited =
        names.length === 0 ? unit : town.work.edit(unit, changed, { by, note: `changed: ${names.join(', ')}` });
      if (batch !== undefined) town.batches.put(edited, batch === '' ? null : town.batches.named(batch, by).id, by);
      if (after !== undefined) setAfter(town, unit.id, after, by);
      if (changed.title !== undefined || changed.description !== undefined) tellOwner(town, town.work.get(unit.id), by);
      return town.work.get(unit.id);
    }),
  );
}

export function dependWork(
  town: ApiParts,
  { id, on, remove = false }: Params<'work.depend'>,
  caller: CallerView,
): WorkView {
  const by = nameOfCaller(caller);
  requireOwn(town, town.work.get(id), caller);
  return town.views.work(remove ? town.dependencies.remove(id, on, by) : town.dependencies.add(id, on, by));
}

/** Who does not dispatch changes what they have added themselves. */
function requireOwn(town: ApiParts, { id }: StoredWork, caller: CallerView): void {
  const role = caller.kind === 'session' ? town.registry.get(caller.session).role : undefined;
  const by = town.store.work.addedBy(id);
  if (kindOfCaller(caller, role) !== 'worker' || by === nameOfCaller(caller)) return;
  throw new GasTownError(
    'denied',
    `${id} was added by ${by ?? 'somebody else'}, so it is not yours to change. Write to the mayor: gt mail send mayor/`,
  );
}

type Edit = WorkEdit & { after?: string[]; batch?: string };

function wanted({ id, document, ...fields }: Params<'work.edit'>): Edit {
  if (document === undefined) return withoutUndefined(fields);
  const [unit, second] = parseWorkDocument(document.name, document.text);
  if (second !== undefined)
    throw new GasTownError(
      'bad-input',
      `${document.name}:${second.line}: a second unit begins here, and this is about ${id} only. Put a blank line behind a rule that begins none.`,
    );
  const { line, id: said, description, ...rest } = unit ?? ({ line: 1, description: '' } satisfies WorkDocument);
  if (said !== undefined && said !== id)
    throw new GasTownError(
      'bad-input',
      `${document.name}:${line}: this is ${said}, not ${id}. An id cannot be changed.`,
    );
  return { ...withoutUndefined(rest), ...(description === '' ? {} : { description }), ...withoutUndefined(fields) };
}

/** What of it is not so already. */
function changedFields(town: ApiParts, unit: StoredWork, fields: WorkEdit): WorkEdit {
  const { rig } = fields;
  if (rig !== undefined && rig !== unit.rig) {
    if (rig !== '') town.rigs.get(rig);
    if (unit.branch !== undefined)
      throw new GasTownError(
        'refused',
        `${unit.id} has been begun in ${unit.rig}, on ${unit.branch}: it stays there. Add another unit for ${rig || 'no rig'}.`,
      );
  }
  const entries = Object.entries(fields).filter(
    ([key, value]) => !isDeepStrictEqual(value, unit[key as keyof WorkEdit]),
  );
  return Object.fromEntries(entries) as WorkEdit;
}

function setAfter(town: ApiParts, id: string, after: readonly string[], by: string): void {
  const known = town.store.dependencies.of(id).map((each) => each.after);
  const dropped = known.filter((each) => !after.includes(each));
  if (dropped.length > 0) town.dependencies.remove(id, dropped, by);
  town.dependencies.add(id, after, by);
}

/** A session that has the old text is told the new one, once. One that has not been told of the unit yet reads that anyway. */
function tellOwner(town: ApiParts, { id, owner, state, title, description }: StoredWork, by: string): void {
  const session = owner === undefined || !ownedStates.includes(state) ? undefined : town.registry.find(owner);
  if (!session || hasEnded(session) || session.id === by) return;
  const waits = town.store.messages.pending(session.id);
  if (waits.some((each) => each.kind === 'work' && each.workId === id && each.attempts === 0)) return;
  const who = by === overseer ? 'the user' : by;
  const text = description === '' || description === title ? title : `${title}\n\n${description}`;
  town.outbox.accept({
    id: `edited_${id}_${town.manager.now()}`,
    from: 'host',
    to: session.id,
    kind: 'nudge',
    body: `${id}, which you work on, was changed by ${who}. This is what is to be done now:\n${text}`,
    workId: id,
  });
}
