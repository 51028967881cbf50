"""The price book: every price with its source and date, and how it is refreshed."""
