import { useState } from 'react'
import './ContactForm.css'

const texts = {
  title: 'Write to us',
  text: 'A question, an idea, a hello. You get an answer within a day.',
  name: 'Your name',
  email: 'Your email',
  message: 'Your message',
  send: 'Send the message',
  thanks: 'Thank you. Your message has been noted.',
}

export function ContactForm() {
  const [isSent, setSent] = useState(false)

  /** Send the message to a server of your own here. */
  function send(form: FormData) {
    console.info('A message from', form.get('name'))
    setSent(true)
  }

  return (
    <section className="section" id="contact" aria-labelledby="contact-title">
      <div className="wrap contact">
        <div className="section-head">
          <h2 id="contact-title">{texts.title}</h2>
          <p className="muted">{texts.text}</p>
        </div>
        <form className="card" action={send}>
          <label>
            {texts.name}
            <input name="name" autoComplete="name" required />
          </label>
          <label>
            {texts.email}
            <input name="email" type="email" autoComplete="email" required />
          </label>
          <label>
            {texts.message}
            <textarea name="message" rows={4} required />
          </label>
          <div className="contact-end">
            <button className="button" type="submit">
              {texts.send}
            </button>
            <p role="status">{isSent ? texts.thanks : ''}</p>
          </div>
        </form>
      </div>
    </section>
  )
}
