import type en from './en.json'
import type models from './models/en.json'

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en; models: typeof models }
    returnNull: false
  }
}
