/** @jsxImportSource hono/jsx */
import type { FC } from 'hono/jsx'

/** The console's page: a frame and templates; `browser/` fills them with services as they come. */
export const Page: FC = () => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>Connections</title>
      <link rel="icon" href="/icon.svg" type="image/svg+xml" />
      <link rel="stylesheet" href="/console.css" />
      <script src="/console.js" type="module" />
    </head>
    <body>
      <Icons />
      <header class="top">
        <h1>Connections</h1>
        <p id="summary" />
        <p id="stream" data-state="connecting">
          connecting …
        </p>
      </header>
      <main id="services" aria-label="Services">
        <noscript>This page needs JavaScript. In a terminal, bun run status shows the same.</noscript>
      </main>
      <div id="announcements" role="status" aria-atomic="false" class="hidden" />
      <Card />
      <Details />
    </body>
  </html>
)

const Card: FC = () => (
  <template id="card">
    <article>
      <div class="frame">
        <header>
          <h2>Service</h2>
          <p class="lamp">
            <svg aria-hidden="true" class="icon">
              <use />
            </svg>
            <span class="status" />
          </p>
          <button type="button" class="open" aria-haspopup="dialog">
            Details
          </button>
          <p class="pages" />
        </header>
        <p class="reason" />
        <div class="pool">
          <div class="gauge" role="img">
            <i class="used" />
            <i class="overflow" />
            <i class="connecting" />
            <i class="idle" />
          </div>
          <dl class="numbers">
            <Count name="idle" title="Connections that are open and not in use" />
            <Count name="overflow" title="Connections beyond DATABASE_POOL_SIZE" />
            <Count name="opening" title="Connections that are being opened" />
            <Count
              name="behind"
              label="behind another"
              title="Statements that wait behind another one on its connection"
            />
            <Count
              name="failures"
              label="failed in 5 min"
              title="Requests answered with 5xx in the last 5 minutes"
            />
          </dl>
        </div>
        <ul class="hosts" aria-label="Hosts" />
        <div class="charts" />
        <div class="notes">
          <section class="advice">
            <h3>Advice</h3>
            <ul />
          </section>
          <section class="events">
            <h3>Events</h3>
            <ol />
          </section>
        </div>
      </div>
    </article>
  </template>
)

const Count: FC<{ name: string; label?: string; title: string }> = ({ name, label = name, title }) => (
  <div class={name} title={title}>
    <dt>{label}</dt>
    <dd>–</dd>
  </div>
)

const Details: FC = () => (
  <dialog id="details" aria-labelledby="details-title">
    <header>
      <h2 id="details-title">Service</h2>
      <button type="button" class="refresh">
        Refresh
      </button>
      <button type="button" class="close">
        Close
      </button>
    </header>
    <section class="body" aria-label="Detailed report" tabindex={0} />
  </dialog>
)

/** A shape of its own for each status: colour alone tells some people nothing. */
const Icons: FC = () => (
  <svg class="hidden" aria-hidden="true">
    <symbol id="icon-healthy" viewBox="0 0 16 16">
      <circle cx="8" cy="8" r="7" class="fill" />
      <path d="M4.8 8.3 7 10.5l4.2-4.8" class="mark" />
    </symbol>
    <symbol id="icon-degraded" viewBox="0 0 16 16">
      <path d="M8 1 15.5 14.5H.5z" class="fill" />
      <path d="M8 6v4M8 12v.6" class="mark" />
    </symbol>
    <symbol id="icon-unhealthy" viewBox="0 0 16 16">
      <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" class="fill" />
      <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" class="mark" />
    </symbol>
    <symbol id="icon-unreachable" viewBox="0 0 16 16">
      <circle cx="8" cy="8" r="6.2" class="line" />
      <path d="m3.8 12.2 8.4-8.4" class="line" />
    </symbol>
    <symbol id="icon-unknown" viewBox="0 0 16 16">
      <circle cx="8" cy="8" r="6.2" class="line dashed" />
      <path d="M6.2 6.2c0-2.4 3.6-2.4 3.6 0 0 1.6-1.8 1.5-1.8 3M8 11v.6" class="line" />
    </symbol>
  </svg>
)
