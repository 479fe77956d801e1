import type { Update } from '../wire.ts'

new EventSource('/events').addEventListener('update', ({ data }) => {
  const { services }: Update = JSON.parse(data)
  document.title = services.map(({ name, status }) => `${name} ${status}`).join(', ')
})
