// On a small screen the pages are behind a button.
for (const button of document.querySelectorAll('.navbar-menu')) {
  const navigation = document.getElementById(button.getAttribute('aria-controls'))
  button.addEventListener('click', () => {
    const isOpen = button.getAttribute('aria-expanded') !== 'true'
    button.setAttribute('aria-expanded', String(isOpen))
    navigation.dataset.open = String(isOpen)
  })
}
