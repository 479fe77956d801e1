export { seriousViolations } from './axe.ts'
export { findBrowser } from './find-browser.ts'
export { openPage, startBrowser, type WatchedPage } from './open-page.ts'
export { provideBrowser } from './provide-browser.ts'
