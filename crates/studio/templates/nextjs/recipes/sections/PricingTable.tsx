import './PricingTable.css'

const title = 'Simple prices'
const text = 'Begin for nothing. Pay when it pays off.'

const plans = [
  {
    name: 'Starter',
    price: '$0',
    period: 'for ever',
    text: 'For trying things out.',
    features: ['One project', 'All the essentials', 'Help by mail'],
    action: 'Start now',
    featured: false,
  },
  {
    name: 'Studio',
    price: '$12',
    period: 'a month',
    text: 'For work that matters.',
    features: ['Unlimited projects', 'Your own address', 'History of 90 days', 'Help within a day'],
    action: 'Try it for a month',
    featured: true,
  },
  {
    name: 'Team',
    price: '$29',
    period: 'a month',
    text: 'For working together.',
    features: ['Everything in Studio', 'Up to ten people', 'Roles and approvals'],
    action: 'Talk to us',
    featured: false,
  },
]

export function PricingTable() {
  return (
    <section className="section" id="pricing" aria-labelledby="pricing-title">
      <div className="wrap">
        <div className="section-head">
          <h2 id="pricing-title">{title}</h2>
          <p className="muted">{text}</p>
        </div>
        <div className="plans">
          {plans.map((plan) => (
            <article className={plan.featured ? 'card plan featured' : 'card plan'} key={plan.name}>
              <h3>{plan.name}</h3>
              <p className="plan-price">
                <strong>{plan.price}</strong> <span className="muted">{plan.period}</span>
              </p>
              <p className="muted">{plan.text}</p>
              <ul>
                {plan.features.map((feature) => (
                  <li key={feature}>{feature}</li>
                ))}
              </ul>
              <a className={plan.featured ? 'button' : 'button quiet'} href="#contact">
                {plan.action}
              </a>
            </article>
          ))}
        </div>
      </div>
    </section>
  )
}
