import type { Page } from 'playwright-core'

/** Sizes in CSS pixels that the page is made for. */
export const screens = {
  laptop: { width: 1366, height: 768 },
  desktop: { width: 1920, height: 1080 },
  phone: { width: 390, height: 844 },
} as const

/** Shows the page on a screen of this size, from its top; resolves when it is drawn. */
export async function showOn(page: Page, size: { width: number; height: number }): Promise<void> {
  await page.setViewportSize(size)
  // Charts are drawn in the frame after the one in which they got their size.
  await page.evaluate(`scrollTo(0, 0)
    new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))`)
}
