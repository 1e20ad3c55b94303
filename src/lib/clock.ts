/** Time, injected so that tests can move it. Policy that spans processes uses the database's clock instead (`carillon_now()`). */
export interface Clock {
  now(): Date;
  /** Milliseconds since an arbitrary start; never jumps. For deadlines inside one process. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};

/** Nest injection token for {@link Clock}. */
export const CLOCK = Symbol('Clock');
