/**
 * Every page of the site, in the order of the navigation. `view` is a file of views/; what the
 * navigation calls the page is `label`, or the `label` of `text` in content.json.
 */
export const pages = [
  { path: '/', view: 'home', text: 'home' },
  { path: '/about', view: 'about', text: 'about' },
  // atelier:routes
]
