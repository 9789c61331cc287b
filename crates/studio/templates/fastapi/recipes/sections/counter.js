// A button with a step counts; one without begins again.
for (const counter of document.querySelectorAll('.counter')) {
  const output = counter.querySelector('output')
  for (const button of counter.querySelectorAll('button')) {
    const { step } = button.dataset
    button.addEventListener('click', () => {
      output.value = step ? Number(output.value) + Number(step) : 0
    })
  }
}
