import { numbers, texts, words } from '../database/array-literal.js';
import type { StatementPart } from '../database/prepared.js';
import type { NamedAudience } from './audience.js';
import { type AudienceGroup, MAX_GROUP_SIZE } from './audience.repository.js';

/** One row of {@link namedPart}. */
export interface NamedGroup extends AudienceGroup {
  /** Index of the audience. */
  position: number;
}

/**
 * The active devices of several audiences, of any applications, as a query: rows of {@link NamedGroup}, in the order of their
 * first id. Of each name at most one device more than a group may hold, so that too many are known to be too many.
 *
 * @param audiences undefined: none at this position
 */
export function namedPart(
  audiences: readonly ({ applicationId: string; audience: NamedAudience } | undefined)[],
): StatementPart {
  const users = new Names();
  const devices = new Names();
  for (const [position, named] of audiences.entries()) {
    if (!named) continue;
    const { applicationId, audience } = named;
    if ('userIds' in audience) for (const name of audience.userIds) users.add(position, applicationId, name);
    else for (const name of audience.deviceIds) devices.add(position, applicationId, name);
  }
  return { sql: namedDevices, values: [...users.literals(), ...devices.literals()] };
}

/** Who is wanted, in columns. */
class Names {
  private readonly positions: number[] = [];
  private readonly applicationIds: string[] = [];
  private readonly names: string[] = [];

  add(position: number, applicationId: string, name: string): void {
    this.positions.push(position);
    this.applicationIds.push(applicationId);
    this.names.push(name);
  }

  literals(): string[] {
    return [numbers(this.positions), words(this.applicationIds), texts(this.names)];
  }
}

// Each name is looked up by itself, in an index, whatever the planner thinks of the number of names.
function namedDevices(first: number): string {
  const at = (index: number) => `$${first + index}`;
  return `
    select position, provider, array_agg(id order by id)::text as "deviceIds", count(*)::int as n, min(id) as "firstId",
      max(id) as "lastId"
    from (
      select wanted.position, found.id, found.provider
      from unnest(${at(0)}::int[], ${at(1)}::uuid[], ${at(2)}::text[]) as wanted(position, application_id, name)
      cross join lateral (
        select d.id, d.provider from device d
        where d.application_id = wanted.application_id and d.user_id = wanted.name and d.status = 'active'
        order by d.id limit ${MAX_GROUP_SIZE + 1}) found
      union all
      select wanted.position, found.id, found.provider
      from unnest(${at(3)}::int[], ${at(4)}::uuid[], ${at(5)}::uuid[]) as wanted(position, application_id, name)
      cross join lateral (
        select d.id, d.provider from device d
        where d.public_id = wanted.name and d.application_id = wanted.application_id and d.status = 'active' limit 1) found
    ) member
    group by position, provider order by position, min(id)`;
}

/** Groups by audience; undefined for one with more devices than one group may hold. */
export function groupsOf(rows: readonly NamedGroup[], audiences: number): (AudienceGroup[] | undefined)[] {
  const groups: AudienceGroup[][] = Array.from({ length: audiences }, () => []);
  for (const { position, ...group } of rows) groups[position]?.push(group);
  return groups.map((found) => (found.reduce((sum, { n }) => sum + n, 0) > MAX_GROUP_SIZE ? undefined : found));
}
