import { Anchor, type AnchorProps, Button, type ButtonProps, NavLink, type NavLinkProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentPropsWithRef } from 'react';

type LinkOf<P> = P & Omit<ComponentPropsWithRef<'a'>, keyof P>;

/** A link within the console that looks like one. */
export const RouteLink = createLink((props: LinkOf<AnchorProps>) => <Anchor {...props} />);

/** A link within the console that looks like a button. */
export const RouteButton = createLink((props: LinkOf<ButtonProps>) => <Button component="a" {...props} />);

/** An entry of the menu. */
export const MenuLink = createLink((props: LinkOf<NavLinkProps>) => <NavLink component="a" {...props} />);
