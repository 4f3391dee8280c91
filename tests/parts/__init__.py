"""The real components that tests run against, as session fixtures."""
