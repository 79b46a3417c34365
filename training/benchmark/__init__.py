"""The benchmark: suites of data, the methods measured on them, and the page that shows it."""
