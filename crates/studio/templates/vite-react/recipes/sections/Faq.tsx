import './Faq.css'

const title = 'Questions and answers'

const questions = [
  {
    question: 'How do I begin?',
    answer: 'Press the first button on this page. You will be asked for nothing but a name.',
  },
  {
    question: 'Can I change my mind later?',
    answer: 'Yes, at any time. What you have made stays with you, whatever you choose.',
  },
  {
    question: 'What happens to my data?',
    answer: 'It stays where you put it. Nothing is shared and nothing is sold.',
  },
  {
    question: 'Whom can I ask?',
    answer: 'Write to us. A person reads every message and answers within a day.',
  },
]

export function Faq() {
  return (
    <section className="section" id="faq" aria-labelledby="faq-title">
      <div className="wrap faq">
        <div className="section-head">
          <h2 id="faq-title">{title}</h2>
        </div>
        <div>
          {questions.map((entry) => (
            <details key={entry.question}>
              <summary>{entry.question}</summary>
              <p className="muted">{entry.answer}</p>
            </details>
          ))}
        </div>
      </div>
    </section>
  )
}
