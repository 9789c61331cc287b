interface Place {
  days: { name: string; from: string; to: string }[]
}

const places: Record<string, Place> = {
  bakery: {
    days: [
      { name: 'Monday to Friday', from: '7:00', to: '18:00' },
      { name: 'Saturday', from: '8:00', to: '13:00' },
    ],
  },
}

export function OpeningHours({ place }: { place: string }) {
  return (
    <section className="section" aria-label="Opening hours">
      <ul className="wrap">
        {places[place].days.map((day) => (
          <li key={day.name}>
            {day.name}: {day.from} to {day.to}
          </li>
        ))}
      </ul>
    </section>
  )
}
