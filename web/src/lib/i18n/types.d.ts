import type en from './en.json'
import type memory from './memory/en.json'
import type models from './models/en.json'
import type studio from './studio/en.json'

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en; models: typeof models; studio: typeof studio; memory: typeof memory }
    returnNull: false
  }
}
