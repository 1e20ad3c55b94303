/** So many equal refusals of the content, without one acceptance, condemn the rest. */
const MAX_EQUAL_REFUSALS = 100;
/** Notifications remembered at once; the oldest are forgotten and counted anew. */
const MAX_REMEMBERED = 10_000;

interface Tally {
  accepted: boolean;
  /** The code that condemned the rest. */
  stoppedBy: string | undefined;
  refusals: Map<string, number>;
}

/** Decides when a notification is refused so uniformly by one provider that sending the rest would only burn quota. */
export class StopRule {
  private readonly tallies = new Map<string, Tally>();

  /** Counts one answer; true exactly once, when the rest should fail unsent. */
  count(notificationId: string, provider: string, answer: 'accepted' | 'invalid', code: string): boolean {
    const key = `${notificationId} ${provider}`;
    let tally = this.tallies.get(key);
    if (!tally) {
      tally = { accepted: false, stoppedBy: undefined, refusals: new Map() };
      this.tallies.set(key, tally);
      const oldest = this.tallies.size > MAX_REMEMBERED ? this.tallies.keys().next().value : undefined;
      if (oldest !== undefined) this.tallies.delete(oldest);
    }
    if (answer === 'accepted') {
      tally.accepted = true;
      return false;
    }
    const refusals = (tally.refusals.get(code) ?? 0) + 1;
    tally.refusals.set(code, refusals);
    if (tally.accepted || tally.stoppedBy !== undefined || refusals < MAX_EQUAL_REFUSALS) return false;
    tally.stoppedBy = code;
    return true;
  }

  /** The code with which the rest fails unsent, as soon as one job of this process found out. */
  stoppedBy(notificationId: string, provider: string): string | undefined {
    return this.tallies.size === 0 ? undefined : this.tallies.get(`${notificationId} ${provider}`)?.stoppedBy;
  }
}
