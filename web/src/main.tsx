import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { I18nextProvider } from 'react-i18next'
import { i18n, setupI18n } from '@/lib/i18n/setup'
import { createQueryClient } from '@/lib/query-client'
import { router } from '@/routes/router'
import '@/styles/app.css'

const client = createQueryClient()
const element = document.getElementById('root')
if (!element) throw new Error('index.html has no #root')

await setupI18n()
createRoot(element).render(
  <StrictMode>
    <I18nextProvider i18n={i18n}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </I18nextProvider>
  </StrictMode>,
)
