/** What the processes of one port are called: `api-1`, `api-2`. */
export function apiProcessNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `api-${i + 1}`);
}

/** What to change in the environment so that a process becomes this one of several that serve one port. */
export function apiEnvironment(name: string): Record<string, string> {
  return { CARILLON_ROLE: 'api', API_PROCESSES: '1', API_PROCESS: name };
}
