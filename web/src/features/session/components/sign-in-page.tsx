import { KeyRound } from 'lucide-react'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { CopyButton } from '@/components/ui/copy-button'
import { Field, Input } from '@/components/ui/field'
import { Wordmark } from '@/components/ui/wordmark'
import { useSignIn } from '../api'

/** What someone sees who has no session: how to get a link, or where to paste a token. */
export default function SignInPage({ banner }: { banner: ReactNode }) {
  const { t } = useTranslation()
  const [token, setToken] = useState('')
  const signIn = useSignIn()
  useEffect(() => {
    document.title = `${t('signIn.title')} · Atelier`
  }, [t])

  function submit(event: FormEvent) {
    event.preventDefault()
    if (token.trim()) signIn.mutate(token.trim())
  }

  return (
    <>
      {banner}
      <main className="grid min-h-dvh place-items-center bg-[image:var(--glow)] bg-no-repeat p-4">
        <div className="w-full max-w-md animate-rise">
          <Wordmark className="mb-8 justify-center" />
          <div className="rounded-2xl border border-line-soft bg-surface p-7 shadow-float">
            <h1 className="text-xl font-semibold tracking-[-0.03em]">{t('signIn.title')}</h1>
            <p className="mt-2 text-muted">{t('signIn.lead')}</p>
            <div className="mt-5 flex items-center justify-between rounded-lg bg-sunken py-1.5 pr-1.5 pl-3">
              <code className="font-mono text-[0.8125rem]">atelier open</code>
              <CopyButton text="atelier open" />
            </div>
            <p className="mt-2 text-xs text-muted">{t('signIn.openHint')}</p>
            <form onSubmit={submit} className="mt-7 border-t border-line-soft pt-6">
              <Field label={t('signIn.token')} htmlFor="token" hint={t('signIn.tokenHint')}>
                <Input
                  id="token"
                  type="password"
                  autoComplete="off"
                  placeholder="atl_…"
                  value={token}
                  onChange={(event) => setToken(event.target.value)}
                />
              </Field>
              {signIn.error ? <InlineError error={signIn.error} className="mt-4" /> : null}
              <Button
                type="submit"
                variant="primary"
                className="mt-4 w-full"
                disabled={!token.trim() || signIn.isPending}
              >
                <KeyRound /> {t('signIn.submit')}
              </Button>
            </form>
          </div>
        </div>
      </main>
    </>
  )
}
