"""`modelyard prices`: the price book, brought up to date."""
