import type { TFunction } from 'i18next'

/** Who did something, for a person: the id of a token says nothing to them. */
export function actorName(actor: string, t: TFunction): string {
  if (actor === 'owner' || actor === 'system') return t(`actor.${actor}`)
  return actor.startsWith('token:') ? t('actor.token') : actor
}
