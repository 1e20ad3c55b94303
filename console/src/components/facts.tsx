import type { ReactNode } from 'react';
import './facts.css';

/** Names and values, one below the other. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="facts">{children}</dl>;
}

/** The main thing, and facts beside it; on a phone below. */
export function Beside({ children }: { children: ReactNode }) {
  return <div className="beside">{children}</div>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
